"""A set of pairs on disk, made from any photos: training and validation, each in high and low resolution.

    OUT/train/high/0001.png    OUT/train/low/0001.png    OUT/val/high    OUT/val/low    OUT/manifest.json

A pair is one sample, of two files. ``folder_of_pairs`` reads what is written here, and so does
``srgan train --data OUT/train/high --lr-data OUT/train/low``.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from srgan_lib.data.sources import without_held_out
from srgan_lib.errors import SrganError
from srgan_lib.images import crop_to_multiple, save_image
from srgan_lib.support.folders import whole_folder
from srgan_lib.support.notices import say, some_names

MANIFEST = "manifest.json"
PARTS = ("train", "val")
SIGMA_OF_SCALE = 0.4  # the chapter One image, many answers: 1.6 pixels at a scale of 4


def middle(image, size):
    """The middle ``size`` x ``size`` pixels of an array (H, W, C): a crop, never a resize."""
    top, left = ((side - size) // 2 for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def write_pairs(photos, out, degradation, split=None, size=None):
    """Write pairs of ``photos`` (a list of ``Photo``) into the folder ``out``; returns the manifest.

    Each photo's middle ``size`` x ``size`` pixels (without ``size`` all of it, but for what is over a
    multiple of the scale) is the HR image, and ``degradation``, a ``Bicubic`` or ``BlurSubsample``, makes the
    LR image of it: both ``uint8`` PNG. ``split`` is (photos to train on, photos to validate with), which must
    add up to the photos that can be used; without it one in five validates. Those whose file name has the
    lowest hash do (``without_held_out``).

    Photos that are smaller than asked, the same as another in every pixel that is taken, or damaged are left
    out, with one line on stderr for each of these kinds. The manifest says which, and of each pair the
    source, the hashes and the degradation. Raises ``SrganError``, before anything is written, where ``size``
    does not divide by the scale, the split does not add up, or ``out`` is not empty.
    """
    if size is not None and (size < degradation.scale or size % degradation.scale):
        raise SrganError(
            f"--size {size} is no multiple of the scale, {degradation.scale}; choose one that is"
        )
    with whole_folder(out) as folder:
        kept, left_out = _sorted_out(photos, degradation.scale, size)
        parts = _split(kept, split)
        manifest = {
            "pairs": len(kept),
            "files": 2 * len(kept),
            "size": size,
            "degradation": {"name": type(degradation).__name__, **asdict(degradation)},
            "left_out": left_out,
        }
        number = 0
        for part, members in zip(PARTS, parts, strict=True):
            manifest[part] = [
                _write_pair(folder / part, f"{number + index:04d}.png", photo, degradation, size)
                for index, photo in enumerate(members, start=1)
            ]
            number += len(members)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def default_sigma(scale):
    """The Gaussian's sigma in HR pixels for a scale: the chapter's share of it, 0.8 at 2 and 1.6 at 4."""
    return SIGMA_OF_SCALE * scale


def _sorted_out(photos, scale, size):
    """(photos that can be used, {reason: names of those left out}); says each reason in one line."""
    kept, left_out, seen = [], {"smaller": [], "double": [], "damaged": []}, {}
    for photo in photos:
        try:
            image = photo.load()
        except SrganError:
            left_out["damaged"].append(photo.path.name)
            continue
        if min(image.shape[:2]) < (size or scale):
            left_out["smaller"].append(photo.path.name)
            continue
        digest = _hash(_taken(image, scale, size))
        if digest in seen:
            left_out["double"].append(f"{photo.path.name} (as {seen[digest]})")
            continue
        seen[digest] = photo.path.name
        kept.append(photo)
    wanted = f"{size}x{size}" if size else f"{scale}x{scale}"
    reasons = {
        "smaller": f"smaller than {wanted} pixels; nothing is enlarged",
        "double": "the same as another in every pixel; it counts once",
        "damaged": "cannot be read as an image",
    }
    for kind, names in left_out.items():
        if names:
            say(f"{len(names)} left out, {reasons[kind]}: {some_names(names)}")
    if not kept:
        raise SrganError(f"none of {len(photos)} photos can be used; give others, or a smaller --size")
    return kept, left_out


def _split(kept, split):
    """The photos to train on and those to validate with."""
    train, val = split or (len(kept) - len(kept) // 5, len(kept) // 5)
    if train + val != len(kept):
        raise SrganError(
            f"--split {train}/{val} is for {train + val} photos, and {len(kept)} can be used;"
            f" choose two numbers that add up to {len(kept)}"
        )
    return without_held_out(kept, val)


def _taken(image, scale, size):
    return middle(image, size) if size else crop_to_multiple(image, scale)


def _write_pair(folder, name, photo, degradation, size):
    """Write one pair; returns its line of the manifest."""
    image = photo.load()
    high = np.ascontiguousarray(_taken(image, degradation.scale, size))
    low = degradation.whole(high)
    for kind, pixels in (("high", high), ("low", low)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        save_image(pixels, folder / kind / name)
    return {
        "name": name,
        "source": photo.path.name,
        "source_sha256": hashlib.sha256(photo.path.read_bytes()).hexdigest(),
        "source_size": [image.shape[1], image.shape[0]],
        "high_sha256": _file_hash(folder / "high" / name),
        "low_sha256": _file_hash(folder / "low" / name),
    }


def _hash(pixels):
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
