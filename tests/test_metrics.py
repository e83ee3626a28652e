"""PSNR and the three SSIMs: by hand on small images, and PAPER.md's numbers on the test sets."""

import functools
import math

import numpy as np
import pytest
import skimage.metrics
import torch
import torchmetrics.functional.image as torchmetrics_image
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.signal import convolve2d

from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import luma, open_image
from srgan_lib.metrics import psnr, ssim

SSIM_KINDS = ("daala", "gaussian", "uniform")


def photo(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


# --------------------------------------------------------------------- the paper's numbers, measured again

# (images, set): PSNR and daala SSIM as measured before with this protocol, then as the paper prints them
PROTOCOL = {
    ("nearest", "Set5"): (26.258, 0.7547, 26.26, 0.7552),
    ("nearest", "Set14"): (24.646, 0.7098, 24.64, 0.7100),
    ("nearest", "BSD100"): (25.038, 0.6607, 25.02, 0.6606),
    ("bicubic", "Set5"): (28.430, 0.8211, 28.43, 0.8211),
    ("bicubic", "Set14"): (25.997, 0.7486, 25.99, 0.7486),
    ("bicubic", "BSD100"): (25.962, 0.6941, 25.94, 0.6935),
    ("SRResNet-MSE", "Set5"): (32.079, 0.9027, 32.05, 0.9019),
    ("SRResNet-MSE", "Set14"): (28.505, 0.8189, 28.49, 0.8184),
    ("SRGAN-VGG54", "Set5"): (29.426, 0.8486, 29.40, 0.8472),
    ("SRGAN-VGG54", "Set14"): (26.022, 0.7395, 26.02, 0.7397),
}
OTHER_SSIMS = {
    ("bicubic", "Set5"): {"gaussian": 0.8111, "uniform": 0.8231},
    ("bicubic", "Set14"): {"gaussian": 0.7029, "uniform": 0.7201},
    ("bicubic", "BSD100"): {"gaussian": 0.6681, "uniform": 0.6856},
    ("SRResNet-MSE", "Set5"): {"gaussian": 0.8939},
    ("SRResNet-MSE", "Set14"): {"gaussian": 0.7804},
    ("SRGAN-VGG54", "Set5"): {"gaussian": 0.8356},
    ("SRGAN-VGG54", "Set14"): {"gaussian": 0.6940},
}


@pytest.fixture(scope="module")
def results(data_folder):
    """A function: the (result, HR) arrays of a set, for nearest, bicubic or the authors' images."""

    @functools.cache
    def of(images, name):
        folder = data_folder(f"benchmarks/{name}")
        published = None if images in ENLARGE else data_folder(f"published/{name}/{images}")
        pairs = []
        for path in sorted((folder / "HR").glob("*.png")):
            hr, lr = (np.asarray(open_image(folder / kind / path.name)) for kind in ("HR", "LRx4"))
            result = np.asarray(open_image(published / path.name)) if published else ENLARGE[images](lr)
            pairs.append((result, hr))
        return pairs

    return of


ENLARGE = {
    "nearest": lambda lr: lr.repeat(4, axis=0).repeat(4, axis=1),
    "bicubic": lambda lr: imresize(lr, 4),
}


def mean(measure, pairs):
    return float(np.mean([measure(result, hr) for result, hr in pairs]))


@pytest.mark.parametrize(("images", "name"), PROTOCOL)
def test_psnr_and_daala_ssim_are_the_papers(results, images, name):
    measured_psnr, measured_ssim, printed_psnr, printed_ssim = PROTOCOL[images, name]
    pairs = results(images, name)
    assert len(pairs) == {"Set5": 5, "Set14": 14, "BSD100": 100}[name]
    decibels, similarity = mean(psnr, pairs), mean(ssim, pairs)
    assert abs(decibels - measured_psnr) <= 0.001 and abs(similarity - measured_ssim) <= 0.0001
    assert abs(decibels - printed_psnr) <= 0.03 and abs(similarity - printed_ssim) <= 0.0015


@pytest.mark.parametrize(("images", "name"), OTHER_SSIMS)
def test_the_usual_ssims_are_others(results, images, name):
    pairs = results(images, name)
    printed = PROTOCOL[images, name][3]
    for kind, expected in OTHER_SSIMS[images, name].items():
        similarity = mean(lambda result, hr, kind=kind: ssim(result, hr, kind), pairs)
        assert abs(similarity - expected) <= 0.0001
        assert abs(similarity - printed) > 0.0015  # whoever measures so cannot compare with the paper


def test_daala_ssim_depends_on_orientation(results):
    turned = [(np.rot90(result), np.rot90(hr)) for result, hr in results("bicubic", "BSD100")]
    assert abs(mean(ssim, turned) - 0.7149) <= 0.0001


def test_small_departures_from_the_protocol_show(results):
    pairs = results("bicubic", "Set5")
    usual = mean(psnr, pairs)
    assert 1.6 < usual - mean(lambda result, hr: psnr(result, hr, on="rgb"), pairs) < 1.8
    rounded = mean(lambda result, hr: psnr(luma(result).round(), luma(hr).round()), pairs)
    assert 0.003 < usual - rounded < 0.013


@pytest.mark.parametrize(("name", "matlab_loss", "torch_loss"), [("Set5", 0.43, 0.63), ("Set14", 0.72, 0.94)])
def test_lr_without_antialiasing_costs_much(results, name, matlab_loss, torch_loss):
    """MATLAB's kernel (a = -0.5) and PyTorch's (a = -0.75), both left unstretched: the classic mistake."""

    def torch_lr(hr):
        images = torch.from_numpy(np.atleast_3d(hr).copy()).movedim(-1, 0)[None].float()
        lr = torch.nn.functional.interpolate(images, scale_factor=1 / 4, mode="bicubic", align_corners=False)
        return lr[0].movedim(0, -1).round().clamp(0, 255).to(torch.uint8).numpy().squeeze()

    pairs = results("bicubic", name)
    usual = mean(psnr, pairs)
    by_matlab = [(imresize(imresize(hr, 1 / 4, antialias=False), 4), hr) for _, hr in pairs]
    by_torch = [(imresize(torch_lr(hr), 4), hr) for _, hr in pairs]
    assert abs(usual - mean(psnr, by_matlab) - matlab_loss) < 0.01
    assert abs(usual - mean(psnr, by_torch) - torch_loss) < 0.01


def test_bridge_is_grey(data_folder, results):
    hr = open_image(data_folder("benchmarks/Set14") / "HR" / "bridge.png")
    result = open_image(data_folder("published/Set14/SRResNet-MSE") / "bridge.png")
    assert hr.mode == "L" and result.mode == "RGB"
    grey = np.asarray(result, dtype=float).mean(axis=2)
    assert psnr(result, hr) == psnr(grey, np.asarray(hr)) == psnr(hr, result)
    assert ssim(result, hr) == ssim(grey, hr)
    assert 1.2 < psnr(result, hr.convert("RGB")) - psnr(result, hr) < 1.4  # flattered


# -------------------------------------------------------------------------------------------- by hand


def test_psnr_by_hand():
    a = np.full((20, 30), 100, np.uint8)
    assert math.isclose(psnr(a, a + 5), 10 * math.log10(255**2 / 25))
    assert psnr(a, a) == math.inf
    colour = photo(20, 30)
    brighter = colour.astype(float) + 5  # Y rises by 5 * 219 / 255
    assert math.isclose(psnr(colour, brighter), 10 * math.log10(255**2 / (5 * 219 / 255) ** 2))
    assert math.isclose(psnr(colour, brighter, on="rgb"), 10 * math.log10(255**2 / 25))


def test_the_border_does_not_count():
    a = photo(20, 30)
    b = a.copy()
    b[:4], b[-4:], b[:, :4], b[:, -4:] = 0, 0, 0, 0
    assert psnr(a, b) == math.inf and ssim(a, b, "gaussian") == 1
    assert psnr(a, b, crop=3) < 40 and psnr(a, b, crop=0) < 30


def daala_by_hand(a, b):
    """The definition in PAPER.md, window by window."""
    height, width = a.shape
    sigma = 1.5 * height / 256
    threshold = math.sqrt(math.pi / 2) * sigma / 256
    reach = 0 if threshold >= 1 else int(sigma * math.sqrt(-2 * math.log(threshold)))
    reach = min(reach, height - 1, width - 1)
    weight = {
        k: math.floor(256 / (math.sqrt(2 * math.pi) * sigma) * math.exp(-(k**2) / (2 * sigma**2)) + 0.5)
        for k in range(1, reach + 1)
    }
    weight |= {-k: value for k, value in weight.items()} | {0: 256 - 2 * sum(weight.values())}
    total = mass_of_all = 0
    for y in range(height):
        for x in range(width):
            m = mx = my = xx = yy = xy = 0
            for i in weight:
                for j in weight:
                    if 0 <= y + i < height and 0 <= x + j < width:
                        w, p, q = weight[i] * weight[j], int(a[y + i, x + j]), int(b[y + i, x + j])
                        m, mx, my = m + w, mx + w * p, my + w * q
                        xx, yy, xy = xx + w * p * p, yy + w * q * q, xy + w * p * q
            c1, c2 = (2.55 * m) ** 2, (7.65 * m) ** 2
            s = m * (2 * mx * my + c1) * (c2 + 2 * (m * xy - mx * my))
            total += s / ((mx**2 + my**2 + c1) * (m * xx - mx**2 + m * yy - my**2 + c2))
            mass_of_all += m
    return total / mass_of_all


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (40, 12), (90, 20), (256, 3), (256, 9)])
def test_daala_ssim_follows_its_definition(height, width):
    a = photo(height, width, seed=1)[..., 0]
    b = (a * 0.7 + photo(height, width, seed=2)[..., 0] * 0.3).astype(np.uint8)
    assert math.isclose(ssim(a, b, "daala", crop=0), daala_by_hand(a, b), rel_tol=1e-9)


def ssim_by_hand(a, b, window, unbiased=1.0):
    """Wang et al. (2004): moments under a window, only where it fits in whole, averaged."""

    def average(image):
        return convolve2d(image, window, mode="valid")

    mx, my = average(a), average(b)
    xx, yy, xy = (unbiased * (average(p * q) - average(p) * average(q)) for p, q in ((a, a), (b, b), (a, b)))
    c1, c2 = 2.55**2, 7.65**2
    return ((2 * mx * my + c1) * (2 * xy + c2) / ((mx**2 + my**2 + c1) * (xx + yy + c2))).mean()


def test_gaussian_and_uniform_ssim_follow_their_definitions():
    a = photo(30, 40, seed=1)[..., 0].astype(float)
    b = a * 0.7 + photo(30, 40, seed=2)[..., 0] * 0.3
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    assert math.isclose(ssim(a, b, "gaussian", crop=0), ssim_by_hand(a, b, window), rel_tol=1e-9)
    square = np.full((7, 7), 1 / 49)
    assert math.isclose(ssim(a, b, "uniform", crop=0), ssim_by_hand(a, b, square, 49 / 48), rel_tol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(19, 50), st.integers(19, 50), st.sampled_from(SSIM_KINDS), st.integers(0, 9))
def test_ssim_is_symmetric_and_at_most_one(height, width, kind, seed):
    a, b = photo(height, width, seed=seed), photo(height, width, seed=seed + 1)
    assert math.isclose(ssim(a, a, kind), 1)
    assert -1 <= ssim(a, b, kind) < 1
    assert math.isclose(ssim(a, b, kind), ssim(b, a, kind))
    assert math.isclose(psnr(a, b), psnr(b, a)) and psnr(a, b) > 0


# --------------------------------------------------------------------------- against other libraries


def degraded_photo():
    hr = held_out_photos()[0].load()[:148, :201]
    return imresize(imresize(hr[:, :200], 1 / 4), 4), hr[:, :200]


def one_pixel_apart():
    other = photo(40, 50, seed=3)
    other[20, 20] ^= 255
    return other, photo(40, 50, seed=3)


FLAT = np.full((40, 31, 3), 77, np.uint8)
PAIRS = {
    "random": lambda: (photo(64, 47, seed=1), photo(64, 47, seed=2)),
    "random, grey": lambda: (photo(33, 80, 1, seed=1)[..., 0], photo(33, 80, 1, seed=2)[..., 0]),
    "random, the smallest": lambda: (photo(19, 19, seed=1), photo(19, 19, seed=2)),
    "one row of windows": lambda: (photo(19, 90, seed=1), photo(19, 90, seed=2)),
    "a photograph": degraded_photo,
    "a photograph, noisy floats": lambda: (
        degraded_photo()[1] + np.random.default_rng(0).normal(0, 9, (148, 200, 3)),
        degraded_photo()[1],
    ),
    "a photograph, turned over": lambda: (degraded_photo()[1], 255 - degraded_photo()[1]),
    "black and white": lambda: (np.zeros_like(FLAT), np.full_like(FLAT, 255)),
    "two flat levels": lambda: (FLAT, FLAT + 1),
    "flat and random": lambda: (FLAT, photo(40, 31)),
    "one pixel apart": one_pixel_apart,
    "equal": lambda: (photo(30, 30), photo(30, 30)),
}


def planes(a, b):
    """What both measures compare: the Y planes without 4 pixels at each border."""
    return (luma(np.asarray(image))[4:-4, 4:-4] for image in (a, b))


def tensors(a, b):
    return (torch.from_numpy(np.ascontiguousarray(plane, dtype=float))[None, None] for plane in (a, b))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.filterwarnings("ignore:divide by zero")  # scikit-image, for equal images
def test_psnr_is_that_of_scikit_image_and_torchmetrics(name):
    a, b = PAIRS[name]()
    whole = (np.asarray(image, dtype=float)[4:-4, 4:-4] for image in (a, b))
    for on, compared in (("y", list(planes(a, b))), ("rgb", list(whole))):
        found = psnr(a, b, on=on)
        assert (found == math.inf) == (name == "equal")
        of_skimage = skimage.metrics.peak_signal_noise_ratio(*compared, data_range=255)
        of_torchmetrics = torchmetrics_image.peak_signal_noise_ratio(*tensors(*compared), data_range=255.0)
        assert of_skimage == pytest.approx(found, rel=1e-12)
        assert of_torchmetrics.item() == pytest.approx(found, abs=1e-5)  # logarithms in float32


@pytest.mark.parametrize("name", PAIRS)
def test_gaussian_ssim_is_that_of_scikit_image_and_torchmetrics(name):
    a, b = PAIRS[name]()
    found = ssim(a, b, "gaussian")
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    of_skimage = skimage.metrics.structural_similarity(*planes(a, b), **settings)
    settings = {"sigma": 1.5, "data_range": 255.0, "return_full_image": True}
    of_all, everywhere = torchmetrics_image.structural_similarity_index_measure(
        *tensors(*planes(a, b)), **settings
    )
    of_torchmetrics = everywhere[..., 5:-5, 5:-5].mean().item()
    assert found == pytest.approx(of_skimage, abs=1e-12) == pytest.approx(of_torchmetrics, abs=1e-10)
    if name in ("random", "a photograph"):  # its own mean counts windows over a mirrored border too
        assert abs(of_all.item() - found) > 1e-4


@pytest.mark.parametrize("name", PAIRS)
def test_uniform_ssim_is_that_of_scikit_image_and_nearly_that_of_torchmetrics(name):
    a, b = PAIRS[name]()
    found = ssim(a, b, "uniform")
    settings = {"win_size": 7, "data_range": 255}
    assert found == pytest.approx(skimage.metrics.structural_similarity(*planes(a, b), **settings), abs=1e-12)
    of_population = skimage.metrics.structural_similarity(
        *planes(a, b), **settings, use_sample_covariance=False
    )
    _, everywhere = torchmetrics_image.structural_similarity_index_measure(
        *tensors(*planes(a, b)),
        gaussian_kernel=False,
        kernel_size=7,
        data_range=255.0,
        return_full_image=True,
    )
    assert of_population == pytest.approx(everywhere[..., 3:-3, 3:-3].mean().item(), abs=1e-10)
    if name == "a photograph":  # torchmetrics divides by 49, scikit-image and the library by 48
        assert 1e-4 < abs(of_population - found) < 1e-2


# ---------------------------------------------------------------------------------- what may be compared


def test_arrays_and_pil_images_are_alike():
    a, b = photo(24, 30, seed=1), photo(24, 30, seed=2)
    for measure in (psnr, ssim):
        expected = measure(a, b)
        assert measure(Image.fromarray(a), b) == expected == measure(a.astype(np.float32), Image.fromarray(b))
    assert psnr(a[..., :1], b[..., :1]) == psnr(a[..., 0], b[..., 0])
    assert psnr(a[..., 0], b, on="rgb") == psnr(a[..., 0], b.astype(float).mean(axis=2))


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (photo(20, 30), photo(30, 20), "30x20 and 20x30"),
        (photo(8, 30), photo(8, 30), "nothing is left of 30x8"),
        (Image.new("RGBA", (20, 20)), photo(20, 20), "mode RGBA"),
        (photo(20, 20, 4), photo(20, 20), r"\(20, 20, 4\)"),
        ([[1, 2], [3, 4]], photo(20, 20), "list"),
        ("a.png", photo(20, 20), "open_image"),
        (np.full((20, 20), "x"), photo(20, 20), "<U1"),
    ],
)
def test_what_cannot_be_compared_gives_one_line(measure, a, b, words):
    with pytest.raises(SrganError, match=words) as caught:
        measure(a, b)
    assert "\n" not in str(caught.value)


def test_unknown_kinds_and_windows_that_do_not_fit():
    a = photo(14, 14)
    with pytest.raises(SrganError, match="did you mean 'gaussian'"):
        ssim(a, a, "gausian")
    with pytest.raises(SrganError, match="y, rgb"):
        psnr(a, a, on="luminance")
    for kind, side in (("gaussian", 11), ("uniform", 7)):
        with pytest.raises(SrganError, match=f"{side}x{side} pixels and 6x6 are left"):
            ssim(a, a, kind)
