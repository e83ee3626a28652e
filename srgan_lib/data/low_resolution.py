"""Low-resolution versions of photos as the protocol makes them, in memory and as files.

The protocol (PAPER.md, section 3.1): an original whose sides are no multiple of the scale is cropped at the
right and below, and its low-resolution image is MATLAB's bicubic one of what is left.
"""

import numpy as np
from PIL import Image

from srgan_lib.data.sources import folder_of_photos, without_low_resolution
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import open_image, save_image
from srgan_lib.support.files import expanded, made_folder
from srgan_lib.support.notices import say, some_names

SCALES = (2, 4, 8)


def measured_part(image, scale):
    """A ``PIL.Image`` cropped to multiples of ``scale``, without an alpha if that hides nothing."""
    if image.mode in ("LA", "RGBA"):
        if image.getchannel("A").getextrema()[0] < 255:
            raise SrganError("it has transparency: what is seen depends on what lies behind; flatten it")
        image = image.convert(image.mode[:-1])
    width, height = (side - side % scale for side in image.size)
    if not (width and height):
        raise SrganError(f"{image.width}x{image.height} pixels are too few to measure; use larger images")
    return image if image.size == (width, height) else image.crop((0, 0, width, height))


def made_input(original, scale):
    """The low-resolution image of ``measured_part``'s image: ``uint8`` (h, w, 3), grey repeated."""
    small = imresize(np.array(original), 1 / scale)
    return small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2)


def write_low_resolution(folder, out=None, scales=SCALES, overwrite=False):
    """Write the low-resolution versions of a folder's photos into ``LRx2``, ``LRx4`` and ``LRx8``, as PNG.

    The photos are those in ``folder/HR`` if there is such a folder, else those in ``folder`` at any depth; a
    version lies at the same place below ``out/LRxN`` (``out`` is ``folder`` if not given). Yields (photo,
    its files, or the ``SrganError`` that says why it has none). Before the first one is written it raises
    ``SrganError`` for a folder without photos, for photos that would share a name, for a scale other than 2,
    4 and 8, and, without ``overwrite``, where a file is there already.
    """
    unknown = [scale for scale in scales if scale not in SCALES]
    if unknown or not scales:
        raise SrganError(f"scales are {list(scales)}; use some of 2, 4 and 8")
    folder = expanded(folder)
    originals = folder / "HR" if (folder / "HR").is_dir() else folder
    photos = without_low_resolution(originals, folder_of_photos(originals))
    targets = _targets(originals, photos, expanded(out or folder), sorted(set(scales)))
    there = [path for paths in targets for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise SrganError(f"{some_names(there)}: there already; use --overwrite, or another --out")
    return _written(photos, targets)


def _targets(originals, photos, out, scales):
    """For each photo {scale: the file of its version}."""
    places = [photo.path.relative_to(originals).with_suffix(".png") for photo in photos]
    first = {}
    for place, photo in zip(places, photos, strict=True):
        if place in first:
            raise SrganError(f"{photo.path} and {first[place].name}: both are {place.stem!r}; rename one")
        first[place] = photo.path
    return [{scale: out / f"LRx{scale}" / place for scale in scales} for place in places]


def _written(photos, targets):
    for photo, paths in zip(photos, targets, strict=True):
        try:
            yield photo.path, _write(photo.path, paths)
        except SrganError as error:
            yield photo.path, error


def _write(path, targets):
    image = open_image(path)
    made = {}
    for scale, target in targets.items():
        try:
            made[target] = imresize(np.array(measured_part(image, scale)), 1 / scale)
        except SrganError as error:
            raise SrganError(f"{path}: {error}") from error
    for target, levels in made.items():
        made_folder(target.parent, "--out")
        save_image(Image.fromarray(levels), target)
    if any(side % scale for side in image.size for scale in targets):
        say(f"{path}: cropped at the right and below to multiples of the scale, as the protocol does")
    return list(made)
