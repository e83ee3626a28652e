"""Where photographs come from: bundled with scikit-image and scikit-learn, a folder, a folder of pairs.

A source is a list of ``Photo``. Nothing is decoded until a photo's ``load`` is called.
``photos_of`` leads from the word that a user types to such a list.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from srgan_lib.data.downloads import get
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS, UNREADABLE, open_image, read_rgb
from srgan_lib.support.files import expanded, shortened
from srgan_lib.support.notices import say, some_names

HIGH_ENDING = re.compile("[_-](HR|GT)$", re.IGNORECASE)
LOW_ENDING = re.compile("([_-]?x[248][mdw]?|([_-]HR)?[_-](bic)?LR([_-]?x?[248])?)$", re.IGNORECASE)
LOW_FOLDERS = ("LRx2", "LRx4", "LRx8")
EXIF_ORIENTATION, FIRST_TURNED = 0x0112, 5  # from 5 on the camera lay on its side

# In the wheels of scikit-image and scikit-learn: nothing to download. All are in the public domain or free to
# reuse; the list of origins is in the packages (skimage/data/README.txt, sklearn/datasets/images/README.txt).
TRAINING = {
    "skimage/data": (
        "astronaut.png",
        "rocket.jpg",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "hubble_deep_field.jpg",
        "brick.png",
        "grass.png",
        "gravel.png",
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}
HELD_OUT = {"skimage/data": ("chelsea.png", "coffee.png")}


@dataclass(frozen=True)
class Photo:
    """One photograph on disk, and its low-resolution version where the source has one."""

    path: Path
    lr_path: Path | None = None

    @property
    def name(self):
        return self.path.stem

    def load(self):
        """The photograph as uint8 (H, W, 3)."""
        return read_rgb(self.path)

    def load_lr(self):
        """The stored low-resolution version as uint8 (h, w, 3)."""
        return read_rgb(self.lr_path)

    def sides(self):
        """(H, W), from the file's header."""
        return _sides(self.path)

    def lr_sides(self):
        """(h, w) of the stored low-resolution version."""
        return _sides(self.lr_path)


def _sides(path):
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(EXIF_ORIENTATION, 1) >= FIRST_TURNED
            return image.size if turned else image.size[::-1]
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return open_image(path).size[::-1]  # which says in one line what is wrong with the file


def bundled_photos():
    """The ten bundled photographs for training."""
    return _bundled(TRAINING)


def held_out_photos():
    """The two bundled photographs that no training of ours ever sees: chelsea (a cat) and coffee (a cup)."""
    return _bundled(HELD_OUT)


def _bundled(table):
    photos = []
    for folder, names in table.items():
        package, *rest = folder.split("/")
        root = Path(find_spec(package).origin).parent.joinpath(*rest)
        photos += [Photo(root / name) for name in names]
    return photos


def folder_of_photos(folder):
    """Every image file under ``folder``, at any depth, in order of path.

    Raises ``SrganError`` when there is no such folder or no image in it.
    """
    return [Photo(path) for path in _image_files(folder)]


def without_low_resolution(folder, photos):
    """The photos that do not lie in a folder ``LRx2``, ``LRx4`` or ``LRx8`` of ``folder``, with a word."""
    kept = [photo for photo in photos if photo.path.relative_to(folder).parts[0] not in LOW_FOLDERS]
    if len(kept) < len(photos):
        say(f"{folder}: passed over {len(photos) - len(kept)} low-resolution images in its LRx folders")
    if not kept:
        raise SrganError(f"{folder}: nothing but low-resolution images in it; give the photos themselves")
    return kept


def folder_of_pairs(hr_folder, lr_folder):
    """High- and low-resolution files at the same place below two folders.

    ``clip/photo.png`` matches ``clip/photo.png``, in any format, and names as data sets have them:
    ``photox4.png``, ``photo_LR.png``, ``photo_bicLRx4.png`` in the low folder, ``photo_HR.png`` in the high
    one. Raises ``SrganError`` when a file has no partner or two.
    """
    high, low = _by_place(hr_folder), _by_place(lr_folder)
    bare = {_without_ending(place, HIGH_ENDING): place for place in high}
    pairs, alone = {}, []
    for place, path in low.items():
        shorter = _without_ending(place, LOW_ENDING)
        partner = next((name for name in (place, shorter, bare.get(shorter)) if name in high), None)
        if partner is None:
            alone.append(path)
        elif partner in pairs:
            raise SrganError(f"{path} and {pairs[partner]}: both belong to {high[partner]}; remove one")
        else:
            pairs[partner] = path
    alone += [path for place, path in high.items() if place not in pairs]
    if alone:
        raise SrganError(
            f"{hr_folder} and {lr_folder}: {len(alone)} files have no partner of the same name"
            f" (the first is {str(alone[0])!r}); give each photo exactly one low-resolution file"
        )
    return [Photo(high[place], pairs[place]) for place in sorted(high)]


def _by_place(folder):
    """{path below the folder, without the file's suffix: file}"""
    found = {}
    for path in _image_files(folder):
        place = path.relative_to(expanded(folder)).with_suffix("").as_posix()
        if place in found:
            raise SrganError(f"{path} and {found[place].name}: both are {path.stem!r}; rename one")
        found[place] = path
    return found


def _without_ending(place, ending):
    return ending.sub("", place) or place


def _image_files(folder):
    folder = expanded(folder)
    if not folder.is_dir():
        raise SrganError(f"{shortened(folder)}: no such folder; check the path")
    found = list(_files_below(folder))
    unreadable = [path.relative_to(folder) for path in found if path.suffix.lower() in UNREADABLE]
    if unreadable:
        say(f"{folder}: passed over {some_names(unreadable)}: not read here; save as PNG, JPEG or TIFF first")
    files = [path for path in found if path.suffix.lower() in EXTENSIONS]
    if not files:
        endings = ".png .jpg .tif .webp .bmp ..."
        raise SrganError(f"{folder}: no photos in it; put image files there ({endings})")
    return files


def _files_below(folder):
    """Every file below ``folder``, in order of path: none that is hidden, in linked folders too, each once.

    A hidden name begins with a dot: what a system, Jupyter and macOS (``._photo.jpg``, ``__MACOSX``) keep for
    themselves.
    """
    seen, files = set(), []
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = () if real in seen else sorted(name for name in folders if not is_hidden(name))
        paths = () if real in seen else (Path(place, name) for name in names if not is_hidden(name))
        files += [path for path in paths if path.is_file()]
        seen.add(real)
    return sorted(files)


def is_hidden(name):
    """Whether a file or folder of this name is not the user's: hidden, or a copy that macOS makes."""
    return name.startswith(".") or name == "__MACOSX"


def pair_scale(photo):
    """How many times larger the photo is than its stored low-resolution version.

    A photo may have a few pixels more, as the protocol crops them: sides are compared as
    ``side // scale``. Raises ``SrganError`` when no whole number fits both sides.
    """
    (height, width), (low_height, low_width) = photo.sides(), photo.lr_sides()
    scale = height // low_height
    if not scale or (low_height, low_width) != (height // scale, width // scale):
        raise SrganError(
            f"{photo.lr_path}: {low_width}x{low_height} does not divide {photo.path.name}'s {width}x{height};"
            " both sides of the photo must be the same whole multiple of its low-resolution file's"
        )
    return scale


# ------------------------------------------------------------------------------------ what a user names

BUNDLED = {"bundled": bundled_photos, "held-out": held_out_photos}


def photos_of(data, lr_data=None):
    """The photos that ``data`` names: "bundled", "held-out", a folder, or a data set to fetch (DIV2K).

    With ``lr_data``, a second folder, they are pairs. Raises ``SrganError`` when nothing is found.
    """
    if data in BUNDLED:
        return BUNDLED[data]()
    folder = expanded(data)
    if not folder.exists() and len(folder.parts) == 1:
        folder = get(data)
    if lr_data:
        return folder_of_pairs(folder, lr_data)
    return without_low_resolution(folder, folder_of_photos(folder))


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
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
