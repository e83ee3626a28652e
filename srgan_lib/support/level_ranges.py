"""What range the values of two images are meant in, and the same images as levels from 0 to 255."""

import numpy as np
import torch
from PIL import Image

from srgan_lib.errors import SrganError

LEVELS, UNIT, SIGNED, BLACK = "0 to 255", "0 to 1", "-1 to 1", "nothing but 0"
SLACK = 1e-3  # of floats that were computed, around [0, 1] and [-1, 1]
WILDEST = (-255, 510)  # levels with noise, or that a filter drove beyond their ends
SAY_RANGE = "say data_range=255, 1, 65535 or (-1, 1)"


def as_levels(images, data_range=None):
    """Arrays ``float64`` whose levels go from 0 to 255, of images that share one range.

    ``data_range`` is the highest value that is meant (0 the lowest), or a pair (lowest, highest), as
    torchmetrics has it. Without it the rules of ``metrics`` hold. Raises ``SrganError``.
    """
    arrays = [_array(image) for image in images]
    low, high = _given(data_range, arrays) if data_range is not None else _inferred(arrays)
    arrays = [array.astype(np.float64) for array in arrays]
    return arrays if (low, high) == (0, 255) else [(array - low) * (255 / (high - low)) for array in arrays]


def _array(image):
    """The values of one image, channels last."""
    if isinstance(image, Image.Image):
        return np.asarray(image)
    if isinstance(image, torch.Tensor):
        return _of_tensor(image)
    if isinstance(image, np.ma.MaskedArray):
        raise SrganError("masks are not looked at here; give the array itself, image.data, or a part of it")
    return image


def _of_tensor(image):
    found = f"{image.dtype} {tuple(image.shape)}"
    if image.ndim == 4 and len(image) == 1:
        image = image[0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[0] not in (1, 3)):
        raise SrganError(f"a tensor is (3, H, W), (1, H, W) or (H, W), one image, not {found}; move its axes")
    image = image.detach().cpu()
    if image.dtype == torch.bfloat16:
        image = image.float()
    array = image.numpy()
    return array if array.ndim == 2 else np.moveaxis(array, 0, -1)


def _inferred(arrays):
    """(lowest, highest) by the values' types and, of floats, by the values."""
    for array in arrays:
        _check_finite(array)
        if array.dtype.kind == "u" and array.dtype.itemsize > 1 and array.max() > 0:
            raise SrganError(f"values of {array.dtype} may mean 0 to 65535, 4095 or 255; {SAY_RANGE}")
    kinds = [_kind(array) for array in arrays]
    meant = set(kinds) - {BLACK}
    if SIGNED in meant:
        raise SrganError(f"{' and '.join(kinds)}: negative values leave open what is meant; {SAY_RANGE}")
    if len(meant) == 2:
        raise SrganError(f"one image has values from {LEVELS}, the other from {UNIT}; scale one of them")
    if meant == {UNIT} and all(np.array_equal(array, np.round(array)) for array in arrays):
        raise SrganError(f"values of nothing but 0 and 1 may be black and white, or two blacks; {SAY_RANGE}")
    return (0, 1) if meant == {UNIT} else (0, 255)


def _kind(array):
    if array.dtype == np.uint8:
        return LEVELS
    low, high = float(array.min()), float(array.max())
    if low == high == 0:
        return BLACK
    if low >= -SLACK and high <= 1 + SLACK:
        return UNIT
    if low >= -1 - SLACK and high <= 1 + SLACK:
        return SIGNED
    if low >= WILDEST[0] and high <= WILDEST[1]:
        return LEVELS
    raise SrganError(f"values from {low:.4g} to {high:.4g} are no levels from 0 to 255; {SAY_RANGE}")


def _check_finite(array):
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SrganError("some values are not numbers or infinite; replace them before comparing")


def _given(data_range, arrays):
    try:
        low, high = (0, data_range) if np.ndim(data_range) == 0 else data_range
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        low = high = 0.0
    if not 0 < high - low < float("inf"):
        raise SrganError(f"data_range is a number above 0 or a pair (lowest, highest), not {data_range!r}")
    for array in arrays:
        _check_finite(array)
        _check_within(array, low, high)
    kinds = {array.dtype for array in arrays}
    if len(kinds) > 1 and np.dtype(np.uint8) in kinds and (low, high) != (0, 255):
        raise SrganError(f"uint8 goes to 255 and data_range to {high:g}; bring both images to one type")
    return low, high


def _check_within(array, low, high):
    """Refuse values that a range cannot mean: far beyond it, or around 0 where it begins there."""
    least, most = float(array.min()), float(array.max())
    far = least < low - (high - low) or most > high + (high - low)
    centred = low == 0 and least < -high / 4 and most <= 0.55 * high
    if far or centred:
        found = f"values from {least:.4g} to {most:.4g}"
        raise SrganError(f"{found} do not lie in data_range, {low:g} to {high:g}; {SAY_RANGE}")
