"""``srgan rate``: plan an opinion test and write its pages, analyse what comes back, simulate raters."""

import argparse
import json
import secrets
import sys
from pathlib import Path

from srgan_lib.cli.options import add_command
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.support.files import made_folder, whole_file

PLAN, PAGES, RATINGS, README = "plan.json", "pages", "ratings", "README.txt"
SHOWN = 20  # problems of the CSV files that are printed; all are with --problems
HELD_OUT = "held-out"
UNITS = ("image", "rater", "rating")
INSTRUCTIONS = """\
An opinion test: {images}, {methods} methods, {items} pictures to rate by each of {raters}.

1. Give each rater their page from {pages}/. It opens in any browser, without a network.{beside}
2. Each rater saves a file ratings-NAME.csv at the end. Put these files into {ratings}/.
3. srgan rate analyse {folder}

plan.json says what stands behind each code. Keep it, and keep it from the raters.
Seed: {seed}. Methods: {names}. Photos: {photos}. Examples: {examples}.
"""


RATE = """
examples:
  srgan rate plan my-photos --raters ada ben eve --out test
  srgan rate analyse test
  srgan rate simulate test

The opinion test of the paper's section 3.3: each rater gets a page, scores every version of every image from
1 to 5 without knowing the method, and sends a CSV file back. srgan rate ACTION --help explains each step.
"""


RATE_PLAN = """
examples:
  srgan rate plan --raters 3 --out test         two bundled photos, all methods that are here
  srgan rate plan my-photos --crop 400 --raters ada ben eve --out test
  srgan rate plan set5 --methods bicubic SelfExSR=results/ mine=runs/tiny HR --raters 8 --out test
  srgan rate plan bsd100 --raters 26 --examples 20 --beside --out paper

The folder holds pages/RATER.html, one for each rater, README.txt with what to do, and plan.json with the
key: keep that from the raters. A page works without a network; over 150 MB it needs --beside, --crop, or
fewer photos.
"""


RATE_ANALYSE = """
examples:
  srgan rate analyse test                       the files in test/ratings
  srgan rate analyse test ada.csv ben.csv --save result.json --save figure-5.png
  srgan rate analyse test --least 80 --unit rater --format markdown

Only complete raters count, unless --least says otherwise; of two scores for one item the first counts. Decide
both, and the unit, before you look. A line that cannot be used is named on stderr and left out.
"""


RATE_SIMULATE = """
examples:
  srgan rate simulate test
  srgan rate simulate test --quality nearest=1.2 bicubic=1.9 SRGAN-VGG54=3.6 HR=4.4 --seed 1
  srgan rate analyse test test/simulated

Simulated raters are sums of random numbers. They show how an analysis behaves when the truth is known, and
say nothing about pictures; each line of their files, and every result made from them, is marked as simulated.
"""


def add(parts):
    """Add ``rate`` with its actions to the subparsers ``parts``."""
    what = "let people rate results, blind, and analyse it"
    parser = add_command(parts, "rate", what, RATE, None)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    write = "plan a test and write a page for each rater"
    _add_plan(add_command(actions, "plan", write, RATE_PLAN, plan))
    evaluate = "mean opinion scores, intervals, tests and Figure 5 from the raters' files"
    _add_analyse(add_command(actions, "analyse", evaluate, RATE_ANALYSE, analyse))
    invent = "invent ratings, to rehearse the analysis; always marked as simulated"
    _add_simulate(add_command(actions, "simulate", invent, RATE_SIMULATE, simulate))


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


def plan(options):
    """Write a new test into a folder: the plan, a page for each rater, and what to do with them."""
    from srgan_lib.opinion import page, versions
    from srgan_lib.opinion.plan import plan as make_plan

    folder = Path(options.out)
    if (folder / PLAN).exists():
        raise SrganError(f"{folder}: holds a test, which raters may have begun; choose another --out")
    photos = versions.photos_to_rate(*options.photos or [HELD_OUT])
    examples = _examples(options, photos)
    methods = versions.read_methods(options.methods or versions.methods_here())
    make = versions.Versions({**photos, **examples}, methods, options.crop)
    of = {image: make.of(image) for image in photos}
    items = sum(map(len, of.values()))
    repeats = items // 10 if options.repeats is None else options.repeats
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    test = make_plan(list(photos), of, _raters(options.raters), seed, list(examples), repeats)
    pages = page.write_pages(test, made_folder(folder, "--out") / PAGES, make, options.beside)
    test.save(folder / PLAN)
    made_folder(folder / RATINGS, "--out")
    _instruct(folder, test, items + repeats, methods, photos, examples, options.beside)
    print(f"{folder / README} says what to do; {folder / PLAN} holds the key: keep it from the raters")
    for path in pages:
        print(f"{path}  {_megabytes(path)}")
    _note(photos, methods, options.methods)
    return 0


def _note(photos, methods, chosen):
    """What a reader of the result should know, on stderr."""
    from srgan_lib.data.sources import bundled_photos
    from srgan_lib.opinion.versions import TWELVE

    missing = [name for name in TWELVE if name not in methods]
    if missing and not chosen:
        print(f"not here: {', '.join(missing)}; --methods NAME=FOLDER adds result images", file=sys.stderr)
    if {photo.path for photo in bundled_photos()} & {photo.path for photo in photos.values()}:
        print("the shipped models may have seen the bundled photos in training: rate others", file=sys.stderr)


def _examples(options, photos):
    """{image: Photo} to show with their scores before the test."""
    from srgan_lib.opinion import versions

    if options.examples < 0:
        raise SrganError(f"{options.examples} examples; give 0 or more pairs")
    if not options.calibration:
        return versions.calibration_for(photos, options.examples)
    found = versions.photos_to_rate(options.calibration)
    rated = {photo.path.resolve() for photo in photos.values()}
    both = [photo.path for photo in found.values() if photo.path.resolve() in rated]
    if both:
        raise SrganError(f"{both[0]} is to be rated, and would be shown as an example; use other photos")
    return {f"example/{name}": photo for name, photo in list(found.items())[: options.examples]}


def _raters(words):
    return int(words[0]) if len(words) == 1 and words[0].isdecimal() else words


def _instruct(folder, test, items, methods, photos, examples, beside):
    text = INSTRUCTIONS.format(
        images=f"{len(photos)} images",
        methods=len(methods),
        items=items,
        raters=f"{len(test.raters)} raters",
        pages=PAGES,
        ratings=RATINGS,
        folder=folder,
        beside="\n   The folder NAME-pictures belongs to the page: give both." if beside else "",
        seed=test.seed,
        names=", ".join(methods),
        photos=", ".join(photos),
        examples=", ".join(examples) or "none",
    )
    with whole_file(folder / README) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _megabytes(path):
    return f"{path.stat().st_size / 1e6:.1f} MB"


def analyse(options):
    """Read the raters' files, print the result, and save it."""
    from srgan_lib.opinion.ratings import read_ratings
    from srgan_lib.opinion.summary import summarise

    place = Path(options.test)
    test = _read_plan(place)
    ratings = read_ratings(_rating_files(place, options.files), test)
    _tell(ratings.problems, options.problems)
    result = summarise(ratings, options.least / 100, options.unit, options.level / 100)
    print(json.dumps(result.to_dict(), indent=1) if options.format == "json" else _printed(result, options))
    for path in options.save:
        result.save(Path(path))
    return 0


def _printed(result, options):
    return {"table": result.text, "markdown": result.markdown}[options.format]()


def _read_plan(place):
    from srgan_lib.opinion.plan import load_plan

    return load_plan(place / PLAN if place.is_dir() else place)


def _rating_files(place, given):
    """The CSV files that were named, those of the folders among them, or those in the test's own folder."""
    folder = (place if place.is_dir() else place.parent) / RATINGS
    found = []
    for path in map(Path, given or [folder]):
        inside = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise SrganError(f"{path}: no CSV files in it; put the raters' files there, or name them")
        found += inside
    return found


def _tell(problems, every):
    """The lines that were left out, on stderr."""
    shown = problems if every else problems[:SHOWN]
    for problem in shown:
        print(f"srgan: {problem}", file=sys.stderr)
    if len(problems) > len(shown):
        print(f"srgan: and {len(problems) - len(shown)} more lines; --problems names all", file=sys.stderr)


def simulate(options):
    """Write CSV files of simulated raters for a planned test, every line marked as simulated."""
    from srgan_lib.opinion.simulate import SimulatedRaters, write_simulated

    place = Path(options.test)
    test = _read_plan(place)
    quality = dict.fromkeys(test.methods, 3.0)
    for method, value in options.quality:
        known = {name.lower(): name for name in test.methods}
        if method.lower() not in known:
            raise unknown_name("method in this test", method, test.methods)
        quality[known[method.lower()]] = value
    ratings = SimulatedRaters().rate(test, quality, options.seed)
    out = options.out or (place if place.is_dir() else place.parent) / "simulated"
    for path in write_simulated(ratings, out):
        print(path)
    print(f"simulated raters, no opinions; then: srgan rate analyse {place} {out}")
    return 0
