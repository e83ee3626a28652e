"""The analysis as a whole: what is true is found as often as promised, what is not true is not."""

import json

import numpy as np
import pytest
from scipy import stats

from srgan_lib.errors import SrganError
from srgan_lib.opinion import analyse
from srgan_lib.opinion.plan import plan
from srgan_lib.opinion.ratings import Ratings, read_ratings
from srgan_lib.opinion.simulate import SimulatedRaters, share_significant, write_simulated
from srgan_lib.opinion.summary import summarise

QUALITY = {"bicubic": 1.9, "SRResNet": 2.8, "SRGAN": 3.5, "HR": 4.4}
IMAGES = [f"image {number}" for number in range(12)]


@pytest.fixture(scope="module")
def test_plan():
    return plan(IMAGES, list(QUALITY), raters=8, seed=0, calibration=["example"], repeats=8)


@pytest.fixture(scope="module")
def ratings(test_plan):
    return SimulatedRaters().rate(test_plan, QUALITY, seed=1)


def at_most(share, tests):
    """The largest share that ``tests`` draws of a true ``share`` give, but for once in about a thousand."""
    return stats.binom.ppf(0.999, tests, share) / tests


def test_through_files_the_simulated_truth_comes_back(test_plan, ratings, tmp_path):
    paths = write_simulated(ratings, tmp_path)
    read = read_ratings(paths, test_plan)
    assert read.scores == ratings.scores and read.simulated and not read.problems
    found = summarise(read, repetitions=200)
    assert [one.method for one in found.opinions] == list(QUALITY)
    for one, truth in zip(found.opinions, QUALITY.values(), strict=True):
        assert one.low < one.mean < one.high and abs(one.mean - truth) < 0.5 and one.ratings == 96
    assert all(test.p_holm < 0.05 for test in found.tests) and len(found.tests) == 6
    assert found.reliability.pairs == 64 and found.reliability.correlation > 0.4
    assert all(value > 0.6 for value in found.agreement.values())
    assert found.text().startswith("SIMULATED") and "simulated" in found.figure().get_suptitle().lower()


def test_all_pairs_of_equal_methods_give_one_false_alarm_in_twenty_tests_at_most():
    """Holm's promise for 10 pairs at once; without it there would be one in most tests."""
    tests, alarms, raw = 150, 0, 0
    for scores in SimulatedRaters(taste=0).scores([3.0] * 5, 6, 20, seed=5, tests=tests):
        found = analyse.compare(scores, list("abcde"), repetitions=2)
        alarms += min(test.p_holm for test in found) < 0.05
        raw += min(test.p for test in found) < 0.05
    assert alarms / tests <= at_most(0.05, tests) and raw / tests > 0.15


def test_intervals_of_differences_leave_out_zero_in_one_of_twenty_tests_at_most():
    """Over raters with tastes and images that suit a method: both are drawn again."""
    tests, alarms = 200, 0
    for scores in SimulatedRaters().scores([3.0, 3.0], 15, 20, seed=6, tests=tests):
        (found,) = analyse.compare(scores, ["a", "b"], repetitions=300)
        alarms += not found.low <= 0 <= found.high
    assert alarms / tests <= at_most(0.05, tests)


def test_the_power_that_is_stated_for_raters_as_pairs_is_reached():
    """The paired test's normal theory, for raters who judge the same images."""
    simulated = SimulatedRaters(suits=0)
    spread = np.sqrt(2 * (simulated.taste**2 + (simulated.mood**2 + 1 / 12) / 12))
    theory = stats.norm.cdf(0.2 / spread * np.sqrt(20 * 3 / np.pi) - 1.96)
    power = share_significant(simulated, 0.2, raters=20, images=12, tests=500, seed=7, unit="rater")
    assert power == pytest.approx(theory, abs=0.08)


def test_more_images_find_more_and_no_effect_finds_nothing_more():
    simulated = SimulatedRaters(taste=0)
    few, many = (share_significant(simulated, 0.3, 8, images, 300, seed=8) for images in (10, 40))
    none = share_significant(simulated, 0, 8, 40, 1000, seed=9)
    assert many > few + 0.2 and none <= at_most(0.05, 1000)


def test_agreement_tells_who_pressed_at_random(ratings):
    scores, _ = ratings.array()
    scores[3] = np.random.default_rng(0).integers(1, 6, scores[3].shape)
    scores[5] = 3
    found = analyse.agreement(scores)
    assert abs(found[3]) < 0.4 and np.isnan(found[5])
    assert min(value for rater, value in enumerate(found) if rater not in (3, 5)) > 0.5
    assert np.isnan(analyse.agreement(scores[:1])).all()


@pytest.mark.parametrize("unit", analyse.UNITS)
def test_every_choice_is_stated(ratings, unit):
    found = summarise(ratings, unit=unit, level=0.9, repetitions=50)
    said = " ".join([found.text(), found.markdown(), *found.to_dict()["rules"]])
    said = " ".join(said.split())  # lines of the text are wrapped
    for words in ("90%", "raters and images at once", "zeros are left out", "ties share", "(Holm)", unit):
        assert said.count(words) >= 3, words
    assert ("Prefer images" in said) == (unit == "rating")


def test_json_has_no_infinities_and_names_whom_it_left_out(test_plan, ratings):
    some = {key: score for key, score in ratings.scores.items() if key[0] != "rater-02"}
    lonely = {key: 3 for key in some if key[0] == "rater-01"}
    found = summarise(Ratings(test_plan, lonely), repetitions=20)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["reliability"]["correlation"] is None and content["agreement"]["rater-01"] is None
    assert content["left_out"]["rater-02"] == 0 and content["simulated"] is False
    assert "rater-02 (0% rated)" in found.text()
    with pytest.raises(SrganError, match="no rater has rated"):
        summarise(Ratings(test_plan))


def test_partial_raters_and_methods_nobody_rated(test_plan, ratings):
    of = test_plan.key
    some = {key: score for key, score in ratings.scores.items() if of[key[1]].method != "SRGAN"}
    found = summarise(Ratings(test_plan, some), least=0.5, repetitions=20)
    assert found.methods == ["bicubic", "SRResNet", "HR"] and len(found.tests) == 3
    apart = {
        key: score
        for key, score in ratings.scores.items()
        if (of[key[1]].method == "HR") == (of[key[1]].image == IMAGES[0])
    }
    found = summarise(Ratings(test_plan, apart), least=0.1, repetitions=20)
    assert ("bicubic", "HR") not in {(test.first, test.second) for test in found.tests}


def test_a_table_in_markdown_keeps_its_columns():
    odd = plan(["x"], ["a|b", "c"], ["ada"], seed=0)
    scores = {("ada", code): 3 for code in odd.sessions["ada"]}
    text = summarise(Ratings(odd, scores), repetitions=20).markdown()
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows[:4]} == {10}


def test_ratings_of_people_are_not_written_as_simulated(test_plan, tmp_path):
    with pytest.raises(SrganError, match="people's"):
        write_simulated(Ratings(test_plan), tmp_path)
