"""The report as CSV, for spreadsheets and programs: numbers as they were measured, unrounded."""

import csv
import io

from srgan_lib.evaluation import tables
from srgan_lib.evaluation.paper import MEASURES as PRINTED
from srgan_lib.evaluation.paper import SETS
from srgan_lib.evaluation.tables import NOT_PRINTED
from srgan_lib.report.content import MEASURES
from srgan_lib.support.markup import NOT_MEASURED

SAID = ("mos", "low", "high", "ratings", "simulated")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins like this
HEAD = (
    *(
        "set",
        "method",
        "psnr_paper",
        "psnr_ours",
        "psnr_difference",
        "ssim_paper",
        "ssim_ours",
        "ssim_difference",
    ),
    *("ssim_gaussian_ours", "mos_paper", "significant_paper", "mos_ours", "mos_low", "mos_high", "ratings"),
    *("simulated", "source", "source_of_opinions"),
)


def table_sheet(report, name):
    """Table "table1" or "table2": a row a method and set; ``source`` is a reason where none is measured."""
    starred = any(row.printed.get("significant") for row in report.table(name).rows)  # Table 2 prints no star
    return _sheet(HEAD, [_row(row, starred) for row in report.table(name).rows])


def image_sheet(report):
    """A row an image and method; "not measured" and the reason where there is no number."""
    rows = []
    for set_name in SETS:
        images = report.record.images(set_name) or ["every image"]
        values = {measure: report.values(set_name, measure) for measure in MEASURES}
        for method in report.methods():
            source = tables.ours(method, set_name, report.record)[1]
            columns = [
                values[measure].get(method, [_absent(method, measure)] * len(images)) for measure in MEASURES
            ]
            rows += [
                [set_name, image, method, *of, source] for image, *of in zip(images, *columns, strict=True)
            ]
    return _sheet(["set", "image", "method", "psnr", "ssim", "ssim_gaussian", "source"], rows)


def scale_sheet(report, scale):
    """What was measured at another scale: a row a test set and method, or "not measured" and the reason."""
    rows = []
    for set_name in SETS:
        for method in report.methods_at(scale):
            means, reason = report.record.means(method, set_name), report.record.why_not(method, set_name)
            numbers = [means.get(measure, NOT_MEASURED) for measure in MEASURES]
            rows.append([set_name, method, *numbers, reason or report.record.source(method)])
    return _sheet(["set", "method", "psnr", "ssim", "ssim_gaussian", "source"], rows)


def _absent(method, measure):
    """The original is its own result; of other methods there is nothing."""
    return NOT_MEASURED if method != "HR" else "inf" if measure == "psnr" else 1.0


def _row(row, starred):
    line = [row.set, row.method]
    for measure in PRINTED:
        told, mine = row.printed.get(measure, NOT_PRINTED), row.ours.get(measure, NOT_MEASURED)
        line += ["inf" if told is None else told, mine, _difference(row, measure)]
    star = "yes" if row.printed.get("significant") else "no"
    star = star if starred and row.printed else NOT_PRINTED
    line += [row.ours.get("ssim-gaussian", NOT_MEASURED), row.printed.get("mos", NOT_PRINTED), star]
    said = [row.opinion.get(key, NOT_MEASURED) for key in SAID]
    names = {None: "none", True: "yes", False: "no"}
    line += [names[value] if isinstance(value, (bool, type(None))) else value for value in said]
    return [*line, row.source, row.silence or "the user's opinions"]


def _difference(row, measure):
    gap = row.difference(measure)
    if gap is not None:
        return round(gap, 6)
    if not row.ours:
        return NOT_MEASURED
    return "not defined" if row.printed else NOT_PRINTED  # infinite less infinite


def _sheet(head, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def _safe(cell):
    """Text that a spreadsheet takes as text, whatever it begins with."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
