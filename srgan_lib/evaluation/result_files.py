"""Which file of a folder is the result of which original.

An exact name comes first (``cat.png``), then a name with an ending (``cat_x4.png``, ``catx4.png``,
``cat_x4_SwinIR.png``). A file belongs to the longest name that fits, so ``cat-2.png`` is never a result of
``cat`` where there is an original ``cat-2``, and each file is used once. Files whose ending says that they
are originals or inputs (``cat_HR.png``, ``cat_LRx4.png``) are passed over, and so are files of another size.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from srgan_lib.data.sources import Photo
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS
from srgan_lib.support.notices import say, some_names

ENDING = re.compile(r"[_\-.@ ]|x\d")  # how what follows a name may begin
NO_RESULT = re.compile(r"(hr|lr|gt|original)(x\d+)?")
SCALE_WORD = re.compile(r"x?\d+x?")


def result_path(pattern, set_name, image_name, names=()):
    """The result of one image in a folder, or None; ``names`` are those of all images of its set."""
    found = candidates(pattern, set_name, [image_name, *names])[image_name]
    return found[0] if found else None


def candidates(pattern, set_name, names):
    """{name: files that may be its result, in order of preference}; originals and inputs are left out."""
    found = {name: [] for name in names}
    for folder in folders(pattern, set_name):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
        owners = [(path, owner_of(path.stem, found)) for path in files if not path.name.startswith(".")]
        for path, name in sorted(owners, key=lambda pair: not _is_exact(*pair)):
            if name is not None and not says_no_result(path.stem, name):
                found[name].append(path)
    return found


def passed_over(pattern, set_name, names):
    """The files that would fit by name and say of themselves that they are originals or inputs."""
    files = [path for folder in folders(pattern, set_name) for path in sorted(folder.iterdir())]
    files = [path for path in files if path.suffix.lower() in EXTENSIONS]
    owners = [(path, owner_of(path.stem, names)) for path in files]
    return [path for path, name in owners if name is not None and says_no_result(path.stem, name)]


def owner_of(stem, names):
    """The name to which a file's stem belongs: itself, in any case, else the longest that it begins with."""
    lower = stem.lower()
    if stem in names:
        return stem
    fits = [name for name in names if _ending(lower, name.lower()) is not None]
    return max(fits, key=len, default=None)


def _ending(stem, name):
    """What follows ``name`` in ``stem``, "" for the name itself; None where it does not begin so."""
    if not stem.startswith(name):
        return None
    rest = stem[len(name) :]
    return rest if not rest or ENDING.match(rest) else None


def _is_exact(path, name):
    return name is not None and path.stem.lower() == name.lower()


def says_no_result(stem, name):
    """Whether what follows a name ends in HR, LR, GT or "original", before a scale: ``_LR``, ``_HR_x4``."""
    words = [word for word in re.split(r"[_\-.@ ]", stem[len(name) :].lower()) if word]
    while words and SCALE_WORD.fullmatch(words[-1]):
        words.pop()
    return bool(words and NO_RESULT.fullmatch(words[-1]))


def folders(pattern, set_name):
    """Where results of a set may lie: in the folder of the set's name, in any case, or around it."""
    folder = Path(str(pattern).replace("{set}", set_name))
    if not folder.is_dir():
        return []
    if "/" in set_name:  # one of two sets of the same folder name
        inner = [folder / set_name] if (folder / set_name).is_dir() else []
    else:
        wanted = set_name.lower()
        inner = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() == wanted]
    return [*inner, folder]


@dataclass
class ResultFolder:
    """A folder of result images, or a pattern with ``{set}``; ``find`` gives the file of one result."""

    pattern: str
    sets: dict = field(default_factory=dict)  # {set: {original: its files}}
    used: dict = field(default_factory=dict)  # {file: (set, original) that it was found for}

    def knows(self, set_name, examples):
        """Whether there is a result of any of a set's originals."""
        found = candidates(self.pattern, set_name, [example.name for example in examples])
        return any(found.values())

    def prepare(self, set_name, examples):
        """Look through the folder for one set, and say which files are passed over."""
        names = [example.name for example in examples]
        self.sets[set_name] = candidates(self.pattern, set_name, names)
        if passed := passed_over(self.pattern, set_name, names):
            listed = some_names([path.name for path in passed])
            say(f"{self.pattern}: passed over {listed}: by their names originals or inputs, not results")

    def find(self, set_name, name, sizes):
        """The file of the result of ``name``; ``sizes`` are the (width, height) that it may have.

        Raises ``SrganError`` where there is none, where several are alike, and where the same file would
        serve two originals.
        """
        files = self.sets[set_name][name]
        if not files:
            raise SrganError(f"{self.pattern}: no result for {name} of {set_name}; name it {name}.png")
        fitting = [path for path in files if Photo(path).sides()[::-1] in sizes]
        if not fitting:
            height, width = Photo(files[0]).sides()
            found, wanted = f"{width}x{height}", "{}x{}".format(*sizes[0])
            raise SrganError(
                f"{files[0]}: is {found}, its original {wanted}; results must have the original's size"
            )
        first = fitting[0]
        near = [path for path in fitting if path.parent == first.parent]
        alike = [path for path in near if _is_exact(path, name) == _is_exact(first, name)]
        if len(alike) > 1:
            listed = some_names([path.name for path in alike])
            raise SrganError(f"{first.parent}: {listed} may all be the result of {name}; keep one of them")
        if other := [path.name for path in files[: files.index(first)]]:
            say(f"{first.parent}: passed over {some_names(other)}, of another size than {name}")
        owner = self.used.setdefault(first, (set_name, name))
        if owner != (set_name, name):
            raise SrganError(
                f"{first} would be the result of {owner[1]} in {owner[0]} and of {name} in {set_name};"
                " put each set's results into a folder of its name"
            )
        return first
