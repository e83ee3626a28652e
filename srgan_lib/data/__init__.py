"""Photographs: where they come from, and the crops that training sees."""

from srgan_lib.support.lazy import lazy_modules

__getattr__, __dir__ = lazy_modules(__name__, globals())
