"""The example photographs of the live model: from the installed scikit-image, at a quarter of their size.

They reach the page as a script with data: addresses, because a page opened from a file may not read another.
"""

import base64
import json
from io import BytesIO

import numpy as np
from PIL import Image
from skimage import data

from srgan_lib.degradations import imresize

CUP = slice(8, 392), slice(108, 492)  # of the photograph of a coffee


def cut_out_cup():
    """The cup on a disc with a soft edge, on nothing: uint8 (384, 384, 4)."""
    cup = data.coffee()[CUP]
    y, x = np.mgrid[-191.5:192, -191.5:192]
    alpha = (255 * (188 - np.hypot(x, y)) / 8).clip(0, 255)
    return np.dstack([cup, alpha.round().astype(np.uint8)])


# Photographs that no training of ours sees, all CC0 (docstrings of skimage.data name who took them):
# a name, what the reader is told, and where it comes from.
EXAMPLES = (
    ("cat", "Cat", data.chelsea),
    ("coffee", "Coffee", data.coffee),
    ("camera", "Grey", data.camera),
    ("cup", "Cut out", cut_out_cup),
)


def small_examples():
    """Yield (name, label, image): ``uint8``, (h, w) or (h, w, 3 or 4), shrunk as the network learned it."""
    for name, label, load in EXAMPLES:
        image = np.asarray(load())
        height, width = (side - side % 4 for side in image.shape[:2])
        yield name, label, imresize(image[:height, :width], scale=1 / 4)


def script():
    """JavaScript that puts the examples into ``window.srganLive.examples``."""
    examples = [
        {"name": f"{name}.png", "label": label, "data": _data_address(image)}
        for name, label, image in small_examples()
    ]
    return f"window.srganLive = window.srganLive || {{}};\nsrganLive.examples = {json.dumps(examples)};\n"


def _data_address(image):
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
