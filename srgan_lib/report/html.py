"""The report as one HTML file: it asks for nothing outside itself, on any screen, light or dark."""

import math
from html import escape
from pathlib import Path

from srgan_lib import __version__
from srgan_lib.evaluation.paper import SETS
from srgan_lib.evaluation.record import COMMAND
from srgan_lib.evaluation.tables import opinion
from srgan_lib.report.content import BASELINES_NOTE, LEGEND, MEASURES, SCALE_TITLE, TITLES, parts
from srgan_lib.support.markup import NOT_MEASURED, html

STYLE = Path(__file__).with_name("page.css")
LABELS = (
    *("PSNR, paper", "PSNR, ours", "PSNR, difference", "SSIM, paper", "SSIM, ours", "SSIM, difference"),
    *("Gaussian SSIM", "MOS, paper", "MOS, ours"),
)
GROUPS = (("", 1), ("PSNR (dB)", 3), ("SSIM (daala)", 3), ("SSIM (Gaussian)", 1), ("MOS", 2))
NAMES = ("method", "paper", "ours", "difference", "paper", "ours", "difference", "ours", "paper", "ours")
OURS = (1, 4, 6, 8)  # places of our numbers among LABELS
OPINION = 8
INTRODUCTION = (
    "What Ledig and others print in Tables 1 and 2 of <i>Photo-Realistic Single Image Super-Resolution Using"
    " a Generative Adversarial Network</i> (CVPR 2017), and what srgan_lib measured, by the same rules."
)
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>The SRGAN paper's tables, and ours</title>
<style>
{style}</style>
</head>
<body>
<header><h1>The SRGAN paper's tables, and ours</h1><p>{introduction}</p><p class="soft">{legend}</p>
<nav aria-label="Contents">{links}</nav></header>
<main>
{sections}
</main>
<footer><p>Made by srgan_lib {version}: <code>srgan report</code>.
Measured by <code>{command}</code>.</p></footer>
</body>
</html>
"""


def page(report):
    """The whole file as text."""
    sections = {}
    for name, title in TITLES.items():
        remarks = [note for note in report.notes(name) if BASELINES_NOTE in note]
        sections[name] = title.split(":")[0], _table_section(report.table(name), title, remarks)
    for scale in report.other_scales():
        sections[f"scale{scale}"] = f"Scale {scale}", _scale(report, scale)
    if report.opinions:
        sections["opinions"] = "Opinions", _opinions(report)
    sections["images"] = "Image by image", _images(report)
    sections["sources"] = "Sources", _sources(report)
    return PAGE.format(
        style=STYLE.read_text(encoding="utf-8"),
        introduction=INTRODUCTION,
        legend=escape(LEGEND),
        links="".join(f'<a href="#{key}">{title}</a>' for key, (title, _) in sections.items()),
        sections="\n".join(f'<section id="{key}">{part}</section>' for key, (_, part) in sections.items()),
        version=__version__,
        command=COMMAND,
    )


# ------------------------------------------------------------------------------------------- the tables


def _table_section(table, title, remarks):
    found = [f"<h2>{escape(title)}</h2>"]
    found += [f'<p class="soft">{html(note)}</p>' for note in remarks]
    if table.silences():
        reasons = "; or: ".join(map(html, table.silences()))
        found.append(f'<p class="soft">MOS, ours: where it says {NOT_MEASURED}, {reasons}.</p>')
    groups = "".join(f'<th class="group" colspan="{width}">{name}</th>' for name, width in GROUPS)
    names = "".join(f"<th>{name}</th>" for name in NAMES)
    for set_name, _, lines in parts(table):
        rows = [row for row in table.rows if row.set == set_name]
        body = "".join(_row(row, line) for row, line in zip(rows, lines, strict=True))
        found += [f"<h3>{escape(set_name)}</h3>", _dots(rows, set_name)]
        thead = f"<thead><tr>{groups}</tr><tr>{names}</tr></thead>"
        found.append(f'<table class="cards">{thead}<tbody>{body}</tbody></table>')
    return "\n".join(found)


def _row(row, line):
    """A method's cells; where nothing was measured, the reason takes the place of our numbers."""
    method, *values = line
    cells = [f"<th>{escape(method)}</th>"]
    if not row.ours:
        absent = f'<td class="why" colspan="2" data-label="{LABELS[1]}">{NOT_MEASURED}</td>'
        why = f'<td class="why reason" colspan="3" data-label="reason">{html(row.source)}</td>'
        psnr, ssim, mos = (_cell(values[place], place) for place in (0, 3, 7))
        return f"<tr>{cells[0]}{psnr}{absent}{ssim}{why}{mos}{_said(row)}</tr>"
    cells += [_cell(value, place) for place, value in enumerate(values[:OPINION])]
    return f"<tr>{''.join(cells)}{_said(row)}</tr>"


def _cell(value, place):
    kind = ' class="ours"' if place in OURS else ""
    shown = escape(value.replace("-", "\u2212", 1) if value[1:2].isdigit() else value)
    return f'<td{kind} data-label="{LABELS[place]}">{shown}</td>'


def _said(row):
    """Our raters' opinion, or why there is none."""
    if row.opinion:
        return _cell(opinion(row.opinion), OPINION)
    return f'<td class="note" data-label="{LABELS[OPINION]}">{NOT_MEASURED}</td>'


def _dots(rows, set_name):
    """The paper's PSNR and ours as dots on one scale. The table has the numbers, so it is one picture."""
    known = [row for row in rows if math.isfinite(row.ours.get("psnr", math.inf)) or row.printed.get("psnr")]
    numbers = [value for row in known for value in (row.printed.get("psnr"), row.ours.get("psnr")) if value]
    numbers = [value for value in numbers if math.isfinite(value)]
    low, high = math.floor(min(numbers)), math.ceil(max(numbers))
    lines = []
    for row in known:
        found = (("", row.printed.get("psnr")), (' class="ours"', row.ours.get("psnr")))
        dots = "".join(
            f'<i{kind} style="left:{100 * (value - low) / (high - low):.1f}%"></i>'
            for kind, value in found
            if value and math.isfinite(value)
        )
        lines.append(
            f'<div class="row"><span>{escape(row.method)}</span><div class="track">{dots}</div></div>'
        )
    what = f"PSNR on {set_name}, the paper's and ours, as dots from {low} to {high} dB: numbers in the table"
    key = f'<div class="key"><i></i>the paper<i class="ours"></i>ours<span>{low} to {high} dB</span></div>'
    return f'<div class="dots" role="img" aria-label="{what}">{"".join(lines)}{key}</div>'


# ------------------------------------------------------------------------------------------- the rest


def _images(report):
    found = ["<h2>Image by image</h2>"]
    for set_name in SETS:
        found.append(f"<h3>{set_name}, image by image</h3>")
        if not report.record.images(set_name):
            found.append(f"<p>Not measured: {set_name} was not on the machine that measured.</p>")
            continue
        for measure, title in MEASURES.items():
            head, *lines = report.images(set_name, measure)
            label = f"{set_name}: {title}"
            found.append(f"<details><summary>{label}</summary>{_wide(head, lines, label)}</details>")
    for reason, methods in report.absent().items():
        found.append(f'<p class="soft">Not measured: {escape(", ".join(methods))}: {html(reason)}.</p>')
    return "\n".join(found)


def _wide(head, lines, label):
    """A table that scrolls sideways, its first column staying."""
    names = "".join(f"<th>{escape(cell) or 'image'}</th>" for cell in head)
    body = ""
    for line in lines:
        kind = ' class="mean"' if line is lines[-1] else ""
        numbers = "".join(f"<td>{escape(cell)}</td>" for cell in line[1:])
        body += f"<tr{kind}><th>{escape(line[0])}</th>{numbers}</tr>"
    table = f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="region" aria-label="{label}">{table}</div>'


def _opinions(report):
    kind = "warning" if report.opinions.simulated else "soft"
    facts = escape(report.opinion_facts())
    return f'<h2>Opinions</h2><p class="{kind}">{facts}</p>{_narrow(report.opinion_lines())}'


def _scale(report, scale):
    notes = "".join(f'<p class="soft">{html(note)}</p>' for note in report.scale_notes(scale))
    return f"<h2>{SCALE_TITLE.format(scale)}</h2>{_narrow(report.scale_lines(scale))}{notes}"


def _narrow(lines):
    """A table of few columns."""
    head, *lines = lines
    names = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{escape(line[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in line[1:])}</tr>"
        for line in lines
    )
    table = f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _sources(report):
    rows = "".join(
        f"<dt>{escape(method)}</dt><dd>{html(source)}</dd>" for method, source in report.sources().items()
    )
    return f"<h2>Sources</h2><dl>{rows or '<dt>none</dt><dd>nothing was measured</dd>'}</dl>"
