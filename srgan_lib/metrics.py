"""PSNR and three SSIMs, measured as the paper measures (section 3.1): on the Y channel, borders removed.

Both functions take images as ``PIL.Image``, as arrays, ``(H, W, 3)`` in RGB or ``(H, W)`` in grey, or as
tensors, channels first. Where either image is grey (mode L, or an array without channels), its levels
are its Y and the other's three channels are averaged: so is ``bridge`` in Set14 measured.

Which values are meant says ``data_range``, as in scikit-image and torchmetrics: the highest (255, 1, 65535;
the lowest is 0), or the lowest and the highest, ``(-1, 1)``. Without it:

- ``uint8``, and images of Pillow in modes L and RGB, are levels from 0 to 255;
- floats, and integers of other types, are levels from 0 to 255 if any of them lies beyond [-1, 1], and values
  in [0, 1] if all of both images lie there, as ``upscale`` returns them;
- all else is refused in one line, because its number could be wrong: one image in [0, 1] and one in 0 to 255,
  negative values in [-1, 1], nothing but 0 and 1, 16 bits (which may mean 65535, 4095 or 255), and values far
  from 0 to 255. An image that is 0 everywhere goes with every range.

So floats from 0 to 255 are taken wrongly only where two images are all but black, no level above 1: name
the range where that may be.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.metrics import structural_similarity

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.images import luma
from srgan_lib.support.level_ranges import as_levels


def psnr(
    a: Image.Image | np.ndarray | torch.Tensor,
    b: Image.Image | np.ndarray | torch.Tensor,
    crop: int = 4,
    on: str = "y",
    data_range: float | Sequence[float] | None = None,
) -> float:
    """Peak signal-to-noise ratio of two images in dB, peak ``data_range``; ``inf`` for equal images.

    ``crop`` pixels are removed from each border first (the paper removes 4). ``on`` is ``"y"``, the unrounded
    Y channel as in the paper, or ``"rgb"``, all three channels at once. Raises ``SrganError`` for images of
    different sizes, or no larger than twice ``crop``, and for values of an unclear range (see above).

    The same number is ``peak_signal_noise_ratio(..., data_range=255)`` of scikit-image, given the cropped
    planes of ``luma`` (or the cropped channels) in float64, and of torchmetrics to 0.00001 dB.
    """
    if on not in ("y", "rgb"):
        raise unknown_name("channel for PSNR", on, ("y", "rgb"))
    a, b = _comparable(a, b, crop, luma if on == "y" else np.asarray, data_range)
    error = np.mean((a - b) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(
    a: Image.Image | np.ndarray | torch.Tensor,
    b: Image.Image | np.ndarray | torch.Tensor,
    kind: str = "daala",
    crop: int = 4,
    data_range: float | Sequence[float] | None = None,
) -> float:
    """Structural similarity of two images, at most 1, on the unrounded Y channel, ``crop`` pixels removed.

    ``kind`` names the window. ``"daala"``, the paper's, is a Gaussian that grows with the image's height, cut
    off at the border. ``"gaussian"`` is the usual one of Wang et al. (2004): 11x11, sigma 1.5, only where it
    fits in whole. ``"uniform"`` is scikit-image's default: a 7x7 square, sample covariance. On Set14's
    bicubic images they give .7486, .7029 and .7201: compare numbers of one kind only. Raises ``SrganError``
    as ``psnr`` does, and where the window does not fit.

    On the cropped planes of ``luma``, with ``data_range=255``, scikit-image's ``structural_similarity`` gives
    the Gaussian number with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False`` and the uniform
    one as it is. torchmetrics' gives the Gaussian one too, but only for float64 planes and as the mean of the
    map that ``return_full_image=True`` returns, without 5 pixels at each border: its own mean also counts
    windows over a mirrored border. Its uniform one has no sample covariance. Neither has daala's.
    """
    kinds = {"daala": _daala_ssim, "gaussian": _gaussian_ssim, "uniform": _uniform_ssim}
    if kind not in kinds:
        raise unknown_name("kind of SSIM", kind, kinds)
    return float(kinds[kind](*_comparable(a, b, crop, luma, data_range)))


def _comparable(a, b, crop, channels, data_range):
    """Both as ``float64`` arrays: channels averaged if either is grey, else through ``channels``; cropped."""
    for image in (a, b):
        _check_kind(image)
    if not isinstance(crop, int) or crop < 0:
        raise SrganError(f"crop is {crop!r}; use a whole number of pixels from 0 on, such as 4")
    a, b = (_without_channel(levels) for levels in as_levels((a, b), data_range))
    if a.shape[:2] != b.shape[:2]:
        sizes = " and ".join(f"{image.shape[1]}x{image.shape[0]}" for image in (a, b))
        raise SrganError(f"images of {sizes} pixels cannot be compared; resize or crop them to the same size")
    if min(a.shape[:2]) <= 2 * crop:
        size = f"{a.shape[1]}x{a.shape[0]}"
        raise SrganError(f"nothing is left of {size} pixels without {crop} at each border; use larger images")
    if a.ndim == 2 or b.ndim == 2:
        a, b = _grey(a), _grey(b)
    a, b = channels(a), channels(b)
    inside = slice(crop, -crop or None)
    return a[inside, inside], b[inside, inside]


def _check_kind(image):
    if not isinstance(image, (Image.Image, np.ndarray, torch.Tensor)):
        raise SrganError(
            f"only arrays, tensors and PIL images are compared, not {type(image).__name__}; see open_image"
        )
    if isinstance(image, Image.Image) and image.mode not in ("L", "RGB", "I;16"):
        raise SrganError(f"only grey and RGB images are compared, not mode {image.mode}; use .convert('RGB')")
    if isinstance(image, np.ndarray):
        fits = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3))
        if not fits or image.dtype.kind not in "uif" or image.size == 0:
            found = f"{image.dtype} {image.shape}"
            raise SrganError(f"only arrays (H, W, 3) or (H, W) are compared, not {found}; convert the image")


def _without_channel(levels):
    return levels[..., 0] if levels.shape[2:] == (1,) else levels


def _grey(image):
    return image if image.ndim == 2 else image.mean(axis=2)


# ---------------------------------------------------------------------------------------------- SSIM


def _daala_ssim(a, b):
    """The SSIM of the daala video tools (``dump_ssim``), which the paper used."""
    kernel = _daala_kernel(1.5 * a.shape[0] / 256, min(a.shape))  # the height sets the width, both ways

    def window_sums(plane):  # only over pixels inside the image, and not divided by the kernel's mass
        for axis in (0, 1):
            plane = correlate1d(plane, kernel, axis=axis, mode="constant")
        return plane

    mass, sum_a, sum_b, aa, bb, ab = map(window_sums, (np.ones_like(a), a, b, a * a, b * b, a * b))
    c1, c2 = (0.01 * 255 * mass) ** 2, (0.03 * 255 * mass) ** 2
    products, squares = sum_a * sum_b, sum_a**2 + sum_b**2
    luminance = (2 * products + c1) / (squares + c1)
    structure = (2 * (mass * ab - products) + c2) / (mass * (aa + bb) - squares + c2)
    return (mass * luminance * structure).sum() / mass.sum()


def _daala_kernel(sigma, shorter_side):
    """Whole-number Gaussian weights that sum to 256, as far out as the first that would round to nothing."""
    threshold = math.sqrt(math.pi / 2) * sigma / 256
    reach = 0 if threshold >= 1 else math.floor(sigma * math.sqrt(-2 * math.log(threshold)))
    distance = np.arange(1, min(reach, shorter_side - 1) + 1)
    density = np.exp(-(distance**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    side = np.floor(256 * density + 0.5)
    return np.concatenate([side[::-1], [256 - 2 * side.sum()], side])


def _gaussian_ssim(a, b):
    _check_window(a, 11)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(a, b, data_range=255, **settings)


def _uniform_ssim(a, b):
    _check_window(a, 7)
    return structural_similarity(a, b, win_size=7, data_range=255)


def _check_window(image, side):
    if min(image.shape) < side:
        found = f"{image.shape[1]}x{image.shape[0]}"
        raise SrganError(f"this SSIM needs {side}x{side} pixels and {found} are left; use larger images")
