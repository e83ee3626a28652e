"""Where photographs come from: bundled with scikit-image and scikit-learn, a folder, a folder of pairs.

A source is a list of ``Photo``. Nothing is decoded until a photo's ``load`` is called.
``photos_of`` leads from the word that a user types to such a list.
"""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from srgan_lib.data.downloads import get
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS, open_image, read_rgb

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


def folder_of_pairs(hr_folder, lr_folder):
    """High- and low-resolution files with the same name in two folders.

    ``photo.png`` matches ``photo.png``, also with an ending such as ``photox4.png`` or ``photo_LR.png`` in
    the low folder, as data sets name them. Raises ``SrganError`` when a file has no partner.
    """
    high = {path.stem: path for path in _image_files(hr_folder)}
    low = {_stem_without_ending(path.stem, high): path for path in _image_files(lr_folder)}
    alone = sorted(set(high) ^ set(low))
    if alone:
        raise SrganError(
            f"{hr_folder} and {lr_folder}: {len(alone)} files have no partner of the same name"
            f" (the first is {alone[0]!r}); give each photo exactly one low-resolution file"
        )
    return [Photo(high[name], low[name]) for name in sorted(high)]


def _image_files(folder):
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise SrganError(f"{folder}: no such folder; check the path")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
    if not files:
        endings = " ".join(sorted(EXTENSIONS))
        raise SrganError(f"{folder}: no photos in it; put image files there ({endings})")
    return files


def _stem_without_ending(stem, known):
    if stem in known:
        return stem
    for ending in ("x2", "x4", "x8", "_LR", "_lr", "_HR_LR"):
        if stem.endswith(ending) and stem.removesuffix(ending) in known:
            return stem.removesuffix(ending)
    return stem


def pair_scale(photo):
    """How many times larger the photo is than its stored low-resolution version.

    Raises ``SrganError`` when the two sizes are not one whole multiple of each other.
    """
    (height, width), (low_height, low_width) = photo.sides(), photo.lr_sides()
    scale = round(height / low_height)
    if (height, width) != (scale * low_height, scale * low_width):
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
