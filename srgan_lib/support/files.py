"""Files that are either whole or not there."""

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from srgan_lib.errors import SrganError


@contextmanager
def whole_file(path):
    """Yield a temporary path beside ``path``; when the block ends well, it takes ``path``'s place at once.

    When the block fails, whatever was at ``path`` before is still there and the temporary file is gone. A
    full disk or a folder that cannot be written raises ``SrganError``.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.chmod(0o644)  # some writers make files that only their owner may read
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise SrganError(_reason(path, error)) from error
    finally:
        with suppress(OSError):  # its folder may be what is wrong
            temporary.unlink(missing_ok=True)


def made_folder(folder, option):
    """``folder`` as a path, made with its parents if it is missing; ``option`` is where a user names another.

    Raises ``SrganError`` where it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SrganError(
            f"cannot make the folder {folder}: {error.strerror}; choose another ({option})"
        ) from error
    return folder


def _flush_to_disk(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _reason(path, error):
    if error.errno == errno.ENOSPC:
        return f"{path}: the disk is full; nothing was written, free some space and try again"
    return f"{path}: cannot be written ({error.strerror or error}); nothing was changed, choose another place"
