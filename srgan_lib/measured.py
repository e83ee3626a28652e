"""Numbers that were measured once and are shipped, because a reader need not have what they were measured on.

``records/NAME.json`` in the package holds them. ``paper`` is the paper's Tables 1 and 2 as printed.
"""

import json
from importlib.resources import files

from srgan_lib.errors import SrganError, unknown_name

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


def _folder():
    return files("srgan_lib") / "records"
