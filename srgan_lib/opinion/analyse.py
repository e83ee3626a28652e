"""What the ratings say: mean opinion scores with intervals, tests between methods, the raters' reliability.

Scores are arrays (raters, images, methods) of 1 to 5, NaN where nothing was rated, as ``Ratings.array`` gives
them.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.opinion.plan import SCORES

REPETITIONS = 2000
BLOCK = 200  # repetitions of a bootstrap at a time
UNITS = ("image", "rater", "rating")
EXACT = 50  # pairs; for more, the normal distribution is near enough
SAME = 9  # decimals: means that differ by less are ties, not a computer's rounding


@dataclass(frozen=True)
class Opinion:
    """One method's mean opinion score with its interval, and how many ratings it is made from."""

    method: str
    mean: float
    low: float
    high: float
    ratings: int


@dataclass(frozen=True)
class Comparison:
    """Two methods: the difference of their means, its interval, and the Wilcoxon signed-rank test.

    ``p`` is for this pair alone, ``p_holm`` corrected for all pairs of the call. ``pairs`` were ranked;
    ``zeros`` more did not differ and were left out.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    pairs: int
    zeros: int


@dataclass(frozen=True)
class Reliability:
    """Items rated twice: shares of equal scores and of those at most 1 apart, the mean change, the
    correlation, and the p of a Wilcoxon signed-rank test over the pairs."""

    pairs: int
    equal: float
    within_one: float
    change: float
    correlation: float
    p: float


def signed_rank(differences):
    """The two-sided Wilcoxon signed-rank test of paired ``differences``: statistic, p, pairs, zeros.

    Zeros are left out, as Wilcoxon did; equal sizes share the mean of their ranks. The statistic is the
    smaller of the two sums of ranks. Up to 50 pairs p is exact, with ties too; beyond, from the normal
    distribution with the correction for ties (``scipy.stats.wilcoxon``). Without any difference p is 1.
    """
    differences = np.round(np.asarray(differences, dtype=np.float64).ravel(), SAME)
    differences = differences[~np.isnan(differences)]
    zeros = int((differences == 0).sum())
    left = differences[differences != 0]
    if not len(left):
        return 0.0, 1.0, 0, zeros
    ranks = stats.rankdata(np.abs(left))
    up, down = ranks[left > 0].sum(), ranks[left < 0].sum()
    p = _exact_p(ranks, min(up, down)) if len(left) <= EXACT else stats.wilcoxon(left).pvalue
    return float(min(up, down)), float(p), len(left), zeros


def _exact_p(ranks, smaller):
    """The share of all ways to give ``ranks`` their signs in which a sum is as small, or as large.

    SciPy, which counts the ways only without ties, and in older versions approximates with them, agrees.
    """
    steps = np.rint(2 * ranks).astype(int)  # shared ranks may end in a half
    ways = np.zeros(steps.sum() + 1)  # ways[s]: how many choices of ranks have the sum s / 2
    ways[0], top = 1, 1
    for step in steps:
        ways[step : step + top] += ways[:top].copy()
        top += step
    tail = ways[: round(2 * smaller) + 1].sum() / ways.sum()
    return min(1.0, 2 * tail)


def paired(scores, unit="image"):
    """One number per ``unit``: the mean over the rest of (raters, images) of ``scores`` (raters, images).

    With "image" the raters are averaged, so that a test over the images asks about other images, judged by
    these raters. With "rater" the images are averaged: other raters, these images. With "rating" nothing is
    averaged; a test then takes the ratings for independent, which they are not, and finds too much.
    """
    if unit not in UNITS:
        raise unknown_name("unit of pairing", unit, UNITS)
    if unit == "rating":
        return scores.ravel()
    return _mean(scores, axis=0 if unit == "image" else 1)


def holm(p):
    """Holm's correction of several p-values: with them, the chance of even one false alarm is the level.

    The smallest of m is multiplied by m, the next by m - 1 and so on; none falls below a smaller one's, none
    exceeds 1.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, 1)
    return corrected


def mean_opinion(scores, methods, level=0.95, repetitions=REPETITIONS, seed=0):
    """An ``Opinion`` for each of ``methods``: the mean score over all ratings, and its bootstrap interval.

    Raters and images are both drawn again, with replacement, ``repetitions`` times: the interval is for other
    raters and other images (percentiles; a little too wide rather than too narrow). A method that not all
    images have is averaged over those that have it.
    """
    _check(scores, methods)
    drawn = _bootstrap(scores, repetitions, seed)
    low, high = _interval(drawn, level)
    return [
        Opinion(
            method,
            float(np.nanmean(scores[..., index])),
            low[index],
            high[index],
            int((~np.isnan(scores[..., index])).sum()),
        )
        for index, method in enumerate(methods)
    ]


def compare(scores, methods, pairs=None, unit="image", level=0.95, repetitions=REPETITIONS, seed=0):
    """A ``Comparison`` for each of ``pairs`` of methods (all, if not given), corrected for all of them.

    The test is ``signed_rank`` over ``paired`` units, by default images; only what both methods have counts.
    The interval of the difference is bootstrapped over raters and images at once.
    """
    _check(scores, methods)
    pairs = list(combinations(methods, 2)) if pairs is None else pairs
    place = {method: index for index, method in enumerate(methods)}
    found = []
    for first, second in pairs:
        for name in (first, second):
            if name not in place:
                raise unknown_name("method", name, methods)
        difference = scores[..., place[first]] - scores[..., place[second]]
        if np.isnan(difference).all():
            raise SrganError(f"{first} and {second} have no rated image in common; compare others")
        low, high = _interval(_bootstrap(difference[..., None], repetitions, seed), level)
        _, p, count, zeros = signed_rank(paired(difference, unit))
        found.append((first, second, float(np.nanmean(difference)), low[0], high[0], p, count, zeros))
    corrected = holm([row[5] for row in found])
    return [Comparison(*row[:6], float(p), *row[6:]) for row, p in zip(found, corrected, strict=True)]


def reliability(pairs):
    """The ``Reliability`` of ``Ratings.repeated``: first and second scores, integers (pairs, 2)."""
    pairs = np.asarray(pairs)
    if not len(pairs):
        raise SrganError("no item was rated twice; plan the test with repeats")
    change = pairs[:, 1] - pairs[:, 0]
    varied = pairs.std(axis=0).all()
    correlation = float(np.corrcoef(pairs.T)[0, 1]) if varied else float("nan")
    shares = [float((np.abs(change) <= most).mean()) for most in (0, 1)]
    return Reliability(len(pairs), *shares, float(change.mean()), correlation, signed_rank(change)[1])


def agreement(scores):
    """For each rater, the correlation of their scores with the mean of the others': a list of -1 to 1.

    Over the versions that the rater rated and somebody else too; NaN where nothing varies. A rater near 0
    pressed at random, or looked for something else than the others.
    """
    found = []
    for rater, own in enumerate(scores):
        others = _mean(np.delete(scores, rater, axis=0), axis=0)
        both = ~np.isnan(own) & ~np.isnan(others)
        varied = both.sum() > 1 and np.ptp(own[both]) > 0 and np.ptp(others[both]) > 0
        found.append(float(np.corrcoef(own[both], others[both])[0, 1]) if varied else float("nan"))
    return found


def distribution(scores):
    """How often each method got each score, (methods, 5): what the paper's Figure 5 shows for BSD100."""
    return np.stack([(scores == score).sum(axis=(0, 1)) for score in SCORES], axis=1)


def _check(scores, methods):
    if np.ndim(scores) != 3 or np.shape(scores)[2] != len(methods):
        raise SrganError(
            f"scores {np.shape(scores)} for {len(methods)} methods; give (raters, images, methods)"
        )


def _mean(values, axis):
    """The mean without NaN along ``axis``, NaN where there is nothing."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    return np.where(known, values, 0).sum(axis=axis) / np.where(count, count, np.nan)


def _bootstrap(scores, repetitions, seed):
    """Means (repetitions, methods) over raters and images drawn again, each ``repetitions`` times.

    Drawing with replacement is counting: how often each rater and each image was drawn weighs its scores.
    """
    chance = np.random.default_rng(seed)
    raters, images, _ = scores.shape
    known = (~np.isnan(scores)).astype(np.float64)
    values = np.nan_to_num(scores)
    means = []
    for start in range(0, repetitions, BLOCK):
        size = min(BLOCK, repetitions - start)
        rater = chance.multinomial(raters, np.full(raters, 1 / raters), size).astype(np.float64)
        image = chance.multinomial(images, np.full(images, 1 / images), size).astype(np.float64)
        total, count = (
            np.einsum("bim,bi->bm", np.tensordot(rater, part, axes=1), image) for part in (values, known)
        )
        means.append(total / np.where(count, count, np.nan))
    return np.concatenate(means)


def _interval(drawn, level):
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low.tolist(), high.tolist()
