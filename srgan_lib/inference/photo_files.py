"""A photo as it is read for enlarging: with all its bits, of several frames the first."""

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.formats import deep
from srgan_lib.images import open_image, standard
from srgan_lib.support.notices import say


@dataclass(frozen=True)
class Photo:
    """A photo that was read: ``image`` is what ``open_image`` gives; ``deep`` has all its bits.

    ``deep`` is None for a photo of 8 bits, and for one that only ``image`` reads.
    """

    path: Path
    image: Image.Image
    deep: deep.Deep | None
    bits: int

    def as_pil(self):
        """The photo for Pillow: of mode I;16 if it is grey and has 16 bits, else of 8 bits, with a word."""
        if self.deep is not None and self.deep.mode == "L":
            return self.deep.grey_image()
        if self.bits > 8:
            say(f"{self.path} has {self.bits} bits a channel, which are reduced to 8 here")
        return self.image if self.deep is None else self.deep.eight_bits()


def open_photo(path):
    """Read a photo for enlarging, with all its bits; of several frames or pages the first, with a word.

    A pipe (``/dev/stdin``) is read to its end first. Raises ``SrganError`` as ``open_image`` does.
    """
    if _is_pipe(path):
        with open(path, "rb") as stream, copy_of(stream, str(path)) as copy:
            return open_photo(copy)
    image = open_image(path)
    count = _frames(path)
    if count > 1:
        say(f"{path} holds {count} frames or pages; the first is used")
    return Photo(Path(path), image, deep.read_deep(path), deep.bits_of(path))


def _is_pipe(path):
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # open_image says what is wrong
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


@contextmanager
def copy_of(stream, name):
    """Yield the path of a file that holds what ``stream`` does; an ``SrganError`` then tells of ``name``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        try:
            with open(path, "wb") as file:
                shutil.copyfileobj(stream, file)
            yield path
        except OSError as error:
            raise SrganError(f"cannot read {name}: {error.strerror or error}") from error
        except SrganError as error:
            raise SrganError(str(error).replace(str(path), name)) from error


def _frames(path):
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1)
    except Exception:  # what Pillow does not know, or is broken behind its first frame
        return 1


def pixels_of(image):
    """A ``PIL.Image`` of any mode as an array: ``uint16`` (H, W) for 16-bit grey, else ``uint8``; upright."""
    levels = deep.grey_levels(image)
    return np.array(standard(image)) if levels is None else levels
