"""Training: settings, one update, the loop and what is done in it, checkpoints, run records."""

from srgan_lib.support.lazy import lazy_modules

__getattr__, __dir__ = lazy_modules(__name__, globals())
