"""Simulated raters, for teaching and for tests of the statistics. They are not people, and say nothing about
pictures: they only make numbers of which the truth is known.
"""

from dataclasses import dataclass

import numpy as np

from srgan_lib.errors import SrganError
from srgan_lib.opinion.analyse import paired, signed_rank
from srgan_lib.opinion.ratings import COLUMNS, SIMULATED, Ratings
from srgan_lib.support.files import made_folder, whole_file


@dataclass(frozen=True)
class SimulatedRaters:
    """Made-up raters: a score is a sum of causes, rounded to 1 to 5.

    The causes are the method's quality, and five normal ones with these standard deviations, in points:
    ``strictness`` (a rater is strict with everything), ``subject`` (an image looks good in any version),
    ``suits`` (a method suits some images), ``taste`` (a rater likes some methods) and ``mood`` (anew at each
    look). The defaults are assumptions, not measurements.
    """

    strictness: float = 0.4
    subject: float = 0.4
    suits: float = 0.3
    taste: float = 0.15
    mood: float = 0.7

    def scores(self, quality, raters, images, seed, tests=None):
        """Scores of invented tests: (raters, images, methods), or (tests, ...) if ``tests`` is a number.

        ``quality`` is a number a method, on the scale of the scores.
        """
        latent = self._latent(quality, raters, images, np.random.default_rng(seed), tests or 1)
        scores = self._rounded(latent)
        return scores if tests else scores[0]

    def rate(self, plan, quality, seed):
        """``Ratings`` of a whole ``plan``, repeats too, marked as simulated.

        ``quality`` is {method: number}.
        """
        chance = np.random.default_rng(seed)
        levels = [quality[method] for method in plan.methods]
        sizes = len(plan.raters), len(plan.images)
        fixed = self._latent(levels, *sizes, chance, 1, mood=False)[0]
        rows = [
            {name: index for index, name in enumerate(names)}
            for names in (plan.raters, plan.images, plan.methods)
        ]
        ratings = Ratings(plan, simulated=True)
        for rater, codes in plan.sessions.items():
            for code in codes:
                version = plan.key[code]
                if version.kind == "anchor":
                    continue
                place = rows[0][rater], rows[1][version.image], rows[2][version.method]
                latent = fixed[place] + self.mood * chance.standard_normal()
                ratings.scores[rater, code] = int(self._rounded(latent))
        return ratings

    def _latent(self, quality, raters, images, chance, tests, mood=True):
        methods = len(quality)
        draw = chance.standard_normal
        latent = np.asarray(quality, dtype=np.float64) + self.strictness * draw((tests, raters, 1, 1))
        latent = latent + self.subject * draw((tests, 1, images, 1))
        latent = latent + self.suits * draw((tests, 1, images, methods))
        latent = latent + self.taste * draw((tests, raters, 1, methods))
        return latent + self.mood * draw((tests, raters, images, methods)) if mood else latent

    @staticmethod
    def _rounded(latent):
        return np.clip(np.round(latent), 1, 5)


def write_simulated(ratings, folder):
    """Write simulated ``Ratings`` as ``folder/RATER.csv``, every line marked; returns the paths.

    Raises ``SrganError`` for people's ratings.
    """
    if not ratings.simulated:
        raise SrganError("these ratings are people's, and would be marked as simulated; keep their own files")
    folder = made_folder(folder, "another name")
    paths = []
    for rater in ratings.plan.raters:
        own = {code: score for (who, code), score in ratings.scores.items() if who == rater}
        lines = [",".join([*COLUMNS, SIMULATED])]
        lines += [f"{rater},{code},{score},0.0,yes" for code, score in own.items()]
        paths.append(folder / f"{rater}.csv")
        with whole_file(paths[-1]) as temporary:
            temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return paths


def share_significant(
    simulated, difference, raters, images, tests, seed, unit="image", level=0.05, middle=3.0
):
    """In what share of ``tests`` simulated tests two methods that lie ``difference`` points apart differ
    significantly: the power, or with ``difference`` 0 the rate of false alarms.

    The two lie on both sides of ``middle``; the test is ``signed_rank`` over ``unit``.
    """
    quality = (middle - difference / 2, middle + difference / 2)
    scores = simulated.scores(quality, raters, images, seed, tests)
    found = [signed_rank(paired(one[..., 1] - one[..., 0], unit))[1] for one in scores]
    return float(np.mean(np.array(found) < level))
