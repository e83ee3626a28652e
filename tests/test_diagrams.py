"""Drawings: they say what the paper's equations and layers are, and are the same each time."""

import base64
import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from torch import nn

from srgan_lib.networks.generator import Generator
from srgan_lib.teaching.diagrams import generator, paper_in_one_picture, show


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


def test_the_generators_drawing_has_its_layers():
    names = [text.get_text() for text in generator().axes[0].texts]
    plt.close("all")
    network = Generator()
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    drawn = sum(name.startswith("conv") for name in names)
    assert drawn == len(convolutions) - 32 + 2, "two convolutions stand for those of 16 blocks"
    assert names.count("PixelShuffle ×2") == sum(
        isinstance(layer, nn.PixelShuffle) for layer in network.modules()
    )
    assert names.count("+") == 2 and names.count("PReLU") == 4 and names.count("BN") == 3


def test_a_drawing_is_shown_as_vectors_and_is_the_same_each_time():
    shown = [show(generator(), 'the "generator"')._repr_html_() for _ in range(2)]
    assert shown[0] == shown[1] and plt.get_fignums() == []
    assert 'alt="the &quot;generator&quot;"' in shown[0] and "max-width:580px" in shown[0]
    svg = base64.b64decode(re.search(r"data:image/svg\+xml;base64,([^\"]+)", shown[0])[1]).decode()
    assert svg.count("<path") > 50 and "<image" not in svg
    assert not re.search(
        r"<dc:date>|https?://(?!www\.w3\.org|creativecommons|purl\.org)", svg.split("<defs>")[0]
    )
