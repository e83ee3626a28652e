"""What an evaluation gives: a table for the terminal, for Markdown and for programs (JSON)."""

import json
import math
from dataclasses import dataclass, field

from srgan_lib.errors import unknown_name
from srgan_lib.support.files import whole_file
from srgan_lib.support.markup import markdown_table, text_table

SCALE = 4  # of the paper and its tables
DIGITS = {"psnr": 2, "psnr-rgb": 2}
NAMES = {
    "psnr": "PSNR",
    "ssim": "SSIM",
    "psnr-rgb": "PSNR (RGB)",
    "ssim-gaussian": "SSIM (Gaussian)",
    "ssim-uniform": "SSIM (uniform)",
}
PROTOCOL = (
    "8-bit results, {} pixels removed from each border; PSNR in dB and SSIM (daala's) on Y, not rounded"
)


def protocol(scale=SCALE):
    """How numbers were measured, in one line; as many pixels of the border are removed as the scale says."""
    return PROTOCOL.format(scale)


@dataclass(frozen=True)
class Column:
    """One method: ``values`` is {set: {image: {measure: value}}}, ``printed`` a quoted one's means."""

    label: str
    values: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    printed: dict = field(default_factory=dict)

    def mean(self, name, measure):
        """The mean over a set's images, as the paper prints it; None where nothing was measured."""
        if not self.values.get(name):
            return self.printed.get(name, {}).get(measure)
        values = [image[measure] for image in self.values[name].values()]
        return sum(values) / len(values)


@dataclass(frozen=True)
class Result:
    """The measurements of one or several methods. ``print`` it for a table; a notebook shows it as one.

    All of them enlarge by ``scale``, so that their numbers may stand beside each other.
    """

    sets: tuple
    measures: tuple
    columns: tuple
    scale: int = SCALE

    def mean(self, label, name, measure="psnr"):
        """The mean over the set ``name`` in the column ``label``: dB for PSNR; None where there is none."""
        labels = {column.label: column for column in self.columns}
        if label not in labels:
            raise unknown_name("column", label, labels)
        return labels[label].mean(self._set(name), measure)

    def table(self):
        """The table as text: a row a set, a column a method, means as the paper prints them."""
        return text_table(self._rows())

    def markdown(self):
        """The same table in Markdown."""
        return markdown_table(self._rows())

    def to_dict(self):
        """Everything, each image's values too, for JSON. Infinite PSNR (equal images) becomes None."""
        columns = {
            column.label: {
                **column.facts,
                "means": {name: self._means(column, name) for name in self.sets},
                "images": {name: _finite(images) for name, images in column.values.items()},
            }
            for column in self.columns
        }
        facts = {"protocol": protocol(self.scale), "scale": self.scale}
        return {**facts, "sets": self.sets, "measures": self.measures, "columns": columns}

    def to_json(self):
        """``to_dict`` as text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def save(self, path):
        """Write the table to ``path``: Markdown if it ends in ``.md``, else JSON."""
        text = self.markdown() if str(path).endswith(".md") else self.to_json()
        with whole_file(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def __str__(self):
        return self.table()

    def _repr_markdown_(self):
        return self.markdown()

    def _set(self, name):
        known = {other.lower(): other for other in self.sets}
        if name.lower() not in known:
            raise unknown_name("set in this result", name, self.sets)
        return known[name.lower()]

    def _means(self, column, name):
        return _finite({measure: column.mean(name, measure) for measure in self.measures})

    def _rows(self):
        head = [" / ".join(NAMES[measure] for measure in self.measures)]
        head[0] += f", scale {self.scale}" if self.scale != SCALE else ""
        head += [column.label for column in self.columns]
        return [head, *([name, *(self._cell(column, name) for column in self.columns)] for name in self.sets)]

    def _cell(self, column, name):
        return " / ".join(_shown(column.mean(name, measure), measure) for measure in self.measures)


def _shown(value, measure):
    if value is None:
        return "-"
    return f"{value:.{digits(measure)}f}"


def digits(measure):
    """How many digits of a measure the paper prints after the point: 2 of dB, 4 of an SSIM."""
    return DIGITS.get(measure, 4)


def _finite(values):
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    return values if values is not None and math.isfinite(values) else None
