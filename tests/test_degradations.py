"""MATLAB's bicubic against exact fractions and the stored LR images; batches; degraded crops."""

import math
import zlib
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from srgan_lib.degradations import Bicubic, BlurSubsample, gaussian_blur, imresize, imresize_batch
from srgan_lib.errors import SrganError
from srgan_lib.images import open_image

SETS = [("Set5", 5), ("Set14", 14), ("BSD100", 100)]
DEGRADATIONS = [Bicubic(2), Bicubic(4), BlurSubsample(), BlurSubsample(2, 0.8), BlurSubsample(3, 1.6)]
BUNDLED = data.astronaut()[3:202, 100:301]


def photo(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def batch(image, dtype=torch.float32):
    return torch.from_numpy(np.moveaxis(np.atleast_3d(image), -1, 0).copy())[None].to(dtype)


def unbatch(tensor):
    return tensor[0].movedim(0, -1).numpy()


def pairs(folder):
    """(HR, stored LR) arrays of a benchmark, by name."""
    paths = sorted((folder / "HR").glob("*.png"))
    return {
        path.stem: [np.asarray(open_image(folder / kind / path.name)) for kind in ("HR", "LRx4")]
        for path in paths
    }


# ------------------------------------------------------------------------------------ MATLAB's bicubic


def exact_line(line, scale, count):
    """One line of pixels resized in fractions: the formula itself, free of rounding errors."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
        return Fraction(-1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2 if x < 2 else Fraction(0)

    stretch = min(scale, Fraction(1))
    result = []
    for position in range(count):
        centre = (position + Fraction(1, 2)) / scale - Fraction(1, 2)
        reach = range(math.floor(centre - 2 / stretch), math.ceil(centre + 2 / stretch) + 1)
        weights = [cubic(stretch * (centre - place)) for place in reach]
        levels = [int(line[min(max(place, 0), len(line) - 1)]) for place in reach]
        value = sum(weight * level for weight, level in zip(weights, levels, strict=True)) / sum(weights)
        result.append(min(max(math.floor(value + Fraction(1, 2)), 0), 255))
    return result


def exact_resize(image, scale):
    height, width = (math.ceil(scale * side) for side in image.shape)
    rows_done = np.array([exact_line(column, scale, height) for column in image.T]).T
    return np.array([exact_line(row, scale, width) for row in rows_done])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 10),
    st.integers(1, 10),
    st.sampled_from([(1, 4), (1, 2), (2, 1), (4, 1)]),
    st.integers(0, 99),
)
def test_imresize_equals_the_formula_in_fractions(height, width, scale, seed):
    image = photo(height, width, 1, seed)[..., 0] // 64 * 85  # few levels, for many ties
    assert np.array_equal(imresize(image, scale[0] / scale[1]), exact_resize(image, Fraction(*scale)))


@pytest.mark.parametrize(("name", "count"), SETS)
def test_stored_lr_images_are_equal_in_every_pixel(data_folder, name, count):
    images = pairs(data_folder(f"benchmarks/{name}"))
    assert len(images) == count
    for name, (hr, lr) in images.items():
        assert np.array_equal(imresize(hr, 1 / 4), lr), name
        assert np.array_equal(unbatch(Bicubic(4)(padded(hr, Bicubic(4).margin))), np.atleast_3d(lr)), name
        assert np.array_equal(unbatch(imresize_batch(batch(hr), 1 / 4)), np.atleast_3d(lr)), name


def padded(hr, margin):
    """The whole photo as one crop, with the border that a caller of a degradation adds."""
    return batch(np.pad(np.atleast_3d(hr), ((margin, margin), (margin, margin), (0, 0)), mode="edge"))


def test_the_usual_wrong_bicubics_differ(data_folder):
    """Without these differences the test above could not fail."""
    images = pairs(data_folder("benchmarks/Set5")) | pairs(data_folder("benchmarks/Set14"))
    aliased, pillow = [], []
    for hr, lr in images.values():
        aliased.append(np.abs(imresize(hr, 1 / 4, antialias=False).astype(int) - lr))
        small = Image.fromarray(hr).resize(lr.shape[1::-1], Image.BICUBIC)
        pillow.append(np.abs(np.asarray(small).astype(int) - lr)[3:-3, 3:-3])
    aliased, pillow = (np.concatenate([one.ravel() for one in many]) for many in (aliased, pillow))
    assert 0.8 < (aliased > 0).mean() < 0.87 and aliased.max() == 158
    assert 0.10 < (pillow > 0).mean() < 0.15 and pillow.max() <= 12


def test_results_on_a_bundled_photo_have_not_changed():
    """Checksums of the code that reproduced all 119 stored images: they also guard machines without those."""
    results = {scale: zlib.crc32(imresize(BUNDLED, scale)) for scale in (1 / 4, 1 / 3, 1 / 2, 2, 4)}
    assert results == {
        1 / 4: 2808853215,
        1 / 3: 3089039017,
        1 / 2: 274947081,
        2: 150671039,
        4: 3519992965,
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 5), st.integers(0, 255))
def test_any_size_and_scale(height, width, scale, level):
    image = photo(height, width)
    result = imresize(image, scale)
    assert (
        result.shape == (math.ceil(scale * height), math.ceil(scale * width), 3) and result.dtype == np.uint8
    )
    assert np.array_equal(
        imresize(image[..., 1], scale), result[..., 1]
    )  # channels are independent, grey too
    flat = np.full((height, width), level, np.uint8)
    assert (imresize(flat, scale) == level).all()
    difference = np.abs(unbatch(imresize_batch(batch(image), scale)) - result)
    assert difference.max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 60), st.integers(1, 60))
def test_any_explicit_size(height, width, new_height, new_width):
    image = photo(height, width)
    result = imresize(image, size=(new_height, new_width))
    assert result.shape == (new_height, new_width, 3)
    if (new_height, new_width) == (height, width):
        assert np.array_equal(result, image)


def test_explicit_size_shrinks_the_stronger_dimension_first():
    image = photo(40, 60)
    assert np.array_equal(imresize(image, size=(10, 15)), imresize(image, 1 / 4))
    columns_first = imresize(imresize(image, size=(40, 6)), size=(30, 6))
    assert np.array_equal(imresize(image, size=(30, 6)), columns_first)


def test_large_images_are_cut_into_blocks_without_a_seam():
    image = photo(700, 9)
    assert np.array_equal(imresize(image, 2)[:600], imresize(image[:350], 2)[:600])
    assert np.array_equal(unbatch(imresize_batch(batch(image), 2)), imresize(image, 2))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale": 0}, "positive"),
        ({"scale": float("nan")}, "positive"),
        ({"scale": -2}, "positive"),
        ({}, "either"),
        ({"scale": 2, "size": (3, 3)}, "either"),
        ({"size": (0, 4)}, "size"),
        ({"size": (4,)}, "size"),
        ({"size": (4.5, 4)}, "size"),
    ],
)
def test_wrong_arguments_give_one_line(arguments, words):
    with pytest.raises(SrganError, match=words):
        imresize(photo(4, 4), **arguments)


def test_wrong_images_give_one_line():
    for image in (photo(4, 4) / 255, np.zeros((2, 0, 3), np.uint8), np.zeros((1, 2, 3, 4), np.uint8)):
        with pytest.raises(SrganError, match="uint8"):
            imresize(image, 2)


# --------------------------------------------------------------------------------- degraded crops


@pytest.mark.parametrize("degradation", [*DEGRADATIONS, Bicubic(8)], ids=str)
@settings(max_examples=25, deadline=None)
@given(drawn=st.data())
def test_a_degraded_crop_equals_the_degraded_photo_cropped(degradation, drawn):
    scale, margin = degradation.scale, degradation.margin
    assert margin % scale == 0
    height, width = (drawn.draw(st.integers(2 * scale, 60)) for _ in "hw")
    image = photo(height, width, seed=drawn.draw(st.integers(0, 9)))
    whole = degradation.whole(image)
    assert whole.shape == (-(-height // scale), -(-width // scale), 3) and whole.dtype == np.uint8
    top, left = (drawn.draw(st.integers(0, side - 1)) for side in whole.shape[:2])
    tall, wide = (
        drawn.draw(st.integers(1, whole.shape[0] - top)),
        drawn.draw(st.integers(1, whole.shape[1] - left)),
    )
    rows = np.arange(top * scale - margin, (top + tall) * scale + margin).clip(0, height - 1)
    columns = np.arange(left * scale - margin, (left + wide) * scale + margin).clip(0, width - 1)
    lr = degradation(batch(image[rows][:, columns]))
    assert lr.dtype == torch.float32
    assert np.array_equal(unbatch(lr), whole[top : top + tall, left : left + wide])


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=str)
def test_pixels_of_the_margin_count(degradation):
    """A crop degraded on its own, without the photo around it, is wrong at its border, and only there."""
    scale, margin = degradation.scale, degradation.margin
    image = batch(photo(12 * scale + 2 * margin, 12 * scale + 2 * margin))
    alone = image[..., margin:-margin, margin:-margin]
    alone = torch.nn.functional.pad(alone, [margin] * 4, mode="replicate")
    differs = (degradation(image) != degradation(alone)).any(dim=1)[0]
    edge = margin // scale
    assert differs[0].float().mean() > 0.9 and differs[:, -1].float().mean() > 0.9
    assert not differs[edge:-edge, edge:-edge].any()


def test_blur_on_odd_scales_is_the_blurred_photo_subsampled():
    image = photo(30, 42)
    blurred = gaussian_blur(image, 1.6)[1::3, 1::3]
    assert np.abs(BlurSubsample(3, 1.6).whole(image) - blurred).max() <= 1


def test_blur_keeps_place_and_mean():
    """LR and HR cover the same area: a ramp keeps its slope and its middle, at even scales too."""
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (24, 1))
    for scale in (2, 3, 4):
        blocks = ramp[::scale, :].reshape(24 // scale, -1, scale).mean(axis=2)
        lr = BlurSubsample(scale, 1.6).whole(ramp[..., None])[..., 0]
        assert np.abs(lr - blocks)[:, 4:-4].max() <= 0.5


def test_gaussian_blur_spreads_a_point_as_a_gaussian():
    image = np.zeros((41, 41))
    image[20, 20] = 255
    blurred = gaussian_blur(image, 2.0)
    assert math.isclose(blurred.sum(), 255) and math.isclose(
        blurred[20, 22] / blurred[20, 20], math.exp(-0.5)
    )
    assert np.allclose(gaussian_blur(np.full((5, 7, 3), 9, np.uint8), 3), 9)


def test_batches_are_not_disturbed_by_autocast_or_inference_mode():
    image = photo(24, 40, seed=3)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        lr = imresize_batch(batch(image), 1 / 4)
    assert np.array_equal(unbatch(lr), imresize(image, 1 / 4))
    with torch.enable_grad():  # the matrices made above must serve here
        images = batch(image).requires_grad_()
        assert torch.equal(imresize_batch(images, 1 / 4), lr)
    assert np.array_equal(unbatch(imresize_batch(batch(image, torch.uint8), 1 / 4)), imresize(image, 1 / 4))


def test_wrong_degradations_give_one_line():
    for make in (
        lambda: Bicubic(2.5),
        lambda: Bicubic(0),
        lambda: BlurSubsample(4, 0),
        lambda: BlurSubsample(0),
    ):
        with pytest.raises(SrganError, match=r"scale|sigma"):
            make()
    with pytest.raises(SrganError, match="divide"):
        Bicubic(4)(torch.zeros(1, 3, 16 + 16, 18 + 16))
    with pytest.raises(SrganError, match="divide"):
        Bicubic(4)(torch.zeros(1, 3, 16, 16))
