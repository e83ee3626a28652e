"""Widgets that compute, for a reader with a running kernel; a stored page shows nothing in their place.

What must work without a kernel is in ``plots``: plain HTML. Here a slider calls Python again.
"""

import numpy as np
from PIL import Image

from srgan_lib.support.progress import has_reader


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
