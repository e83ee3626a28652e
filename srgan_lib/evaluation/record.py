"""The record ``evaluation``: every method on the paper's test sets, image by image (section 3.1).

All numbers of ours in Tables 1 and 2 are read from here, and from nowhere else; ``measure`` makes it. A
number belongs to the weights that it was measured with: for a shipped model whose weights are others by now,
there is a reason instead of numbers.

What enlarges by another scale than the paper's 4 stands beside it, with its ``scale``; interpolation is then
called "bicubic-x2". It is in no table of the paper.
"""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from srgan_lib import pretrained
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.paper import MEASURES as PRINTED
from srgan_lib.evaluation.results import SCALE, protocol
from srgan_lib.networks.weights import file_sha256
from srgan_lib.support.files import whole_file

RECORD = Path(__file__).parents[1] / "records" / "evaluation.json"
FORMAT = "srgan_lib evaluation, version 1"
MEASURES = (*PRINTED, "ssim-gaussian")
INTERPOLATION, MODEL, AUTHORS, IMAGES = "interpolation", "model", "authors' images", "result images"
KINDS = {INTERPOLATION: set(), MODEL: {"sha256"}, AUTHORS: set(), IMAGES: {"folder"}}  # what each must say
PUBLISHED = {f"{method} (authors)": method for method in ("SRResNet-MSE", "SRGAN-VGG54")}
COMMAND = "srgan report --measure"
AGAIN = f"run `{COMMAND}`"


@dataclass(frozen=True)
class Evaluation:
    """The record, to be asked; ``record`` is what ``measure.measure`` makes.

    A method is "nearest", "bicubic", "bicubic-x2", the name of a shipped model, "SRResNet-MSE (authors)",
    "SRGAN-VGG54 (authors)", or the name that somebody's result images were given.
    """

    record: dict

    def methods(self, kind=None):
        """The names of the methods in the record, of one ``kind`` if it is given."""
        every = self.record["methods"]
        return [name for name, facts in every.items() if kind in (None, facts["kind"])]

    def images(self, set_name):
        """The names of a test set's images; empty where the set was not there when it was measured."""
        return list(self.record["sets"].get(set_name, {}).get("images", []))

    def values(self, method, set_name, measure="psnr"):
        """An array, one number an image in the order of ``images``; None where ``why_not`` has a reason."""
        if self.why_not(method, set_name):
            return None
        stored = self.record["methods"][method]["values"][set_name][measure]
        return np.array([math.inf if value is None else value for value in stored])

    def means(self, method, set_name):
        """{measure: mean over the set's images}, PSNR in dB; empty where ``why_not`` has a reason."""
        if self.why_not(method, set_name):
            return {}
        return {measure: float(self.values(method, set_name, measure).mean()) for measure in MEASURES}

    def why_not(self, method, set_name):
        """Why there are no numbers for a method on a test set, or none of its present weights; else None."""
        if method not in self.record["methods"]:
            return f"it has not been measured yet: {AGAIN}"
        facts = self.record["methods"][method]
        if facts["kind"] == MODEL and facts["sha256"] != weights_sha256(method):
            return f"the record is of other weights: {AGAIN}"
        if set_name in facts["values"]:
            return None
        if set_name not in self.record["sets"]:
            get = f"`srgan data get {set_name.lower()}`"
            return f"the set was not on the machine that measured: {get}, then {AGAIN}"
        if facts["kind"] == AUTHORS:
            return "the authors published no images of this set"
        if facts["kind"] == IMAGES:
            return f"the folder {facts['folder']} has no results of this set"
        return f"it has not been measured on this set yet: {AGAIN}"

    def source(self, method):
        """Where the numbers of a method come from, as a phrase."""
        facts = self.record["methods"][method]
        if facts["kind"] == MODEL:
            return f"the shipped weights `{method}`, sha256 {facts['sha256'][:12]}"
        if facts["kind"] == AUTHORS:
            return "result images that the paper's authors published, measured by this library"
        if facts["kind"] == IMAGES:
            return f"result images in the folder {facts['folder']}"
        return "interpolation by this library"


def at_scale(interpolation, scale):
    """What "nearest" or "bicubic" is called in a record: "bicubic" at the paper's scale, or "bicubic-x2"."""
    return interpolation if scale == SCALE else f"{interpolation}-x{scale}"


def read(path=None):
    """The ``Evaluation`` in a file, by default the library's. Raises ``SrganError`` for other files."""
    path = Path(path or RECORD)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SrganError(f"{path}: no such file; run {COMMAND} --record {path}") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:80]
        raise SrganError(f"{path}: cannot be read as a record of evaluation ({reason})") from error
    if not _is_whole(record):
        raise SrganError(f"{path}: is no whole record of evaluation; run {COMMAND} --record ANOTHER-FILE")
    return Evaluation(record)


def empty():
    """A record without numbers."""
    return {
        "format": FORMAT,
        "what": "every method on the test sets, image by image: PSNR (dB), daala's SSIM, Gaussian SSIM",
        "command": COMMAND,
        "protocol": protocol(),
        "sets": {},
        "methods": {},
    }


def write(record, path=None):
    """Write a record whole; by default where ``read`` finds it. Raises ``SrganError`` where it cannot."""
    with whole_file(path or RECORD) as temporary:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        temporary.write_text(
            text.replace('}, "', '},\n"') + "\n", encoding="utf-8"
        )  # a line a set: for diffs


def weights_sha256(name):
    """The hash of a shipped model's weights as they are on the disk; None where no such model is shipped."""
    if name not in pretrained.names():
        return None
    file = pretrained.path(name)
    state = file.stat()
    return _hash(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _hash(file, _, __):
    return file_sha256(file)


def _is_whole(record):
    """Whether everything is there that ``Evaluation`` reads, with a number for each image."""
    try:
        sets, methods = record["sets"], record["methods"].values()
        return (
            record["format"] == FORMAT
            and all(isinstance(image, str) for facts in sets.values() for image in facts["images"])
            and all(KINDS[facts["kind"]] <= set(facts) for facts in methods)
            and all(
                len(values[measure]) == len(sets[name]["images"]) and all(map(_is_number, values[measure]))
                for facts in methods
                for name, values in facts["values"].items()
                for measure in MEASURES
            )
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _is_number(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (is_number and abs(value) < math.inf)
