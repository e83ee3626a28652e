"""nbgrader takes the course as it is: it makes the assignments, grades them, and writes the feedback."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.teaching import assignments, coursework

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(path for path in BOOK.glob("*.ipynb") if coursework.exercises(coursework.read(path)))
CHEAP = ("the-tables", "exercise-sheet")  # a chapter that only reads records, and the sheet
IDENTIFIER = r"[\w-]{1,64}"


def nbgrader(folder, *arguments):
    """What one command of nbgrader says, in a process of its own; its exit status must be 0."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONWARNINGS": "ignore",
        "JUPYTER_CONFIG_DIR": str(folder / "no-settings"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A graded course: what "solved" handed in is the source, what "student" handed in is the release."""
    folder = tmp_path_factory.mktemp("course")
    assert (
        main(["coursework", "--edition", "nbgrader", "--book", str(BOOK), "--out", str(folder), *CHEAP]) == 0
    )
    said = {}
    for name in CHEAP:
        said[name] = nbgrader(folder, "generate_assignment", name, "--create")
        for student, handed_in in (("solved", "source"), ("student", "release")):
            place = folder / "submitted" / student / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder / handed_in / name, place)
        said[name] += nbgrader(folder, "autograde", name, "--create")
        said[name] += nbgrader(folder, "generate_feedback", name)
    nbgrader(folder, "export")
    (folder / "said.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize("name", CHEAP)
def test_the_solved_edition_gets_full_points_and_the_student_edition_none(course, name):
    by_test, by_reading = assignments.points(coursework.read(course / "source" / name / f"{name}.ipynb"))
    with open(course / "grades.csv", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == name}
    assert float(rows["solved"]["score"]) == by_test > 0
    assert float(rows["student"]["score"]) == 0
    assert float(rows["solved"]["max_score"]) == by_test + by_reading


@pytest.mark.parametrize("name", CHEAP)
def test_nothing_of_a_solution_is_released(course, name):
    source = coursework.read(course / "source" / name / f"{name}.ipynb")
    released = coursework.read(course / "release" / name / f"{name}.ipynb")
    graded = {"question", "exercise"}
    for before, after in zip(source["cells"], released["cells"], strict=True):
        facts = before["metadata"].get("nbgrader", {})
        if facts.get("solution") and facts["grade_id"].split("-")[0] in graded:
            assert "BEGIN SOLUTION" not in after["source"]
            stub = "NotImplementedError" if before["cell_type"] == "code" else "YOUR ANSWER HERE"
            assert stub in after["source"]
        else:
            assert before["source"] == after["source"]


@pytest.mark.parametrize("name", CHEAP)
def test_there_is_feedback_for_both(course, name):
    for student in ("solved", "student"):
        page = course / "feedback" / student / name / f"{name}.html"
        assert "(Score:" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_an_assignment(path):
    import nbformat
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = assignments.assignment(coursework.read(path), path)
    checked = nbformat.from_dict(notebook)
    nbformat.validate(checked)
    MetadataValidator().validate_nb(checked)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids)) and all(len(each) <= 64 for each in ids)
    graded = [cell["metadata"]["nbgrader"] for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    names = [each["grade_id"] for each in graded]
    assert len(names) == len(set(names))
    levels = {exercise.number: exercise.level for exercise in coursework.exercises(coursework.read(path))}
    tests = {each["grade_id"]: each["points"] for each in graded if each["grade"] and not each["solution"]}
    wanted = {
        f"exercise-{number}-check": assignments.POINTS[level or "easy"] for number, level in levels.items()
    }
    assert tests == wanted
    reports = {each["grade_id"] for each in graded if each["grade_id"].endswith("-report")}
    assert reports == {
        f"exercise-{number}-report" for number, level in levels.items() if level == "open-ended"
    }
    text = "\n".join(cell["source"] for cell in notebook["cells"] if "nbgrader" not in cell["metadata"])
    questions = sum(each["grade_id"].startswith("question-") for each in graded)
    stated = coursework.as_json(coursework.student(coursework.read(path))).count("*Your answer:*")
    assert questions <= stated and "# @title Solution" not in text


def test_command_says_what_it_wrote(tmp_path, capsys):
    arguments = [
        "coursework",
        "--edition",
        "nbgrader",
        "--book",
        str(BOOK),
        "--out",
        str(tmp_path / "course"),
    ]
    assert main([*arguments, "exercise-sheet"]) == 0
    path = tmp_path / "course/source/exercise-sheet/exercise-sheet.ipynb"
    assert capsys.readouterr().out == f"{path}: 5 exercises, 10 points by tests, 0 by reading\n"
    settings = tmp_path / "course" / "nbgrader_config.py"
    assert "Execute.timeout" in settings.read_text()
    settings.write_text("mine")
    assert main([*arguments, "exercise-sheet"]) == 0
    assert settings.read_text() == "mine"
    with pytest.raises(SrganError, match="faq has no exercises, and so is no assignment"):
        assignments.write(tmp_path / "other", BOOK, ["faq"])
    assert not (tmp_path / "other").exists()
