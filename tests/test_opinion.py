"""The opinion test: balanced and blind plans, files read with care, statistics that tell the truth."""

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from srgan_lib.data.sources import held_out_photos
from srgan_lib.errors import SrganError
from srgan_lib.opinion import analyse
from srgan_lib.opinion.plan import load_plan, plan
from srgan_lib.opinion.ratings import append_rating, read_ratings
from srgan_lib.opinion.simulate import SimulatedRaters, share_significant
from srgan_lib.opinion.summary import score_figure
from srgan_lib.opinion.versions import make_version

METHODS = ["bicubic", "SRResNet", "SRGAN", "HR"]
IMAGES = [f"image-{number}" for number in range(6)]


@pytest.fixture
def small():
    return plan(IMAGES, METHODS, raters=4, seed=3, calibration=["x", "y"], repeats=5)


# -------------------------------------------------------------------------------------------- plan


def rated(test, rater):
    return [test.key[code] for code in test.sessions[rater] if test.key[code].kind == "rated"]


def test_every_rater_rates_every_version_once_after_the_anchors(small):
    for rater in small.raters:
        kinds = [small.key[code].kind for code in small.sessions[rater]]
        assert kinds[:4] == ["anchor"] * 4 and "anchor" not in kinds[4:]
        assert kinds.count("repeat") == 5
        found = Counter((version.image, version.method) for version in rated(small, rater))
        assert found == Counter(product(IMAGES, METHODS))
        assert [told for _, told in small.session(rater)][:5] == [1, 5, 1, 5, None]


def test_each_version_comes_once_in_each_round_over_as_many_raters_as_methods():
    test = plan(IMAGES, METHODS, raters=8, seed=3)
    orders = set()
    for four in (test.raters[:4], test.raters[4:]):
        for turn in range(len(METHODS)):
            part = slice(turn * len(IMAGES), (turn + 1) * len(IMAGES))
            found = [
                (version.image, version.method) for rater in four for version in rated(test, rater)[part]
            ]
            assert Counter(found) == Counter(product(IMAGES, METHODS))
        versions = rated(test, four[0])
        orders.add(tuple(version.method for version in versions if version.image == IMAGES[0]))
    assert len(orders) == 2  # the next raters have another square


def test_versions_of_one_image_do_not_follow_each_other(small):
    for codes in small.sessions.values():
        shown = [small.key[code] for code in codes if not small.is_anchor(code)]
        assert all(one.image != other.image for one, other in pairwise(shown))


def test_repeats_come_late_and_under_new_codes(small):
    for rater, codes in small.sessions.items():
        versions = [small.key[code] for code in codes]
        for place, version in enumerate(versions):
            if version.kind == "repeat":
                first = versions.index(replace(version, kind="rated"))
                assert place - first >= len(IMAGES) * len(METHODS) // 3, rater


def test_codes_tell_nothing(small):
    codes = list(small.key)
    assert len(set(codes)) == sum(map(len, small.sessions.values()))
    assert all(set(code) <= set("bcdfghjkmnpqrstvwxz") and len(code) == 7 for code in codes)
    shown = json.dumps([small.session(rater) for rater in small.raters]).lower()
    words = set(re.findall(r"[\w-]+", shown))  # a code may have an "hr" in it
    assert not words & {name.lower() for name in [*METHODS, *IMAGES, "nearest"]}


def test_the_seed_decides_everything_and_more_raters_change_no_earlier_one(small):
    again = plan(IMAGES, METHODS, raters=4, seed=3, calibration=["x", "y"], repeats=5)
    assert again == small
    more = plan(IMAGES, METHODS, raters=6, seed=3, calibration=["x", "y"], repeats=5)
    assert all(more.sessions[rater] == small.sessions[rater] for rater in small.raters)
    other = plan(
        IMAGES, ["bicubic", "SRResNet", "mine", "HR"], raters=4, seed=3, calibration=["x"], repeats=5
    )
    assert not set(other.key) & set(small.key)  # its scores are not taken for this test's
    assert plan(IMAGES, METHODS, 4, 4).sessions != plan(IMAGES, METHODS, 4, 3).sessions


def test_images_may_have_different_methods():
    methods = {image: METHODS if image < "image-2" else METHODS[2:] for image in IMAGES}
    test = plan(IMAGES, methods, ["ann", "ben"], seed=0)
    assert len(rated(test, "ann")) == 2 * 4 + 4 * 2 and test.methods == tuple(METHODS)
    with pytest.raises(SrganError, match="no methods"):
        plan([*IMAGES, "another"], methods, 2, seed=0)


def test_a_saved_plan_is_the_same_plan(small, tmp_path):
    small.save(tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == small


def damaged(content):
    """Ways to spoil a saved plan."""
    code, rater = next(iter(content["key"])), next(iter(content["sessions"]))
    yield []
    yield {}
    yield {**content, "format": "another"}
    yield {**content, "key": {}}
    yield {**content, "key": 3}
    yield {**content, "key": {**content["key"], code: ["a"]}}
    yield {**content, "key": {**content["key"], code: [rater, "x", "nearest", "unknown"]}}
    yield {**content, "sessions": {**content["sessions"], rater: [code, code]}}
    yield {**content, "sessions": None}
    yield {**content, "versions": {}}
    yield {**content, "versions": [[]]}
    yield {**content, "sessions": {}, "key": {}}
    yield {**content, "seed": "x", "sessions": {**content["sessions"], "nobody": []}}


def test_a_damaged_plan_is_one_line(small, tmp_path):
    path = tmp_path / "plan.json"
    small.save(path)
    content = json.loads(path.read_text())
    for number, spoilt in enumerate(damaged(content)):
        path.write_text(json.dumps(spoilt))
        with pytest.raises(SrganError, match=r"plan\.json") as error:
            load_plan(path)
        assert "\n" not in str(error.value), number
    path.write_text("[" * 100_000)
    with pytest.raises(SrganError, match="is no plan"):
        load_plan(path)
    with pytest.raises(SrganError, match="cannot be read"):
        load_plan(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": []}, "one of each"),
        ({"raters": 0}, "one of each"),
        ({"images": ["a", "a"]}, "name of its own"),
        ({"methods": []}, "one at least"),
        ({"methods": ["HR", "HR"]}, "none twice"),
        ({"calibration": ["a"]}, "other images"),
        ({"repeats": 9}, "a third"),
        ({"raters": ["ann", " "]}, "name of its own"),
        ({"images": ["a\nb"]}, "name of its own"),
        ({"raters": ["=cmd|' /C calc'!A0"]}, "begin with a letter"),
        ({"raters": ["../ann"]}, "begin with a letter"),
        ({"raters": ["ann/../../ben"]}, "begin with a letter"),
        ({"raters": ["Ann", "ann"]}, "capitals"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(change, message):
    settings = {"images": ["a", "b"], "methods": METHODS, "raters": 2, "seed": 0}
    with pytest.raises(SrganError, match=message):
        plan(**{**settings, **change})


# ----------------------------------------------------------------------------------------- ratings


def to_rate(test, rater):
    return [code for code, told in test.session(rater) if told is None]


def written(path, *lines):
    path.write_text("\n".join(["rater,code,score,seconds", *lines]) + "\n", encoding="utf-8")
    return path


def test_ratings_come_back_as_they_were_written(small, tmp_path):
    path = tmp_path / "ratings.csv"
    codes = to_rate(small, "rater-01")
    for number, code in enumerate(codes):
        append_rating(path, "rater-01", code, 1 + number % 5, 2.5)
    found = read_ratings(path, small)
    assert not found.problems and len(found.scores) == len(codes)
    scores, raters = found.array()
    assert raters == ["rater-01"] and scores.shape == (1, 6, 4) and not np.isnan(scores).any()
    version = small.key[codes[3]]
    place = IMAGES.index(version.image), METHODS.index(version.method)
    assert version.kind != "rated" or scores[0][place] == 4
    assert found.repeated().shape == (5, 2)


def test_every_bad_line_is_named_and_only_that_one_is_left_out(small, tmp_path):
    one, two, three, *_ = to_rate(small, "rater-01")
    anchor = small.sessions["rater-01"][0]
    lines = [
        f"rater-01,{one},4,1.0",
        f"rater-01,{one},4,1.0",
        f"rater-01,{one},2,1.0",
        f"rater-02,{two},3,1.0",
        f"rater-01,{anchor},1,1.0",
        "rater-01,zzzzzzz,3,1.0",
        f"=HYPERLINK(1),{two},3,1.0",
        f"rater-01,{two},6,1.0",
        f"rater-01,{two},nan,1.0",
        f"rater-01,{two},,1.0",
        f"rater-01,{two}",
        f"rater-01,{two},3,1.0,more",
        f'"rater-01,{two},3,1.0',
        "rater-01,\x00\x1b[2J,3,1.0",
        f"rater-01,{two},{'9' * 200_000},1.0",
        "",
        " , , , ",
        f"rater-01,{three},5,1.0",
    ]
    found = read_ratings(written(tmp_path / "r.csv", *lines), small)
    assert found.scores == {("rater-01", one): 4, ("rater-01", three): 5}
    assert len(found.problems) == 14
    for number, problem in enumerate(found.problems, 3):
        assert problem.startswith(f"r.csv, line {number}: ") and problem.isprintable() and len(problem) < 200
        assert "correct" in problem or "delete" in problem, problem


def test_spreadsheets_with_semicolons_and_a_mark_at_the_start_are_read(small, tmp_path):
    code = to_rate(small, "rater-01")[0]
    path = tmp_path / "r.csv"
    path.write_bytes(f"\ufeffRater;Code;Score;Seconds\r\nrater-01;{code};3;1,5\r\n".encode())
    found = read_ratings([path], small)
    assert found.scores == {("rater-01", code): 3} and not found.problems


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"rater,code\n", b"\x89PNG\r\n\x1a\n"]
)
def test_another_kind_of_file_is_one_line(small, tmp_path, content):
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(SrganError, match=r"r\.csv: ") as error:
        read_ratings(path, small)
    assert "\n" not in str(error.value)
    with pytest.raises(SrganError, match="cannot be read"):
        read_ratings(tmp_path / "none.csv", small)


def test_a_file_of_rubbish_does_not_fill_the_memory(small, tmp_path):
    with pytest.raises(SrganError, match="over 2000 lines are wrong"):
        read_ratings(written(tmp_path / "r.csv", *["x"] * 5000), small)


def test_partial_raters_count_as_the_rule_says(small, tmp_path):
    lines = [f"rater-01,{code},3,1" for code in to_rate(small, "rater-01")]
    lines += [f"rater-02,{code},3,1" for code in to_rate(small, "rater-02")[:15]]
    found = read_ratings(written(tmp_path / "r.csv", *lines), small)
    assert found.array()[1] == ["rater-01"]
    scores, raters = found.array(least=0.5)
    assert raters == ["rater-01", "rater-02"] and np.isnan(scores[1]).any() and not np.isnan(scores[0]).any()
    with pytest.raises(SrganError, match="lower"):
        read_ratings(written(tmp_path / "r.csv", *lines[:10]), small).array()


# ---------------------------------------------------------------------------------------- versions


def test_versions_have_the_size_of_the_photo():
    photo = held_out_photos()[0].load()[:50, :62]
    for method in ("nearest", "bicubic", "HR", "srresnet-mse"):
        version = make_version(photo, method)
        assert version.shape == (48, 60, 3) and version.dtype == np.uint8, method
    with pytest.raises(SrganError):
        make_version(photo, "no-such-model")


# ----------------------------------------------------------------------------------------- analyse


def test_signed_rank_equals_all_256_signs():
    differences = np.array([0.7, -0.1, 0.4, 1.2, 0.3, -0.2, 0.9, 0.5])
    ranks = stats.rankdata(np.abs(differences))
    sums = np.array([ranks @ (np.array(signs) > 0) for signs in product([-1, 1], repeat=8)])
    observed = ranks @ (differences > 0)
    as_far = np.abs(sums - ranks.sum() / 2) >= abs(observed - ranks.sum() / 2)
    statistic, p, pairs, zeros = analyse.signed_rank([*differences, 0.0, np.nan, 1e-12])
    assert (statistic, pairs, zeros) == (ranks.sum() - observed, 8, 2) and p == pytest.approx(as_far.mean())
    assert analyse.signed_rank([0, 0]) == (0, 1, 0, 2)


def test_signed_rank_equals_scipy_and_with_ties_all_signs():
    chance = np.random.default_rng(0)
    for pairs in (5, 19, 50, 51, 400):
        differences = chance.normal(0.2, 1, pairs)
        statistic, p, _, _ = analyse.signed_rank(differences)
        expected = stats.wilcoxon(np.round(differences, 9))
        assert (statistic, p) == pytest.approx((expected.statistic, expected.pvalue))
    for _ in range(5):
        tied = chance.choice([-2, -1, 1, 2, 3], 9)
        ranks = stats.rankdata(np.abs(tied))
        sums = np.array([ranks @ (np.array(signs) > 0) for signs in product([-1, 1], repeat=9)])
        far = np.abs(sums - 22.5) >= abs(ranks @ (tied > 0) - 22.5)
        assert analyse.signed_rank(tied)[1] == pytest.approx(far.mean())


def test_differences_that_only_rounding_tells_apart_are_ties():
    assert analyse.signed_rank([0.1 + 0.2, 0.3, -0.3]) == analyse.signed_rank([0.3, 0.3, -0.3])


def test_holm_by_hand():
    assert analyse.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert analyse.holm([0.9, 0.8]) == pytest.approx([1, 1]) and len(analyse.holm([])) == 0


def test_means_and_differences_by_hand():
    scores = np.array([[[1, 3], [2, 5]], [[1, 4], [np.nan, 5]]])  # two raters, two images, two methods
    one, other = analyse.mean_opinion(scores, ["a", "b"], repetitions=50)
    assert (one.mean, one.ratings) == (pytest.approx(4 / 3), 3) and (other.mean, other.ratings) == (4.25, 4)
    (found,) = analyse.compare(scores, ["a", "b"], repetitions=50)
    assert found.difference == pytest.approx(-8 / 3) and found.pairs == 2
    assert analyse.paired(scores[..., 1], "image").tolist() == [3.5, 5]
    assert analyse.paired(scores[..., 1], "rater").tolist() == [4, 4.5]
    assert analyse.distribution(scores).tolist() == [[2, 1, 0, 0, 0], [0, 0, 1, 1, 2]]
    for wrong in (scores[0], scores[..., :1]):
        with pytest.raises(SrganError, match="raters, images, methods"):
            analyse.mean_opinion(wrong, ["a", "b"])
    with pytest.raises(SrganError, match="unit"):
        analyse.paired(scores[..., 0], "pixel")
    with pytest.raises(SrganError, match="method"):
        analyse.compare(scores, ["a", "b"], [("a", "c")])


def test_the_interval_covers_the_truth():
    """95 % intervals over other raters and images hold the true mean in 93 % of tests or more."""
    covered = 0
    for test in range(150):
        scores = SimulatedRaters().scores([3.0], 12, 15, seed=test)
        (found,) = analyse.mean_opinion(scores, ["a"], repetitions=300, seed=test)
        covered += found.low <= 3 <= found.high
    assert covered >= 0.92 * 150


def test_reliability_by_hand():
    found = analyse.reliability([(3, 3), (4, 5), (1, 3), (2, 2)])
    assert (found.pairs, found.equal, found.within_one, found.change) == (4, 0.5, 0.75, 0.75)
    assert -1 <= found.correlation <= 1 and found.p == pytest.approx(0.5)
    with pytest.raises(SrganError, match="repeats"):
        analyse.reliability([])


def test_figure_5_has_a_column_a_method():
    figure = score_figure([[8, 2, 0, 0, 0], [0, 0, 1, 3, 6]], ["a", "b"])
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["a", "b"]
    assert sorted(line.get_ydata()[0] for line in axis.lines) == pytest.approx([1.2, 4.5])
    plt.close(figure)


# ---------------------------------------------------------------------------------------- simulate


def test_simulated_raters_follow_a_plan(small):
    quality = dict(zip(METHODS, (1.5, 3, 3.6, 4.6), strict=True))
    ratings = SimulatedRaters().rate(small, quality, seed=0)
    scores, _ = ratings.array()
    assert scores.shape == (4, 6, 4) and set(np.unique(scores)) <= {1, 2, 3, 4, 5}
    means = [opinion.mean for opinion in analyse.mean_opinion(scores, METHODS, repetitions=50)]
    assert means == sorted(means) and ratings.repeated().shape == (20, 2)
    quiet = replace(SimulatedRaters(), mood=0).rate(small, quality, seed=0)
    assert analyse.reliability(quiet.repeated()).equal == 1


def test_no_effect_gives_no_more_false_alarms_than_promised():
    """Raters without tastes of their own: the images are all that the test must generalise over."""
    simulated = SimulatedRaters(taste=0)
    rate = share_significant(simulated, 0, raters=8, images=19, tests=1500, seed=1)
    assert rate < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)
    by_raters = share_significant(SimulatedRaters(suits=0), 0, 12, 10, 1500, seed=2, unit="rater")
    assert by_raters < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)


def test_ratings_taken_for_independent_give_many_false_alarms():
    assert share_significant(SimulatedRaters(), 0, 26, 19, 200, seed=3, unit="rating") > 0.2


def test_a_known_effect_is_found_with_the_stated_power():
    """The power that normal theory states for the paired test, within a few per cent."""
    simulated = SimulatedRaters(taste=0)
    for difference in (0.2, 0.4):
        spread = np.sqrt(2 * (simulated.suits**2 + (simulated.mood**2 + 1 / 12) / 10))  # 1/12: rounding
        theory = stats.norm.cdf(difference / spread * np.sqrt(30 * 3 / np.pi) - 1.96)  # 3/pi: Wilcoxon's
        power = share_significant(simulated, difference, raters=10, images=30, tests=600, seed=4)
        assert power == pytest.approx(theory, abs=0.08)
