"""The paper in one picture: it draws, says what the paper's equations are, and is the same each time."""

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np

from srgan_lib.diagrams import paper_in_one_picture


def drawn():
    lr, hr = np.zeros((24, 24, 3), np.uint8), np.full((96, 96, 3), 200, np.uint8)
    figure = paper_in_one_picture(lr, hr, hr)
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    pixels = BytesIO()
    figure.savefig(pixels, format="rgba")
    plt.close(figure)
    return words, pixels.getvalue()


def test_every_equation_is_named_and_the_drawing_is_deterministic():
    words, pixels = drawn()
    assert all(f"(eq. {number})" in words for number in (2, 3, 4, 5, 6))
    assert drawn() == (words, pixels)
