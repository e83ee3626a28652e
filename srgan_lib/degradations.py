"""From HR to LR: MATLAB's bicubic resize, for an image and for batches, and Gaussian blur with subsampling.

Arrays are ``uint8``, ``(H, W)`` or ``(H, W, C)``; tensors float, ``(N, C, H, W)``; both hold levels 0 to 255.
"""

import functools
import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from srgan_lib.errors import SrganError

# ------------------------------------------------------------------------------- MATLAB's bicubic resize


def imresize(
    image: np.ndarray,
    scale: float | tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
    antialias: bool = True,
) -> np.ndarray:
    """Resize a ``uint8`` array, ``(H, W)`` or ``(H, W, C)``, as MATLAB's bicubic ``imresize`` did it in 2016.

    Give ``scale`` (0.25 shrinks to a quarter; each side becomes ``ceil(scale * side)``) or ``size``, (height,
    width). Keys' cubic with a = -0.5, stretched when shrinking (``antialias=False`` leaves that out, as a
    common mistake does), pixels beyond the border equal to the border's, rounded to 8 bits after each
    dimension; rows come first, or the dimension that shrinks more. Equals every LR image of the paper's test
    sets in every pixel. Newer MATLAB mirrors at the border instead.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        found = f"{image.dtype} {image.shape}"
        raise SrganError(f"imresize needs a uint8 array (H, W) or (H, W, C), not {found}; convert the image")
    scales, sizes = _scales_and_sizes(image.shape[:2], scale, size)
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        taps = cubic_taps(0, sizes[axis], scales[axis], antialias)
        image = np.moveaxis(_resize_first_axis(np.moveaxis(image, axis, 0), *taps), 0, axis)
    return np.ascontiguousarray(image)


def _scales_and_sizes(sides, scale, size):
    if (scale is None) == (size is None):
        raise SrganError("imresize needs either scale or size=(height, width); give one of them")
    if size is None:
        if not (isinstance(scale, Real) and math.isfinite(scale) and scale > 0):
            raise SrganError(f"scale must be a positive number, not {scale!r}; 0.25 shrinks to a quarter")
        return (scale, scale), tuple(math.ceil(scale * side) for side in sides)
    if not _are_sides(size):
        raise SrganError(f"size must be (height, width) in whole pixels, not {size!r}; give two from 1")
    return tuple(new / old for new, old in zip(size, sides, strict=True)), tuple(int(side) for side in size)


def _are_sides(size):
    try:
        return len(size) == 2 and all(side == int(side) and side >= 1 for side in size)
    except (TypeError, ValueError, OverflowError):
        return False


def _cubic(x):
    """Keys' cubic kernel with a = -0.5: 1 at 0, 0 at whole numbers and beyond 2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def cubic_taps(first, count, scale, antialias=True):
    """For ``count`` outputs from ``first`` on: the inputs of each and their weights, both ``(count, taps)``.

    Indices may lie outside the image: who uses them clamps. The arithmetic counts from 1, as MATLAB does, so
    that its rounding is MATLAB's.
    """
    stretch = scale if antialias and scale < 1 else 1.0
    width = 4 / stretch
    centre = np.arange(first + 1, first + count + 1) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(centre - width / 2)
    indices = left[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * _cubic(stretch * (centre[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    used = weights.any(axis=0)
    return indices[:, used].astype(np.int64) - 1, weights[:, used]


def _resize_first_axis(image, indices, weights, block=64):
    indices = indices.clip(0, len(image) - 1)
    result = np.empty((len(indices), *image.shape[1:]), np.uint8)
    image = np.ascontiguousarray(image)
    column = (-1, *[1] * (image.ndim - 1))
    for start in range(0, len(indices), block):  # in blocks, so that the float64 sums stay small
        rows = slice(start, start + block)
        total = 0.0
        for index, weight in zip(indices[rows].T, weights[rows].T, strict=True):
            total = total + weight.reshape(column) * image[index]
        result[rows] = np.floor(total + 0.5).clip(0, 255)  # half away from zero, as MATLAB rounds
    return result


def imresize_batch(images, scale):
    """``imresize`` for a float tensor ``(N, C, H, W)`` of whole levels 0..255, on the tensor's device.

    Returns whole levels, float, ``(N, C, ceil(scale * H), ceil(scale * W))``, within one level of
    ``imresize``; equal to it where ``float32`` holds the weights exactly (scales 1/2, 1/4, 2 and 4).
    """
    _, sizes = _scales_and_sizes(images.shape[-2:], scale, None)
    return _filter_batch(images, ("cubic", scale), (0, 0), sizes)


# ------------------------------------------------------------------- filtering batches by small matrices


def _filter_batch(images, kernel, firsts, counts):
    """Filter rows, round, filter columns, round. Two small matrix products: the fewest launches on a GPU."""
    with torch.autocast(images.device.type, enabled=False):  # bfloat16 would lose levels
        if images.dtype != torch.float64:
            images = images.float()
        for first, count in zip(firsts, counts, strict=True):  # rows, then, transposed, columns
            blocks = _matrix_blocks(kernel, first, count, images.shape[-2], images.dtype, images.device)
            parts = [matrix @ images[..., start:stop, :] for start, stop, matrix in blocks]
            images = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)
            images = torch.floor(images + 0.5).clamp(0, 255).transpose(-1, -2)
    return images.contiguous()


@functools.lru_cache(maxsize=64)
def _matrix_blocks(kernel, first, count, length, dtype, device, block=256):
    """The filter as (start, stop, matrix) for each 256 outputs: matrices stay small for any image."""
    name, *settings = kernel
    taps = {"cubic": cubic_taps, "gaussian": _gaussian_taps}[name]
    indices, weights = taps(first, count, *settings)
    indices = indices.clip(0, length - 1)
    blocks = []
    for begin in range(0, count, block):
        columns, values = indices[begin : begin + block], weights[begin : begin + block]
        start, stop = columns.min(), columns.max() + 1
        matrix = np.zeros((len(columns), stop - start))
        np.add.at(matrix, (np.arange(len(columns))[:, None], columns - start), values)
        with torch.inference_mode(False):  # kept in the cache: it must serve training too
            blocks.append((int(start), int(stop), torch.from_numpy(matrix).to(device, dtype)))
    return blocks


# ------------------------------------------------------------------------------------------ degradations

GAUSSIAN_REACH = 4  # standard deviations


def gaussian_blur(image, sigma):
    """Blur an array, ``(H, W)`` or ``(H, W, C)``, with a Gaussian of ``sigma`` pixels; ``float64``.

    Pixels beyond the border equal the border's; the kernel reaches 4 sigma; the result is not rounded.
    """
    image = np.asarray(image, dtype=np.float64)
    for axis in (0, 1):
        image = gaussian_filter1d(image, sigma, axis=axis, mode="nearest", truncate=GAUSSIAN_REACH)
    return image


def _gaussian_taps(first, count, scale, sigma):
    """As ``cubic_taps``: a Gaussian around the middle of each block of ``scale`` pixels.

    The weights are whole multiples of 1/65536, so ``float32`` sums of levels are exact in any order, and a
    crop on a GPU equals the whole photo on a CPU (within one level if TF32 has been allowed there).
    """
    half = (scale - 1) % 2 / 2  # the middle of an even block lies between two pixels
    reach = math.floor(GAUSSIAN_REACH * sigma)
    distance = np.arange(-reach - half, reach + half + 1)
    weights = np.exp((half**2 - distance**2) / (2 * sigma**2))
    weights = np.round(65536 * weights / weights.sum())
    rest = 65536 - weights.sum()
    weights[len(weights) // 2] += rest // 2
    weights[(len(weights) - 1) // 2] += rest - rest // 2
    centre = np.arange(first, first + count) * scale + (scale - 1) / 2
    indices = (centre[:, None] + distance).astype(np.int64)
    return indices, np.broadcast_to(weights / 65536, indices.shape)


def _degrade_crops(hr, kernel, scale, margin, rounded=True):
    """LR of HR crops that carry a margin; not rounded, it is differentiable and can be compiled."""
    sides = [side - 2 * margin for side in hr.shape[-2:]]
    if min(sides) < scale or any(side % scale for side in sides):
        found = f"{sides[1]}x{sides[0]}"
        raise SrganError(f"HR crops of {found} do not divide by the scale, {scale}; choose another crop size")
    counts = [side // scale for side in sides]
    if rounded:
        return _filter_batch(hr, kernel, [margin // scale] * 2, counts)
    with torch.autocast(hr.device.type, enabled=False):
        settings = margin // scale, hr.device
        down = _whole_matrix(kernel, counts[0], hr.shape[-2], *settings)
        is_square = hr.shape[-2] == hr.shape[-1]
        across = down if is_square else _whole_matrix(kernel, counts[1], hr.shape[-1], *settings)
        lr = down @ hr.float() @ across.T
    return lr


@torch.compiler.assume_constant_result
def _whole_matrix(kernel, count, length, first, device):
    """The filter as one matrix (count, length); ``torch.compile`` takes it as it is, once a graph."""
    ((start, stop, matrix),) = _matrix_blocks(kernel, first, count, length, torch.float32, device, count)
    return torch.nn.functional.pad(matrix, (start, length - stop))


def _check_scale(scale):
    if scale != int(scale) or scale < 1:
        raise SrganError(f"a degradation's scale is a whole number from 1, not {scale}; the paper's is 4")


@dataclass(frozen=True)
class Bicubic:
    """The paper's degradation (section 3.2): MATLAB's bicubic, shrinking by the whole number ``scale``.

    Called with HR crops, float ``(N, 3, H + 2 margin, W + 2 margin)`` of levels 0..255 that carry ``margin``
    pixels of the photo on each side (beyond the photo's edge: the edge's pixel, repeated), it gives LR
    ``(N, 3, H / scale, W / scale)`` in whole levels: what cropping the degraded photo would give, to the
    pixel at scales 2 and 4 and within one level at others.
    """

    scale: int = 4

    def __post_init__(self):
        _check_scale(self.scale)

    @property
    def margin(self):
        """HR pixels needed around a crop: the kernel reaches 2 LR pixels."""
        return 2 * self.scale

    def __call__(self, hr):
        return _degrade_crops(hr, ("cubic", 1 / self.scale), self.scale, self.margin)

    def unrounded(self, hr):
        """The same for values of any range, neither rounded nor clipped: a loss can be made of it."""
        return _degrade_crops(hr, ("cubic", 1 / self.scale), self.scale, self.margin, rounded=False)

    def whole(self, image):
        """A whole photo, ``uint8`` ``(H, W, C)``, as LR; each side becomes ``ceil(side / scale)``."""
        return imresize(image, 1 / self.scale)


@dataclass(frozen=True)
class BlurSubsample:
    """A Gaussian blur, then one pixel for each ``scale`` by ``scale`` block: LR as in the paper's section 2.

    ``sigma`` is in HR pixels. The sample is taken in the middle of the block, so LR and HR cover the same
    area; where that lies between pixels (even scales) the Gaussian is centred there. Rounded to 8 bits after
    each dimension. Called like ``Bicubic``; crops equal the degraded photo's to the pixel.
    """

    scale: int = 4
    sigma: float = 1.6

    def __post_init__(self):
        _check_scale(self.scale)
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise SrganError(f"a blur's sigma is a positive number of pixels, not {self.sigma}; 1.6 is usual")

    @property
    def margin(self):
        """HR pixels needed around a crop: 4 sigma, rounded up to a multiple of ``scale``."""
        return self.scale * math.ceil(GAUSSIAN_REACH * self.sigma / self.scale)

    def __call__(self, hr):
        return _degrade_crops(hr, ("gaussian", self.scale, self.sigma), self.scale, self.margin)

    def unrounded(self, hr):
        """The same for values of any range, neither rounded nor clipped: a loss can be made of it."""
        kernel = ("gaussian", self.scale, self.sigma)
        return _degrade_crops(hr, kernel, self.scale, self.margin, rounded=False)

    def whole(self, image):
        """A whole photo, ``uint8`` ``(H, W, C)``, as LR; each side becomes ``ceil(side / scale)``."""
        levels = torch.from_numpy(np.moveaxis(np.asarray(image), -1, 0).astype(np.float32))
        counts = [-(-side // self.scale) for side in image.shape[:2]]
        lr = _filter_batch(levels, ("gaussian", self.scale, self.sigma), (0, 0), counts)
        return np.ascontiguousarray(np.moveaxis(lr.numpy().astype(np.uint8), 0, -1))


DEGRADATIONS = {"bicubic": Bicubic, "blur": BlurSubsample}  # by the names that settings use
