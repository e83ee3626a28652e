"""Where ``srgan upscale`` writes: a target of its own for each photo, and nothing that is there is lost."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from srgan_lib.data.sources import folder_of_photos
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS
from srgan_lib.support.files import made_folder, shortened
from srgan_lib.support.notices import say, some_names


@dataclass(frozen=True)
class Source:
    """A photo, and its place below the folder of results."""

    path: Path
    place: Path


@dataclass(frozen=True)
class Naming:
    """How results are named: the text after a photo's name, or None for the usual one, and the format.

    ``format`` is a suffix without its dot, such as "png".
    """

    suffix: str | None = None
    format: str | None = None

    def __post_init__(self):
        if self.suffix and (set(self.suffix) & set("/\\\0")):
            raise SrganError(f"--suffix {self.suffix!r} would name a folder; use text such as _x4")

    def beside(self, path, scale):
        """The result of a photo, in the photo's folder."""
        return self._named(path, f"_x{scale}" if self.suffix is None else self.suffix)

    def within(self, folder, place):
        """The result of a photo whose place below the folder of results is ``place``."""
        return self._named(Path(folder) / place, self.suffix or "")

    def _named(self, path, suffix):
        return path.with_name(f"{path.stem}{suffix}.{self.format or 'png'}")


def upscale_jobs(images, out, scale, overwrite=False, naming=None, skip_existing=False):
    """(source, target) of each photo that ``images``, files and folders, name.

    Without ``out`` a result lies beside its photo, as ``NAME_x4.png``, or as a ``Naming`` says. ``out`` means
    a folder if it is one, ends in a slash or has no suffix, and a file, for one photo, if its suffix is that
    of an image format. Photos that would share a target get names that tell them apart. Results of earlier
    runs within a folder, in ``out`` or beside their photo, are no photos again. With ``skip_existing`` photos
    whose target is there are passed over with a word.

    All of this is found out before any work, and folders are made at last. Raises ``SrganError`` for what
    would replace a photo that is read, or, without ``overwrite``, any file that is there.
    """
    naming = naming or Naming()
    images, out = [_usable(path) for path in images], out and _usable(out)
    sources = _sources(images, out, scale, naming)
    folders = [path for path in images if Path(path).is_dir()]
    jobs = _jobs(sources, out, scale, folders, naming)
    there = _there(jobs)
    if there and skip_existing:
        say(f"{len(there)} of {len(jobs)} results are there already and are left as they are")
        jobs = [job for job in jobs if job[1] not in set(there)]
    elif there and not overwrite:
        count = "is there" if len(there) == 1 else "are there"
        raise SrganError(
            f"{some_names(there)} {count} already; --overwrite replaces, --skip-existing leaves out,"
            " -o names another place"
        )
    for folder in {target.parent for _, target in jobs}:
        made_folder(folder, "-o")
    return jobs


def _usable(path):
    path = os.path.expanduser(path)
    _check_name(path)
    return path


def _check_name(path):
    """Raise ``SrganError`` where no file can be called so: a name that is too long, say."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SrganError(f"{shortened(path)}: {reason}; choose another name or place with -o") from error


def _sources(images, out, scale, naming):
    sources, seen = [], set()
    for path in map(Path, images):
        for source in (
            _sources_in(path, out, scale, naming) if path.is_dir() else [Source(path, Path(path.name))]
        ):
            own = os.path.realpath(source.path)
            if own not in seen:  # a photo that is named twice is enlarged once
                seen.add(own)
                sources.append(source)
    return sources


def _sources_in(folder, out, scale, naming):
    """The photos in a folder that are no results of an earlier run."""
    photos = [photo.path for photo in folder_of_photos(folder)]
    places = {path.with_suffix("") for path in photos}
    inside = Path(os.path.realpath(out)) if out else None
    inside = None if inside == Path(os.path.realpath(folder)) else inside
    endings = {f"_x{scale}", naming.suffix or f"_x{scale}"}
    results = [path for path in photos if _is_result(path, places, inside, endings)]
    if results:
        listed = some_names(path.relative_to(folder) for path in results)
        say(f"{folder}: passed over {listed}: results of an earlier run")
    kept = [path for path in photos if path not in set(results)]
    if not kept:
        raise SrganError(f"{folder}: nothing but results of an earlier run; name the photos themselves")
    return [Source(path, path.relative_to(folder)) for path in kept]


def _is_result(path, places, out, endings):
    if out is not None and out in Path(os.path.realpath(path)).parents:
        return True
    for ending in endings:
        stem, found, suffix = path.stem.rpartition(ending)  # cat_x4.png, or cat_x4_jpg.png
        is_named_so = stem and found and (not suffix or f".{suffix[1:]}" in EXTENSIONS)
        if is_named_so and path.with_name(stem) in places:
            return True
    return False


def _jobs(sources, out, scale, folders, naming):
    if not out:
        if folders:
            raise SrganError("name a folder for the results of a whole folder: -o large/")
        return _told_apart(sources, [naming.beside(source.path, scale) for source in sources])
    if _means_folder(out):
        return _told_apart(sources, [naming.within(out, source.place) for source in sources])
    if folders or len(sources) > 1:
        what = f"for the folder {folders[0]}" if folders else f"for {len(sources)} photos"
        raise SrganError(f"-o {out} names one file; {what} name a folder, such as -o large/")
    if naming != Naming():
        raise SrganError(f"-o {out} names the file and its format; leave out --suffix and --format")
    return [(sources[0].path, _writable(Path(out)))]


def _means_folder(out):
    path = Path(out)
    return path.is_dir() or str(out).endswith(("/", "\\")) or not path.suffix


def _writable(path):
    if path.suffix.lower() not in Image.registered_extensions():
        known = "use .png, .jpg or .tif, or a slash at the end for a folder"
        raise SrganError(f"cannot write {path}: unknown suffix {path.suffix!r}; {known}")
    if not path.parent.is_dir():
        raise SrganError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    return path


# ------------------------------------------------------------------------------------ names that differ


def _told_apart(sources, targets):
    """(source, target) with no target twice: ``cat_jpg.png`` or ``a_cat.png`` where ``cat.png`` would be."""
    shared = _shared(targets)
    for longer in (None, _with_suffix, _with_folder, _with_both):
        named = [
            longer(source.path, target) if longer and _key(target) in shared else target
            for source, target in zip(sources, targets, strict=True)
        ]
        if not _shared(named):
            return [(source.path, target) for source, target in zip(sources, named, strict=True)]
    alike = [source.path for source, target in zip(sources, targets, strict=True) if _key(target) in shared]
    raise SrganError(f"{some_names(alike)} would be written to one file; upscale them one after the other")


def _shared(targets):
    return {key for key, count in Counter(map(_key, targets)).items() if count > 1}


def _with_suffix(source, target):
    return target.with_name(f"{target.stem}_{source.suffix.lstrip('.').lower()}{target.suffix}")


def _with_folder(source, target):
    return target.with_name(f"{Path(os.path.realpath(source)).parent.name}_{target.name}")


def _with_both(source, target):
    return _with_folder(source, _with_suffix(source, target))


def _key(target):
    return os.path.normcase(os.path.abspath(target))


# --------------------------------------------------------------------------------------- nothing is lost


def _there(jobs):
    """The targets that are there already; ``SrganError`` for a folder, and for a photo that is read."""
    read = {_identity(source): source for source, _ in jobs if source.exists()}
    for target in (target for _, target in jobs):
        _check_name(target)
    there = [target for _, target in jobs if target.exists()]
    for target in there:
        if target.is_dir():
            raise SrganError(f"cannot write {target}: it is a folder; choose another place with -o")
        source = read.get(_identity(target))
        if source is not None:
            own = any(own == source and other == target for own, other in jobs)
            by = "its own enlargement" if own else "the enlargement of another photo"
            raise SrganError(f"{target} would be overwritten by {by}; choose another folder with -o")
    return there


def _identity(path):
    status = path.stat()
    return status.st_dev, status.st_ino
