"""Ranges handed to PSNR and SSIM: the right number, as scikit-image and torchmetrics give it, or one line."""

import numpy as np
import pytest
import torch
import torchmetrics.functional.image as torchmetrics_image
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import luma
from srgan_lib.inference.upscale import upscale
from srgan_lib.metrics import psnr, ssim
from srgan_lib.networks.generator import Generator
from srgan_lib.support.level_ranges import as_levels

INSIDE = slice(4, -4)


def pair(height=40, width=33, channels=3):
    """An image and the same with noise, ``uint8``."""
    numbers = np.random.default_rng(5)
    coarse = numbers.integers(20, 236, (height // 8 + 1, width // 8 + 1, channels), dtype=np.uint8)
    image = imresize(coarse, 8)[:height, :width]
    noise = numbers.integers(-9, 10, image.shape)
    return image, (image + noise.astype(int)).clip(0, 255).astype(np.uint8)


A, B = pair()
EXPECTED = psnr(A, B), psnr(A, B, on="rgb"), ssim(A, B), ssim(A, B, "gaussian"), ssim(A, B, "uniform")


def all_of(a, b, **options):
    kinds = [ssim(a, b, kind, **options) for kind in ("daala", "gaussian", "uniform")]
    return psnr(a, b, **options), psnr(a, b, on="rgb", **options), *kinds


def line_of(call, *arguments, **options):
    with pytest.raises(SrganError) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    return str(caught.value)


# ------------------------------------------------------------------------------------- the right number


@pytest.mark.parametrize(
    ("scaled", "data_range"),
    [
        (lambda image: image / 255, None),
        (lambda image: image / 255, 1),
        (lambda image: image / 255, 1.0),
        (lambda image: (image / 255).astype(np.float32), None),
        (lambda image: image / 127.5 - 1, (-1, 1)),
        (lambda image: image.astype(np.uint16) * 257, 65535),
        (lambda image: image.astype(np.int32), None),
        (lambda image: image.astype(np.float64), None),
        (lambda image: image.astype(np.float64), 255),
        (lambda image: image.astype(">u2"), 255),
        (lambda image: torch.from_numpy(image).movedim(-1, 0), None),
        (lambda image: torch.from_numpy(image / 255).movedim(-1, 0)[None], None),
        (lambda image: torch.from_numpy(image / 127.5 - 1).movedim(-1, 0).requires_grad_(), (-1, 1)),
        (Image.fromarray, None),
        (Image.fromarray, 255),
    ],
)
def test_every_range_gives_the_number_of_the_levels(scaled, data_range):
    assert all_of(scaled(A), scaled(B), data_range=data_range) == pytest.approx(EXPECTED, abs=2e-5)


def test_scikit_image_and_torchmetrics_agree_in_every_range():
    for a, b, data_range in (
        (A / 255, B / 255, 1),
        (A.astype(np.uint16) * 257, B.astype(np.uint16) * 257, 65535),
        (A / 255 * 4095, B / 255 * 4095, 4095),
    ):
        found = psnr(a, b, on="rgb", data_range=data_range)
        inside = [image[INSIDE, INSIDE] for image in (a, b)]
        assert found == pytest.approx(peak_signal_noise_ratio(*inside, data_range=data_range))
        tensors = [torch.from_numpy(image.astype(np.float64)) for image in inside]
        torchmetrics_psnr = torchmetrics_image.peak_signal_noise_ratio
        assert found == pytest.approx(
            torchmetrics_psnr(*tensors, data_range=float(data_range)).item(), abs=1e-4
        )
        grey = [image[..., 0] for image in (a, b)]
        of_skimage = structural_similarity(*(image[INSIDE, INSIDE] for image in grey), data_range=data_range)
        assert ssim(*grey, "uniform", data_range=data_range) == pytest.approx(of_skimage)


def test_a_pair_of_ends_is_that_of_torchmetrics():
    a, b = (image / 127.5 - 1 for image in (A, B))
    tensors = [torch.from_numpy(image[INSIDE, INSIDE]) for image in (a, b)]
    expected = torchmetrics_image.peak_signal_noise_ratio(*tensors, data_range=(-1.0, 1.0)).item()
    assert psnr(a, b, on="rgb", data_range=(-1, 1)) == pytest.approx(expected, abs=1e-4)


def test_floats_in_0_to_1_are_those_of_scikit_image_without_a_range():
    inside = [(image / 255)[INSIDE, INSIDE] for image in (A, B)]
    assert psnr(A / 255, B / 255, on="rgb") == pytest.approx(peak_signal_noise_ratio(*inside))


@pytest.mark.parametrize("a", [np.zeros((20, 20)), np.zeros((20, 20), np.uint16), np.zeros((20, 20), int)])
def test_black_goes_with_every_range(a):
    other = np.full((20, 20), 0.5)
    assert psnr(a, other) == pytest.approx(20 * np.log10(2))
    assert psnr(a, np.full((20, 20), 51.0)) == pytest.approx(20 * np.log10(5))
    assert psnr(a, a) == np.inf and ssim(a, a) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(20, 40), st.integers(20, 40), st.sampled_from([0, 1, 3]), st.integers(0, 99), st.booleans()
)
def test_levels_keep_their_numbers_exactly(height, width, channels, seed, as_float):
    """What the library always measured: ``uint8``, and floats that leave [-1, 1], are not touched."""
    shape = (height, width, channels) if channels else (height, width)
    a = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    a.flat[0] = 2
    found = as_levels((a.astype(float) if as_float else a, a))
    assert all(np.array_equal(levels, a) and levels.dtype == np.float64 for levels in found)


def test_levels_beyond_their_ends_are_levels():
    noisy = A + np.random.default_rng(0).normal(0, 25, A.shape)
    inside = [np.asarray(image, float)[INSIDE, INSIDE] for image in (noisy, A)]
    expected = 10 * np.log10(255**2 / np.mean((inside[0] - inside[1]) ** 2))
    assert psnr(noisy, A, on="rgb") == pytest.approx(expected) == psnr(noisy, A, on="rgb", data_range=255)


def test_the_y_of_floats_in_0_to_1_is_that_of_their_levels():
    planes = [luma(image)[INSIDE, INSIDE] for image in (A, B)]
    assert psnr(A / 255, B / 255) == pytest.approx(peak_signal_noise_ratio(*planes, data_range=255))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Generator(blocks=1, channels=4).eval()


@pytest.mark.parametrize("grey", [False, True])
def test_what_upscale_returns_is_measured_rightly(network, grey, tmp_path):
    hr = pair(48, 40)[0][..., 0] if grey else pair(48, 40)[0]
    low = imresize(hr, 0.25)
    Image.fromarray(low).save(tmp_path / "low.png")
    expected = psnr(upscale(low, network), hr)
    for image, original in (
        (str(tmp_path / "low.png"), Image.fromarray(hr)),
        (Image.fromarray(low), hr),
        (low, Image.fromarray(hr)),
        (torch.from_numpy(np.atleast_3d(low)).movedim(-1, 0), hr),
    ):
        assert psnr(upscale(image, network), original) == pytest.approx(expected)
    unit = (low / 255).astype(np.float32)
    for image, original in (
        (unit, hr / 255),
        (low / 255, (hr / 255).astype(np.float32)),
        (torch.from_numpy(np.atleast_3d(unit)).movedim(-1, 0)[None], hr / 255),
    ):
        assert psnr(upscale(image, network), original) == pytest.approx(expected, abs=0.05)  # not rounded
    deep = low.astype(np.uint16) * 257
    for image in (deep, Image.fromarray(deep)) if grey else (deep,):
        found = psnr(upscale(image, network), hr.astype(np.uint16) * 257, data_range=65535)
        assert found == pytest.approx(expected, abs=0.05)


# ------------------------------------------------------------------------------------------- one line

UNIT, SIGNED, SIXTEEN = A / 255, A / 127.5 - 1, A.astype(np.uint16) * 257
REFUSED = {
    "floats in [0, 1] against levels": (UNIT, A, None, "scale one of them"),
    "levels against floats in [0, 1]": (A, UNIT.astype(np.float32), None, "scale one of them"),
    "float levels against floats in [0, 1]": (A.astype(float), UNIT, None, "scale one of them"),
    "Pillow against floats in [0, 1]": (Image.fromarray(A), UNIT, None, "scale one of them"),
    "a tensor in [0, 1] against levels": (torch.from_numpy(UNIT).movedim(-1, 0), A, None, "scale one"),
    "both in [-1, 1]": (SIGNED, SIGNED, None, "(-1, 1)"),
    "one in [-1, 1]": (SIGNED, A, None, "negative"),
    "[-1, 1] and [0, 1]": (SIGNED, UNIT, None, "negative"),
    "16 bits": (SIXTEEN, SIXTEEN, None, "65535"),
    "12 bits in 16": (A.astype(np.uint16) * 16, A.astype(np.uint16) * 16, None, "4095"),
    "16 bits against 8": (SIXTEEN, A, None, "uint16"),
    "16 bits against 8, said": (SIXTEEN, A, 65535, "uint8"),
    "16 bits as int32": (SIXTEEN.astype(np.int32), SIXTEEN.astype(np.int32), None, "no levels"),
    "16 bits as floats": (SIXTEEN.astype(float), SIXTEEN.astype(float), None, "no levels"),
    "I;16 of Pillow": (Image.fromarray(SIXTEEN[..., 0]), Image.fromarray(SIXTEEN[..., 0]), None, "65535"),
    "nothing but 0 and 1": ((A > 99).astype(float), (B > 99).astype(float), None, "nothing but 0 and 1"),
    "nothing but 0 and 1, int": ((A > 99).astype(int), (B > 99).astype(int), None, "nothing but 0 and 1"),
    "true and false": (A > 99, B > 99, None, "bool"),
    "levels with data_range 1": (A, B, 1, "do not lie in data_range"),
    "[-1, 1] with data_range 2": (SIGNED, SIGNED, 2, "(-1, 1)"),
    "[0, 1] with 8 bits, range 1": (UNIT, A, 1, "do not lie"),
    "data_range 0": (A, B, 0, "above 0"),
    "data_range -255": (A, B, -255, "above 0"),
    "data_range in words": (A, B, "full", "above 0"),
    "data_range of three": (A, B, (0, 1, 2), "above 0"),
    "data_range turned": (A, B, (255, 0), "above 0"),
    "data_range nan": (A, B, float("nan"), "above 0"),
    "data_range inf": (A, B, float("inf"), "above 0"),
    "not a number": (np.where(A > 99, np.nan, A), B, None, "not numbers"),
    "infinite": (np.where(A > 99, np.inf, A), B, 255, "not numbers"),
    "masked": (np.ma.array(A, mask=A > 99), B, None, "masks"),
    "channels last in a tensor": (torch.from_numpy(A), torch.from_numpy(B), None, "(3, H, W)"),
    "several tensors": (torch.zeros(2, 3, 20, 20), torch.zeros(2, 3, 20, 20), None, "one image"),
    "channels first in an array": (A.transpose(2, 0, 1), B.transpose(2, 0, 1), None, "(H, W, 3)"),
    "nothing": (A[:0], B[:0], None, "(0, 33, 3)"),
    "complex": (A * 1j, B * 1j, None, "complex"),
}


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize("name", REFUSED)
def test_what_could_give_a_wrong_number_is_refused(name, measure):
    a, b, data_range, words = REFUSED[name]
    assert words in line_of(measure, a, b, data_range=data_range)
