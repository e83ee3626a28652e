"""Test sets of one's own: originals in any format and of any size, with stored inputs or without.

The protocol (PAPER.md, section 3.1): an original whose sides are no multiple of the scale is cropped at the
right and below, and its low-resolution image is MATLAB's bicubic one of what is left.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srgan_lib.data.low_resolution import made_input, measured_part
from srgan_lib.data.sources import Photo
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS, open_image, read_rgb
from srgan_lib.support.notices import say, some_names

LR_ENDINGS = ("", "x{0}", "_x{0}", "_LR", "_lr", "-LR", "_LRx{0}", "_LR_x{0}")  # {0}: the scale
HR_ENDINGS = ("_HR", "_hr", "-HR", "_GT", "_gt")


@dataclass(frozen=True)
class Example:
    """One image of a test set: the original's path and its input's, or None where it is to be made."""

    name: str
    hr: Path
    lr: Path | None


def is_set(folder):
    """Whether a folder is a test set: it has a folder HR."""
    return isinstance(folder, (str, Path)) and os.path.isdir(os.path.join(folder, "HR"))


def examples_of(folder, scale):
    """The images of the test set in ``folder``, in order of name, with their inputs for ``scale``.

    Originals lie in ``HR``, their inputs, if there are any, in ``LRx2``, ``LRx4`` or ``LRx8`` under the same
    name, in any format and with an ending such as x4 or _LR. Raises ``SrganError`` for an incomplete set.
    """
    folder = Path(folder)
    low = folder / f"LRx{scale}"
    originals = _by_stem(folder / "HR")
    inputs = _by_stem(low) if low.is_dir() else {}
    examples = [Example(stem, hr, _input_of(stem, inputs, scale)) for stem, hr in originals.items()]
    missing = [example for example in examples if example.lr is None] if inputs else []
    if missing or not examples:
        lost = low / missing[0].hr.name if missing else folder / "HR" / "*.png"
        raise SrganError(f"test set {folder}: {lost} is missing; put it there, or fetch the set again")
    return examples


def _by_stem(folder):
    """{stem: file} of the images in a folder; hidden files and other kinds are no images."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file():
            if path.stem in found:
                raise SrganError(f"{path} and {found[path.stem].name}: both are {path.stem!r}; rename one")
            found[path.stem] = path
    return found


def _input_of(stem, inputs, scale):
    bare = [stem, *(stem.removesuffix(ending) for ending in HR_ENDINGS if stem.endswith(ending))]
    names = [name + ending.format(scale) for name in bare for ending in LR_ENDINGS]
    return next((inputs[name] for name in names if name in inputs), None)


def distinct_names(folders):
    """A name for each folder: its own, with as many of the folders around it as tell all of them apart."""
    parts = [Path(folder).resolve().parts for folder in folders]
    names = []
    for own in parts:
        for count in range(1, len(own) + 1):
            name = "/".join(own[-count:])
            if sum("/".join(other[-count:]).lower() == name.lower() for other in parts) == 1:
                break
        names.append(name.lstrip("/") or "/")
    return names


# ---------------------------------------------------------------------------- originals and inputs as read


def matched_input(small, example, scale):
    """A stored input, ``uint8`` (h, w, 3), cropped as its original; ``SrganError`` for another size."""
    sides = Photo(example.hr).sides()
    wanted = tuple(side // scale for side in sides)
    if small.shape[:2] not in (wanted, tuple(-(-side // scale) for side in sides)):
        found, needed = f"{small.shape[1]}x{small.shape[0]}", f"{wanted[1]}x{wanted[0]}"
        raise SrganError(f"{example.lr}: is {found}; as the input of {example.hr.name} it must be {needed}")
    return small[: wanted[0], : wanted[1]]


def pairs_of(folder, scale):
    """Yield (original, input) of each image of a test set, in order of name: ``uint8`` (H, W, 3), (h, w, 3).

    The original is cropped to multiples of ``scale``; the input is the stored one, or made from it.
    """
    for example in examples_of(folder, scale):
        original = np.array(measured_part(open_image(example.hr), scale).convert("RGB"))
        stored = example.lr and matched_input(read_rgb(example.lr), example, scale)
        yield original, made_input(original, scale) if stored is None else stored


def result_sizes(example, scale):
    """The (width, height) that a result may have: the original's, cropped or not, or the input's enlarged."""
    sides = Photo(example.hr).sides()
    low = [-(-side // scale) * scale for side in sides]
    sizes = [sides, [side - side % scale for side in sides], low]
    return [(width, height) for height, width in sizes]


def say_what_is_changed(name, examples, scale, inputs_are_read):
    """One line on what of a set is cropped, and one where its inputs are made."""
    odd = [example.name for example in examples if any(side % scale for side in Photo(example.hr).sides())]
    if odd:
        listed = some_names(odd)
        say(f"{name}: {listed}: sides that are no multiple of {scale} are cropped at the right and below")
    if inputs_are_read and any(example.lr is None for example in examples):
        say(f"{name} has no LRx{scale}: inputs are made with MATLAB's bicubic resize, as the protocol does")
