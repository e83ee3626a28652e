"""The paper's Tables 1 and 2, row by row: printed, measured by us, the difference, or why there is none.

What is printed stands in the record ``paper``; what we measured comes from the records of the shipped models
(``pretrained.record``) and, for interpolation, from the record ``protocol``. A model that is shipped later
appears by itself: the paper's "SRGAN-VGG22" is the model "srgan-vgg22".
"""

import math
from dataclasses import dataclass

import numpy as np

from srgan_lib import measured, pretrained
from srgan_lib.errors import unknown_name

TABLES = ("table1", "table2")
MEASURES = {"psnr": 2, "ssim": 4}  # digits, as the paper prints them
INTERPOLATIONS = ("nearest", "bicubic")
SAME_MODEL = {"SRResNet": "srresnet-mse", "SRGAN": "srgan-vgg54"}  # Table 2's names for two of Table 1's
NO_WEIGHTS = "no weights of this variant are shipped yet"
OTHERS = "another group's method, of which this project has no weights"
ORIGINAL = "the original itself"


@dataclass(frozen=True)
class Row:
    """One method on one set: ``printed`` and ``ours`` are {measure: number}, ``source`` is where ours stand.

    ``ours`` is empty where nothing was measured, and ``source`` is then the reason. PSNR is in dB.
    """

    set: str
    method: str
    printed: dict
    ours: dict
    source: str

    def difference(self, measure):
        """Ours minus the paper's; None where either is missing or infinite."""
        mine, told = self.ours.get(measure), self.printed.get(measure)
        if mine is None or told is None or math.isinf(mine):
            return None
        return mine - told


class Table:
    """Rows that a notebook shows as a table, and ``print`` as text."""

    def __init__(self, rows):
        self.rows = rows

    def cells(self):
        """The table as lists of strings, the head first."""
        head = ["", "PSNR, paper", "ours", "difference", "SSIM, paper", "ours", "difference", "MOS, paper"]
        sets, letters, lines = dict.fromkeys(row.set for row in self.rows), self._letters(), [head]
        for name in sets:
            for row in self.rows:
                if row.set == name:
                    label = f"{name}, {row.method}" if len(sets) > 1 else row.method
                    numbers = [cell for key in MEASURES for cell in _cells(row, key, letters.get(row.source))]
                    lines.append([label, *numbers, _opinion(row.printed)])
        return lines

    def reasons(self):
        """{reason: the methods for which nothing was measured, for that reason}."""
        found = {}
        for row in self.rows:
            if not row.ours and row.method not in found.setdefault(row.source, []):
                found[row.source].append(row.method)
        return found

    def notes(self):
        """The reasons as sentences, with the letters that stand in the table."""
        letters = self._letters()
        return [
            f"({letters[reason]}) {', '.join(methods)}: {reason}."
            for reason, methods in self.reasons().items()
        ]

    def markdown(self):
        """The table in Markdown, the reasons below it."""
        head, *lines = self.cells()
        rule = ["---", *["---:"] * (len(head) - 1)]
        text = [f"| {' | '.join(line)} |" for line in (head, rule, *lines)]
        return "\n".join([*text, *(f"\n{note}" for note in self.notes())])

    def _repr_html_(self):  # not Markdown: Sphinx shows a cell's Markdown without tables
        rows = "".join(
            f"<tr>{_html_cells(line, head=not number)}</tr>" for number, line in enumerate(self.cells())
        )
        notes = "".join(f"<p>{note}</p>" for note in self.notes())
        table = f'<table class="table">{rows}</table>'
        return f'<div style="overflow-x:auto;font-size:.78em">{table}</div>{notes}'

    def __repr__(self):
        lines = self.cells()
        widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
        text = ["  ".join(map(str.rjust, line, widths)) for line in lines]
        return "\n".join([*text, *self.notes()])

    def _letters(self):
        return dict(zip(self.reasons(), "abcdefgh", strict=False))


def _html_cells(line, head):
    """A row's cells; "not measured" takes the place of our number and of the difference."""
    style = "text-align:{};white-space:nowrap;padding:.15em .5em"
    cells = [f'<th style="{style.format("left")}">{line[0]}</th>']
    tag, skip = "th" if head else "td", False
    for cell in line[1:]:
        if not skip:
            wide = " colspan=2" if cell.startswith("not measured") else ""
            cells.append(f'<{tag}{wide} style="{style.format("right")}">{cell}</{tag}>')
        skip = cell.startswith("not measured")
    return "".join(cells)


def _cells(row, measure, letter):
    """The paper's number, ours and the difference, as text."""
    digits, gap = MEASURES[measure], row.difference(measure)
    told, mine = (_number(numbers.get(measure), digits) for numbers in (row.printed, row.ours))
    return [told, mine if row.ours else f"not measured ({letter})", _signed(gap, digits)]


def _signed(gap, digits):
    if gap is None:
        return "-"
    return f"{gap:+.{digits}f}" if round(gap, digits) else f"{0:.{digits}f}"


def _number(value, digits):
    return "infinite" if value is None or math.isinf(value) else f"{value:.{digits}f}"


def _opinion(printed):
    return f"{printed['mos']:.2f}{'*' if printed.get('significant') else ''}"


def table(name, sets=None):
    """The paper's "table1" or "table2" beside ours, a ``Table``; ``sets`` chooses some of its test sets."""
    paper = measured.read("paper")
    if name not in TABLES:
        raise unknown_name("table of the paper", name, TABLES)
    rows = []
    for set_name, methods in paper[name].items():
        for method, printed in methods.items():
            if sets is None or set_name in sets:
                rows.append(Row(set_name, method, printed, *ours(method, set_name)))
    return Table(rows)


def model_of(method):
    """The shipped model of a method of the paper, by name, or None: "SRGAN" is "srgan-vgg54"."""
    name = SAME_MODEL.get(method, method).lower()
    return name if name in pretrained.names() else None


def ours(method, set_name):
    """What we measured for a method on a test set, and its source: ({measure: number}, text).

    The numbers are empty where there are none, and the text is then the reason.
    """
    if method == "HR":
        return {"psnr": math.inf, "ssim": 1.0}, ORIGINAL
    if method in INTERPOLATIONS:
        rows = measured.read("protocol")["sets"][set_name]["methods"][method]
        return {measure: float(np.mean(rows[measure])) for measure in MEASURES}, "record protocol"
    model = model_of(method)
    if model:
        means = pretrained.record(model).get("test_sets", {}).get(set_name)
        reason = f"the record of {model} has no numbers for {set_name}"
        return (dict(means), f"record of {model}") if means else ({}, reason)
    of_this_paper = method.startswith(("SRResNet", "SRGAN"))
    return {}, NO_WEIGHTS if of_this_paper else OTHERS


def find(number, measure=None):
    """Where the paper's tables print a number: [(table, set, method, measure)]; ``measure`` narrows it."""
    paper = measured.read("paper")
    return [
        (name, set_name, method, key)
        for name in TABLES
        for set_name, methods in paper[name].items()
        for method, printed in methods.items()
        for key, value in printed.items()
        if value == number and key in (measure, *([] if measure else ("psnr", "ssim", "mos")))
    ]


def per_image(method, set_name, measure="psnr"):
    """A method's numbers image by image, in order of name, as an array; None where no record has them.

    "SRResNet" and "SRGAN" are the shipped models, if their records hold images; "SRResNet-MSE (authors)" and
    "SRGAN-VGG54 (authors)" are the authors' published images (Set5 and Set14).
    """
    stored = measured.read("protocol")["sets"][set_name]["methods"].get(method.removesuffix(" (authors)"))
    if stored and (method in INTERPOLATIONS or method.endswith(" (authors)")):
        return np.array(stored[measure])
    model = model_of(method)
    images = pretrained.record(model).get("images", {}).get(set_name) if model else None
    return np.array([images[name][measure] for name in sorted(images)]) if images else None
