"""Files that are either whole or not there."""

import errno
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

from srgan_lib.errors import SrganError


@contextmanager
def whole_file(path):
    """Yield a temporary path beside ``path``; when the block ends well, it takes ``path``'s place at once.

    When the block fails, whatever was at ``path`` before is still there and the temporary file is gone. A
    link stays a link: the file that it leads to is replaced. A new file gets the permissions that the umask
    leaves, an old one keeps its own. A full disk, a folder that cannot be written, a name that is too long,
    and a pipe or a device in the place of a file raise ``SrganError``.
    """
    path = Path(path)
    if "\0" in str(path):
        raise SrganError(f"{str(path)!r}: no file can be called so; choose another name")
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")  # short: names have a limit
    try:
        permissions = _permissions(real)
        yield temporary
        _flush_to_disk(temporary)
        temporary.chmod(permissions)  # some writers make files that only their owner may read
        os.replace(temporary, real)
    except OSError as error:
        raise SrganError(_reason(path, error)) from error
    finally:
        with suppress(OSError):  # its folder may be what is wrong
            temporary.unlink(missing_ok=True)


def expanded(path):
    """``path`` with a leading ~ or ~name replaced by that user's folder; a name without such a user stays."""
    return Path(os.path.expanduser(path))


def usual_permissions():
    """The permissions of a new file: what the umask leaves."""
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    return 0o666 & ~mask


def made_folder(folder, option):
    """``folder`` as a path, made with its parents if it is missing; ``option`` is where a user names another.

    Raises ``SrganError`` where it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SrganError(
            f"cannot make the folder {shortened(folder)}: {reason}; choose another ({option})"
        ) from error
    return folder


def _permissions(path):
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return usual_permissions()
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise SrganError(f"{path}: is a pipe or a device, not a file; choose another place")
    return stat.S_IMODE(mode)


def _flush_to_disk(path):
    with open(path, "rb+") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())


def shortened(path, most=80):
    """The path as text, its middle left out where it is longer than ``most`` characters."""
    text = str(path)
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 2 :]}"


def _reason(path, error):
    if error.errno == errno.ENOSPC:
        return f"{path}: the disk is full; nothing was written, free some space and try again"
    if error.errno == errno.ENAMETOOLONG:
        return f"{shortened(path)}: a name that is too long; choose a shorter one"
    return f"{path}: cannot be written ({error.strerror or error}); nothing was changed, choose another place"
