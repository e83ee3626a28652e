"""Folders that are either whole or not there."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from srgan_lib.errors import SrganError


@contextmanager
def whole_folder(out):
    """Yield a temporary folder beside ``out``; when the block ends well it takes ``out``'s place at once.

    Raises ``SrganError`` where ``out`` exists and is not an empty folder, and where it cannot be written.
    """
    out = Path(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SrganError(f"{out}: exists already; choose another --out")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if out.exists():
            out.rmdir()
        os.replace(temporary, out)
    except OSError as error:
        raise SrganError(f"{out}: cannot be written ({error.strerror or error}); nothing was") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
