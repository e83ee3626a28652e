"""What ``srgan report`` understands. ``report.commands`` does the work."""

import argparse

from srgan_lib import examples
from srgan_lib.report import commands


def add_report(parts, command):
    """Add ``report`` to the subparsers ``parts``; ``command`` makes one (see ``cli``)."""
    what = "the paper's Tables 1 and 2 beside ours, every image, as Markdown, HTML and CSV"
    parser = command(parts, "report", what, examples.REPORT, commands.report)
    add = parser.add_argument
    add("--out", metavar="FOLDER", help="write report.md, report.html, table1.csv, table2.csv, per-image.csv")
    images = "your result images of a method, FOLDER/Set5/NAME.png; repeatable"
    add("--images", type=_named_folder, action="append", default=[], metavar="NAME=FOLDER", help=images)
    add("--opinions", metavar="FILE", help="what srgan rate analyse --save FILE.json wrote")
    add(
        "--record", metavar="FILE", help="the measurements, to read and to write (default: the library's own)"
    )

    group = parser.add_argument_group("measuring")
    add = group.add_argument
    missing = "measure what the record lacks or has of other weights, on the test sets that are here"
    add("--measure", action="store_true", help=missing)
    add("--again", action="store_true", help="with --measure: also what the record has already")
    add(
        "--sets",
        nargs="+",
        metavar="SET",
        help="set5, set14, bsd100 or folders (default: those that are here)",
    )
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")


def _named_folder(text):
    name, _, folder = text.partition("=")
    if not name.strip() or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER, such as SelfExSR=results/selfexsr")
    return name.strip(), folder
