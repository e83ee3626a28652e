"""How good is the generator now? PSNR on photos it is not trained on, and pictures to look at."""

from dataclasses import dataclass

import numpy as np
import torch

from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import crop_to_multiple, from_signed, to_unit
from srgan_lib.metrics import psnr
from srgan_lib.networks import scale_of_network

MOST_PHOTOS = 30
SMALLEST_SIDE = 4  # LR pixels
LARGEST_SIDE = 512  # of the middle that is used: a whole 2K photo would keep the training waiting
SIDE = 192  # pixels of what is pictured
PREVIEW_PHOTOS = 3
# (top, left) of the part that is kept: eyes and fur; a spoon, its mirror image and wood; a face and hair.
CORNERS = {"chelsea": (40, 120), "coffee": (200, 288), "astronaut": (20, 128)}


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

    Batch normalisation uses its stored statistics; every part of the generator is left in the mode it was in.
    """
    modes = {module: module.training for module in generator.modules()}
    generator.eval()
    device = next(generator.parameters()).device
    images = [from_signed(generator(to_unit(item.lr).unsqueeze(0).to(device)))[0] for item in examples]
    for module, mode in modes.items():
        module.training = mode
    return images


def validate(generator, examples):
    """(PSNR in dB of each example by name, the super-resolved images, uint8).

    PSNR is on Y without a border of ``scale`` pixels (section 3.1).
    """
    images = results(generator, examples)
    scale = scale_of_network(generator)
    values = {
        item.name: round(psnr(item.hr, image, crop=scale), 4)
        for item, image in zip(examples, images, strict=True)
    }
    return values, images


def preview(generator, examples):
    """A row a photo, of the first three: LR enlarged by pixel repetition, the result, the original.

    ``uint8`` (H, W, 3).
    """
    rows, shown = [], examples[:PREVIEW_PHOTOS]
    for item, image in zip(shown, results(generator, shown), strict=True):
        scale = item.hr.shape[0] // item.lr.shape[0]
        large = np.kron(item.lr, np.ones((scale, scale, 1), dtype=np.uint8))
        rows.append(np.concatenate([_middle(picture) for picture in (large, image, item.hr)], axis=1))
    return np.concatenate(rows, axis=0)


def _middle(image):
    top, left = (max(0, (side - SIDE) // 2) for side in image.shape[:2])
    part = image[top : top + SIDE, left : left + SIDE]
    missing = [(0, SIDE - side) for side in part.shape[:2]]
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


# ------------------------------------------------ three photos, again and again, in an adversarial stage


def moments(updates, count):
    """After which updates of a stage to look: 0, then each time twice as many, ``updates`` being the last.

    At most ``count`` numbers, in rising order. Training changes a network fastest at its start, so equal
    distances would miss most of it.
    """
    return sorted({0, *(-(-updates // 2**halvings) for halvings in range(count - 1))}) if count else []


def pictured(data, degradation):
    """The whole photos to picture as a list of ``Example``: not the astronaut where ``data`` holds it."""
    photos = held_out_photos() + [photo for photo in bundled_photos() if photo.name in CORNERS]
    kept = photos if data != "bundled" else held_out_photos()
    whole = [(photo.name, crop_to_multiple(photo.load(), degradation.scale)) for photo in kept]
    return [Example(name, hr, degradation.whole(hr)) for name, hr in whole]


def pictures(generator, examples):
    """{name: the middle of the result, uint8 (192, 192, 3)} of each photo that ``pictured`` gave."""
    return {
        item.name: part(item.name, image)
        for item, image in zip(examples, results(generator, examples), strict=True)
    }


def part(name, image):
    """The part of a photo's result, or of the photo itself, that is pictured: uint8 (192, 192, 3)."""
    top, left = CORNERS[name]
    return image[top : top + SIDE, left : left + SIDE]
