"""What a number depends on: the paper's protocol (section 3.1) and, one by one, departures from it.

``metrics`` measures as the paper does. Here stand the ways in which others measure, so that the difference
can be told: each of ``VARIANTS`` takes a result and its original, ``uint8`` arrays ``(H, W, 3)`` or
``(H, W)`` or ``PIL.Image``, and the scale, 4 if not given, which is how many pixels of the border do not
count; it returns dB or an SSIM.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.metrics import structural_similarity
from torch.nn import functional

from srgan_lib.data.low_resolution import measured_part
from srgan_lib.degradations import imresize
from srgan_lib.evaluation.own_sets import examples_of
from srgan_lib.evaluation.results import SCALE
from srgan_lib.images import luma, open_image, to_unit
from srgan_lib.metrics import psnr, ssim


def full_range_luma(image):
    """Y as JPEG, Pillow's mode L and OpenCV have it: 0 to 255, ``float64`` ``(H, W)``, not rounded."""
    image = np.asarray(image, dtype=np.float64)
    return image if image.ndim == 2 else image @ np.array([0.299, 0.587, 0.114])


def _luma_of_rgb(image):
    """Y of an image whose grey, if it is grey, was repeated in three channels first."""
    image = np.asarray(image)
    return luma(image if image.ndim == 3 else image[..., None].repeat(3, axis=2))


def _rounded(image):
    return luma(np.asarray(image)).round()


def _on(channel, measure=psnr, **settings):
    """The measure of two planes that ``channel`` takes from the images."""

    def measured(result, hr, scale=SCALE):
        a, b = _alike(result, hr)
        return measure(channel(a), channel(b), crop=scale, data_range=255, **settings)

    return measured


def _alike(result, hr):
    """Both grey if one is: then the other's channels are averaged, as ``metrics`` does."""
    result, hr = np.asarray(result), np.asarray(hr)
    if result.ndim == hr.ndim:
        return result, hr
    return tuple(image if image.ndim == 2 else image.mean(axis=2) for image in (result, hr))


def _inside(image, scale):
    return np.asarray(image, dtype=np.float64)[scale:-scale, scale:-scale]


def _rgb_ssim(result, hr, scale=SCALE):
    """scikit-image's SSIM over three channels: its default window, the mean of the channels."""
    a, b = (_inside(image, scale) for image in _alike(result, hr))
    return structural_similarity(a, b, data_range=255, channel_axis=2 if a.ndim == 3 else None)


def _padded_gaussian_ssim(result, hr, scale=SCALE):
    """The usual Gaussian, centred on every pixel of the image, beyond which zeros are assumed."""
    a, b = (_inside(luma(image), scale) for image in _alike(result, hr))
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))

    def average(plane):
        for axis in (0, 1):
            plane = correlate1d(plane, line / line.sum(), axis=axis, mode="constant")
        return plane

    mean_a, mean_b = average(a), average(b)
    aa, bb, ab = average(a * a) - mean_a**2, average(b * b) - mean_b**2, average(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * (2 * ab + c2) / (aa + bb + c2)).mean())


def _as_rgb(result, hr, scale=SCALE):
    return psnr(_luma_of_rgb(result), _luma_of_rgb(hr), crop=scale)


def _turned(result, hr, scale=SCALE):
    return ssim(np.rot90(np.asarray(result)), np.rot90(np.asarray(hr)), crop=scale)


VARIANTS = {
    "psnr": lambda result, hr, scale=SCALE: psnr(result, hr, crop=scale),
    "psnr, Y rounded": _on(_rounded),
    "psnr, nothing cropped": lambda result, hr, scale=SCALE: psnr(result, hr, crop=0),
    "psnr, RGB": lambda result, hr, scale=SCALE: psnr(result, hr, crop=scale, on="rgb"),
    "psnr, Y from 0 to 255": _on(full_range_luma),
    "psnr, grey as RGB": _as_rgb,
    "ssim": lambda result, hr, scale=SCALE: ssim(result, hr, crop=scale),
    "ssim, image turned": _turned,
    "ssim, nothing cropped": lambda result, hr, scale=SCALE: ssim(result, hr, crop=0),
    "ssim, Gaussian": lambda result, hr, scale=SCALE: ssim(result, hr, "gaussian", crop=scale),
    "ssim, Gaussian, zeros around": _padded_gaussian_ssim,
    "ssim, uniform": lambda result, hr, scale=SCALE: ssim(result, hr, "uniform", crop=scale),
    "ssim, uniform, RGB": _rgb_ssim,
}


def measure(result, hr, scale=SCALE):
    """Every variant's number for one result and its original: {variant: dB or SSIM}."""
    return {name: variant(result, hr, scale) for name, variant in VARIANTS.items()}


def measure_set(folder, result, scale=SCALE):
    """Every variant for every image of a test set: {variant: [numbers, images in order of name]}.

    ``folder`` holds ``HR/NAME.png`` and, for the scale 4, ``LRx4/NAME.png``; without it the inputs are made
    (see ``own_sets``). ``result(name, lr)`` is the result for the input ``lr``, both ``uint8``:
    ``(H, W, 3)``, or ``(H, W)`` where the original is grey.
    """
    numbers = {name: [] for name in VARIANTS}
    for example in examples_of(folder, scale):
        hr = np.array(measured_part(open_image(example.hr), scale))
        lr = np.array(open_image(example.lr)) if example.lr else imresize(hr, 1 / scale)
        for name, value in measure(result(example.name, lr), hr, scale).items():
            numbers[name].append(value)
    return numbers


def enlarged_by_pillow(lr, scale=SCALE):
    """Bicubic enlarging with Pillow: a = -0.5 as MATLAB, rounded otherwise. ``uint8`` in and out."""
    size = (lr.shape[1] * scale, lr.shape[0] * scale)
    return np.array(Image.fromarray(lr).resize(size, Image.Resampling.BICUBIC))


def enlarged_by_torch(lr, scale=SCALE):
    """Bicubic enlarging with PyTorch's ``interpolate``, whose cubic has a = -0.75. ``uint8`` in and out."""
    image = lr if lr.ndim == 3 else lr[..., None].repeat(3, axis=2)
    large = functional.interpolate(to_unit(image)[None], scale_factor=scale, mode="bicubic")[0]
    large = (large.movedim(0, -1).numpy() * 255).round().clip(0, 255).astype(np.uint8)
    return large if lr.ndim == 3 else large[..., 0]
