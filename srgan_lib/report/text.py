"""The report as text for the terminal, and in Markdown."""

from srgan_lib.evaluation.paper import SETS
from srgan_lib.report.content import LEGEND, MEASURES, SCALE_TITLE, TITLES, parts
from srgan_lib.support.markup import for_markdown, markdown_table, marked, text_table

HEAD = ("PSNR", "ours", "diff.", "SSIM", "ours", "diff.", "Gaussian", "MOS", "ours")


def text(report):
    """Both tables, set by set, and opinions where there are any."""
    said = ["The paper's number, ours, and ours less the paper's. Gaussian is the usual SSIM of ours."]
    for name, title in TITLES.items():
        table = report.table(name)
        said.append(title)
        said += [text_table([[of, *HEAD[: len(rows[0]) - 1]], *rows]) for of, _, rows in parts(table)]
        said.append("\n".join(report.notes(name)))
    for scale in report.other_scales():
        said += [SCALE_TITLE.format(scale), text_table(report.scale_lines(scale))]
        said.append("\n".join(report.scale_notes(scale)))
    if report.opinions:
        said += ["Opinions", text_table(report.opinion_lines()), report.opinion_facts()]
    return "\n\n".join(said)


def markdown(report):
    """Everything but a title: the tables, opinions, every image, folded away, and the sources."""
    said = [LEGEND]
    for name, title in TITLES.items():
        table = report.table(name)
        said.append(f"## {title}")
        for of, head, rows in parts(table):
            said += [f"### {title.split(':')[0]}, {of}", markdown_table([head, *rows])]
        said += map(marked, report.notes(name))
    for scale in report.other_scales():
        said += [f"## {SCALE_TITLE.format(scale)}", markdown_table(report.scale_lines(scale))]
        said += map(marked, report.scale_notes(scale))
    if report.opinions:
        facts = for_markdown(report.opinion_facts())
        said += ["## Opinions", facts, markdown_table(report.opinion_lines())]
    said += ["## Image by image"]
    for set_name in SETS:
        said += _images(report, set_name)
    absent = report.absent().items()
    said += [marked(f"Not measured: {', '.join(methods)}: {reason}.") for reason, methods in absent]
    said += ["## Sources", *_sources(report)]
    return "\n\n".join(said) + "\n"


def _images(report, set_name):
    said = [f"### {set_name}, image by image"]
    if not report.record.images(set_name):
        return [*said, f"Not measured: {set_name} was not on the machine that measured."]
    for measure, title in MEASURES.items():
        summary = f"<details><summary>{set_name}: {title}</summary>"
        said += [summary, markdown_table(report.images(set_name, measure)), "</details>"]
    return said


def _sources(report):
    lines = [f"- {for_markdown(method)}: {marked(source)}." for method, source in report.sources().items()]
    return ["\n".join(lines)] if lines else ["Nothing was measured."]
