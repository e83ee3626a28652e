"""``sr.coursework.check``: every exercise's check, from the book's own source, in any notebook."""

import ast
import contextlib
import io
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest
import write_checks

import srgan_lib as sr
from srgan_lib.errors import SrganError
from srgan_lib.teaching import checks, coursework
from srgan_lib.teaching.slices import names_of, needed, statements_of

BOOK = Path(__file__).resolve().parents[1] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))
CHAPTERS = [name for name in CHAPTERS if coursework.solutions(coursework.read(BOOK / f"{name}.ipynb"))]


WRONG = object()  # None may be an answer: "never"


def test_the_checks_are_the_book_s():
    assert checks.FILE.read_text(encoding="utf-8") == write_checks.text(), (
        "run: python book/_tools/write_checks.py"
    )


def test_every_exercise_with_a_check_is_there_and_no_solution_is():
    kept = checks._kept()
    for name in CHAPTERS:
        solutions = coursework.solutions(coursework.read(BOOK / f"{name}.ipynb"))
        exercises = kept[name]["exercises"]
        assert {str(each.number) for each in solutions if each.check} == set(exercises)
        text = "\n".join([*kept[name]["statements"], *(each["check"] for each in exercises.values())])
        for solution in solutions:
            assert exercises[str(solution.number)]["answers"], solution.number
            lines = [line for line in solution.code.splitlines() if len(line.strip()) > 30]
            there = [line for line in lines if line in text.splitlines()]
            assert len(there) <= len(lines) / 3, f"{name}, solution {solution.number}: {there}"


def answers_of(name, number):
    """What the solution of an exercise answers: it is run on what it needs of its chapter, in silence."""
    notebook = coursework.read(BOOK / f"{name}.ipynb")
    solution = next(each for each in coursework.solutions(notebook) if each.number == number)
    statements = statements_of(coursework.chapter_cells(notebook))
    own, used = names_of(solution.code)
    places = needed(statements, used | names_of(solution.check)[1] - own)
    scope = {"__name__": "solved"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join(statements[place].source for place in places), scope)
        exec(solution.code, scope)
    return {key: scope[key] for key in checks._kept()[name]["exercises"][str(number)]["answers"]}


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_solution_is_right_and_no_answer_is_not(name, monkeypatch):
    matplotlib.use("Agg")
    for number in map(int, checks._kept()[name]["exercises"]):
        answers = answers_of(name, number)
        verdict = sr.coursework.check(name, number, **answers)
        assert verdict and str(verdict) == f"{name}, exercise {number}: right"
        for key in answers:
            wrong = sr.coursework.check(name, number, **{**answers, key: WRONG})
            assert not wrong and str(wrong).startswith(f"{name}, exercise {number}: not yet: ")
            assert "\n" not in str(wrong)
    plt.close("all")


def test_one_answer_needs_no_name_and_several_may_come_in_a_dictionary():
    check = sr.coursework.check
    assert check("why-mse-blurs", 1, {"A": 11.5, "B": 11.5, "average": 11.5 + 3.0103})
    wrong = check("why-mse-blurs", 1, {"A": 11.5, "B": 11.5, "average": 11.5})
    assert repr(wrong) == (
        "why-mse-blurs, exercise 1: not yet: abs(gain - 10 * np.log10(2)) < 0.01 does not hold"
        " (values: 3.01, 0.01)"
    )
    lost = check("why-mse-blurs", 1, {"A": 11.5})
    assert str(lost).endswith("KeyError: 'average', where the check says: gain = score['average'] -"
                              " (score['A'] + score['B']) / 2")  # fmt: skip
    with pytest.raises(SrganError, match="measured_error not given; write check"):
        check("why-mse-blurs", 3, {"expected_error": abs})
    with pytest.raises(SrganError, match="expected_error, measured_error not given"):
        check("why-mse-blurs", 3, abs)


def test_names_that_do_not_exist_get_one_line():
    with pytest.raises(SrganError, match="did you mean 'why-mse-blurs'"):
        sr.coursework.check("why-mse-blur", 1, 0)
    with pytest.raises(SrganError, match="why-mse-blurs has no exercise 9; it has 1, 2, 3, 4"):
        sr.coursework.check("why-mse-blurs", 9, 0)


def test_a_slice_holds_what_a_name_depends_on_and_no_more():
    cells = [
        "import numpy as np\nfast = False  # True: quick\nx = np.zeros(3)\nx[0] = 1\nprint(x)",
        "def f(a):\n    return a + late\n\n\nlate = 1\ny = f(x)\nfor i in range(3):\n    y[i] = i",
        "z = 3\nlate = 2\nrows = [row for row in y]\nassert z",
    ]
    statements = statements_of(cells)
    assert "fast = True" in [each.source for each in statements]

    def sources(*names):
        return [statements[place].source for place in needed(statements, names)]

    assert sources("z") == ["z = 3"]
    assert sources("x") == ["import numpy as np", "x = np.zeros(3)", "x[0] = 1"]
    assert sources("f") == ["def f(a):\n    return a + late", "late = 2"]
    assert sources("rows")[-2:] == ["late = 2", "rows = [row for row in y]"]
    assert [ast.parse(each) for each in sources("rows")]
