"""From the word a user types for data to a list of photos, and which of them are never trained on."""

import hashlib
from pathlib import Path

from srgan_lib.data.downloads import get
from srgan_lib.data.sources import bundled_photos, folder_of_pairs, folder_of_photos, held_out_photos
from srgan_lib.errors import SrganError

BUNDLED = {"bundled": bundled_photos, "held-out": held_out_photos}


def photos_of(data, lr_data=None):
    """The photos that ``data`` names: "bundled", "held-out", a folder, or a data set to fetch (DIV2K).

    With ``lr_data``, a second folder, they are pairs. Raises ``SrganError`` when nothing is found.
    """
    if data in BUNDLED:
        return BUNDLED[data]()
    folder = Path(data).expanduser()
    if not folder.exists() and len(folder.parts) == 1:
        folder = get(data)
    return folder_of_pairs(folder, lr_data) if lr_data else folder_of_photos(folder)


def without_held_out(photos, count):
    """(photos to train on, ``count`` photos kept from training), both in the given order.

    Those with the lowest hash of their file's name are kept: the same ones in every folder, on every machine
    and, but for a few, when photos are added. Raises ``SrganError`` when none would be left to train on.
    """
    if count >= len(photos) > 0:
        raise SrganError(f"held_out is {count} of {len(photos)} photos; hold out fewer, or give more photos")
    kept = set(sorted(photos, key=lambda photo: (_hash(photo.path.name), photo.path))[:count])
    return [photo for photo in photos if photo not in kept], [photo for photo in photos if photo in kept]


def _hash(name):
    return hashlib.sha256(name.encode()).hexdigest()
