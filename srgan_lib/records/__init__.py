"""What was measured once and is shipped, because a reader need not have what it was measured on.

``NAME.json`` beside this file holds the numbers, and ``NAME*.jpg`` or ``.png`` pictures that belong to them.
``paper`` is the paper's Tables 1 and 2 as printed.
"""

import json
from importlib.resources import as_file, files
from pathlib import Path

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.images import EXTENSIONS, read_rgb

SUFFIX = ".json"


def names():
    """The names of the shipped records, in alphabetical order."""
    return sorted(
        file.name.removesuffix(SUFFIX) for file in _folder().iterdir() if file.name.endswith(SUFFIX)
    )


def read(name):
    """One record, a dictionary. An unknown name raises ``SrganError``, which suggests the nearest."""
    if name not in names():
        raise unknown_name("record", name, names())
    try:
        return json.loads(_folder().joinpath(name + SUFFIX).read_text(encoding="utf-8"))
    except ValueError as error:
        raise SrganError(
            f"record {name} of srgan_lib is damaged ({error}); install the package again"
        ) from error


def picture(name):
    """One shipped picture by file name ("NAME.jpg"), ``uint8`` (H, W, 3). ``SrganError`` if there is none."""
    known = sorted(file.name for file in _folder().iterdir() if Path(file.name).suffix in EXTENSIONS)
    if name not in known:
        raise unknown_name("picture", name, known)
    with as_file(_folder() / name) as path:
        return read_rgb(path)


def _folder():
    return files("srgan_lib") / "records"
