"""The house: which part of the library may import from which, its picture, and the reference of its modules.

``HOUSE`` is the one table of it. After a change of the table, or of the library's files, write the picture
into CONTRIBUTING.md and book/api.md again: ``python tests/test_house.py``.
"""

import ast
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "srgan_lib"
PICTURED = ("CONTRIBUTING.md", "book/api.md")

# Floors from the ground up, and each floor's rooms: a file or a folder of ``srgan_lib``, and what it is for.
# A room imports from the floors below it and from itself, never from above and never from a room beside it.
HOUSE = (
    {"errors": "the one exception, for what a user can mend"},
    {"support": "files that are whole or absent, devices, progress, recorded GPU work, text as tables"},
    {"formats": "what image files hold beside 8-bit pixels: 16 bits a channel, profiles, EXIF"},
    {
        "degradations": "how a low-resolution image comes about; MATLAB's bicubic resize",
        "images": "reading and writing, value ranges, Y of YCbCr",
    },
    {"networks": "generator, discriminator, VGG19 and the networks of Table 2; weights on disk"},
    {
        "metrics": "PSNR and three SSIMs",
        "perception": "gradients, power spectra, distances of features: how sharp and natural a picture is",
        "plots": "figures that several chapters share",
        "losses": "the terms of the paper's losses, and their sum",
        "data": "photographs, data sets by name, the patch bank",
        "pretrained": "the shipped weights by name",
        "records": "what was measured once and is shipped, by name",
    },
    {
        "training": "settings, one update, the loop, checkpoints, run records",
        "inference": "an image of any size enlarged, fast, in constant memory; a network as an ONNX file",
    },
    {"evaluation": "a model on the test sets, the record of all of them, the paper's tables beside it"},
    {"opinion": "the opinion test: plan, page, ratings, analysis"},
    {"report": "the tables, every image and the opinions as a document"},
    {"teaching": "what only the book and its courses need"},
    {"cli": "what people type, a command a file"},
)
FLOOR = {room: number for number, rooms in enumerate(HOUSE) for room in rooms}
ROOF = {"__version__"}  # what every room may take from ``srgan_lib`` itself


def modules():
    """{name below ``srgan_lib``, such as "networks.generator": its file}; a package is its ``__init__``."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name not in ("", "__main__"):  # the roof: they lead to everything
            found[name] = path
    return found


def imported(source, module, known):
    """[(line, name)] of what a source imports from the library, lazily too; names are those of ``modules``.

    A dot comes before the name of what is taken from ``srgan_lib`` itself.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            place = node.module or ""
            if node.level:  # relative to the package that ``module`` lies in
                above = ["srgan_lib", *module.split(".")][: -node.level]
                place = ".".join([*above, *([place] if place else [])])
            names = [f"{place}.{alias.name}" for alias in node.names]
            below = [name.removeprefix("srgan_lib.") for name in names]
            found += [
                (node.lineno, name if place == "srgan_lib" or other in known else place)
                for name, other in zip(names, below, strict=True)
            ]
    ours = [(line, name.removeprefix("srgan_lib.")) for line, name in found if name.startswith("srgan_lib.")]
    return [(line, name if name.split(".")[0] in FLOOR else f".{name}") for line, name in dict.fromkeys(ours)]


def faults(source, module, path, known=()):
    """What a module's imports do against ``HOUSE``: a line each, with file, line and what to do."""
    room = module.split(".")[0]
    if room not in FLOOR:
        return [f"{path}:1: {room} is on no floor; put it where it belongs in HOUSE in tests/test_house.py"]
    found = []
    for line, name in imported(source, module, known):
        other = name.split(".")[0]
        if name.startswith("."):
            if name[1:] not in ROOF:
                found.append(
                    f"{path}:{line}: {name[1:]} comes through the roof; import it from where it lives"
                )
        elif other != room and FLOOR[other] >= FLOOR[room]:
            where = "above" if FLOOR[other] > FLOOR[room] else "beside"
            found.append(
                f"{path}:{line}: {module} imports {name}, which stands {where} it; move what both need to a "
                "floor below them, or this code up (the picture is in CONTRIBUTING.md)"
            )
    return found


def test_arrows_lead_downwards():
    known = modules()
    found = [
        fault
        for module, path in known.items()
        for fault in faults(path.read_text(encoding="utf-8"), module, path.relative_to(ROOT), known)
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("images", "from srgan_lib.networks.vgg import VGG19Features", "stands above"),
        ("images", "def f():\n    from srgan_lib.networks import vgg", "made-up.py:2"),
        ("images", "import srgan_lib.training.loop", "stands above"),
        ("images", "from srgan_lib import pretrained", "stands above"),
        ("images", "from srgan_lib import degradations", "stands beside"),
        ("losses", "from srgan_lib.data.bank import PatchBank", "stands beside"),
        ("training.step", "from srgan_lib.inference import fast", "stands beside"),
        ("training.step", "from ..evaluation import record", "stands above"),
        ("evaluation.tables", "from srgan_lib.teaching.plots import show", "stands above"),
        ("report.text", "class A:\n    def f(self):\n        import srgan_lib.cli.main as m", "made-up.py:3"),
        ("report.text", "from srgan_lib import upscale", "where it lives"),
        ("gadgets", "import os", "is on no floor"),
    ],
)
def test_an_arrow_upwards_is_named(module, line, said):
    (fault,) = faults(line, module, "made-up.py", modules())
    assert said in fault and fault.startswith("made-up.py:")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("cli.coursework", "from srgan_lib.teaching import coursework"),
        ("training.step", "from .config import Config"),
        ("evaluation.record", "from srgan_lib import __version__, pretrained"),
        ("training.records", "import srgan_lib"),
        ("images", "import numpy\nfrom html import escape"),
    ],
)
def test_other_arrows_are_welcome(module, line):
    assert not faults(line, module, "made-up.py", modules())


def test_every_room_is_there():
    assert set(FLOOR) == {module.split(".")[0] for module in modules()}


# ------------------------------------------------------------------------------------------- the reference


def reference():
    """The modules of the API page, in its order."""
    page = (ROOT / "book/api.md").read_text(encoding="utf-8")
    return re.findall(r"^\.\. automodule:: srgan_lib\.([\w.]+)", page, re.MULTILINE)


def has_members(path):
    """Whether a file defines anything to refer to; an ``__init__.py`` may hold a docstring alone."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def test_every_module_is_in_the_reference():
    wanted = {name for name, path in modules().items() if path.name != "__init__.py" or has_members(path)}
    listed = reference()
    assert set(listed) == wanted and len(listed) == len(set(listed))


def test_a_module_imports_only_from_those_above_it_in_the_reference():
    """So no circle is hidden inside a room either."""
    known, order = modules(), reference()
    for place, module in enumerate(order):
        names = {name for _, name in imported(known[module].read_text(encoding="utf-8"), module, known)}
        below = names & set(order) - set(order[:place])
        assert not below, f"{module} imports {below}, which stand below it in book/api.md"


# --------------------------------------------------------------------------------------------- the picture


def picture():
    """The house as text, the roof first: a line a room, and what is in it."""
    wide = max(map(len, FLOOR)) + 3
    known, inside = modules(), {}
    for name in known:
        room, _, module = name.partition(".")
        inside.setdefault(room, []).extend([module] if module else [])
    lines = []
    for rooms in reversed(HOUSE):
        lines.append("-" * 100)
        for room, what in rooms.items():
            label = f"{room}/" if known[room].name == "__init__.py" else room
            lines.append(f"{label:{wide}}{what}")
            listed = textwrap.wrap(", ".join(inside[room]), 100 - wide) if inside[room] else []
            lines += [" " * wide + line for line in listed]
    return "\n".join([*lines, "-" * 100])


def with_picture(text):
    """A page whose picture of the house is the present one."""
    start, end = "```text\n" + "-" * 100, "-" * 100 + "\n```"
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    assert found, "no picture of the house in this page"
    return f"{before}```text\n{picture()}\n```{after}"


@pytest.mark.parametrize("page", PICTURED)
def test_the_picture_is_the_house(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert with_picture(text) == text, "run: python tests/test_house.py"


if __name__ == "__main__":
    for name in PICTURED:
        file = ROOT / name
        file.write_text(with_picture(file.read_text(encoding="utf-8")), encoding="utf-8")
