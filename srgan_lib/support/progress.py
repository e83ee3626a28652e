"""Progress bars, drawn where somebody sees them.

A notebook that a program runs (papermill, nbval, a build) draws none: what is drawn would depend on the
machine's speed, and a stored page would load 0.9 MB of scripts to show a bar that has arrived.
"""

import os
import sys

from tqdm.auto import tqdm

# Set by Jupyter's server and by VS Code for their kernels, not by papermill or nbval.
READERS = ("JPY_SESSION_NAME", "VSCODE_PID")


def has_reader():
    """Whether a person runs this notebook (in Jupyter, VS Code or Colab), and not a program."""
    return "google.colab" in sys.modules or any(name in os.environ for name in READERS)


def progress_bar(*items, progress=None, delay=0, **settings):
    """tqdm's bar over ``items`` (none, or what is counted), with tqdm's ``settings``.

    With ``progress`` True it is drawn at once, with False never, and with None after ``delay`` seconds, but
    not in a notebook without a reader.
    """
    hidden = progress is False or (progress is None and _in_notebook() and not has_reader())
    return tqdm(*items, disable=hidden, delay=0 if progress else delay, **settings)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")
