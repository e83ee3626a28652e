"""Figures that several chapters share: images in a row, two under one slider, several on one slider.

Those with a slider are plain HTML and a script, ``figures.js`` beside this module, that each of them carries:
they need no kernel, library or connection and work in a built page, also from a file, and in the outputs of
Jupyter, VS Code and Colab. Where no script runs they show their pictures side by side.
"""

import base64
import functools
import html
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from srgan_lib.errors import SrganError

WIDTH = 8  # inches: a page's column

# One colour a thing throughout the book, apart also for colour-blind eyes (Okabe and Ito's set).
COLOURS = {
    "LR": "#777777",
    "bicubic": "#E69F00",
    "SRResNet": "#009E73",
    "SRGAN": "#D55E00",
    "HR": "#0072B2",
}


def image_row(images, titles, *, height=None):
    """Images, uint8 (H, W, 3) or (H, W), side by side under their titles. Returns the matplotlib figure.

    Pixels are shown as squares, not smoothed: what is seen is what is there. ``height`` is in inches; by
    default it follows from the first image's shape.
    """
    rows, columns = np.shape(images[0])[:2]
    height = height or WIDTH / len(images) * rows / columns + 0.4
    figure, axes = plt.subplots(1, len(images), figsize=(WIDTH, height), squeeze=False, layout="constrained")
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    return figure


class BeforeAfter:
    """Two images of one size, uint8 (H, W, 3) or (H, W), and a border that uncovers the second.

    The border moves with the slider below, with the arrow keys, and by dragging on the picture with the mouse
    or a finger. ``labels`` name the two sides; ``alternative`` says what is seen, for who cannot see it.
    ``width`` is the largest width in CSS pixels. ``quality``, 1 to 95, stores JPEGs, a fifth as large and no
    longer exact; without it, PNGs. Raises ``SrganError`` if the sizes differ.
    """

    def __init__(self, before, after, labels, alternative, width=640, quality=None):
        if np.shape(before) != np.shape(after):
            raise SrganError(
                f"before is {np.shape(before)} and after {np.shape(after)}; give images of one size"
            )
        self.before, self.after, self.labels = before, after, labels
        self.alternative, self.width, self.quality = alternative, width, quality

    def _repr_html_(self):
        layers = [
            _layer(image, label, self.alternative, self.quality)
            for image, label in zip((self.before, self.after), self.labels, strict=True)
        ]
        return _figure("compare", layers, self.alternative, self.width)


class Frames:
    """Images of one size, uint8 (H, W, 3) or (H, W), of which a slider shows one at a time, with its caption.

    Pixels stay squares where they are enlarged to ``width``, the largest width in CSS pixels.
    ``alternative`` and ``quality`` are those of ``BeforeAfter``. Raises ``SrganError`` if sizes or numbers
    differ.
    """

    def __init__(self, images, captions, alternative, width=640, quality=None):
        shapes = {np.shape(image) for image in images}
        if len(shapes) != 1 or len(images) != len(captions):
            raise SrganError(
                f"{len(captions)} captions, {len(images)} images of {sorted(shapes)}; one size, one caption"
            )
        self.images, self.captions = images, captions
        self.alternative, self.width, self.quality = alternative, width, quality

    def _repr_html_(self):
        enlarged = np.shape(self.images[0])[1] < self.width  # a plot is made smaller, smoothly
        layers = [
            _layer(image, caption, self.alternative, self.quality, "pixelated" if enlarged else "auto")
            for image, caption in zip(self.images, self.captions, strict=True)
        ]
        return _figure("frames", layers, self.alternative, self.width)


def _data_uri(image, quality=None):
    buffer, kind = BytesIO(), "jpeg" if quality else "png"
    settings = {"quality": quality, "subsampling": 0} if quality else {}
    Image.fromarray(np.asarray(image)).save(buffer, format=kind, optimize=True, **settings)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()


# What figures.js makes into a figure; its columns are what is seen where no script runs.
_FIGURE = """\
<figure data-srgan-figure="{kind}" aria-label="{alternative}" style="max-width:{width}px;margin:1em 0;\
display:grid;grid-template-columns:repeat(auto-fit,minmax(9em,1fr));gap:.5em">
{layers}
</figure>
<script>
{script}
</script>"""

_LAYER = """\
<div><img src="{image}" alt="{alternative}: {caption}" width="{columns}" height="{rows}" \
style="display:block;width:100%;height:auto;margin:0;max-width:none;image-rendering:{rendering}">
<small>{caption}</small></div>"""


def _layer(image, caption, alternative, quality, rendering="auto"):
    rows, columns = np.shape(image)[:2]
    return _LAYER.format(
        image=_data_uri(image, quality),
        alternative=html.escape(alternative),
        caption=html.escape(caption),
        columns=columns,
        rows=rows,
        rendering=rendering,
    )


def _figure(kind, layers, alternative, width):
    return _FIGURE.format(
        kind=kind,
        alternative=html.escape(alternative),
        width=width,
        layers="\n".join(layers),
        script=figures_script(),
    )


@functools.cache
def figures_script():
    """``figures.js`` without its comments and margins, as every figure carries it."""
    text = Path(__file__).with_name("figures.js").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
