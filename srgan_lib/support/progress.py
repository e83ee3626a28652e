"""Progress bars, drawn where somebody sees them.

A notebook that a program runs (papermill, nbval, a build) draws none: what is drawn would depend on the
machine's speed, and a stored page would load 0.9 MB of scripts to show a bar that has arrived. Nor does a
program whose stderr is no terminal: a file would gather every state of the bar, and a program without a
stderr (pythonw) has nowhere to draw.
"""

import os
import sys

from tqdm.auto import tqdm

# Set by Jupyter's server and by VS Code for their kernels, not by papermill or nbval.
READERS = ("JPY_SESSION_NAME", "VSCODE_PID")


def has_reader():
    """Whether a person runs this notebook (in Jupyter, VS Code or Colab), and not a program."""
    return "google.colab" in sys.modules or any(name in os.environ for name in READERS)


def is_followed():
    """Whether lines about how work goes on have a reader: not in a notebook that a program runs."""
    return not _in_notebook() or has_reader()


def progress_bar(*items, progress=None, delay=0, **settings):
    """tqdm's bar over ``items`` (none, or what is counted), with tqdm's ``settings``.

    With ``progress`` None it is drawn after ``delay`` seconds on a terminal, or in a notebook with a reader;
    with True at once, on a terminal or in any notebook; with False never.
    """
    seen = (_in_notebook() and (progress or has_reader())) or _on_terminal()
    return tqdm(*items, disable=progress is False or not seen, delay=0 if progress else delay, **settings)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def _on_terminal():
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
