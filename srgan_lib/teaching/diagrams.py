"""Drawings of the paper's ideas: the whole paper in one picture, the generator; and drawings as vectors."""

import base64
import html
from io import BytesIO

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from srgan_lib.plots import COLOURS

INK, FEEDBACK = "#222222", "#777777"
HR_COLOUR, SR_COLOUR = COLOURS["HR"], COLOURS["SRGAN"]
FACES = {"network": "#FFF3D6", "fixed": "#EDEDED", "loss": "#E3F0E8"}
WIDTH, HEIGHT = 6.2, 6.9  # inches; drawn in the same units

LAYERS = {"conv": "#9ecae9", "BN": "#d9d9d9", "PReLU": "#f5d76e", "Shuffle": "#8fd1b6", "block": "#ffffff"}
SUM, SKIP, LINE = "#e69f8a", "#b5442a", "0.3"
SAME_BYTES = {"svg.hashsalt": "srgan_lib", "svg.fonttype": "path"}


class Drawing:
    """A drawing as vectors (SVG), shown by a notebook as HTML; made by ``show``."""

    def __init__(self, svg, alternative, width):
        self.svg, self.alternative, self.width = svg, alternative, width

    def _repr_html_(self):
        data = base64.b64encode(self.svg).decode()
        text = html.escape(self.alternative, quote=True)
        style = f"width:100%;max-width:{self.width}px;background:white;border-radius:4px"
        return f'<img src="data:image/svg+xml;base64,{data}" alt="{text}" style="{style}">'


def show(figure, alternative, width=None):
    """A matplotlib figure as a ``Drawing``: it stays sharp at any size, and is the same bytes each time.

    ``alternative`` is the text for who cannot see it, ``width`` the largest width in CSS pixels (default: the
    figure's, at 100 pixels an inch). The figure is closed. Photographs are better shown as pixels.
    """
    buffer = BytesIO()
    with plt.rc_context(SAME_BYTES):
        figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return Drawing(buffer.getvalue(), alternative, width or round(100 * figure.get_size_inches()[0]))


def generator():
    """Figure 4's generator from top to bottom, with the sizes of its maps, and one block beside it.

    Returns the matplotlib figure.
    """
    enlarge = ["conv 3×3, 256", "PixelShuffle ×2", "PReLU"]
    start = ["LR photo", "conv 9×9, 64", "PReLU", "block 1", "⋮", "block 16", "conv 3×3, 64", "BN", "+"]
    inside = ["64 maps in", "conv 3×3, 64", "BN", "PReLU", "conv 3×3, 64", "BN", "+", "64 maps out"]
    sizes = {0: "3 × h × w", 8: "64 × h × w", 9: "256 × h × w", 10: "64 × 2h × 2w",
             12: "256 × 2h × 2w", 13: "64 × 4h × 4w", 16: "3 × 4h × 4w"}  # fmt: skip
    figure, axis = plt.subplots(figsize=(5.8, 8.4), layout="constrained")
    _column(axis, 0, 0, [*start, *enlarge, *enlarge, "conv 9×9, 3", "SR photo"])
    _column(axis, 4.3, -1.2, inside)
    _skip(axis, 0, -2.5, -8, -1.55, "long skip")
    _skip(axis, 4.3, -1.72, -7.2, 5.85, "identity")
    axis.text(4.3, -0.6, "one residual block", ha="center", weight="bold", size=11)
    axis.plot([1.15, 3.1], [-2.68, -1.0], [1.15, 3.1], [-3.32, -8.4], color="0.6", lw=0.8, ls=":")
    for row, size in sizes.items():
        axis.text(1.3, -row, size, va="center", color="0.35", size=10)
    axis.set(xlim=(-2.1, 6.3), ylim=(-16.4, 0.4))
    axis.axis("off")
    return figure


def _column(axis, x, top, names, width=2.3):
    """Layers below each other, with arrows."""
    bottom = top
    for row, name in enumerate(names):
        y, half = top - row, 0.27 if name == "+" else 0.32
        colour = next((LAYERS[kind] for kind in LAYERS if kind in name), None)
        circle = {"boxstyle": "circle", "fc": SUM, "ec": LINE} if name == "+" else None
        axis.text(x, y, name, ha="center", va="center", bbox=circle, size=11)
        if colour:
            axis.add_patch(plt.Rectangle((x - width / 2, y - half), width, 2 * half, fc=colour, ec=LINE))
        if row:
            axis.annotate("", (x, y + half), (x, bottom), arrowprops={"arrowstyle": "-|>", "color": LINE})
        bottom = y - half


def _skip(axis, x, start, end, far, name):
    """A line that leaves a column, passes beside it and comes back to a sum."""
    axis.plot([x, far, far, x], [start, start, end, end], color=SKIP, lw=1.6, zorder=0)
    side = 1 if far > x else -1
    arrow = {"arrowstyle": "-|>", "color": SKIP, "lw": 1.6}
    axis.annotate("", (x + side * 0.26, end), (x + side * 0.7, end), arrowprops=arrow)
    place, middle = far + side * 0.22, (start + end) / 2
    axis.text(place, middle, name, color=SKIP, rotation=90, ha="center", va="center", size=11)


def paper_in_one_picture(lr, sr, hr):
    """Training SRGAN: from the photograph to the small picture, the generator, the losses and back to G.

    ``lr``, ``sr`` and ``hr`` are ``uint8`` arrays (h, w, 3) of one square crop. Equations are numbered as in
    the paper (sections 2 and 2.2). Returns the matplotlib figure.
    """
    figure = plt.figure(figsize=(WIDTH, HEIGHT))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axis.axis("off")
    _top_row(axis, lr, sr, hr)
    _buses(axis)
    _judges(axis)
    _losses(axis)
    _feedback(axis)
    return figure


def _top_row(axis, lr, sr, hr):
    _photo(axis, hr, (0.35, 5.2, 1.25), "$I^{HR}$: the photograph", HR_COLOUR)
    _photo(axis, lr, (2.25, 5.62, 0.42), "$I^{LR}$", INK)
    _photo(axis, sr, (4.75, 5.2, 1.25), "$I^{SR}$: G's answer", SR_COLOUR)
    _box(axis, (3.15, 5.45, 1.1, 0.76), "generator\n$G$", "network", 12)
    _arrow(axis, (1.65, 5.83), (2.2, 5.83), "shrink\n4 times")
    _arrow(axis, (2.72, 5.83), (3.13, 5.83))
    _arrow(axis, (4.27, 5.83), (4.7, 5.83))


def _buses(axis):
    """The photograph and G's answer run past all three judges."""
    for height, colour, left, right in ((4.72, HR_COLOUR, 0.8, 4.8), (4.5, SR_COLOUR, 1.4, 5.4)):
        axis.plot([left, right], [height, height], color=colour, linewidth=1.8, solid_capstyle="round")
    axis.plot([0.8, 0.8], [5.16, 4.72], color=HR_COLOUR, linewidth=1.8)
    axis.plot([5.4, 5.4], [5.16, 4.5], color=SR_COLOUR, linewidth=1.8)
    for centre in (1.1, 3.1, 5.1):
        _drop(axis, centre - 0.3, 4.72, HR_COLOUR)
        _drop(axis, centre + 0.3, 4.5, SR_COLOUR)


def _drop(axis, x, top, colour):
    axis.plot([x], [top], "o", color=colour, markersize=4)
    _arrow(axis, (x, top), (x, 4.12), colour=colour)


def _judges(axis):
    _box(axis, (0.25, 3.2, 1.7, 0.9), "pixel by pixel\nsquared error\n(eq. 4)", None)
    _box(axis, (2.25, 3.2, 1.7, 0.9), "VGG19, fixed\ncompares features\n$\\phi_{5,4}$ (eq. 5)", "fixed")
    _box(axis, (4.25, 3.2, 1.7, 0.9), "discriminator $D$\nlearns to tell them\napart (eq. 2)", "network")


def _losses(axis):
    _box(
        axis, (0.25, 1.75, 3.7, 0.72), "content loss: one of the two\nMSE for SRResNet, VGG for SRGAN", "loss"
    )
    _box(axis, (4.25, 1.75, 1.7, 0.72), "adversarial loss\n$-\\log D(I^{SR})$ (eq. 6)", "loss")
    _box(
        axis,
        (1.35, 0.3, 3.5, 0.72),
        "perceptual loss $l^{SR}$ (eq. 3)\ncontent + $10^{-3}\\cdot$ adversarial",
        "loss",
    )
    for x in (1.1, 3.1, 5.1):
        _arrow(axis, (x, 3.18), (x, 2.5))
    _arrow(axis, (2.1, 1.73), (2.1, 1.05))
    _arrow(axis, (4.5, 1.73), (4.5, 1.05))


def _feedback(axis):
    path = [(1.33, 0.66), (0.1, 0.66), (0.1, 6.78), (3.7, 6.78), (3.7, 6.3)]
    axis.plot(*zip(*path, strict=True), color=FEEDBACK, linewidth=1.4, linestyle=(0, (4, 3)))
    _arrow(axis, path[-1], (3.7, 6.24), colour=FEEDBACK)
    axis.text(3.6, 6.6, "its gradient changes $G$", color=FEEDBACK, fontsize=10.5, ha="right", va="center")


def _photo(axis, image, place, label, colour):
    left, bottom, side = place
    axis.imshow(image, extent=(left, left + side, bottom, bottom + side), interpolation="nearest", zorder=2)
    axis.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    frame = plt.Rectangle((left, bottom), side, side, fill=False, edgecolor=colour, linewidth=2, zorder=3)
    axis.add_patch(frame)
    axis.text(
        left + side / 2, bottom + side + 0.07, label, ha="center", va="bottom", fontsize=10.5, color=colour
    )


def _box(axis, place, text, kind, size=10.5):
    left, bottom, width, height = place
    face = FACES.get(kind, "white")
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(
        FancyBboxPatch((left, bottom), width, height, style, facecolor=face, edgecolor=INK, zorder=2)
    )
    axis.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=size, zorder=3)


def _arrow(axis, start, end, text="", colour=INK):
    style = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.4,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 11,
    }
    axis.annotate("", end, start, arrowprops=style, zorder=2)
    axis.text((start[0] + end[0]) / 2, start[1] + 0.08, text, ha="center", va="bottom", fontsize=10)
