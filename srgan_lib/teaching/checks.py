"""The exercises' checks, in any notebook: ``check("why-mse-blurs", 1, answer)``.

A check is what stands below ``# Check`` in a solution's cell of a chapter. ``checks.json`` beside this file
holds all of them, and of each chapter the statements that they use; no solution is in it. It is written from
the chapters by ``book/_tools/write_checks.py``, and a test keeps it equal to them.
"""

import ast
import contextlib
import functools
import io
import json
import linecache
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.teaching.slices import names_of, needed, statements_of

FILE = Path(__file__).with_name("checks.json")
PLACE = "<the check>"
LONGEST = 60  # characters of a value that is shown


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``right`` or not, and one line that says what. It is true where it is right."""

    right: bool
    line: str

    def __bool__(self):
        return self.right

    def __str__(self):
        return self.line

    __repr__ = __str__


def check(chapter, number, answer=None, **answers):
    """Check the answer to exercise ``number`` of ``chapter`` (its file's name); returns a ``Verdict``.

    ``answer`` is what the exercise asks for: the function, the picture, the dictionary. Where it asks for
    several, give each by its name, ``check("why-mse-blurs", 3, expected_error=f, measured_error=g)``, or all
    in one dictionary (``globals()`` will do). The chapter need not be open: what its check uses of it is
    computed first, which takes from no time to half a minute. Nothing of the solution is shown.

    Raises ``SrganError`` for a chapter or an exercise that does not exist, and for an answer that is missing.
    """
    exercise = _exercise(chapter, number)
    names = exercise["answers"]
    given = _by_name(chapter, number, names, answer, answers)
    import torch

    with contextlib.redirect_stdout(io.StringIO()), torch.random.fork_rng(devices=[]):
        scope = {**_prepared(chapter, number), **given}
        return _verdict(f"{chapter}, exercise {number}", exercise["check"], scope)


def _exercise(chapter, number):
    chapters = _kept()
    if chapter not in chapters:
        raise unknown_name("chapter", chapter, chapters)
    exercises = chapters[chapter]["exercises"]
    if str(number) not in exercises:
        raise SrganError(f"{chapter} has no exercise {number}; it has {', '.join(exercises)}")
    return exercises[str(number)]


@functools.cache
def _kept():
    return json.loads(FILE.read_text(encoding="utf-8"))


def _by_name(chapter, number, names, answer, answers):
    """{name: answer} for all that the exercise asks for."""
    if not answers and len(names) == 1:
        answers = {names[0]: answer}
    elif not answers and isinstance(answer, Mapping):
        answers = answer
    missing = [name for name in names if name not in answers]
    if missing:
        given = ", ".join(f"{name}=..." for name in names)
        raise SrganError(
            f"{chapter}, exercise {number}: {', '.join(missing)} not given; write"
            f' check("{chapter}", {number}, {given})'
        )
    return {name: answers[name] for name in names}


@functools.lru_cache(maxsize=4)
def _prepared_once(chapter, number):
    """The names that the chapter defines and the check uses."""
    kept, exercise = _kept()[chapter], _exercise(chapter, number)
    scope = {"__name__": f"{chapter} of the book"}
    source = "\n".join(kept["statements"][place] for place in exercise["uses"])
    exec(compile(source, f"<{chapter}>", "exec"), scope)
    return scope


def _prepared(chapter, number):
    return dict(_prepared_once(chapter, int(number)))


def _verdict(where, source, scope):
    linecache.cache[PLACE] = (len(source), None, source.splitlines(True), PLACE)
    try:
        exec(compile(source, PLACE, "exec"), scope)
    except AssertionError as error:
        return Verdict(False, f"{where}: not yet: {_failed(error, source)}")
    except Exception as error:
        return Verdict(False, f"{where}: not yet: {_raised(error, source)}")
    return Verdict(True, f"{where}: right")


def _last_place(error):
    """(the check's statement at which it ended, the frame)."""
    frames = [
        (line, frame) for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == PLACE
    ]  # fmt: skip
    return frames[-1]


def _innermost(source, line):
    """The innermost statement of the check that holds a line."""
    held = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(held, key=lambda node: node.end_lineno - node.lineno)


def _failed(error, source):
    """What of an assertion does not hold, with the values that it compares."""
    if str(error):
        return _one_line(error)
    line, frame = _last_place(error)
    node = _innermost(source, line)
    if not isinstance(node, ast.Assert):
        return "an assertion of yours failed"
    scope = {**frame.f_globals, **frame.f_locals}
    test = node.test
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    failing = next((part for part in parts if not _value(part, scope)), test)
    text = f"{ast.unparse(failing)} does not hold"
    if isinstance(failing, ast.Compare):
        sides = [_shown(_value(side, scope)) for side in (failing.left, *failing.comparators)]
        text += f" (values: {', '.join(sides)})"
    return text


def _value(node, scope):
    return eval(compile(ast.Expression(node), PLACE, "eval"), scope)


def _shown(value):
    text = " ".join(f"{value:.4g}".split()) if isinstance(value, float) else " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _raised(error, source):
    line, _ = _last_place(error)
    statement = ast.unparse(_innermost(source, line)).splitlines()[0]
    return f"{type(error).__name__}: {_one_line(error)}, where the check says: {statement}"


def _one_line(error):
    return (str(error).strip().splitlines() or ["no reason given"])[0]


# --------------------------------------------------------------------------- from the chapters to the file


def of_chapter(cells, solutions):
    """What the file holds of a chapter: its statements that checks use, and its exercises by number.

    ``cells`` are the sources of its code cells but for the solutions, ``solutions`` a list of
    ``coursework.Solution``.
    """
    statements = statements_of(cells)
    exercises = {}
    for solution in (each for each in solutions if each.check):
        own, _ = names_of(solution.code)
        _, used = names_of(solution.check)
        answers = sorted(own & used)
        uses = needed(statements, used - own)
        exercises[str(solution.number)] = {
            "title": solution.title,
            "answers": answers,
            "uses": uses,
            "check": solution.check,
        }
    used = sorted({place for each in exercises.values() for place in each["uses"]})
    for each in exercises.values():
        each["uses"] = [used.index(place) for place in each["uses"]]
    return {"statements": [statements[place].source for place in used], "exercises": exercises}
