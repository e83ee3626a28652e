"""Data sets by name: where they are on this machine, and how to get them.

``catalogue.json`` beside this file lists each set with its size, licence, address and hashes. A file is
downloaded under another name, its hash is checked, and only then it gets its own name: no half file is ever
used.
"""

import json
import os
import shutil
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pooch

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.images import EXTENSIONS
from srgan_lib.support.files import usual_permissions
from srgan_lib.support.progress import progress_bar

CATALOGUE = Path(__file__).with_name("catalogue.json")
CHECKOUT = Path(__file__).resolve().parents[2]
# Folders that developers keep beside the data sets; they cannot be downloaded.
LOCAL_FOLDERS = ("published", "photos", "vgg19")

TRIES = 3
PAUSE = 2.0  # seconds before the second try, twice that before the third
TIMEOUT = 30.0  # seconds without a byte from the server
GONE = (401, 403, 404, 410)  # trying again would not help


@dataclass(frozen=True)
class Dataset:
    """One row of the catalogue. Sizes are in bytes and are those of the download.

    ``kind`` is ``"files"`` (each of ``files`` is [name, HR bytes, HR sha256, LR bytes, LR sha256]),
    ``"archive"`` (one zip file with ``sha256``) or ``"torchvision"``. ``folder`` is where the images lie
    below a root of data.
    """

    name: str
    kind: str
    what: str
    origin: str
    licence: str
    images: int
    bytes: int
    folder: str
    url: str
    sha256: str = ""
    md5: str = ""
    files: tuple = ()

    def parts(self):
        """(path below the folder, address, bytes, sha256) of each file of a set of kind ``"files"``."""
        for index, (name, hr_bytes, hr_hash, lr_bytes, lr_hash) in enumerate(self.files, start=1):
            yield f"HR/{name}.png", self.url.format(index=index, kind="HR"), hr_bytes, hr_hash
            yield f"LRx4/{name}.png", self.url.format(index=index, kind="LR"), lr_bytes, lr_hash


@lru_cache
def catalogue():
    """Every data set that ``get`` knows: a dictionary of name -> ``Dataset``."""
    rows = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {name: Dataset(name=name, **row) for name, row in rows.items()}


def dataset(name):
    """The catalogue's row of a name, in any case; for an unknown one, ``SrganError`` suggests the nearest."""
    for known, row in catalogue().items():
        if known.lower() == str(name).lower():
            return row
    raise unknown_name("data set", name, catalogue())


def roots():
    """The folders in which data is looked for, first come first served.

    ``data/`` in the working directory, ``$SRGAN_DATA``, ``data/`` of the project's checkout, the user's
    cache.
    """
    folders = [Path("data")]
    if os.environ.get("SRGAN_DATA"):
        folders.append(Path(os.environ["SRGAN_DATA"]))
    if (CHECKOUT / "_toc.yml").exists():
        folders.append(CHECKOUT / "data")
    return [*folders, Path(pooch.os_cache("srgan_lib"))]


def download_root():
    """Where downloads go: ``$SRGAN_DATA`` if set, else a ``data/`` that exists, else the user's cache."""
    if os.environ.get("SRGAN_DATA"):
        return Path(os.environ["SRGAN_DATA"])
    return next((root for root in roots()[:-1] if root.is_dir()), roots()[-1])


def find(name):
    """The folder of a data set that is complete on this machine, or None. Nothing is downloaded.

    ``name`` is a name of the catalogue in any case (a test set's folder holds ``HR`` and ``LRx4``), or a
    path of the developers' own folders, such as ``"published/Set5"``, ``"photos/train"`` or ``"vgg19"``.
    Complete means that every file is there with its right size; ``get`` checks hashes as well. An unknown
    name raises ``SrganError``.
    """
    if Path(name).parts[:1] and Path(name).parts[0] in LOCAL_FOLDERS:
        return next((root / name for root in roots() if (root / name).exists()), None)
    row = dataset(name)
    return next((root / row.folder for root in roots() if is_complete(row, root / row.folder)), None)


def is_complete(row, folder):
    """Whether ``folder`` holds every image of ``row``, by size where sizes are known, else by number."""
    if not folder.is_dir():
        return False
    if row.kind == "files":
        return all(_size(folder / path) == size for path, _, size, _ in row.parts())
    return sum(path.suffix.lower() in EXTENSIONS for path in folder.rglob("*")) >= row.images


def get(name, root=None):
    """The folder of a data set, downloaded first if it is not on this machine; returns a ``Path``.

    ``root`` is the folder to download to (default ``download_root()``). Every file's hash is checked, also of
    files that were there before. Wrong names, failed downloads and full disks raise ``SrganError`` and leave
    no half file; calling again continues with the files that are missing.
    """
    row = dataset(name)
    found = find(name) if root is None else None
    if found and _hashes_hold(row, found):
        return found
    folder = Path(root or download_root()) / row.folder
    if row.kind != "files" and is_complete(row, folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        {"files": _get_files, "archive": _get_archive, "torchvision": _get_imagenette}[row.kind](row, folder)
    except OSError as error:
        raise SrganError(f"cannot write {row.name} to {folder}: {error.strerror or error}") from None
    if not is_complete(row, folder):
        raise SrganError(
            f"{folder} has fewer than the {row.images} images of {row.name}: delete it, try again"
        )
    return folder


def _get_files(row, folder):
    parts = list(row.parts())
    bar = progress_bar(total=row.bytes, unit="B", unit_scale=True, desc=row.name)
    with bar, ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(_fetch, url, folder / path, f"sha256:{digest}") for path, url, _, digest in parts]
        try:
            for job, (_, _, size, _) in zip(jobs, parts, strict=True):
                job.result()
                bar.update(size)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _get_archive(row, folder):
    archive = folder.with_suffix(".zip")
    _fetch(row.url, archive, f"sha256:{row.sha256}", bar=True)
    with _workplace(folder) as temporary:
        with zipfile.ZipFile(archive) as opened:
            for member in progress_bar(opened.infolist(), desc=f"unpacking {row.name}", unit="file"):
                opened.extract(member, temporary)
        _put_in_place(Path(temporary, folder.name), folder)
    archive.unlink()


def _get_imagenette(row, folder):
    from torchvision.datasets import Imagenette  # slow to import, and only this needs it

    with _workplace(folder.parent) as temporary:
        _with_retries(row.url, lambda: Imagenette(temporary, split="train", size="full", download=True))
        _put_in_place(Path(temporary, folder.parent.name), folder.parent)


def _fetch(url, path, known_hash, bar=False):
    """Download ``url`` to ``path``; a file that is there with the right hash is left alone."""

    def once():
        # pooch gives it the size; until then it needs some total, or it would count as False
        drawn = progress_bar(total=1, unit="B", unit_scale=True, desc=path.name) if bar else False
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=drawn)
        pooch.retrieve(url, known_hash, fname=path.name, path=path.parent, downloader=downloader)

    pooch.get_logger().setLevel("WARNING")
    if not path.exists() or not pooch.hashes.hash_matches(str(path), known_hash):
        _with_retries(url, once)
        path.chmod(usual_permissions())  # pooch leaves files that only their owner can read


def _with_retries(url, once):
    """Call ``once`` until it succeeds, at most ``TRIES`` times; what cannot succeed is not tried again."""
    import requests  # half a second to import, and only a download needs it

    for number in range(1, TRIES + 1):
        try:
            return once()
        except (requests.RequestException, ValueError, RuntimeError, OSError) as error:
            reason = _reason(error)
            status = getattr(getattr(error, "response", None), "status_code", getattr(error, "code", None))
            if _is_of_the_disk(error):
                raise
            if number == TRIES or status in GONE:
                raise SrganError(f"cannot download {url}: {reason}; try again later") from None
        time.sleep(PAUSE * number)


def _is_of_the_disk(error):
    # Errors of requests and urllib are OSErrors too, but of classes of their own.
    return type(error).__module__ == "builtins" and isinstance(error, OSError) and bool(error.errno)


def _reason(error):
    """What went wrong, in a few words."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"the server was silent for {TIMEOUT:g} seconds"
    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.RequestException):
        return "the connection failed or broke off"
    if isinstance(error, (ValueError, RuntimeError)):
        return "what arrived is damaged or is not the file expected (its hash is wrong)"
    return str(error).splitlines()[0]


def _hashes_hold(row, folder):
    hashes = ((folder / path, digest) for path, _, _, digest in row.parts()) if row.kind == "files" else ()
    return all(pooch.file_hash(str(path)) == digest for path, digest in hashes)


def _workplace(folder):
    """A temporary folder beside ``folder``: what is made there is renamed into place in one step."""
    return tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder.parent)


def _put_in_place(made, folder):
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(made, folder)


def _size(path):
    try:
        return path.stat().st_size
    except OSError:
        return -1
