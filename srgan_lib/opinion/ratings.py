"""Ratings as CSV files: written one at a time, read with every bad line named.

A file has the columns ``rater``, ``code``, ``score`` and ``seconds`` (how long the rater looked). A column
``simulated`` with ``yes`` marks scores that a program made up; others are ignored. Several files may belong
to one test.
"""

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from srgan_lib.errors import SrganError
from srgan_lib.opinion.plan import SCORES, Plan

COLUMNS = ("rater", "code", "score", "seconds")
NEEDED = ("rater", "code", "score")
SIMULATED = "simulated"  # the column that marks made-up scores
MARKS = (None, "", "no", "yes")  # what it may hold; None where there is no such column
LARGEST = 50_000_000  # bytes
MOST_PROBLEMS = 2000  # in one file, apart from scores given twice; then it is another kind of file
LONGEST = 40  # characters of a bad value that a message repeats


@dataclass
class Ratings:
    """Scores of an opinion test: {(rater, code): score}, and what was left out of the files and why.

    ``simulated`` says that a program made them up.
    """

    plan: Plan
    scores: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    simulated: bool = False

    def array(self, least=1.0):
        """Scores as an array (raters, images, methods) of ``float64`` 1 to 5, and the names of its raters.

        A missing score is NaN. A rater counts who rated at least the share ``least`` of the planned items
        (repeats aside): with 1, the default, only complete raters, so that every mean is over the same
        people. Repeats are not in it: the first answer counts. ``SrganError`` if nobody is left.
        """
        share = self.share()
        raters = [rater for rater in self.plan.raters if share[rater] >= least and share[rater] > 0]
        if not raters:
            best = max(share.values())
            raise SrganError(
                f"no rater has rated {least:.0%} of the items (most: {best:.0%}); finish, or lower --least"
            )
        row = {rater: index for index, rater in enumerate(raters)}
        column = {image: index for index, image in enumerate(self.plan.images)}
        layer = {method: index for index, method in enumerate(self.plan.methods)}
        scores = np.full((len(row), len(column), len(layer)), np.nan)
        for (rater, code), score in self.scores.items():
            version = self.plan.key[code]
            if rater in row and version.kind == "rated":
                scores[row[rater], column[version.image], layer[version.method]] = score
        return scores, raters

    def share(self):
        """{rater: the share of the planned items, repeats aside, that have a score}, from 0 to 1."""
        key = self.plan.key
        planned = {
            rater: sum(key[code].kind == "rated" for code in self.plan.sessions[rater])
            for rater in self.plan.raters
        }
        rated = dict.fromkeys(self.plan.raters, 0)
        for rater, code in self.scores:
            rated[rater] += key[code].kind == "rated"
        return {rater: rated[rater] / planned[rater] for rater in planned}

    def repeated(self, raters=None):
        """First and second scores of the items that were rated twice: an integer array (pairs, 2).

        Of all raters, or only of those named.
        """
        kept = {
            (rater, self.plan.key[code]): score
            for (rater, code), score in self.scores.items()
            if raters is None or rater in raters
        }
        first = {
            (rater, version.image, version.method): score
            for (rater, version), score in kept.items()
            if version.kind == "rated"
        }
        pairs = []
        for (rater, version), score in kept.items():
            place = (rater, version.image, version.method)
            if version.kind == "repeat" and place in first:
                pairs.append((first[place], score))
        return np.array(pairs, dtype=int).reshape(-1, 2)


def append_rating(path, rater, code, score, seconds):
    """Add one line to the CSV file at ``path``, with the header if it is new, and have it on the disk."""
    path = Path(path)
    try:
        before = path.read_bytes() if path.exists() else b""
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not before:
                writer.writerow(COLUMNS)
            elif not before.endswith(b"\n"):  # a line that a crash cut off stays alone
                file.write("\n")
            writer.writerow([rater, code, score, f"{seconds:.1f}"])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SrganError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def read_ratings(files, plan):
    """The ratings in CSV ``files`` (a path or a list of paths) of the test ``plan``.

    A line that cannot be used is left out and named in ``problems``: where it is, what is wrong, how to mend
    it. An item with two scores of one rater counts with the first. A file that is missing, no text or without
    the columns raises ``SrganError``, and so do people's scores together with simulated ones.
    """
    files = [files] if isinstance(files, (str, Path)) else files
    ratings = Ratings(plan)
    owner = {code: version.rater for code, version in plan.key.items()}
    marks = {}  # simulated or not: the first file with such scores
    for path in map(Path, files):
        wrong = 0
        for place, row, fault in _rows(path):
            fault = fault or _fault(row, owner, ratings)
            again = None if fault else _given_before(row, ratings)
            if fault or again:
                ratings.problems.append(f"{place}: {fault or again}")
            else:
                ratings.scores[row["rater"], row["code"]] = int(row["score"])
                marks.setdefault(row.get(SIMULATED) == "yes", path)
            wrong += fault is not None
            if wrong > MOST_PROBLEMS:
                raise SrganError(
                    f"{path}: over {MOST_PROBLEMS} lines are wrong, the last: {ratings.problems[-1]}"
                )
    if len(marks) == 2:
        raise SrganError(
            f"{marks[True]} holds simulated scores, {marks[False]} those of people; analyse them apart"
        )
    ratings.simulated = True in marks
    return ratings


def _fault(row, owner, ratings):
    """What is wrong with a line, or None."""
    rater, code, score = (row[name] for name in NEEDED)
    if rater not in ratings.plan.sessions:
        return f"no rater {_shown(rater)} in the plan; correct the name, or give the plan that it belongs to"
    if code not in owner:
        return f"no code {_shown(code)} in the plan; correct it, or give the plan that it belongs to"
    if owner[code] != rater:
        return f"code {code} belongs to {owner[code]}, not to {rater}; correct the rater or delete the line"
    if ratings.plan.is_anchor(code):
        return f"code {code} is an anchor, which is shown and not rated; delete the line"
    if row.get(SIMULATED) not in MARKS:
        return f"{SIMULATED} is {_shown(row[SIMULATED])}; write yes, or nothing for people's scores"
    if score not in {str(score) for score in SCORES}:
        return f"score {_shown(score)} is not one of 1, 2, 3, 4, 5; correct it or delete the line"
    return None


def _given_before(row, ratings):
    """What to say of a second score for an item, or None."""
    rater, code = row["rater"], row["code"]
    before = ratings.scores.get((rater, code))
    return before and f"{rater} has rated {code} before ({before}), which counts; delete the line"


def _rows(path):
    """(where, {column: text}, None) for each line that has its columns, else (where, None, what is wrong)."""
    first, *lines = _text(path).split("\n")
    delimiter = ";" if first.count(";") >= 2 else ","  # some spreadsheets separate with semicolons
    header = _header(path, first, delimiter)
    for number, line in enumerate(lines, 2):
        place = f"{_printable(path.name)}, line {number}"
        fields = _fields(line, delimiter)
        if fields is None:
            yield place, None, f"{_shown(line)} is no line of CSV; correct or delete it"
        elif not any(field.strip() for field in fields):
            continue
        elif len(fields) != len(header):
            what = f"{len(fields)} columns instead of {len(header)}"
            yield place, None, f"{what}; correct or delete the line"
        else:
            yield place, {name: field.strip() for name, field in zip(header, fields, strict=True)}, None


def _header(path, line, delimiter):
    """The names of the columns, which must be there, and none of those that count twice."""
    header = [name.strip().lower() for name in _fields(line, delimiter) or ()]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        expected = ",".join(COLUMNS)
        raise SrganError(f"{path}: no column {', '.join(missing)}; the first line must be {expected}")
    twice = [name for name in (*NEEDED, SIMULATED) if header.count(name) > 1]
    if twice:
        raise SrganError(f"{path}: two columns {twice[0]}; delete the one that does not count")
    return header


def _fields(line, delimiter):
    """The fields of one line, so that an open quotation mark spoils no other line; None if it is not CSV."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _text(path):
    try:
        size = path.stat().st_size
        if not path.is_file():  # a folder, or a device without an end
            raise SrganError(f"{path}: cannot be read (it is no file); name the CSV files in it")
        if size > LARGEST:
            raise SrganError(f"{path}: has over {LARGEST // 1_000_000} MB; is it a file of ratings?")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SrganError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise SrganError(f"{path}: is no UTF-8 text; save the table as CSV in UTF-8") from error


def _printable(name):
    return name if name.isprintable() else repr(name)


def _shown(value):
    """A value from outside, short and without control characters."""
    return repr(value if len(value) <= LONGEST else value[:LONGEST] + "...")
