"""What the report says: the paper's Tables 1 and 2 as printed beside ours, every image, and where it is from.

All of it is read from the records ``paper`` and ``evaluation``, through ``tables``; opinions are the user's.
``text``, ``csv`` and ``html`` only write it down.
"""

from dataclasses import dataclass

from srgan_lib import pretrained
from srgan_lib.evaluation import paper, tables
from srgan_lib.evaluation import record as evaluation_record
from srgan_lib.evaluation.evaluate import INTERPOLATIONS
from srgan_lib.evaluation.paper import SETS
from srgan_lib.evaluation.record import Evaluation, at_scale
from srgan_lib.evaluation.results import SCALE, digits, protocol
from srgan_lib.opinion.saved import Opinions
from srgan_lib.support.markup import NOT_MEASURED

TITLES = {"table1": "Table 1: one network, five losses", "table2": "Table 2: SRGAN and the methods before it"}
SCALE_TITLE = "Scale {}: not in the paper"
MEASURES = {"psnr": "PSNR (dB)", "ssim": "SSIM (daala)", "ssim-gaussian": "SSIM (Gaussian)"}
LEGEND = (
    "PSNR in dB and SSIM on Y, not rounded, 4 pixels removed from each border, results of 8 bits. SSIM is"
    " that of the daala tools, as in the paper; the Gaussian SSIM, which others report, cannot be compared"
    " with it. A difference is ours less the paper's. MOS is the mean opinion from 1, bad, to 5, excellent;"
    " an asterisk is the paper's: significantly better than the other losses of its category."
)
TRAINED_HERE = "the network of its paper, trained by us with this library's loop and photographs: {}"
BASELINES_NOTE = (
    "our number is of that paper's network as we trained it, with this library's loop and photographs"
    " (see the sources); the printed one is of its authors' own results"
)


@dataclass(frozen=True)
class Report:
    """A record of evaluation, and the user's opinions or None."""

    record: Evaluation
    opinions: Opinions | None = None

    def table(self, name):
        """The ``tables.Table`` "table1" or "table2", with all columns."""
        return tables.table(name, record=self.record, opinions=self.opinions, full=True)

    def notes(self, name):
        """The sentences below a table: reasons, and who trained the networks of other authors."""
        here = [method for method in paper.BASELINES if tables.model_of(method) in self._measured_models()]
        remarks = [f"{', '.join(here)}: {BASELINES_NOTE}."] if here and name == "table2" else []
        return [*self.table(name).notes(), *remarks]

    def _measured_models(self):
        return [key for key in pretrained.names() if any(self.record.means(key, name) for name in SETS)]

    def methods(self):
        """The methods of both tables once, in the paper's order, and what the paper does not have."""
        *of_paper, original = paper.methods()
        return [*tables.with_authors(dict.fromkeys(of_paper)), *tables.others(self.record), original]

    def values(self, set_name, measure):
        """{method: array, a number an image} of what was measured on a test set."""
        found = {
            method: tables.per_image(method, set_name, measure, self.record) for method in self.methods()
        }
        return {method: values for method, values in found.items() if values is not None}

    def images(self, set_name, measure):
        """A test set image by image, as lines of cells: a row an image, a column a measured method."""
        methods, places = self.values(set_name, measure), digits(measure)
        lines = [["", *methods]]
        for place, image in enumerate(self.record.images(set_name)):
            lines.append([image, *(tables.number(values[place], places) for values in methods.values())])
        return [*lines, ["mean", *(tables.number(values.mean(), places) for values in methods.values())]]

    def absent(self):
        """{reason: the methods that were not measured for it, with the test sets unless it is all of them}"""
        found = {}
        for method in self.methods():
            for set_name in SETS:
                numbers, reason = tables.ours(method, set_name, self.record)
                if not numbers:
                    found.setdefault(reason, {}).setdefault(method, []).append(set_name)
        return {
            reason: [
                name if len(sets) == len(SETS) else f"{name} on {', '.join(sets)}"
                for name, sets in of.items()
            ]
            for reason, of in found.items()
        }

    def other_scales(self):
        """The scales of shipped models beside the paper's, which is the only one in its tables."""
        return sorted({pretrained.scale_of(name) for name in pretrained.names()} - {SCALE})

    def methods_at(self, scale):
        """The methods of another scale: interpolation and the shipped models, as the record calls them."""
        return [*(at_scale(name, scale) for name in INTERPOLATIONS), *pretrained.names(scale)]

    def scale_lines(self, scale):
        """What was measured at another scale, as lines of cells: a row a test set and method."""
        lines = [["", *MEASURES.values()]]
        for set_name in SETS:
            for method in self.methods_at(scale):
                means = self.record.means(method, set_name)
                cells = [
                    tables.number(means[measure], digits(measure)) if means else NOT_MEASURED
                    for measure in MEASURES
                ]
                lines.append([f"{set_name}, {method}", *cells])
        return lines

    def scale_notes(self, scale):
        """How that was measured, and why something was not, as sentences."""
        reasons = {}
        for method in self.methods_at(scale):
            for set_name in SETS:
                if reason := self.record.why_not(method, set_name):
                    reasons.setdefault(reason, []).append(f"{method} on {set_name}")
        absent = [f"Not measured: {', '.join(of)}: {reason}." for reason, of in reasons.items()]
        return [f"{protocol(scale)}. The paper has no numbers at this scale.", *absent]

    def sources(self):
        """{method: where our number comes from} of all that was measured."""
        found = {}
        others = [name for scale in self.other_scales() for name in self.methods_at(scale)]
        for method in [*self.methods(), *others]:
            key = method if method in others else tables.key_of(method, self.record)
            if any(self.record.means(key, name) for name in SETS):
                found[method] = self.record.source(key)
                found[method] += self._training(method, key) if key in pretrained.names() else ""
        return found

    def _training(self, method, key):
        what = pretrained.record(key).get("what", f"{key}, of which no record tells the training").rstrip(".")
        return f"; {TRAINED_HERE.format(what) if method in paper.BASELINES else what}"

    def opinion_lines(self):
        """What the user's raters said, as lines of cells, the best first."""
        lines = [["method", "MOS, ours", "ratings"]]
        for name, scores in sorted(self.opinions.methods.items(), key=lambda item: -item[1]["mos"]):
            said = tables.opinion({**scores, "simulated": self.opinions.simulated})
            lines.append([name, said, str(scores["ratings"])])
        return lines

    def opinion_facts(self):
        """Who was asked about what; simulated raters are named as such."""
        facts = f"{self.opinions.says()}. In brackets: the interval as it was saved."
        for name in SETS:
            images = self.record.images(name)
            count = len(self.opinions.rated(name, images))
            facts += f" {count} of the {len(images)} images of {name}." if count else ""
        return facts


def make(record=None, opinions=None):
    """A ``Report`` of an ``evaluation_record.Evaluation``, by default the library's, and of ``Opinions``."""
    return Report(record or evaluation_record.read(), opinions)


def parts(table):
    """(test set, head, rows) of each part of a table, as cells."""
    for name in table.sets():
        head, *rows = table.cells(name)
        yield name, head, rows
