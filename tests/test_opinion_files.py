"""Files of ratings from anybody: whatever is in them, only planned scores are read, and the rest is named."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srgan_lib.errors import SrganError
from srgan_lib.opinion.plan import plan
from srgan_lib.opinion.ratings import read_ratings

IMAGES = [f"image {n}" for n in range(6)]
PLAN = plan(IMAGES, ["a", "b"], ["ada", "ben"], seed=1, calibration=["c"], repeats=2)
CODES = [code for code, told in PLAN.session("ada") if told is None]
HEADER = "rater,code,score,seconds"
TRUTH = {("ada", code): 1 + number % 5 for number, code in enumerate(CODES)}
LINES = [HEADER, *(f"{rater},{code},{score},2.0" for (rater, code), score in TRUTH.items())]
slowly = settings(max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "r.csv"


def read(path, content):
    """What is read of a file of these bytes; None where the whole file is refused, in one line."""
    path.write_bytes(content)
    try:
        found = read_ratings(path, PLAN)
    except SrganError as error:
        assert str(error).isprintable() and len(str(error)) < 400
        return None
    for problem in found.problems:
        assert re.match(r"r\.csv, line \d+: ", problem) and problem.isprintable() and len(problem) < 250
    for (rater, code), score in found.scores.items():
        assert PLAN.key[code].rater == rater and PLAN.key[code].kind != "anchor" and score in range(1, 6)
    return found


@slowly
@given(st.binary(max_size=300))
def test_any_bytes(path, content):
    found = read(path, content)
    assert found is None or not found.scores


@slowly
@given(st.binary(max_size=300))
@example(b"=cmd|' /C calc'!A0,x,5,1")
@example(b'"ada')
@example(b"\x00" * 100)
@example(b"ada,'" + CODES[0].encode() + b",1e0,1")
def test_any_bytes_below_the_header_lose_nothing_of_the_rest(path, rubbish):
    """Lines before and after the rubbish are read; what is no text at all is refused as a whole."""
    before, after = "\n".join(LINES[:6]) + "\n", "\n" + "\n".join(LINES[6:]) + "\n"
    found = read(path, before.encode() + rubbish + after.encode())
    if found is None:
        with pytest.raises(UnicodeDecodeError):
            rubbish.decode("utf-8-sig")
    else:
        assert found.scores == TRUTH


@slowly
@given(st.integers(0, len("\n".join(LINES))))
def test_a_file_that_was_cut_off_anywhere_gives_true_scores_only(path, length):
    found = read(path, "\n".join(LINES)[:length].encode())
    if found is not None:
        assert found.scores.items() <= TRUTH.items() and len(found.problems) <= 1
        whole = "\n".join(LINES)[:length].count("\n") - 1
        assert len(found.scores) >= whole


@slowly
@given(st.text(max_size=30))
@example("1e0")
@example("５")
@example("05")
@example("3.0")
@example("+3")
@example("=3")
@example("３")
@example("³")
@example("nan")
@example("-1")
@example("")
@example("9" * 200_000)
def test_a_score_is_one_of_five_digits_and_spaces_around_it(path, text):
    field = '"' + text.replace('"', '""') + '"'
    found = read(path, f"{HEADER}\nada,{CODES[0]},{field},1\n".encode(errors="replace"))
    plain = text.encode(errors="replace").decode().strip()
    if found.scores:
        assert plain in {"1", "2", "3", "4", "5"} and found.scores == {("ada", CODES[0]): int(plain)}
    else:
        assert found.problems and plain not in {"1", "2", "3", "4", "5"}


@slowly
@given(
    st.permutations(range(1, len(LINES))),
    st.sampled_from([",", ";"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
    st.booleans(),
)
def test_order_separators_line_ends_marks_and_quotes_change_nothing(
    path, order, separator, end, mark, quoted
):
    rows = [LINES[index].split(",") for index in (0, *order)]
    if quoted:
        rows = [[f'"{field}"' for field in row] for row in rows]
    text = mark + end.join(separator.join(row) for row in rows) + end
    found = read(path, text.encode())
    assert found.scores == TRUTH and not found.problems


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_refused_in_one_line(path, encoding):
    assert read(path, "\n".join(LINES).encode(encoding)) is None


def test_an_old_code_page_is_read_where_it_is_plain_letters(path):
    assert read(path, "\n".join(LINES).encode("cp1252")).scores == TRUTH
    assert read(path, ("\n".join(LINES) + "\nädä,x,1,1").encode("cp1252")) is None


def test_folders_devices_and_columns_given_twice(path):
    with pytest.raises(SrganError, match="it is no file"):
        read_ratings(path.parent, PLAN)
    with pytest.raises(SrganError, match="it is no file"):
        read_ratings("/dev/zero", PLAN)
    path.write_text("rater,code,score,score\nada,x,1,2\n")
    with pytest.raises(SrganError, match="two columns score; delete"):
        read_ratings(path, PLAN)


def test_a_file_with_an_unprintable_name(path):
    odd = path.with_name("a\x1b[2J.csv")
    odd.write_text(f"{HEADER}\nada,x,1,1\n")
    (problem,) = read_ratings(odd, PLAN).problems
    assert problem.isprintable()


def test_scores_given_twice_are_named_and_never_too_many(path):
    """A rater who saves before and after: the same lines twice, in any number."""
    long = plan([f"image {n}" for n in range(300)], list("abcdefghij"), ["ada"], seed=0)
    lines = [HEADER, *(f"ada,{code},3,1" for code, _ in long.session("ada"))]
    path.write_text("\n".join([*lines, *lines[1:]]) + "\n")
    found = read_ratings([path, path], long)
    assert len(found.scores) == 3000 and len(found.problems) == 9000
    assert all("has rated" in problem for problem in found.problems)


def test_scores_of_another_test_of_the_same_size_and_seed_are_refused(path):
    other = plan(
        [f"image {n}" for n in range(6)], ["a", "c"], ["ada", "ben"], seed=1, calibration=["c"], repeats=2
    )
    path.write_text("\n".join(LINES) + "\n")
    found = read_ratings(path, other)
    assert not found.scores and len(found.problems) == len(TRUTH)
    assert np.all(["no code" in problem for problem in found.problems])
