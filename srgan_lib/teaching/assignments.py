"""A chapter as an assignment of nbgrader (0.9): solution regions, tests with points, answers to be read.

A solution's cell becomes two: the solution between nbgrader's marks, and its check as an autograded test,
which is worth points by the exercise's level. Each question's answer, and a report on each open-ended
exercise, becomes a cell that a teacher grades. ``nbgrader generate_assignment`` takes out what students are
not to see.
"""

import copy
import re
from pathlib import Path

from srgan_lib.errors import SrganError
from srgan_lib.support.files import made_folder, whole_file
from srgan_lib.teaching.coursework import (
    ANSWER,
    EXERCISES,
    as_json,
    chosen,
    exercises,
    linked_pages,
    sections,
    solution_of,
)

SCHEMA_VERSION = 3  # of nbgrader's cell metadata
POINTS = {"easy": 1, "medium": 2, "hard": 3, "open-ended": 2}
QUESTION_POINTS, REPORT_POINTS = 1, 3  # graded by reading
SUMMARY = re.compile(r"^<details>\s*<summary>.*?</summary>\s*|\s*</details>\s*$", re.DOTALL)
SOLUTION = "# Exercise {number}{title}\n### BEGIN SOLUTION\n{code}\n### END SOLUTION"
REPORT = """\
**Report on exercise {number}.** What did you expect, what did you measure, and what follows from it? Your
teacher reads this; the check above only keeps the answer within bounds."""
MODEL_REPORT = "The exercise is open-ended. Its solution above, with its comments, is one answer among many."
CONFIG = '''\
"""Settings of nbgrader for the course. Written once; change it as you like."""

c = get_config()
c.CourseDirectory.course_id = "srgan"
c.Execute.timeout = 600  # seconds a cell: some of the chapters train a network
'''


def write(out, book=None, chapters=()):
    """Write the chapters as a course of nbgrader into the folder ``out``: ``source/NAME/NAME.ipynb``.

    ``chapters`` are names without suffix; by default all that have exercises. Pages that a chapter links to
    lie beside it. ``nbgrader_config.py`` is written where there is none. Returns the paths of the notebooks.
    Raises ``SrganError`` as ``coursework.write`` does, and for a chapter without exercises.
    """
    notebooks = chosen(out, book, chapters)
    without = [path.stem for path, notebook in notebooks.items() if not exercises(notebook)]
    if without and chapters:
        raise SrganError(f"{without[0]} has no exercises, and so is no assignment; leave it out")
    notebooks = {path: each for path, each in notebooks.items() if path.stem not in without}
    made = {path: as_json(assignment(notebook, path)) for path, notebook in notebooks.items()}
    out = Path(out)
    for path, text in made.items():
        folder = made_folder(out / "source" / path.stem, "--out")
        for name, page in {path.name: text, **linked_pages({path: notebooks[path]})}.items():
            with whole_file(folder / name) as partial:
                partial.write_text(page, encoding="utf-8")
    if not (out / "nbgrader_config.py").exists():
        with whole_file(out / "nbgrader_config.py") as partial:
            partial.write_text(CONFIG, encoding="utf-8")
    return [out / "source" / path.stem / path.name for path in made]


def assignment(notebook, name="the notebook"):
    """A chapter, as ``coursework.read`` gives it, as the source of an assignment: a new dictionary.

    Raises ``SrganError``, which names it, where a solution has no check.
    """
    edition = {**copy.deepcopy(notebook), "cells": []}
    stated = {exercise.number: exercise for exercise in exercises(notebook)}
    section, questions = "", 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cells, section, questions = _text_cells(cell, sections(cell["source"], section), questions)
        elif solution := solution_of(cell):
            if not solution.check:
                raise SrganError(f"{name}: solution {solution.number} has no line '# Check'; write one")
            cells = _solution_cells(cell, solution, stated.get(solution.number))
        else:
            cells = [copy.deepcopy(cell)]
        edition["cells"] += cells
    return edition


def points(notebook):
    """(points given by tests, points given by a teacher) of an assignment."""
    graded = [cell["metadata"]["nbgrader"] for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    by_test = sum(each["points"] for each in graded if each["grade"] and not each["solution"])
    return by_test, sum(each["points"] for each in graded if each["grade"]) - by_test


def _text_cells(cell, parts, questions):
    """The cells that a text becomes, the section in which it ends, and the count of questions so far."""
    cells, kept, heading = [], "", ""
    for place, (heading, part) in enumerate(parts):
        kept += f"## {heading}" if place else ""
        if heading in EXERCISES:
            part = ANSWER.sub("", part)
        start = 0
        for answer in ANSWER.finditer(part) if heading == "Questions" else ():
            questions += 1
            cells.append(_markdown(cell, kept + part[start : answer.start()], f"text-{questions}"))
            cells.append(
                _read_by_a_teacher(cell, f"question-{questions}", _inner(answer[0]), QUESTION_POINTS)
            )
            kept, start = "", answer.end()
        kept += part[start:]
    if kept.strip():
        cells.append(_markdown(cell, kept, ""))
    return cells, heading, questions


def _inner(answer):
    """The text of a hidden answer without the tags around it."""
    return SUMMARY.sub("", answer.strip()).strip()


def _markdown(cell, text, ending):
    identity = f"{cell.get('id', 'cell')}{'-' if ending else ''}{ending}"
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": text.strip("\n")}


def _read_by_a_teacher(cell, grade_id, text, worth):
    metadata = {"nbgrader": _graded(grade_id, grade=True, solution=True, points=worth)}
    return {**_markdown(cell, text, grade_id), "metadata": metadata}


def _graded(grade_id, **changes):
    facts = {"grade": False, "solution": False, "locked": False, "task": False}
    return {**facts, "grade_id": grade_id, "schema_version": SCHEMA_VERSION, **changes}


def _solution_cells(cell, solution, exercise):
    grade_id = f"exercise-{solution.number}"
    title = f": {exercise.title}" if exercise and exercise.title else ""
    level = exercise.level if exercise else ""
    worth = POINTS.get(level, POINTS["easy"])
    code = SOLUTION.format(number=solution.number, title=title, code=solution.code.strip("\n"))
    test = _graded(f"{grade_id}-check", grade=True, locked=True, points=worth)
    cells = [
        _code(cell, "solution", code, _graded(grade_id, solution=True)),
        _code(cell, "check", f"# Check\n{solution.check}", test),
    ]
    if level == "open-ended":
        cells.append(_markdown(cell, REPORT.format(number=solution.number), "report"))
        cells.append(_read_by_a_teacher(cell, f"{grade_id}-report", MODEL_REPORT, REPORT_POINTS))
    return cells


def _code(cell, ending, source, graded):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"{cell.get('id', 'cell')}-{ending}",
        "metadata": {"nbgrader": graded},
        "outputs": [],
        "source": source,
    }
