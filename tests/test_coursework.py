"""The student edition and the solved one are made from the same notebooks, and stay together."""

import ast
import json
import re
from pathlib import Path

import pytest

from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.teaching import coursework

BOOK = Path(__file__).resolve().parents[1] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

EXERCISES = """\
## Questions

**1.** Why?

<details><summary>Answer</summary>

Because of the secret.

</details>

## Exercises

**1. Add** (easy). Write `add(a, b)`.

**2.** Think of a number, `number`. This one is open-ended.

<details><summary>A hint</summary>

The secret number.

</details>"""
CODE = "# @title Solution 1: plus\ndef add(a, b):\n    return a + b\n\n"
SOLUTION = f"{CODE}\n# Check\nassert add(1, 2) == 3\nprint('right')"
TEXT = """\
# A chapter

<details><summary>Answer</summary>

Part of the text.

</details>

[a page](glossary.md#x)"""


def cell(source, kind="code", **metadata):
    extra = {"outputs": [{"text": "old"}], "execution_count": 7} if kind == "code" else {}
    return {"cell_type": kind, "id": "x", "metadata": metadata, "source": source.splitlines(True), **extra}


def a_chapter():
    solved = {"cellView": "form", "tags": ["hide-cell", "mine"], "mystnb": {}}
    cells = [cell(TEXT, "markdown"), cell("x = 1"), cell(EXERCISES, "markdown"), cell(SOLUTION, **solved)]
    cells.append(cell("# @title Solution 2\nnumber = 4\n# Check\nassert number > 3", **solved))
    cells.append(cell("## References\n\n- <details>kept</details>", "markdown"))
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "_toc.yml").write_text("root: index\n")
    (folder / "glossary.md").write_text("# Glossary\n")
    (folder / "index.md").write_text("# Index\n")
    (folder / "one.ipynb").write_text(json.dumps(a_chapter()), encoding="utf-8")
    (folder / "two.ipynb").write_text(json.dumps(a_chapter()), encoding="utf-8")
    return folder


# -------------------------------------------------------------------------------------- one chapter


def test_exercises_and_solutions_are_read(book):
    notebook = coursework.read(book / "one.ipynb")
    first, second = coursework.exercises(notebook)
    assert (first.number, first.title, first.level, first.text) == (1, "Add", "easy", "Write `add(a, b)`.")
    assert (second.number, second.title, second.level) == (2, "", "open-ended")
    assert "secret" not in second.text
    text = "## Exercises\n\n**1. Easy: a title.** Do it."
    assert coursework.exercises({"cells": [{"cell_type": "markdown", "source": text}]}) == [
        coursework.Exercise(1, "A title", "easy", "Do it.")
    ]
    solutions = coursework.solutions(notebook)
    assert [(each.number, each.title) for each in solutions] == [(1, "plus"), (2, "")]
    assert "return a + b" in solutions[0].code and solutions[0].check.startswith("assert add(1, 2) == 3")


def test_a_solution_becomes_an_empty_exercise_with_its_check(book):
    cells = coursework.student(coursework.read(book / "one.ipynb"))["cells"]
    assert cells[3]["source"] == (
        "# Exercise 1: Add\n# Write your solution here.\n\n\n# Check\nassert add(1, 2) == 3\nprint('right')"
    )
    assert cells[4]["source"] == "# Exercise 2\n# Write your solution here.\n\n\n# Check\nassert number > 3"
    for each in cells[3:5]:
        assert each["outputs"] == [] and each["execution_count"] is None
        assert each["metadata"] == {"tags": ["mine"]}


def test_only_answers_of_homework_go(book):
    cells = coursework.student(coursework.read(book / "one.ipynb"))["cells"]
    assert cells[0]["source"] == TEXT and cells[1]["outputs"] == [{"text": "old"}]
    assert cells[2]["source"].count("*Your answer:*") == 2 and "secret" not in cells[2]["source"]
    assert cells[2]["source"].startswith(
        "## Questions\n\n**1.** Why?\n\n*Your answer:*\n\n## Exercises\n\n**1. Add**"
    )
    assert cells[5]["source"].endswith("- <details>kept</details>")


def test_a_section_goes_on_in_the_next_cell(book):
    notebook = coursework.read(book / "one.ipynb")
    answer = {
        **cell("", "markdown"),
        "source": "<details><summary>Answer</summary>\n\nThe secret.\n\n</details>",
    }
    notebook["cells"].insert(3, answer)
    assert coursework.student(notebook)["cells"][3]["source"] == "*Your answer:*\n\n"
    assert "secret" in notebook["cells"][3]["source"], "the notebook given was changed"


def test_a_solution_without_a_check_is_refused(book):
    notebook = coursework.read(book / "one.ipynb")
    notebook["cells"][4]["source"] = "# @title Solution 2\nnumber = 4"
    with pytest.raises(SrganError, match=r"one\.ipynb: solution 2 has no line '# Check'"):
        coursework.student(notebook, "one.ipynb")


# ------------------------------------------------------------------------------------------- folders


def test_editions_are_written_with_the_pages_they_link_to(book, tmp_path):
    written = coursework.write("student", tmp_path / "students", book)
    assert [path.name for path in written] == ["one.ipynb", "two.ipynb"]
    assert sorted(path.name for path in (tmp_path / "students").iterdir()) == [
        "glossary.md",
        "one.ipynb",
        "two.ipynb",
    ]
    assert "a + b" not in written[0].read_text(encoding="utf-8")
    (solved,) = coursework.write("solved", tmp_path / "solved", book, ["two"])
    assert solved.read_bytes() == (book / "two.ipynb").read_bytes()


def test_the_book_is_found_from_a_folder_within_it(book, tmp_path, monkeypatch):
    (book / "deep").mkdir()
    for folder in (tmp_path, book, book / "deep"):
        assert coursework.find_book(folder) == book
    with pytest.raises(SrganError, match="no book here; run this in a clone"):
        coursework.find_book("/")


def test_command(book, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["coursework", "--edition", "student", "--out", "students", "one"]) == 0
    assert capsys.readouterr().out == f"{Path('students/one.ipynb')}: 2 exercises\n"
    mistakes = {
        ("--out", "x", "three"): "no chapter is called 'three'",
        ("--out", "book"): "book is the book itself",
        ("--out", "book/one.ipynb"): "cannot make the folder",
        ("--out", "x", "--book", "students/none"): "no notebooks there",
    }
    for arguments, message in mistakes.items():
        assert main(["coursework", "--edition", "student", *arguments]) == 1
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1, said
    (book / "bad.ipynb").write_text("[]")
    assert main(["coursework", "--edition", "solved", "--out", "x"]) == 1
    assert "bad.ipynb: no Jupyter notebook" in capsys.readouterr().err
    assert not (tmp_path / "x").exists(), "nothing is written when something is wrong"


# ----------------------------------------------------------------------------------------- the book


def without_magics(source):
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


class Names(ast.NodeVisitor):
    """The names that a piece of a notebook defines at its top level, and those that it uses anywhere."""

    def __init__(self, source):
        self.defined, self.used, self.depth = set(), set(), 0
        self.visit(ast.parse(without_magics(source)))

    def inside(self, node):
        if not self.depth and hasattr(node, "name"):  # a function or a class
            self.defined.add(node.name)
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_FunctionDef = visit_ClassDef = visit_Lambda = inside
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = inside

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self.used.add(node.id)
        elif not self.depth:
            self.defined.add(node.id)

    def visit_alias(self, node):
        self.defined.add((node.asname or node.name).split(".")[0])


@every_chapter
def test_every_exercise_has_a_solution_with_a_check(path):
    notebook = coursework.read(path)
    exercises, solutions = coursework.exercises(notebook), coursework.solutions(notebook)
    expected = list(range(1, len(solutions) + 1))
    assert [each.number for each in solutions] == expected
    assert [each.number for each in exercises] == expected, "in ## Exercises: **1. Title** (easy). What to do"
    for each in solutions:
        assert "assert" in each.check and each.code.strip(), each.number


@every_chapter
def test_every_check_fails_in_the_student_edition(path):
    """A check uses a name that its solution alone defines: without the solution it is a NameError."""
    solutions = {each.number: each for each in coursework.solutions(coursework.read(path))}
    edition = coursework.student(coursework.read(path))
    before = set()  # names defined by the cells so far, as they are in the student edition
    for each in edition["cells"]:
        if each["cell_type"] != "code":
            continue
        names = Names(each["source"])
        if number := re.match(r"# Exercise (\d+)", each["source"]):
            solution = solutions[int(number[1])]
            needed = names.used & Names(solution.code).defined - names.defined - before
            assert needed, f"the check of exercise {solution.number} passes without a solution"
        before |= names.defined


@every_chapter
def test_no_solution_is_left_in_the_student_edition(path):
    solved = coursework.read(path)
    edition = coursework.student(solved)
    left = "\n".join(each["source"] for each in edition["cells"])
    assert "# @title Solution" not in left and edition["metadata"] == solved["metadata"]
    for solution in coursework.solutions(solved):
        rest = left.splitlines()
        lines = [line for line in solution.code.splitlines() if len(line.strip()) > 30]
        kept = [line for line in lines if line in rest]
        assert len(kept) <= len(lines) / 3, f"solution {solution.number}: {kept}"
    for before, after in zip(solved["cells"], edition["cells"], strict=True):
        if before["source"] == after["source"]:
            assert before == after
        else:
            assert not after.get("outputs")
