"""Measure what can be measured of the paper's tables on this machine: the record ``evaluation``."""

import math
import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from srgan_lib import __version__, pretrained
from srgan_lib.data import downloads
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.evaluate import INTERPOLATIONS, evaluate, has_results
from srgan_lib.evaluation.paper import SETS
from srgan_lib.evaluation.record import (
    AUTHORS,
    IMAGES,
    INTERPOLATION,
    MEASURES,
    MODEL,
    PUBLISHED,
    at_scale,
    empty,
    weights_sha256,
)
from srgan_lib.evaluation.results import SCALE
from srgan_lib.networks.generator import SCALES
from srgan_lib.networks.weights import file_sha256
from srgan_lib.support.devices import pick_device

DIGITS = 6
LONGEST = 60  # characters of a name


def measure(record=None, sets=None, images=None, again=False, device=None, say=print, save=None):
    """A new record: ``record``, and what it lacks of all that can be measured on this machine.

    Measured are interpolation at each scale of a shipped model, those models, the authors' images where
    ``published`` lies in a folder of data, and ``images``, {name: folder or pattern of result images of scale
    4 as ``evaluate`` has them}.
    What ``record`` has of the same weights and the same test images stays, unless ``again``; result images
    are always measured. ``sets`` are names or folders as ``evaluate`` has them, by default those of the three
    test sets that are on this machine. ``say`` gets a line for each method and set, and ``save`` the record
    as far as it is, so that stopping loses little. Raises ``SrganError`` where no test set is here and where
    a result is missing or of a wrong size.
    """
    places, old = _places(sets), record or empty()
    found = {place.name: _facts_of_set(place) for place in places}
    methods = _kept(old, found)
    new = {**empty(), "sets": {**old["sets"], **found}, "methods": methods}
    for name, (model, facts) in {**_own_methods(), **_folders(images or {})}.items():
        values = _still_valid(methods.get(name), facts)
        for place in _sets_with_results(name, model, facts, places):
            if place.name in values and not again:
                continue
            values[place.name] = _measured(model, place, found[place.name]["images"], facts["scale"], device)
            if facts["kind"] == MODEL and facts["sha256"] != weights_sha256(name):
                raise SrganError(f"{name}: its weights changed while it was measured; run it again")
            methods[name] = {**facts, **_circumstances(device), "values": values}
            say(f"{name}, {place.name}: done")
            if save:
                save(new)
    return new


def measure_images(record, images, sets=None):
    """``record`` with the numbers of result images, {name: folder}, and nothing else measured.

    ``sets`` as for ``measure``. Raises ``SrganError`` also where the record has other test images.
    """
    places = _places(sets)
    found = {place.name: _facts_of_set(place) for place in places}
    for name, facts in found.items():
        if record["sets"].get(name, facts) != facts:
            raise SrganError(f"{name}: these are not the test images of the record; name others with --sets")
    methods = dict(record["methods"])
    for name, (folder, facts) in _folders(images).items():
        values = {
            place.name: _measured(folder, place, found[place.name]["images"], SCALE)
            for place in _sets_with_results(name, folder, facts, places)
        }
        methods[name] = {**facts, **_circumstances(), "values": values}
    return {**record, "sets": {**record["sets"], **found}, "methods": methods}


def _places(sets):
    """The folders of the test sets."""
    places = [str(place) for place in sets or [name for name in SETS if downloads.find(name)]]
    if not places:
        what = "no test set is on this machine to measure on"
        raise SrganError(f"{what}; fetch them: srgan data get set5 set14 bsd100")
    return [Path(place) if (Path(place) / "HR").is_dir() else downloads.get(place) for place in places]


def _measured(model, place, images, scale, device=None):
    """{measure: [a number an image]}, rounded; an infinite PSNR, of equal images, is null in JSON."""
    result = evaluate(model, sets=[place], measures=MEASURES, scale=scale, device=device)
    (rows,) = result.columns[0].values.values()
    return {measure: [_rounded(rows[image][measure]) for image in images] for measure in MEASURES}


def _rounded(value):
    return round(float(value), DIGITS) if math.isfinite(value) else None


def _own_methods():
    """{name: (what ``evaluate`` measures, its facts)} of all that needs nothing from the user."""
    jobs = {}
    scales = {name: pretrained.scale_of(name) for name in pretrained.names()}
    for scale in sorted({SCALE, *scales.values()}):
        for name in INTERPOLATIONS:
            jobs[at_scale(name, scale)] = name, {"kind": INTERPOLATION, "scale": scale}
    for name, scale in scales.items():
        jobs[name] = name, {"kind": MODEL, "scale": scale, "sha256": weights_sha256(name)}
    published = downloads.find("published")
    for name, folder in PUBLISHED.items() if published else ():
        jobs[name] = str(published / "{set}" / folder), {"kind": AUTHORS, "scale": SCALE}
    return jobs


def _folders(images):
    """The same for the user's own result images."""
    for name in images:
        _check_name(name)
    return {
        name: (str(folder), {"kind": IMAGES, "scale": SCALE, "folder": _plain(Path(folder).name)})
        for name, folder in images.items()
    }


def _plain(name):
    """A folder's name for the record, in which it may not pass for code or for another line."""
    return "".join(letter for letter in name if letter.isprintable() and letter != "`")[:LONGEST]


def _check_name(name):
    taken = [*_own_methods(), *PUBLISHED, "HR"]
    if not name.strip() or not name.isprintable() or len(name) > LONGEST:
        raise SrganError(f"{name[:LONGEST]!r} is no name for result images; use one short line of text")
    if name.lower() in {other.lower() for other in taken}:
        raise SrganError(f"{name} is the name of a method that is measured anyway; give your images another")


def _sets_with_results(name, model, facts, places):
    """The test sets that a method can be measured on; a folder of results may have some of them only."""
    if facts["kind"] not in (AUTHORS, IMAGES):
        return places
    here = [place for place in places if has_results(model, place)]
    if not here and facts["kind"] == IMAGES:
        sets = ", ".join(place.name for place in places)
        raise SrganError(f"{name}: no result of {sets} in {model}; name them FOLDER/Set5/NAME.png")
    return here


def _kept(old, found):
    """The methods of an earlier record, without their numbers on sets whose images are others now."""
    changed = {name for name, facts in found.items() if old["sets"].get(name, facts) != facts}
    return {
        name: {**facts, "values": {key: of for key, of in facts["values"].items() if key not in changed}}
        for name, facts in old["methods"].items()
        if facts["kind"] != MODEL or facts["sha256"] == weights_sha256(name)
    }


def _still_valid(earlier, facts):
    """The earlier numbers of a method, by set, if they are of the same weights; of images, never."""
    known = {"scale": SCALE, **(earlier or {})}  # a record of version 0.1 names no scale
    same = earlier and facts["kind"] != IMAGES and all(known[key] == facts[key] for key in facts)
    return dict(earlier["values"]) if same else {}


def _facts_of_set(folder):
    """The names of the images, and a hash of all files."""
    parts = ("HR", *(f"LRx{scale}" for scale in SCALES))
    files = [file for part in parts for file in sorted((folder / part).glob("*.png"))]
    total = sha256()
    for file in files:
        total.update(f"{file.parent.name}/{file.name} {file_sha256(file)}\n".encode())
    return {"images": [file.stem for file in files if file.parent.name == "HR"], "sha256": total.hexdigest()}


def _circumstances(device=None):
    """On what a method was measured."""
    versions = {"srgan_lib": __version__} | {name: version(name) for name in ("torch", "numpy")}
    return {"hardware": f"{pick_device(device)} ({platform.machine()})", "versions": versions}
