"""``srgan report``: the paper's tables beside ours, as text and as a document."""

import argparse
from pathlib import Path

from srgan_lib.cli.options import add_command
from srgan_lib.errors import SrganError

EXAMPLES = """
examples:
  srgan report                                  both tables, from the record that comes with the library
  srgan report --out report/                    report.html, report.md and three CSV files
  srgan report --images SelfExSR=results --out report/
  srgan report --opinions result.json --out report/
  srgan report --measure --record mine.json     measure on the test sets that are on this machine

A number of ours belongs to the weights it was measured with: when others are shipped, the report says "not
measured" until --measure has run. What it has measured it keeps, so it can be stopped and goes on.
"""


def add(parts):
    """Add ``report`` to the subparsers ``parts``."""
    what = "the paper's Tables 1 and 2 beside ours, every image, as Markdown, HTML and CSV"
    parser = add_command(parts, "report", what, EXAMPLES, run)
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


def run(options):
    """Measure what is asked for, then write the report and print its tables."""
    from srgan_lib.evaluation import record as evaluation_record
    from srgan_lib.evaluation.measure import measure_images
    from srgan_lib.opinion import saved
    from srgan_lib.report import content, text, write

    _check(options)
    opinions = saved.read(options.opinions) if options.opinions else None
    place = Path(options.record or evaluation_record.RECORD)
    if options.measure:
        _measure(options, place, evaluation_record.read(place).record if place.exists() else None)
    record = evaluation_record.read(place)
    if options.images and not options.measure:
        record = evaluation_record.Evaluation(
            measure_images(record.record, dict(options.images), options.sets)
        )
    made = content.make(record, opinions)
    written = write(made, options.out) if options.out else []  # first: a pager may leave early
    print("\n".join([text.text(made), "", *map(str, written)]).rstrip())
    return 0


def _check(options):
    """Mistakes are found before anything is measured."""
    if (options.again or options.device) and not options.measure:
        raise SrganError("--again and --device are for measuring; add --measure")
    if options.sets and not (options.measure or options.images):
        raise SrganError("--sets is for measuring; add --measure, or --images NAME=FOLDER")
    names = [name.lower() for name, _ in options.images]
    for name, folder in options.images:
        if names.count(name.lower()) > 1:
            raise SrganError(f"--images {name} is given twice; one folder a name")
        if "{set}" not in folder and not Path(folder).is_dir():
            raise SrganError(f"{folder}: no such folder; name the folder of your result images")


def _measure(options, place, record):
    from srgan_lib.evaluation.measure import measure
    from srgan_lib.evaluation.record import write

    settings = {"sets": options.sets, "images": dict(options.images), "again": options.again}
    measure(record, device=options.device, save=lambda new: write(new, place), **settings)
