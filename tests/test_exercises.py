"""The index of exercises is what its program writes."""

import write_exercises

from srgan_lib.teaching.coursework import Exercise


def test_the_index_is_current():
    kept = write_exercises.PAGE.read_text(encoding="utf-8")
    assert kept == write_exercises.page(), "run: python book/_tools/write_exercises.py"


def test_first_sentence_is_cut_outside_of_code_formulas_and_links():
    first = write_exercises.first_sentence
    assert first("Try `a. b` on $1.5. x$, as in\n[this. one](x.md). Then stop.") == (
        "Try `a. b` on $1.5. x$, as in this. one."
    )
    assert first("Which wins? Guess.") == "Which wins?"
    assert first("Without an end\n\nSecond paragraph.") == "Without an end."
    assert first("Write two: a and b.") == "Write two."


def test_an_entry_names_title_and_level():
    exercise = Exercise(2, "Why?", "open-ended", "Find out. Then tell.")
    assert write_exercises.entry(exercise) == "2. **Why?** Find out. *(open-ended)*"
    assert write_exercises.entry(Exercise(1, "", "", "Find out.")) == "1. Find out."
