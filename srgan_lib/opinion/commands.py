"""What ``srgan rate`` does: plan a test and write its pages, analyse what comes back, simulate raters."""

import json
import secrets
import sys
from pathlib import Path

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.files import made_folder, whole_file

PLAN, PAGES, RATINGS, README = "plan.json", "pages", "ratings", "README.txt"
SHOWN = 20  # problems of the CSV files that are printed; all are with --problems
HELD_OUT = "held-out"
INSTRUCTIONS = """\
An opinion test: {images}, {methods} methods, {items} pictures to rate by each of {raters}.

1. Give each rater their page from {pages}/. It opens in any browser, without a network.{beside}
2. Each rater saves a file ratings-NAME.csv at the end. Put these files into {ratings}/.
3. srgan rate analyse {folder}

plan.json says what stands behind each code. Keep it, and keep it from the raters.
Seed: {seed}. Methods: {names}. Photos: {photos}. Examples: {examples}.
"""


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
