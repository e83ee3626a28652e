"""Figures that several chapters share: images in a row, two under one slider, several on one slider."""

import base64
import html
from io import BytesIO

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
    """Two images of one size, uint8 (H, W, 3), under a slider that uncovers the second.

    Shown by a notebook as plain HTML: it needs no kernel and no library, works in the built page, in Colab
    and from a file, with the mouse, a finger or the arrow keys. ``alternative`` is the text for who cannot
    see it; ``labels`` name the two sides. ``width`` is the largest width in CSS pixels. ``quality``, 1 to 95,
    stores JPEGs, a fifth as large and no longer exact; without it, PNGs. Raises ``SrganError`` if the sizes
    differ.
    """

    def __init__(self, before, after, labels, alternative, width=640, quality=None):
        if np.shape(before) != np.shape(after):
            raise SrganError(
                f"before is {np.shape(before)} and after {np.shape(after)}; give images of one size"
            )
        self.before, self.after, self.labels = before, after, labels
        self.alternative, self.width, self.quality = alternative, width, quality

    def _repr_html_(self):
        rows, columns = np.shape(self.before)[:2]
        return _BEFORE_AFTER.format(
            before=_data_uri(self.before, self.quality),
            after=_data_uri(self.after, self.quality),
            left=html.escape(self.labels[0]),
            right=html.escape(self.labels[1]),
            alternative=html.escape(self.alternative, quote=True),
            width=self.width,
            rows=rows,
            columns=columns,
        )


class Frames:
    """Images of one size, uint8 (H, W, 3), of which a slider shows one at a time, with its caption.

    Plain HTML, as ``BeforeAfter``. Pixels stay squares where they are enlarged to ``width``, the largest
    width in CSS pixels, and ``quality`` that of JPEGs. Raises ``SrganError`` if sizes or numbers differ.
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
        rows, columns = np.shape(self.images[0])[:2]
        frames = "\n".join(
            _FRAME.format(
                image=_data_uri(image, self.quality),
                alternative=html.escape(f"{self.alternative}: {caption}", quote=True),
                caption=html.escape(caption),
                ratio=f"{columns}/{rows}",
                rendering="pixelated" if columns < self.width else "auto",  # a plot is made smaller, smoothly
                display="none" if number else "block",
            )
            for number, (image, caption) in enumerate(zip(self.images, self.captions, strict=True))
        )
        label = html.escape(self.alternative, quote=True)
        return _FRAMES.format(frames=frames, last=len(self.images) - 1, width=self.width, label=label)


def _data_uri(image, quality=None):
    buffer, kind = BytesIO(), "jpeg" if quality else "png"
    settings = {"quality": quality, "subsampling": 0} if quality else {}
    Image.fromarray(np.asarray(image)).save(buffer, format=kind, optimize=True, **settings)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()


# The second image lies on the first and is clipped from the left at the slider's position.
_BEFORE_AFTER = """\
<figure style="max-width:{width}px;width:100%;margin:1em 0">
<div style="position:relative;aspect-ratio:{columns}/{rows};overflow:hidden;border-radius:4px">
<img src="{before}" alt="{alternative}"
 style="position:absolute;width:100%;height:100%;margin:0;max-width:none">
<img src="{after}" alt="{right}"
 style="position:absolute;width:100%;height:100%;margin:0;max-width:none;clip-path:inset(0 0 0 50%)">
</div>
<input type="range" min="0" max="100" value="50" style="width:100%;margin:.5em 0 0"
 aria-label="{left} on the left, {right} on the right: move the border"
 oninput="this.parentNode.querySelectorAll('img')[1].style.clipPath='inset(0 0 0 '+this.value+'%)'">
<figcaption style="display:flex;justify-content:space-between;font-size:.9em;color:inherit;opacity:.85">
<span>{left}</span><span style="text-align:right">{right}</span>
</figcaption>
</figure>"""

_FRAME = """\
<div style="display:{display}">
<img src="{image}" alt="{alternative}"
 style="display:block;width:100%;aspect-ratio:{ratio};margin:0;max-width:none;image-rendering:{rendering}">
<div style="font-size:.9em;margin-top:.4em">{caption}</div>
</div>"""

_FRAMES = """\
<figure style="max-width:{width}px;width:100%;margin:1em 0">
<input type="range" min="0" max="{last}" value="0" aria-label="{label}" style="width:100%;margin:0 0 .5em"
 oninput="[...this.nextElementSibling.children].forEach((f,i)=>f.style.display=i==this.value?'block':'none')">
<div>
{frames}
</div>
</figure>"""
