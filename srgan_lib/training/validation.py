"""How good is the generator now? PSNR on photos it is not trained on, and a picture to look at."""

from dataclasses import dataclass

import numpy as np
import torch

from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import crop_to_multiple, from_signed, to_unit
from srgan_lib.metrics import psnr

MOST_PHOTOS = 30
SMALLEST_SIDE = 4  # LR pixels
LARGEST_SIDE = 512  # of the middle that is used: a whole 2K photo would keep the training waiting
PREVIEW_SIDE = 192
PREVIEW_PHOTOS = 3


@dataclass(frozen=True)
class Example:
    """A photo to validate with: its name, ``hr`` (H, W, 3) and ``lr`` (h, w, 3), both uint8."""

    name: str
    hr: np.ndarray
    lr: np.ndarray


def examples_from(photos, degradation):
    """The first 30 photos, their middle 512 pixels, with the low-resolution version of that middle.

    Photos of one name in several folders are told apart by these. Raises ``SrganError`` for a photo that
    cannot be read or is too small to be measured.
    """
    photos = photos[:MOST_PHOTOS]
    names = _distinct([photo.path.with_suffix("").parts for photo in photos])
    return [_example(photo, name, degradation) for photo, name in zip(photos, names, strict=True)]


def _distinct(paths):
    """The last part of each path, with as many before it as tell all apart."""
    for count in range(1, max(map(len, paths), default=0) + 1):
        names = ["/".join(parts[-count:]) for parts in paths]
        if len(set(names)) == len(names):
            break
    return names if paths else []


def _example(photo, name, degradation):
    scale = degradation.scale
    whole = photo.load()
    if min(whole.shape[:2]) < SMALLEST_SIDE * scale:
        found, least = f"{whole.shape[1]}x{whole.shape[0]}", SMALLEST_SIDE * scale
        raise SrganError(
            f"{photo.path}: {found} is too small to validate with; use photos of {least}x{least} or more"
        )
    hr = crop_to_multiple(whole, scale)
    lr = photo.load_lr() if photo.lr_path else degradation.whole(hr)
    low_side = LARGEST_SIDE // scale
    top, left = (max(0, (side - low_side) // 2) for side in lr.shape[:2])
    lr = lr[top : top + low_side, left : left + low_side]
    hr = hr[scale * top :, scale * left :][: scale * lr.shape[0], : scale * lr.shape[1]]
    return Example(name, hr, lr)


@torch.no_grad()
def results(generator, examples):
    """The super-resolved images, uint8 (H, W, 3), one an example.

    Batch normalisation uses its stored statistics; the generator is left in the mode it was in.
    """
    was_training = generator.training
    generator.eval()
    device = next(generator.parameters()).device
    images = [from_signed(generator(to_unit(item.lr).unsqueeze(0).to(device)))[0] for item in examples]
    generator.train(was_training)
    return images


def validate(generator, examples):
    """(PSNR in dB of each example by name, the super-resolved images, uint8).

    PSNR is on Y without a border of ``scale`` pixels (section 3.1).
    """
    images = results(generator, examples)
    scale = generator.config["scale"]
    values = {
        item.name: round(psnr(item.hr, image, crop=scale), 4)
        for item, image in zip(examples, images, strict=True)
    }
    return values, images


def preview(examples, images):
    """A row a photo: LR enlarged by pixel repetition, the result, the original. uint8 (H, W, 3)."""
    rows = []
    for item, image in list(zip(examples, images, strict=True))[:PREVIEW_PHOTOS]:
        scale = item.hr.shape[0] // item.lr.shape[0]
        large = np.kron(item.lr, np.ones((scale, scale, 1), dtype=np.uint8))
        rows.append(np.concatenate([_middle(picture) for picture in (large, image, item.hr)], axis=1))
    return np.concatenate(rows, axis=0)


def _middle(image):
    top, left = (max(0, (side - PREVIEW_SIDE) // 2) for side in image.shape[:2])
    part = image[top : top + PREVIEW_SIDE, left : left + PREVIEW_SIDE]
    missing = [(0, PREVIEW_SIDE - side) for side in part.shape[:2]]
    return np.pad(part, [*missing, (0, 0)])


def bicubic_baseline(examples):
    """PSNR in dB of bicubic enlargement of each example, by name: the number to beat."""
    return {
        item.name: round(
            psnr(
                item.hr, imresize(item.lr, size=item.hr.shape[:2]), crop=item.hr.shape[0] // item.lr.shape[0]
            ),
            4,
        )
        for item in examples
    }
