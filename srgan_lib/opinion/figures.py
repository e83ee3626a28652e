"""The paper's Figure 5 from ratings: how often each method got each score."""

import matplotlib.pyplot as plt
import numpy as np

from srgan_lib.opinion.plan import SCORES
from srgan_lib.plots import WIDTH


def score_figure(counts, methods):
    """The distribution of scores as in Figure 5: a column a method, a row a score, orange marks at the means.

    ``counts`` is (methods, 5), from ``opinion.analyse.distribution``; the shade is the share of a method's
    ratings, also printed in per cent. Returns the matplotlib figure.
    """
    counts = np.asarray(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    wide = min(WIDTH, 1.6 + 0.75 * len(methods))
    figure, axis = plt.subplots(figsize=(wide, 3.4), layout="constrained")
    axis.imshow(
        shares.T, cmap="Greys", vmin=0, vmax=1, origin="lower", aspect="auto", extent=_extent(methods)
    )
    for column, row in np.ndindex(shares.shape):
        dark = shares[column, row] > 0.5
        text = f"{shares[column, row]:.0%}"
        axis.text(
            column, row + 1, text, ha="center", va="center", fontsize=9, color="white" if dark else "black"
        )
    means = shares @ np.array(SCORES)
    for column, mean in enumerate(means):
        ends = [column - 0.49, column - 0.27]
        axis.plot(ends, [mean, mean], color="#D55E00", linewidth=4, solid_capstyle="butt")
    axis.set(xticks=range(len(methods)), yticks=SCORES, ylabel="score (orange: the mean)")
    axis.set_xticklabels(
        methods, rotation=30 if len(methods) > 4 else 0, ha="right" if len(methods) > 4 else "center"
    )
    return figure


def _extent(methods):
    return (-0.5, len(methods) - 0.5, 0.5, len(SCORES) + 0.5)
