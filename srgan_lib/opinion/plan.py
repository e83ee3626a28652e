"""Who rates what, in which order, under which code: an opinion test as in the paper's section 3.3.

Every rater rates every version of every image once, from 1 (bad) to 5 (excellent). What a rater sees of an
item is a code of letters; the plan's key says which image and method stand behind it.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.support.files import whole_file

SCORES = (1, 2, 3, 4, 5)
WORDS = {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"}
ANCHORS = {"nearest": 1, "HR": 5}  # how the paper calibrates its raters
KINDS = ("anchor", "rated", "repeat")  # shown with its score; rated; rated for the second time
FORMAT = "srgan_lib opinion plan, version 1"
LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels, so no words; no digits, or spreadsheets make numbers of them
LENGTH = 7
RATER = re.compile(r"[^\W_]([\w .@+-]{0,58}[\w@+-])?")  # names files, and is no formula in a spreadsheet


@dataclass(frozen=True)
class Version:
    """What stands behind a code: the experimenter's knowledge, not the rater's."""

    rater: str
    image: str
    method: str
    kind: str  # one of KINDS


@dataclass(frozen=True)
class Plan:
    """An opinion test: the images with their methods, the order of codes for each rater, and the key."""

    seed: int
    versions: dict  # image: its methods
    sessions: dict  # rater: codes in the order in which they are shown, anchors first
    key: dict  # code: Version

    @property
    def raters(self):
        return tuple(self.sessions)

    @property
    def images(self):
        return tuple(self.versions)

    @property
    def methods(self):
        """All methods, in the order in which the images name them."""
        return tuple(dict.fromkeys(method for methods in self.versions.values() for method in methods))

    def session(self, rater):
        """What ``rater`` sees, in order: pairs of a code and the score that is told, None for rated items."""
        if rater not in self.sessions:
            raise unknown_name("rater in this plan", rater, self.raters)
        codes = self.sessions[rater]
        return [
            (code, ANCHORS.get(self.key[code].method) if self.is_anchor(code) else None) for code in codes
        ]

    def is_anchor(self, code):
        return self.key[code].kind == "anchor"

    def save(self, path):
        """Write the plan with its key to ``path`` (JSON). Keep it from the raters."""
        content = {"format": FORMAT, "seed": self.seed, "versions": self.versions, "sessions": self.sessions}
        content["key"] = {code: list(asdict(version).values()) for code, version in self.key.items()}
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def plan(images, methods, raters, seed, calibration=(), repeats=0):
    """An opinion test in which each of ``raters`` rates every method's version of every image once.

    ``images`` and ``raters`` are names, ``raters`` may be a number; ``methods`` is a list of names, or
    {image: list} where images have different ones, as in the paper. ``calibration`` names other images, whose
    nearest (1) and HR (5) versions are shown first together with these scores. ``repeats`` items of each
    rater's first third come again in the last third, under new codes, for the test-retest reliability.

    The order is random and balanced. A rater goes through as many rounds as there are methods; a round has
    each image at most once. Over that many raters in turn, each version comes exactly once in each round, so
    that neither practice nor fatigue favours a method. Two versions of one image follow each other only where
    there is no other way. The seed decides everything. Codes also depend on the names of images and methods,
    so that the scores of another test are not taken for this one's. ``SrganError`` says what does not fit.
    """
    raters = [f"rater-{number + 1:02d}" for number in range(raters)] if isinstance(raters, int) else raters
    images, raters, calibration = list(images), list(raters), list(calibration)
    versions = {image: _methods(methods, image) for image in images}
    _check(images, versions, raters, calibration, repeats)
    rounds = max(len(names) for names in versions.values())
    test = _number_of([versions, calibration, repeats])
    sessions, key = {}, {}
    for number, rater in enumerate(raters):
        square = _square(np.random.default_rng([seed, 0, number // rounds]), versions, rounds)
        chance = np.random.default_rng([seed, 1, number])
        items = _session(chance, square, number, rounds)
        shown = [(image, method, "rated") for image, method in items]
        shown = _with_repeats(chance, shown, repeats)
        anchors = [(image, method, "anchor") for image in calibration for method in ANCHORS]
        sessions[rater] = []
        naming = np.random.default_rng([seed, 2, number, test])
        for image, method, kind in anchors + shown:
            code = _new_code(naming, key)
            key[code] = Version(rater, image, method, kind)
            sessions[rater].append(code)
    return Plan(seed, versions, sessions, key)


def _methods(methods, image):
    if not isinstance(methods, dict):
        return list(methods)
    if image not in methods:
        raise SrganError(f"image {image!r} has no methods; name those of every image, or one list for all")
    return list(methods[image])


def _check(images, versions, raters, calibration, repeats):
    for what, names in (("images", images), ("raters", raters), ("calibration images", calibration)):
        twice = {name for name in names if names.count(name) > 1}
        if twice or not all(isinstance(name, str) and name.strip() and name.isprintable() for name in names):
            raise SrganError(f"{what}: {sorted(map(str, twice)) or names}: give each one name of its own")
    for rater in raters:
        if not RATER.fullmatch(rater):
            raise SrganError(
                f"rater {rater!r}: begin with a letter or digit, then letters, digits, spaces, . _ - @ only"
            )
    if len({rater.casefold() for rater in raters}) < len(raters):
        raise SrganError("two raters' names differ only in capitals, and files may not; change one")
    if not images or not raters:
        raise SrganError(f"{len(images)} images and {len(raters)} raters; a test needs one of each at least")
    for image, names in versions.items():
        if not names or len(set(names)) < len(names):
            raise SrganError(f"image {image!r} has the methods {names}; name one at least, and none twice")
        if not all(isinstance(name, str) and name.strip() and name.isprintable() for name in names):
            raise SrganError(f"image {image!r} has the methods {names}; a method's name is a line of text")
    both = set(calibration) & set(images)
    if both:
        raise SrganError(f"{sorted(both)} would be shown as an anchor and rated; calibrate on other images")
    items = sum(len(names) for names in versions.values())
    if not 0 <= repeats <= items // 3:
        raise SrganError(
            f"{repeats} repeats of {items} items; ask for 0 to {items // 3}, a third of the session"
        )


def _shuffled(chance, items):
    items = list(items)
    return [items[index] for index in chance.permutation(len(items))]


def _square(chance, versions, rounds):
    """{image: its methods in a random order, with empty places where it has fewer than ``rounds``}."""
    return {
        image: _shuffled(chance, [*names, *[None] * (rounds - len(names))])
        for image, names in versions.items()
    }


def _session(chance, square, number, rounds):
    """The rated items of one rater, round by round. The next rater is one place further in every row."""
    items = []
    for turn in range(rounds):
        shown = [(image, row[(turn + number) % rounds]) for image, row in square.items()]
        shown = _shuffled(chance, [item for item in shown if item[1] is not None])
        if items and len(shown) > 1 and shown[0][0] == items[-1][0]:
            shown.append(shown.pop(0))  # not the same image twice in a row
        items += shown
    return items


def _with_repeats(chance, items, repeats):
    """Items of the first third, put a second time between those of the last."""
    third = len(items) // 3
    items = list(items)
    for index in chance.permutation(third)[:repeats]:
        image, method, _ = items[index]
        free = [place for place in range(2 * third + 1, len(items) + 1) if not _is_near(items, place, image)]
        place = int(chance.choice(free or [len(items)]))
        items.insert(place, (image, method, "repeat"))
    return items


def _is_near(items, place, image):
    return image in [item[0] for item in items[place - 1 : place + 1]]


def _number_of(content):
    """A large number that stands for ``content``, the same on every machine."""
    return int.from_bytes(hashlib.sha256(json.dumps(content).encode()).digest()[:8], "big")


def _new_code(chance, known):
    while True:
        code = "".join(LETTERS[index] for index in chance.integers(len(LETTERS), size=LENGTH))
        if code not in known:
            return code


def load_plan(path):
    """The plan that ``Plan.save`` wrote to ``path``. ``SrganError`` if it is missing or something else."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SrganError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise SrganError(f"{path}: is no plan ({error}); save it again with plan.save") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SrganError(f"{path}: is no plan of an opinion test; give a file that plan.save wrote")
    try:
        key = {code: Version(*version) for code, version in content["key"].items()}
        found = Plan(content["seed"], content["versions"], content["sessions"], key)
        _check_codes(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SrganError(f"{path}: the plan is damaged ({error!r}); save it again with plan.save") from error
    return found


def _check_codes(found):
    listed = [(rater, code) for rater, codes in found.sessions.items() for code in codes]
    if not listed or sorted(code for _, code in listed) != sorted(found.key):
        raise ValueError(f"{len(listed)} codes are shown and {len(found.key)} others are in the key")
    for rater, code in listed:
        version = found.key[code]
        known = ANCHORS if version.kind == "anchor" else found.versions[version.image]
        if version.rater != rater or version.method not in known or version.kind not in KINDS:
            raise ValueError(f"code {code} does not fit its rater, image or method")
    for rater, codes in found.sessions.items():
        if not RATER.fullmatch(rater):
            raise ValueError(f"{rater!r} is no name of a rater")
        if not any(found.key[code].kind == "rated" for code in codes):
            raise ValueError(f"{rater} has nothing to rate")
