"""What ``srgan rate`` understands. ``opinion.commands`` does the work."""

import argparse

from srgan_lib import examples
from srgan_lib.opinion import commands

UNITS = ("image", "rater", "rating")


def add_rate(parts, command):
    """Add ``rate`` with its actions to the subparsers ``parts``; ``command`` makes one (see ``cli``)."""
    what = "let people rate results, blind, and analyse it"
    parser = command(parts, "rate", what, examples.RATE, None)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    write = "plan a test and write a page for each rater"
    _add_plan(command(actions, "plan", write, examples.RATE_PLAN, commands.plan))
    evaluate = "mean opinion scores, intervals, tests and Figure 5 from the raters' files"
    _add_analyse(command(actions, "analyse", evaluate, examples.RATE_ANALYSE, commands.analyse))
    invent = "invent ratings, to rehearse the analysis; always marked as simulated"
    _add_simulate(command(actions, "simulate", invent, examples.RATE_SIMULATE, commands.simulate))


def _add_plan(parser):
    add = parser.add_argument
    photos = "folders of photos, test sets (set5 ...), 'bundled' (default: held-out, two that no model saw)"
    add("photos", nargs="*", metavar="PHOTOS", help=photos)
    add("--out", required=True, metavar="FOLDER", help="of the test; it must be new")
    raters = "names, or how many (default: 1)"
    add("--raters", nargs="+", default=["1"], metavar="NAME", help=raters)
    methods = "nearest bicubic SRGAN-VGG54 HR ..., NAME=FOLDER of result images, NAME=MODEL"
    methods += " (default: those of the paper's twelve that can be made here)"
    add("--methods", nargs="+", metavar="NAME", help=methods)
    calibration = "photos shown first as a 1 and a 5 (default: bundled ones)"
    add("--calibration", metavar="PHOTOS", help=calibration)
    add(
        "--examples",
        type=_whole,
        default=3,
        metavar="N",
        help="how many of them (default: 3; the paper's: 20)",
    )
    add("--repeats", type=_whole, metavar="N", help="items that come a second time (default: a tenth)")
    add("--crop", type=_side, metavar="PIXELS", help="show only the middle, at most so many pixels a side")
    add("--seed", type=_whole, metavar="N", help="decides the order (default: a random one, which is noted)")
    add("--beside", action="store_true", help="pictures in a folder beside each page: for large tests")


def _add_analyse(parser):
    add = parser.add_argument
    add("test", metavar="FOLDER", help="of the test, or its plan.json")
    files = "the raters' CSV files, or folders of them (default: FOLDER/ratings)"
    add("files", nargs="*", metavar="CSV", help=files)
    least = "share of the items that a rater must have rated to count (default: 100)"
    add("--least", type=_per_cent, default=100.0, metavar="PER_CENT", help=least)
    add("--unit", choices=UNITS, default="image", help="what the tests pair (default: image)")
    add("--level", type=_level, default=95.0, metavar="PER_CENT", help="of the intervals (default: 95)")
    add("--format", choices=("table", "markdown", "json"), default="table", help="of what is printed")
    save = "write it too: .json, .md, .txt; .png, .svg or .pdf for Figure 5; repeatable"
    add("--save", action="append", default=[], metavar="FILE", help=save)
    add("--problems", action="store_true", help="name every line that was left out, not only the first 20")


def _add_simulate(parser):
    add = parser.add_argument
    add("test", metavar="FOLDER", help="of the test, or its plan.json")
    quality = "what the invented raters think of a method, such as HR=4.5 (default: 3 for each)"
    add("--quality", nargs="+", type=_quality, default=[], metavar="METHOD=SCORE", help=quality)
    add("--seed", type=_whole, default=0, metavar="N", help="another seed, other ratings (default: 0)")
    add("--out", metavar="FOLDER", help="for the CSV files (default: FOLDER/simulated)")


def _whole(text):
    return _number(text, int, lambda value: value >= 0, "a whole number, 0 or more")


def _side(text):
    return _number(text, int, lambda value: value >= 16, "a number of pixels, 16 or more")


def _per_cent(text):
    return _number(text, float, lambda value: 0 < value <= 100, "a number of per cent, above 0 and up to 100")


def _level(text):
    return _number(text, float, lambda value: 0 < value < 100, "a number of per cent between 0 and 100")


def _quality(text):
    method, _, value = text.rpartition("=")
    if not method:
        raise argparse.ArgumentTypeError(f"{text!r} is not METHOD=SCORE, such as HR=4.5")
    return method, _number(value, float, lambda score: 1 <= score <= 5, "a score from 1 to 5")


def _number(text, kind, is_right, expected):
    try:
        value = kind(text)
        if is_right(value):
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
