"""The paper's Tables 1 and 2, row by row: printed, measured by us, the difference, or why there is none.

What is printed stands in the record ``paper``; what we measured is read from the record ``evaluation`` and
from nowhere else. A model that is shipped later appears by itself: the paper's "SRGAN-VGG22" is the model
"srgan-vgg22", its "ESPCN" the model "espcn".
"""

import math
from dataclasses import dataclass, field
from html import escape
from string import ascii_lowercase

from srgan_lib import pretrained, records
from srgan_lib.errors import unknown_name
from srgan_lib.evaluation.evaluate import INTERPOLATIONS
from srgan_lib.evaluation.paper import MEASURES, TABLES, model_name
from srgan_lib.evaluation.record import IMAGES, PUBLISHED
from srgan_lib.evaluation.record import read as read_record
from srgan_lib.evaluation.results import SCALE, digits
from srgan_lib.support import markup
from srgan_lib.support.markup import NOT_MEASURED

NOT_PRINTED = "not printed"
AUTHORS, YOURS = " (authors' images)", " (your images)"  # after a method's name: whose results they are
ORIGINAL = "the original itself"
GIVE_IMAGES = "give its result images: `srgan report --images {0}=FOLDER`"
NO_WEIGHTS = {
    "SelfExSR": "another group's method, no network; of its result images its authors' page links BSD100's "
    "(github.com/jbhuang0604/SelfExSR), and their MATLAB program makes the others; measure them: "
    f"`srgan evaluate --images FOLDER`, or {GIVE_IMAGES}",
    "DRCN": "its training needs a GPU, and none was available (`srgan reproduce --only drcn`), or "
    f"{GIVE_IMAGES}",
    "SRCNN": f"no weights are shipped yet; train them: `srgan reproduce --only srcnn`, or {GIVE_IMAGES}",
    "ESPCN": f"no weights are shipped yet; train them: `srgan reproduce --only espcn`, or {GIVE_IMAGES}",
}
NO_VARIANT = "no weights of this variant are shipped yet; `srgan reproduce` trains them"
NO_OPINIONS = "no opinions were given; `srgan rate` asks people, `srgan report --opinions FILE` shows them"


# ------------------------------------------------------------------------------------------- cells


def signed(gap, digits):
    """A difference as text, with its sign; "-" where there is none."""
    if gap is None:
        return "-"
    return f"{gap:+.{digits}f}" if round(gap, digits) else f"{0:.{digits}f}"


def number(value, digits):
    """A number as text; None, which is JSON's for it, is infinite."""
    return "infinite" if value is None or math.isinf(value) else f"{value:.{digits}f}"


def printed_opinion(printed):
    """The paper's opinion score with its asterisk, as text."""
    if not printed:
        return NOT_PRINTED
    return f"{printed['mos']:.2f}{'*' if printed.get('significant') else ''}"


def opinion(scores):
    """The opinion score of the user's raters with its interval, as text; simulated ones are named so."""
    text = f"{scores['mos']:.2f}"
    if scores["low"] is not None:
        text += f" ({scores['low']:.2f} to {scores['high']:.2f})"
    return f"{text} simulated" if scores.get("simulated") else text


# ------------------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Row:
    """One method on one set: ``printed`` and ``ours`` are {measure: number}, ``source`` is where ours stand.

    ``ours`` is empty where nothing was measured, and ``source`` is then the reason. PSNR is in dB; ours has
    "ssim-gaussian" too, which the paper does not print. ``opinion`` is what the user's raters said, {"mos",
    "low", "high", "ratings"}; where it is empty, ``silence`` is the reason.
    """

    set: str
    method: str
    printed: dict
    ours: dict
    source: str
    opinion: dict = field(default_factory=dict)
    silence: str = NO_OPINIONS

    def difference(self, measure):
        """Ours minus the paper's; None where either is missing or infinite."""
        mine, told = self.ours.get(measure), self.printed.get(measure)
        if mine is None or told is None or math.isinf(mine):
            return None
        return mine - told


class Table:
    """Rows that a notebook shows as a table, and ``print`` as text.

    ``full`` adds what the paper does not print: SSIM with the usual Gaussian window, and opinions of
    ours, where there are any.
    """

    def __init__(self, rows, full=False):
        self.rows, self.full = rows, full

    def cells(self, of=None):
        """The table as lists of strings, the head first; ``of`` is the one test set that is wanted."""
        gaussian = ["Gaussian SSIM"] if self.full else []
        opinion = ["MOS, ours"] if self.has_opinions() else []
        head = ["", "PSNR, paper", "ours", "difference", "SSIM, paper", "ours", "difference", *gaussian]
        lines = [[*head, "MOS, paper", *opinion]]
        for row in self.rows:
            if of in (None, row.set):
                label = f"{row.set}, {row.method}" if of is None and len(self.sets()) > 1 else row.method
                lines.append([label, *self._numbers(row)])
        return lines

    def sets(self):
        """The names of the test sets, in the paper's order."""
        return list(dict.fromkeys(row.set for row in self.rows))

    def has_opinions(self):
        """Whether there is an opinion of ours to show, of one of the rows at least."""
        return self.full and any(row.opinion for row in self.rows)

    def silences(self):
        """The reasons for which rows have no opinion of ours."""
        return list(dict.fromkeys(row.silence for row in self.rows if not row.opinion))

    def reasons(self):
        """{reason: the methods for which nothing was measured, for that reason}."""
        found = {}
        for row in self.rows:
            if not row.ours and row.method not in found.setdefault(row.source, []):
                found[row.source].append(row.method)
        for row in self.rows if self.has_opinions() else ():
            if not row.opinion:
                found[row.silence] = ["MOS, ours"]
        return found

    def notes(self):
        """The reasons as sentences, with the letters that stand in the table."""
        letters = self._letters()
        notes = [
            f"({letters[reason]}) {', '.join(methods)}: {reason}."
            for reason, methods in self.reasons().items()
        ]
        if self.full and not self.has_opinions():
            notes += [f"MOS, ours: {NOT_MEASURED}: {reason}." for reason in self.silences()]
        return notes

    def markdown(self):
        """The table in Markdown, the reasons below it."""
        return "\n\n".join([markup.markdown_table(self.cells()), *map(markup.marked, self.notes())])

    def _repr_html_(self):  # not Markdown: Sphinx shows a cell's Markdown without tables
        sets = self.sets()
        rows = [_html_cells(self.cells()[0], head=True)]
        for name in sets:  # a line of its own for the set: wide enough are the numbers
            rows += [_set_line(name, len(self.cells()[0]))] if len(sets) > 1 else []
            rows += [_html_cells(line, head=False) for line in self.cells(of=name)[1:]]
        notes = "".join(f"<p>{markup.html(note)}</p>" for note in self.notes())
        table = f'<table class="table">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'
        scrolled = 'role="region" aria-label="Table" tabindex="0"'  # so that keys can scroll it
        return f'<div {scrolled} style="overflow-x:auto;font-size:.78em">{table}</div>{notes}'

    def __repr__(self):
        return "\n".join([markup.text_table(self.cells()), *self.notes()])

    def _numbers(self, row):
        letters, line = self._letters(), []
        absent = f"{NOT_MEASURED} ({letters.get(row.source)})"
        for measure in MEASURES:
            places = digits(measure)
            mine = number(row.ours.get(measure), places) if row.ours else absent
            told = number(row.printed.get(measure), places) if row.printed else NOT_PRINTED
            line += [told, mine, signed(row.difference(measure), places)]
        line += [number(row.ours["ssim-gaussian"], 4) if row.ours else absent] if self.full else []
        line += [printed_opinion(row.printed)]
        silent = f"{NOT_MEASURED} ({letters.get(row.silence)})"
        return line + ([opinion(row.opinion) if row.opinion else silent] if self.has_opinions() else [])

    def _letters(self):
        return dict(zip(self.reasons(), ascii_lowercase, strict=False))


def _set_line(name, columns):
    """The line above the rows of a test set."""
    return f'<th colspan="{columns}" style="text-align:left;padding:.8em .35em .15em">{escape(name)}</th>'


def _html_cells(line, head):
    """A row's cells; "not measured" takes the place of our number and of the difference."""
    style = "text-align:{};padding:.15em .35em"
    line = [escape(cell, quote=False) for cell in line]
    html = [f'<th style="{style.format("left")}">{line[0]}</th>']
    tag, skip = "th" if head else "td", False
    for place, cell in enumerate(line[1:], start=1):
        if not skip:
            wide = " colspan=2" if cell.startswith(NOT_MEASURED) and line[place + 1 :][:1] == ["-"] else ""
            whole = "" if head else ";white-space:nowrap"
            html.append(f'<{tag}{wide} style="{style.format("right")}{whole}">{cell}</{tag}>')
        skip = bool(wide) and not skip
    return "".join(html)


def table(name, sets=None, record=None, opinions=None, full=False):
    """The paper's "table1" or "table2" beside ours, a ``Table``; ``sets`` chooses some of its test sets.

    Below a method whose results the authors published stands a row of those images, and Table 2 ends with
    what the paper does not have. ``record`` is an ``record.Evaluation``, by default the library's;
    ``opinions`` are the user's (``opinion.saved.Opinions``), and ``full`` is for ``Table``.
    """
    paper, record = records.read("paper"), record or read_record()
    if name not in TABLES:
        raise unknown_name("table of the paper", name, TABLES)
    rows = []
    for set_name, printed in paper[name].items():
        more = others(record) if name == "table2" else []
        methods = with_authors(printed) | {method: {} for method in more}
        for method, numbers in methods.items():
            if sets is None or set_name in sets:
                said = said_of(method, set_name, record, opinions)
                rows.append(Row(set_name, method, numbers, *ours(method, set_name, record), *said))
    return Table(rows, full)


def with_authors(methods):
    """``methods``, a dictionary, with the authors' images below the method that made them."""
    published = {name.lower() for name in PUBLISHED.values()}
    rows = {}
    for method, facts in methods.items():
        rows[method] = facts
        if model_name(method) in published:
            rows[method + AUTHORS] = facts
    return rows


def others(record):
    """The methods of a record, of the paper's scale, that its tables do not have, as our tables call them."""
    tables = [records.read("paper")[name] for name in TABLES]
    known = {method for table in tables for row in table.values() for method in row}
    taken = {key_of(method, record) for method in known}
    shipped = [name for name in pretrained.names(SCALE) if name not in taken]
    return shipped + [key + YOURS for key in record.methods(IMAGES) if key not in taken]


def model_of(method):
    """The shipped model of a method of the paper, by name, or None: "SRGAN" is "srgan-vgg54"."""
    name = model_name(method)
    return name if name in pretrained.names() else None


def key_of(method, record):
    """What a method of our tables is called in a record of evaluation; None where we have nothing of it."""
    for suffix in (AUTHORS, " (authors)"):
        if method.endswith(suffix):
            wanted = model_name(method.removesuffix(suffix))
            return next((key for key, of in PUBLISHED.items() if of.lower() == wanted), None)
    if method in INTERPOLATIONS:
        return method
    name = method.removesuffix(YOURS).lower()
    given = [key for key in record.methods(IMAGES) if key.lower() == name]
    return given[0] if given and method.endswith(YOURS) else model_of(method) or (given or [None])[0]


def ours(method, set_name, record=None):
    """What we measured for a method on a test set, and its source: ({measure: number}, text).

    The numbers are empty where there are none, and the text is then the reason.
    """
    if method == "HR":
        return {"psnr": math.inf, "ssim": 1.0, "ssim-gaussian": 1.0}, ORIGINAL
    record = record or read_record()
    key = key_of(method, record)
    if key is None:
        return {}, NO_WEIGHTS.get(method, NO_VARIANT).format(method)
    reason = record.why_not(key, set_name)
    return ({}, reason) if reason else (record.means(key, set_name), record.source(key))


def said_of(method, set_name, record, opinions):
    """The user's opinions of a method on a test set, and if there are none, why: ({...}, text)."""
    images = record.images(set_name)
    if opinions is None:
        return {}, NO_OPINIONS
    if not opinions.rated(set_name, images):
        return {}, "the opinions given are not of this set's images; they stand in a table of their own"
    names = [method, model_name(method), key_of(method, record)]
    scores = opinions.of([name for name in names if name], set_name, images)
    if not scores:
        return {}, "it was not among what was rated"
    return {**scores, "simulated": opinions.simulated}, ""


def find(number, measure=None):
    """Where the paper's tables print a number: [(table, set, method, measure)]; ``measure`` narrows it."""
    paper = records.read("paper")
    return [
        (name, set_name, method, key)
        for name in TABLES
        for set_name, methods in paper[name].items()
        for method, printed in methods.items()
        for key, value in printed.items()
        if value == number and key in (measure, *([] if measure else ("psnr", "ssim", "mos")))
    ]


def per_image(method, set_name, measure="psnr", record=None):
    """A method's numbers image by image, in order of name, as an array; None where there are none.

    "SRResNet-MSE (authors)" and "SRGAN-VGG54 (authors)" are the authors' published images (Set5, Set14).
    ``measure`` is "psnr", "ssim" or "ssim-gaussian".
    """
    record = record or read_record()
    key = key_of(method, record)
    return record.values(key, set_name, measure) if key else None
