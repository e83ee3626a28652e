"""Colours and alpha of an image that is partly transparent, made ready for enlarging."""

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from srgan_lib.degradations import cubic_taps

HIDDEN = 0.5 / 255  # an alpha that 8 bits round to 0


def spread_colours(colours, alpha):
    """``colours``, (C, h, w), with those hidden under alpha 0 replaced by the nearest visible ones.

    Programs leave any colour, mostly black, where nothing is to be seen. A network sees it all the same, and
    would draw it as a rim around what is visible. ``alpha`` is (h, w) in [0, 1]; both are tensors, on one
    device, and stay as they are. An image in which nothing, or all, is visible comes back unchanged.
    """
    hidden = (alpha < HIDDEN).cpu().numpy()
    if hidden.all() or not hidden.any():
        return colours
    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    rows, columns = (torch.from_numpy(place.astype(np.int64)).to(colours.device) for place in nearest)
    return colours[:, rows, columns]


def enlarged_alpha(alpha, scale):
    """Alpha, a tensor (h, w) in [0, 1], ``scale`` times larger: bicubic, not rounded, on the CPU."""
    plane = alpha.detach().cpu().double().numpy()
    for axis in (0, 1):
        plane = np.moveaxis(_resized_rows(np.moveaxis(plane, axis, 0), scale).clip(0, 1), 0, axis)
    return torch.from_numpy(np.ascontiguousarray(plane))


def _resized_rows(plane, scale):
    indices, weights = cubic_taps(0, scale * len(plane), scale)
    indices = indices.clip(0, len(plane) - 1)
    result = np.zeros((len(indices), plane.shape[1]))
    for index, weight in zip(indices.T, weights.T, strict=True):  # one tap at a time: little memory
        result += weight[:, None] * plane[index]
    return result
