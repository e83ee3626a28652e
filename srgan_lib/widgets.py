"""Widgets that compute, for a reader with a running kernel; a stored page shows nothing in their place.

What must work without a kernel is in ``plots``: plain HTML. Here a slider calls Python again.
"""

import os
import sys

import numpy as np
from PIL import Image

LIVE_SIGNS = (
    "JPY_SESSION_NAME",
    "VSCODE_PID",
)  # set by Jupyter's server and by VS Code, not by papermill or nbval


def has_reader():
    """Whether somebody sits before this kernel (Jupyter, VS Code, Colab), and not a program that runs it."""
    return "google.colab" in sys.modules or any(name in os.environ for name in LIVE_SIGNS)


def live(function, **controls):
    """Widgets that call ``function`` and show what it returns or plots; nothing where nobody reads.

    ``controls`` are ipywidgets' abbreviations: ``(least, most, step)`` is a slider, a list or a dictionary a
    menu, True or False a tick box. A ``uint8`` array (H, W, 3) that ``function`` returns is shown as an
    image. It is called once before the widgets appear, so that a mistake in it is seen and not swallowed.
    """
    if not has_reader():
        return
    import ipywidgets

    def shown(**values):
        result = function(**values)
        return Image.fromarray(result) if isinstance(result, np.ndarray) else result

    panel = ipywidgets.interactive(shown, **controls)
    shown(**{child.description: child.value for child in panel.kwargs_widgets})
    ipywidgets.interact(shown, **controls)
