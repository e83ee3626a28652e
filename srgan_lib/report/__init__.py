"""The paper's tables beside ours, as a document; ``write`` makes its files."""

from srgan_lib.report import csv
from srgan_lib.report.html import page
from srgan_lib.report.text import markdown
from srgan_lib.support.files import made_folder, whole_file

TITLE = "# The SRGAN paper's tables, and ours"


def write(report, folder):
    """Write ``report.md``, ``report.html``, ``table1.csv``, ``table2.csv``, ``per-image.csv``: paths.

    Where models of another scale are shipped, ``scale2.csv`` too.
    """
    folder = made_folder(folder, "--out")
    texts = {
        "report.md": f"{TITLE}\n\n{markdown(report)}",
        "report.html": page(report),
        "table1.csv": csv.table_sheet(report, "table1"),
        "table2.csv": csv.table_sheet(report, "table2"),
        "per-image.csv": csv.image_sheet(report),
        **{f"scale{scale}.csv": csv.scale_sheet(report, scale) for scale in report.other_scales()},
    }
    for name, text in texts.items():
        with whole_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    return [folder / name for name in texts]
