"""What each command of ``srgan`` does. Heavy imports wait, so that ``srgan --help`` answers at once."""

import sys
from pathlib import Path

from srgan_lib.errors import SrganError

PRESETS = ("tiny", "colab", "paper")
NO_SETTINGS = {"run", "preset", "config", "resume"}
SIGNALS = {"SIGINT": 130, "SIGTERM": 143}


def train(options):
    """Train, or go on training. The exit code says whether a signal stopped it."""
    from srgan_lib.training import loop, presets
    from srgan_lib.training.config import Config

    given = {
        name: value for name, value in vars(options).items() if value is not None and name not in NO_SETTINGS
    }
    if options.config:
        result = loop.train(Config.read(options.config).but(**given), resume=options.resume)
    elif options.resume and options.preset is None:
        result = loop.resume(_run_to_resume(given), **given)
    else:
        preset = getattr(presets, options.preset or "tiny")
        result = loop.train(preset(**given), resume=options.resume)
    if result.record:  # only the first of several processes has one
        print(_what_now(result))
    return SIGNALS.get(result.stopped, 0)


def _run_to_resume(given):
    """Take the run's folder out of the options; the others may not change what the run computes."""
    if "out" not in given:
        raise SrganError("which run shall go on? name its folder: --out runs/tiny --resume")
    for name in {"updates", "batch"} & set(given):
        raise SrganError(
            f"--{name} cannot change while a run goes on; leave it out, or start another with --out"
        )
    return given.pop("out")


def _what_now(result):
    folder = result.folder
    if result.stopped == "finished":
        return f"done: {folder}; try it with: srgan upscale photo.jpg --model {folder}"
    return f"{result.stopped} after {result.updates} updates; to go on: srgan train --out {folder} --resume"


def upscale(options):
    """Upscale every image; of several, those that cannot be are named on stderr and left out."""
    from srgan_lib.targets import upscale_jobs
    from srgan_lib.upscaling import load_engine

    engine = load_engine(options.model, options.device)
    jobs = upscale_jobs(options.images, options.out, engine.scale, options.overwrite)
    failed = 0
    for source, target in jobs:
        try:
            _upscale_file(source, target, engine, options.tile)
        except SrganError as error:
            if len(jobs) == 1:
                raise
            print(f"srgan: {error}", file=sys.stderr)
            failed += 1
    if failed:
        raise SrganError(f"{failed} of {len(jobs)} images were left out; the others are done")
    return 0


def _upscale_file(source, target, engine, tile):
    from srgan_lib import upscaling
    from srgan_lib.enlarge_files import upscale_file

    upscale_file(source, target, engine, tile=upscaling.TILE if tile is None else tile)
    print(target)


def evaluate(options):
    """Measure models and folders of results, side by side."""
    from srgan_lib import benchmark, pretrained

    models = [*options.model, *options.images]
    if not models:
        models = ["nearest", "bicubic", *pretrained.names()]
    for folder in options.images:
        if "{set}" not in folder and not Path(folder).is_dir():
            raise SrganError(f"{folder}: no such folder; name the folder of your result images")
    settings = {"sets": options.sets, "measures": options.measures, "paper": options.paper}
    result = benchmark.evaluate(*models, device=options.device, **settings)
    print({"table": result.table, "markdown": result.markdown, "json": result.to_json}[options.format]())
    for path in options.save:
        result.save(path)
    return 0


def export(options):
    """Write a network as an ONNX file."""
    from srgan_lib.export import export_onnx

    target = Path(options.out or f"{Path(options.model).stem}.onnx")
    export_onnx(options.model, target, options.weights, options.towards, options.t)
    print(f"{target}: {_size(target.stat().st_size)}")
    return 0


def data(options):
    """List the data sets, or fetch some."""
    from srgan_lib.data import downloads

    if options.action == "get":
        if not options.names:
            raise SrganError(f"which data set? there are: {', '.join(downloads.catalogue())}")
        for row in [downloads.dataset(name) for name in options.names]:
            print(f"{row.name}: {downloads.get(row.name, options.root)}")
        return 0
    for row in downloads.catalogue().values():
        print(f"{row.name:<12} {_size(row.bytes):>7}  {row.what}")
        print(f"{'':<21} licence: {row.licence}")
        print(f"{'':<21} here: {downloads.find(row.name) or 'no; srgan data get ' + row.name.lower()}")
    return 0


def coursework(options):
    """Write the student edition of the book's notebooks, or the solved one."""
    from srgan_lib import coursework as editions

    written = editions.write(options.edition, options.out, options.book, options.chapters)
    for path in written:
        count = len(editions.exercises(editions.read(path)))
        print(f"{path}: {count} exercise{'' if count == 1 else 's'}")
    return 0


def _size(count):
    return f"{count / 1e9:.1f} GB" if count > 1e9 else f"{count / 1e6:.0f} MB"


def checkpoint(options):
    """Cut a run into parts, or join them."""
    from srgan_lib.training import parts

    if options.action == "join":
        joined = parts.join(options.folder, options.out)
        print(f"{joined}: whole again; to go on: srgan train --out {joined} --resume")
        return 0
    manifest = parts.split(options.folder, options.out, options.size, options.without)
    count = f"{len(manifest['parts'])} parts, {_size(manifest['bytes'])}"
    print(f"{count}; to join them: srgan checkpoint join {options.out} --out {options.folder}")
    return 0


def reproduce(options):
    """Train and measure the models of Table 1, or go on with that."""
    from srgan_lib.reproduce import Request
    from srgan_lib.reproduce import reproduce as run

    asked = {name: getattr(options, name) for name in ("out", "minutes", "updates", "annealed", "time_limit")}
    no_settings = {*NO_SETTINGS, *asked, "only", "note"}
    given = {
        name: value for name, value in vars(options).items() if value is not None and name not in no_settings
    }
    done = run(Request(**asked, settings=given, only=tuple(options.only), notes=tuple(options.note)))
    print(f"done: {options.out}/models" if done else f"to go on: srgan reproduce --out {options.out} ...")
    return 0
