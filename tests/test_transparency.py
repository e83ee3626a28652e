"""Hidden colours do not bleed, whatever lies under alpha 0, in every kind of image; alpha in full depth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srgan_lib import pretrained
from srgan_lib.degradations import imresize
from srgan_lib.inference.transparency import enlarged_alpha, spread_colours
from srgan_lib.inference.upscale import upscale
from srgan_lib.networks.generator import Generator


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Generator(blocks=1, channels=4).eval()


def disc(hidden, colour=(255, 255, 255), side=40, radius=13):
    """A disc with a soft edge, RGBA; where it is not, alpha is 0 over the colour ``hidden``."""
    places = (np.mgrid[: 8 * side, : 8 * side] + 0.5) / 8 - side / 2
    inside = ((places**2).sum(0) < radius**2).reshape(side, 8, side, 8).mean((1, 3))
    levels = np.where(inside[..., None] > 0, colour, hidden)
    return np.dstack([levels, np.round(255 * inside)]).astype(np.uint8)


def on(background, image):
    """What is seen in front of a grey background, floats."""
    image = np.asarray(image).astype(float)
    return image[..., :-1] * image[..., -1:] / 255 + background * (1 - image[..., -1:] / 255)


@pytest.mark.parametrize("hidden", [0, 128, 255])
@pytest.mark.parametrize("model", pretrained.names())
def test_a_white_disc_has_no_rim(model, hidden):
    assert on(255, upscale(disc(hidden), model)).min() >= 250


@pytest.mark.parametrize("model", pretrained.names())
@pytest.mark.parametrize("colour", [(255, 255, 255), (200, 40, 90), (0, 0, 0)])
def test_the_hidden_colour_changes_nothing_that_is_seen(model, colour):
    shown = [
        upscale(disc(hidden, colour), model) for hidden in ((0, 0, 0), (255, 255, 255), (0, 255, 0), colour)
    ]
    for other in shown[1:]:
        np.testing.assert_array_equal(shown[0], other)


@pytest.mark.parametrize("kind", ["array", "pil", "LA", "float", "uint16", "tensor", "file"])
def test_every_kind_of_image_is_spread(small, kind, tmp_path):
    def enlarged(hidden):
        image = disc(hidden, (220, 220, 220))
        if kind == "pil":
            return np.asarray(upscale(Image.fromarray(image), small))
        if kind == "LA":
            return np.asarray(upscale(Image.fromarray(image).convert("LA"), small))
        if kind == "float":
            return upscale(image / 255, small)
        if kind == "uint16":
            return upscale(image.astype(np.uint16) * 257, small)
        if kind == "tensor":
            return upscale(torch.from_numpy(image).movedim(-1, 0), small).numpy()
        if kind == "file":
            Image.fromarray(image).save(tmp_path / "a.png")
            return np.asarray(upscale(tmp_path / "a.png", small))
        return upscale(image, small)

    np.testing.assert_array_equal(enlarged(0), enlarged(255))


def test_a_transparent_colour_of_a_palette_does_not_bleed(small, tmp_path):
    for hidden in (0, 255):
        palette = Image.fromarray(np.where(disc(0)[..., 3] > 127, 1, 0).astype(np.uint8))
        palette = Image.frombytes("P", palette.size, palette.tobytes())
        palette.putpalette([hidden] * 3 + [230, 230, 230])
        palette.save(tmp_path / f"{hidden}.gif", transparency=0)
    shown = [np.asarray(upscale(tmp_path / f"{hidden}.gif", small)) for hidden in (0, 255)]
    np.testing.assert_array_equal(*shown)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.floats(0, 1), st.integers(0, 99))
def test_hidden_pixels_get_the_colour_of_the_nearest_visible_one(height, width, channels, share, seed):
    numbers = np.random.default_rng(seed)
    colours = torch.from_numpy(numbers.random((channels, height, width)))
    alpha = torch.from_numpy((numbers.random((height, width)) < share).astype(float))
    before = colours.clone()
    found = spread_colours(colours, alpha)
    assert torch.equal(colours, before), "what is handed in stays as it is"
    visible = alpha.nonzero()
    if not len(visible):
        assert found is colours
        return
    for y in range(height):
        for x in range(width):
            distances = ((visible - torch.tensor([y, x])) ** 2).sum(1)
            nearest = visible[distances == distances.min()]
            assert any(torch.equal(found[:, y, x], colours[:, row, column]) for row, column in nearest)


def test_opaque_and_wholly_transparent_images_are_left_alone(small):
    image = disc(7)
    for alpha in (255, 1, 0):
        image[..., 3] = alpha
        np.testing.assert_array_equal(upscale(image, small)[..., :3], upscale(image[..., :3], small))


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint16"])
def test_alpha_keeps_more_than_8_bits(small, dtype):
    alpha = np.linspace(0.2, 0.21, 64).reshape(8, 8)  # three of 255 levels
    image = np.dstack([np.full((8, 8, 3), 0.5), alpha])
    image = np.round(image * 65535).astype(np.uint16) if dtype == "uint16" else image.astype(dtype)
    found = upscale(image, small)[..., 3]
    assert found.dtype == dtype and len(np.unique(found)) > 100
    levels = found / 65535 if dtype == "uint16" else found
    assert levels[4:-4, 4:-4].min() > 0.199 and levels.max() < 0.211


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_alpha_not_rounded_is_imresize_but_for_rounding(scale):
    alpha = np.random.default_rng(0).integers(0, 256, (9, 13), dtype=np.uint8)
    found = enlarged_alpha(torch.from_numpy(alpha / 255), scale).numpy() * 255
    assert np.abs(found - imresize(alpha, scale)).max() < 1.3  # which rounds after each dimension
