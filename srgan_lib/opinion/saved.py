"""Read the result of an opinion test that ``srgan rate`` saved, to show it beside the paper's scores.

The file is somebody's, so nothing in it is believed before it was checked.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from srgan_lib.errors import SrganError

FORMAT = "srgan_lib opinion result, version 1"
KEYS = "mos", "low", "high", "ratings"
SCALE = 1, 5  # bad, excellent
LARGEST = 10 << 20  # bytes
LONGEST = 255  # characters of a name: as long as a file's


@dataclass(frozen=True)
class Opinions:
    """A checked result. ``methods`` is {name: {"mos", "low", "high", "ratings"}}, scores from 1 to 5.

    ``low`` and ``high`` are the ends of the interval, None where there is none. ``sets`` has the same for
    each test set, where images were named SET/NAME; ``simulated`` is True where the raters were a program.
    """

    raters: int
    images: tuple
    methods: dict
    sets: dict
    simulated: bool

    def rated(self, set_name, images):
        """The names of those of a test set's ``images`` that were rated, as "Set5/baby" or as "baby"."""
        places = {Path(image).with_suffix("") for image in self.images}
        apart = {place.name for place in places if place.parent.name.lower() == set_name.lower()}
        alone = (
            {place.name for place in places} if {str(place.parent) for place in places} == {"."} else set()
        )
        known = set(images)
        return apart & known if apart else alone if alone <= known else set()

    def of(self, names, set_name, images):
        """The scores of the first of ``names`` on a test set with these ``images``, or None."""
        if not self.rated(set_name, images):
            return None
        sets = {name.lower(): methods for name, methods in self.sets.items()}
        methods = sets.get(set_name.lower(), {} if self.sets else self.methods)
        rated = {name.lower(): scores for name, scores in methods.items()}
        return next((rated[name.lower()] for name in names if name.lower() in rated), None)

    def says(self):
        """Who rated what, as a phrase."""
        who = "simulated raters, a program and no people" if self.simulated else "raters"
        return f"{self.raters} {who}; images: {len(self.images)}"


def read(path):
    """The ``Opinions`` in a file. Raises ``SrganError`` for any other file, saying what is wrong in it."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MB")
        saved = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0][:80]
        raise SrganError(
            f"{path}: cannot be read ({reason}); give what srgan rate analyse --save wrote"
        ) from error
    wrong = _what_is_wrong(saved)
    if wrong:
        raise SrganError(f"{path}: {wrong}; give what srgan rate analyse --save wrote")
    sets = {name: _plain(methods) for name, methods in saved.get("sets", {}).items()}
    return Opinions(
        saved["raters"], tuple(saved["images"]), _plain(saved["methods"]), sets, saved["simulated"]
    )


def _plain(methods):
    return {name: {key: scores[key] for key in KEYS} for name, scores in methods.items()}


def _no_number(text):
    raise ValueError(f"{text} is no number")


def _what_is_wrong(saved):
    """The first fault, as a phrase; None where there is none."""
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        return f"is no opinion result (its format is not {FORMAT!r})"
    if not _is_count(saved.get("raters")):
        return "says no number of raters"
    if not isinstance(saved.get("simulated"), bool):
        return "does not say whether its raters were simulated"
    if not _are_names(saved.get("images")):
        return "has no list of images by name"
    sets = saved.get("sets", {})
    if not isinstance(sets, dict) or not (sets == {} or _are_names(list(sets))):
        return "has no test sets by name"
    return next(filter(None, map(_what_is_wrong_with, (saved.get("methods"), *sets.values()))), None)


def _what_is_wrong_with(methods):
    if not isinstance(methods, dict) or not _are_names(list(methods)):
        return "has no methods by name"
    if len({name.lower() for name in methods}) < len(methods):
        return "names a method twice"
    faults = ((name, _wrong_scores(scores)) for name, scores in methods.items())
    return next((f"{name}: {wrong}" for name, wrong in faults if wrong), None)


def _wrong_scores(scores):
    if not isinstance(scores, dict) or not all(key in scores for key in KEYS):
        return f"has not all of {', '.join(KEYS)}"
    mos, low, high, ratings = (scores[key] for key in KEYS)
    if not _is_count(ratings):
        return "says no number of ratings"
    ends = [end for end in (low, high) if end is not None]
    if not all(map(_is_score, (mos, *ends))):
        return f"its score or interval is not from {SCALE[0]} to {SCALE[1]}"
    if len(ends) == 1 or (ends and not low - 1e-9 <= mos <= high + 1e-9):
        return "its score is not inside its interval"
    return None


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_score(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and SCALE[0] <= value <= SCALE[1]  # which no infinity is, and what is no number neither


def _are_names(names):
    """A list, not empty, of short lines of text."""
    return (
        isinstance(names, list)
        and bool(names)
        and all(
            isinstance(name, str) and Path(name).name.strip() and name.isprintable() and len(name) <= LONGEST
            for name in names
        )
    )
