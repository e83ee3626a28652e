"""A run in parts of a chosen size, for places that files of any size cannot pass, and whole again from them.

The files of a run, end to end, are cut into parts. ``manifest.json`` beside the parts lists the files, and
the sha256 of each part and of the whole: what is joined is the run that was split, bit for bit.
"""

import hashlib
import json
import re
from pathlib import Path

from srgan_lib.errors import SrganError
from srgan_lib.networks.run_folders import found
from srgan_lib.support.folders import whole_folder

MANIFEST = "manifest.json"
CHUNK = 1 << 20
LEFT_OUT = ("tensorboard",)  # made from the log, and not needed to go on


def split(folder, out, size, without=()):
    """Write the run (or the folder of runs) ``folder`` as parts of at most ``size`` bytes into ``out``.

    Of each run the newest checkpoint is taken, and everything else but ``tensorboard`` and the folders named
    in ``without`` ("checkpoints", "previews"). ``out`` must not exist or be empty. Returns the manifest, a
    dictionary. Raises ``SrganError`` where there is no run, and for a size below 1.
    """
    folder, out = Path(folder), Path(out)
    if size < 1:
        raise SrganError(f"size is {size}; parts need at least 1 byte")
    files = [path for path in _files(folder) if not _left_out(path.relative_to(folder), without)]
    if not any(path.name == "config.json" for path in files):
        raise SrganError(f"{folder}: no run in it (no config.json); give the folder that --out named")
    with whole_folder(out) as temporary:
        parts, whole = _cut(files, temporary, size)
        manifest = {
            "run": folder.name,
            "bytes": sum(part["bytes"] for part in parts),
            "sha256": whole,
            "files": [
                {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size} for path in files
            ],
            "parts": parts,
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def join(folder, out):
    """Put the parts in ``folder`` together to the run ``out``, which must not exist. Returns its path.

    Every part and the whole are checked against the manifest first. Raises ``SrganError`` for a part that is
    missing, damaged or of another run, and then ``out`` is not there.
    """
    folder, out = Path(folder), Path(out)
    manifest = _manifest(folder)
    paths = [folder / part["name"] for part in manifest["parts"]]
    _check_parts(folder, manifest, paths)
    with whole_folder(out) as temporary:
        _paste(paths, manifest["files"], temporary)
    return out


def _files(folder):
    """All files of a folder in order of path, but of several checkpoints of a run only the newest."""
    if not folder.is_dir():
        raise SrganError(f"{folder}: no such folder; give the folder of a run")
    old = {path for place in folder.rglob("checkpoints") for path in found(place)[:-1]}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in old)


def _left_out(relative, without):
    hidden = any(part.startswith(".") for part in relative.parts)
    return hidden or bool({*LEFT_OUT, *without} & set(relative.parts[:-1]))


def _cut(files, folder, size):
    """Write the files, end to end, as parts. Returns ([name, bytes and sha256 of each], the whole's hash)."""
    whole, parts = hashlib.sha256(), []
    for number, block in enumerate(_blocks(files, size), start=1):
        name = f"part-{number:03d}"
        (folder / name).write_bytes(block)
        whole.update(block)
        parts.append({"name": name, "bytes": len(block), "sha256": hashlib.sha256(block).hexdigest()})
    return parts, whole.hexdigest()


def _blocks(paths, size):
    """What the files hold, end to end, in blocks of ``size`` bytes; the last may be smaller."""
    block = b""
    for path in paths:
        with open(path, "rb") as file:
            while data := file.read(size - len(block)):
                block += data
                if len(block) == size:
                    yield block
                    block = b""
    if block:
        yield block


def _manifest(folder):
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        names = [part["name"] for part in manifest["parts"]]
        places = [file["path"] for file in manifest["files"]]
        total = sum(file["bytes"] for file in manifest["files"])
    except FileNotFoundError as error:
        raise SrganError(f"{path}: missing; give the folder that srgan checkpoint split wrote") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SrganError(f"{path}: not a manifest of parts, or damaged; copy it again") from error
    inside = all(
        re.fullmatch(r"[\w.-]+", part) and part != ".." for place in places for part in place.split("/")
    )
    if not inside or not all(re.fullmatch(r"part-\d+", name) for name in names) or total != manifest["bytes"]:
        raise SrganError(f"{path}: not a manifest of parts, or damaged; copy it again")
    return manifest


def _check_parts(folder, manifest, paths):
    extra = sorted(set(folder.glob("part-*")) - set(paths))
    if extra:
        raise SrganError(f"{extra[0]}: belongs to another run than {folder / MANIFEST}; keep them apart")
    missing = [path for path in paths if not path.is_file()]
    if missing:
        count = f"{len(missing)} of {len(paths)} parts"
        raise SrganError(f"{missing[0]}: missing ({count} in all); copy it again")
    whole = hashlib.sha256()
    for path, part in zip(paths, manifest["parts"], strict=True):
        data = path.read_bytes()
        whole.update(data)
        if hashlib.sha256(data).hexdigest() != part["sha256"]:
            raise SrganError(f"{path}: damaged, or a part of another run; copy it again")
    if whole.hexdigest() != manifest["sha256"]:
        raise SrganError(f"{folder / MANIFEST}: does not fit its parts; copy it again")


def _paste(paths, files, folder):
    """Write the files that the parts, end to end, hold."""
    chunks, rest = _blocks(paths, CHUNK), b""
    for row in files:
        path = folder / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        missing = row["bytes"]
        with open(path, "wb") as file:
            while missing:
                rest = rest or next(chunks)
                now, rest = rest[:missing], rest[missing:]
                file.write(now)
                missing -= len(now)
