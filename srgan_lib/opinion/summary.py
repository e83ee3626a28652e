"""An opinion test's result in one piece: as text, Markdown, JSON and the paper's Figure 5."""

import json
import math
import textwrap
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from srgan_lib.errors import SrganError
from srgan_lib.opinion import analyse
from srgan_lib.opinion.plan import SCORES
from srgan_lib.support.files import whole_file
from srgan_lib.support.markup import markdown_table, text_table

FORMAT = "srgan_lib opinion result, version 1"
WIDTH = 90  # columns of prose in the terminal
FIGURES = (".png", ".svg", ".pdf")
SIMULATED = "SIMULATED RATERS: a program made these scores up. They say nothing about pictures."
SAMPLES = {"image": "images (the raters' mean)", "rater": "raters (the images' mean)", "rating": "ratings"}
REACH = {
    "image": "It speaks for other images, judged by these raters; for other raters too, read the intervals.",
    "rater": "It speaks for other raters, judging these images; for other images too, read the intervals.",
    "rating": "Ratings are not independent: this test finds differences that are not there. Prefer images.",
}


@dataclass(frozen=True)
class Summary:
    """What ``summarise`` found. ``print`` it for the text; the parts are those of ``analyse``."""

    raters: list
    images: list
    methods: list
    opinions: list  # one Opinion a method
    sets: dict  # {set: Opinions}, where images are named SET/NAME
    counts: np.ndarray  # (methods, 5): how often each score was given
    tests: list  # one Comparison a pair of methods
    reliability: analyse.Reliability | None
    agreement: dict  # rater: correlation with the others
    left_out: dict  # rater: the share of the items that has a score
    unit: str
    level: float
    simulated: bool

    def rules(self):
        """How it was computed, in sentences."""
        pairs = f"{len(self.tests)} pair{'' if len(self.tests) == 1 else 's'}"
        rules = [
            f"Intervals: {self.level:.0%}, bootstrapped over raters and images at once (percentiles).",
            f"Tests: two-sided Wilcoxon signed-rank, paired over {SAMPLES[self.unit]}; zeros are left out,"
            " ties share the mean of their ranks; exact up to 50 pairs, then the normal distribution"
            f" corrected for ties. p (Holm) is corrected for {pairs} of methods.",
            REACH[self.unit],
        ]
        units = {"image": len(self.images), "rater": len(self.raters)}.get(self.unit)
        if units and 2 / 2**units >= 1 - self.level:
            least = f"{min(1, 2 / 2**units):.2g}"
            rules.append(f"With {_several(units, self.unit)} no p can be below {least}, whatever people say.")
        return rules

    def text(self):
        """For the terminal."""
        parts = [self._head(), text_table(self._opinions()), *self._set_tables(text_table)]
        parts += [text_table(self._tests())] if self.tests else []
        return "\n\n".join([*parts, _wrapped(self._reliability().splitlines()), _wrapped(self.rules())])

    def markdown(self):
        """The same for a document."""
        parts = [self._head(), markdown_table(self._opinions()), *self._set_tables(markdown_table)]
        parts += [markdown_table(self._tests())] if self.tests else []
        return "\n\n".join([*parts, self._reliability(), " ".join(self.rules())])

    def to_dict(self):
        """For programs: what cannot be computed is None."""
        found = {
            "format": FORMAT,
            "simulated": self.simulated,
            "raters": len(self.raters),
            "images": self.images,
            "methods": {
                one.method: {**_plain(one), "distribution": counts.tolist()}
                for one, counts in zip(self.opinions, self.counts, strict=True)
            },
            "sets": {name: {one.method: _plain(one) for one in rows} for name, rows in self.sets.items()},
            "tests": [asdict(test) for test in self.tests],
            "reliability": asdict(self.reliability) if self.reliability else None,
            "agreement": self.agreement,
            "left_out": self.left_out,
            "unit": self.unit,
            "level": self.level,
            "rules": self.rules(),
        }
        return _finite(found)

    def figure(self):
        """The distribution of scores as in the paper's Figure 5: a matplotlib figure."""
        figure = score_figure(self.counts, self.methods)
        if self.simulated:
            figure.suptitle("Simulated raters", fontsize=10)
        return figure

    def save(self, path):
        """Write it to ``path``: .json, .md, .txt; .png, .svg or .pdf for the figure.

        Raises ``SrganError`` for another suffix.
        """
        suffix = path.suffix.lower()
        texts = {".md": self.markdown, ".txt": self.text, ".json": self.to_json}
        if suffix not in (*FIGURES, *texts):
            raise SrganError(f"{path}: cannot be written; use {', '.join([*texts, *FIGURES])}")
        with whole_file(path) as temporary:
            if suffix in FIGURES:
                self._draw(temporary, suffix[1:])
            else:
                temporary.write_text(texts[suffix]() + "\n", encoding="utf-8")

    def to_json(self):
        """``to_dict`` as text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def __str__(self):
        return self.text()

    def _repr_markdown_(self):
        return self.markdown()

    def _draw(self, path, kind):
        import matplotlib.pyplot as plt

        figure = self.figure()
        figure.savefig(path, format=kind, dpi=150, facecolor="white")
        plt.close(figure)

    def _head(self):
        ratings = sum(one.ratings for one in self.opinions)
        head = f"{_several(len(self.raters), 'rater')}, {_several(len(self.images), 'image')}, "
        head += f"{_several(len(self.methods), 'method')}, {_several(ratings, 'rating')}."
        if self.left_out:
            who = ", ".join(f"{rater} ({share:.0%} rated)" for rater, share in self.left_out.items())
            head += f" Left out, because not complete: {who}."
        return f"{SIMULATED}\n\n{head}" if self.simulated else head

    def _opinions(self):
        head = ["method", "MOS", f"{self.level:.0%} interval", "ratings", *map(str, SCORES)]
        rows = [
            [one.method, f"{one.mean:.2f}", f"{one.low:.2f} to {one.high:.2f}", str(one.ratings)]
            + [f"{count / max(1, counts.sum()):.0%}" for count in counts]
            for one, counts in zip(self.opinions, self.counts, strict=True)
        ]
        return [head, *rows]

    def _set_tables(self, draw):
        if not self.sets:
            return []
        head = ["MOS", *self.methods]
        rows = []
        for name, opinions in self.sets.items():
            means = {one.method: f"{one.mean:.2f}" for one in opinions}
            rows.append([name, *(means.get(method, "-") for method in self.methods)])
        return [draw([head, *rows])]

    def _tests(self):
        head = ["difference", "points", f"{self.level:.0%} interval", "p", "p (Holm)", "pairs", "zeros"]
        rows = [
            [
                f"{test.first} - {test.second}",
                f"{test.difference:+.2f}",
                f"{test.low:+.2f} to {test.high:+.2f}",
                *(_p(test.p), _p(test.p_holm), str(test.pairs), str(test.zeros)),
            ]
            for test in self.tests
        ]
        return [head, *rows]

    def _reliability(self):
        lines = ["Rated twice: nothing; plan the test with repeats to see how steady the raters are."]
        if self.reliability:
            again = self.reliability
            correlation = "" if math.isnan(again.correlation) else f", correlation {again.correlation:.2f}"
            lines = [
                f"Rated twice: {_several(again.pairs, 'item')}, {again.equal:.0%} with the same score, "
                f"{again.within_one:.0%} at most 1 apart{correlation}; "
                f"mean change {again.change:+.2f} (p = {_p(again.p)})."
            ]
        known = {rater: value for rater, value in self.agreement.items() if not math.isnan(value)}
        if known:
            worst = min(known, key=known.get)
            middle = np.median(list(known.values()))
            lines.append(
                "Agreement: a rater's scores correlate with the mean of the others', "
                f"at the median {middle:.2f}, at least {known[worst]:.2f} ({worst})."
            )
        return "\n".join(lines)


def summarise(ratings, least=1.0, unit="image", level=0.95, repetitions=analyse.REPETITIONS, seed=0):
    """The ``Summary`` of ``Ratings``: mean opinion scores, intervals, all pairs tested, reliability.

    ``least`` is the share of the items that a rater must have rated to count, ``unit`` the unit of pairing
    ("image", "rater", "rating"; see ``analyse.paired``), ``level`` that of the intervals, from 0 to 1.
    ``SrganError`` if no rater is complete enough.
    """
    scores, raters = ratings.array(least)
    plan = ratings.plan
    images = list(plan.images)
    rated = [not missing for missing in np.isnan(scores).all(axis=(0, 1))]
    methods = [method for method, is_rated in zip(plan.methods, rated, strict=True) if is_rated]
    scores = scores[..., rated]
    settings = {"level": level, "repetitions": repetitions, "seed": seed}
    apart = [[i, j] for i, j in combinations(range(len(methods)), 2) if _both(scores, i, j)]
    pairs = [(methods[i], methods[j]) for i, j in apart]
    repeated = ratings.repeated(raters)
    shares = ratings.share()
    return Summary(
        raters,
        images,
        methods,
        analyse.mean_opinion(scores, methods, **settings),
        _by_set(scores, images, methods, settings),
        analyse.distribution(scores),
        analyse.compare(scores, methods, pairs, unit, **settings),
        analyse.reliability(repeated) if len(repeated) else None,
        dict(zip(raters, analyse.agreement(scores), strict=True)),
        {rater: share for rater, share in shares.items() if rater not in raters},
        unit,
        level,
        ratings.simulated,
    )


def _both(scores, first, second):
    return (~np.isnan(scores[..., first]) & ~np.isnan(scores[..., second])).any()


def _by_set(scores, images, methods, settings):
    """{set: Opinions of its methods} where all images are named SET/NAME."""
    sets = [image.rpartition("/")[0] for image in images]
    if not all(sets):
        return {}
    found = {}
    for name in dict.fromkeys(sets):
        part = scores[:, [index for index, other in enumerate(sets) if other == name]]
        have = [index for index in range(len(methods)) if not np.isnan(part[..., index]).all()]
        if have:  # not where raters have not come to this set yet
            found[name] = analyse.mean_opinion(
                part[..., have], [methods[index] for index in have], **settings
            )
    return found


def _plain(opinion):
    return {"mos": opinion.mean, "low": opinion.low, "high": opinion.high, "ratings": opinion.ratings}


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _several(count, what):
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _p(value):
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _wrapped(lines):
    return "\n".join(textwrap.fill(line, WIDTH) for line in lines)


def score_figure(counts, methods):
    """The distribution of scores as in Figure 5: a column a method, a row a score, orange marks at the means.

    ``counts`` is (methods, 5), from ``opinion.analyse.distribution``; the shade is the share of a method's
    ratings, also printed in per cent. Returns the matplotlib figure.
    """
    import matplotlib.pyplot as plt

    from srgan_lib.plots import WIDTH as PAGE

    counts = np.asarray(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    wide = min(PAGE, 1.6 + 0.75 * len(methods))
    figure, axis = plt.subplots(figsize=(wide, 3.4), layout="constrained")
    axis.imshow(
        shares.T, cmap="Greys", vmin=0, vmax=1, origin="lower", aspect="auto", extent=_extent(methods)
    )
    for column, row in np.ndindex(shares.shape):
        dark = shares[column, row] > 0.5
        text = f"{shares[column, row]:.0%}"
        axis.text(
            column, row + 1, text, ha="center", va="center", fontsize=9, color="white" if dark else "black"
        )
    means = shares @ np.array(SCORES)
    for column, mean in enumerate(means):
        ends = [column - 0.49, column - 0.27]
        axis.plot(ends, [mean, mean], color="#D55E00", linewidth=4, solid_capstyle="butt")
    axis.set(xticks=range(len(methods)), yticks=SCORES, ylabel="score (orange: the mean)")
    axis.set_xticklabels(
        methods, rotation=30 if len(methods) > 4 else 0, ha="right" if len(methods) > 4 else "center"
    )
    return figure


def _extent(methods):
    return (-0.5, len(methods) - 0.5, 0.5, len(SCORES) + 0.5)
