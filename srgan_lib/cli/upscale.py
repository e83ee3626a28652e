"""``srgan upscale``: make photos larger."""

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from srgan_lib.cli.options import add_command, shipped
from srgan_lib.errors import SrganError
from srgan_lib.support.notices import inform, say

PIPE = "-"
FORMATS = ("png", "jpg", "tif", "webp", "avif", "bmp")

EXAMPLES = """
examples:
  srgan upscale photo.jpg                       writes photo_x4.png beside it
  srgan upscale photo.jpg -o big.png
  srgan upscale holiday/ -o large/              every photo of a folder
  srgan upscale holiday/ -o large/ --format jpg --quality 90 --skip-existing
  srgan upscale - -o -                          from a pipe, to a pipe: < photo.jpg > big.png
  srgan upscale photo.jpg --model srresnet-mse  smoother, but true to the pixel
  srgan upscale photo.jpg --model runs/tiny     a model that you trained

Any size works; a file that cannot be read is named and left out, and the exit code is then 1. A file that is
there already is replaced only with --overwrite. 16 bits a channel stay 16 bits in .png and .tif. A file
called - is ./-
"""


def add(parts):
    """Add ``upscale`` to the subparsers ``parts``."""
    parser = add_command(
        parts, "upscale", "make photos 4 times larger, or as many as the model does", EXAMPLES, run
    )
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files or folders of them; -: standard input")
    target = "a file, or a folder for several (default: NAME_x4.png); -: standard output"
    add("-o", "--out", metavar="PATH", help=target)
    add("--format", choices=FORMATS, help="of the results (default: png)")
    after = "what follows a photo's name (default: _x4 beside the photo, nothing in a folder)"
    add("--suffix", metavar="TEXT", help=after)
    add("--quality", type=quality, metavar="N", help="of jpg (default: 95) and webp (default: lossless)")
    group = parser.add_mutually_exclusive_group()
    replace = "replace results that are there; never a photo that is read"
    group.add_argument("--overwrite", action="store_true", help=replace)
    skip = "leave out photos whose result is there"
    group.add_argument("--skip-existing", action="store_true", help=skip)
    add(
        "--model",
        default="srgan-vgg54",
        metavar="NAME",
        help=f"a shipped model ({shipped()}), a weights file or a run's folder",
    )
    add(
        "--tile",
        type=int,
        metavar="PIXELS",
        help="side of the part worked on at a time; lower it to save memory",
    )
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")


def quality(text):
    """A quality in a text, from 1 to 100."""
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100")
    return int(text)


def run(options):
    """Upscale every image; of several, those that cannot be are named on stderr and left out."""
    from srgan_lib.inference.targets import Naming, upscale_jobs
    from srgan_lib.inference.upscale import load_engine

    if PIPE in (options.out, *options.images):
        return _run_pipe(options)
    _check_quality(options)
    engine = load_engine(options.model, options.device)
    naming = Naming(options.suffix, options.format)
    jobs = upscale_jobs(
        options.images, options.out, engine.scale, options.overwrite, naming, options.skip_existing
    )
    failed = 0
    for number, (source, target) in enumerate(jobs, start=1):
        if len(jobs) > 1:
            inform(f"{number} of {len(jobs)}: {source}")
        try:
            _upscale_file(source, target, engine, options)
        except SrganError as error:
            if len(jobs) == 1:
                raise
            say(error)
            failed += 1
        else:
            print(target, flush=True)
    if failed:
        raise SrganError(f"{failed} of {len(jobs)} images were left out; the others are done")
    return 0


def _check_quality(options):
    """A quality that the results' format lacks is found before the work."""
    from srgan_lib.images import EXTENSIONS, check_quality

    if options.quality is not None:
        named = options.out if Path(options.out or "").suffix.lower() in EXTENSIONS else None
        check_quality(named or f"result.{options.format or 'png'}", options.quality)


def _upscale_file(source, target, engine, options):
    from srgan_lib.inference.enlarge_files import upscale_file
    from srgan_lib.inference.upscale import TILE

    tile = TILE if options.tile is None else options.tile
    upscale_file(source, target, engine, quality=options.quality, tile=tile)


# ------------------------------------------------------------------------------------------------- pipes


def _run_pipe(options):
    """One photo from standard input, or to standard output, or both."""
    from srgan_lib.inference.targets import Naming, upscale_jobs
    from srgan_lib.inference.upscale import load_engine

    if len(options.images) > 1 or Path(options.images[0]).is_dir():
        raise SrganError("a pipe holds one photo: name one image, or - alone, with -o FILE or -o -")
    if options.suffix is not None:
        raise SrganError("--suffix is for names that srgan makes; leave it out where - stands")
    source, out = options.images[0], options.out or PIPE
    if out == PIPE:
        _check_output()
    engine = load_engine(options.model, options.device)
    with tempfile.TemporaryDirectory() as folder:
        stands_for = Path(folder) / "standard input"
        target = stands_for.with_name(f"standard output.{options.format or 'png'}")
        if out != PIPE:
            naming = Naming(format=options.format)
            named = stands_for if source == PIPE else source
            jobs = upscale_jobs([named], out, engine.scale, options.overwrite, naming, options.skip_existing)
            if not jobs:
                return 0
            target = jobs[0][1]
        _check_quality(options)
        with _input(source) as path:
            _enlarge_pipe(path, target, engine, options, folder)
        if out == PIPE:
            sys.stdout.buffer.write(target.read_bytes())
        else:
            print(target)
    return 0


def _enlarge_pipe(path, target, engine, options, folder):
    try:
        _upscale_file(path, target, engine, options)
    except SrganError as error:
        raise SrganError(str(error).replace(f"{folder}{os.sep}", "")) from error


@contextmanager
def _input(source):
    from srgan_lib.inference.photo_files import copy_of

    if source != PIPE:
        yield source
        return
    if sys.stdin is None or sys.stdin.closed:
        raise SrganError("standard input is closed; pipe a photo into it, or name a file")
    with copy_of(sys.stdin.buffer, "standard input") as path:
        yield path


def _check_output():
    """Nobody wants an image's bytes on a terminal."""
    if sys.stdout is None or sys.stdout.closed or sys.stdout.isatty():
        raise SrganError("standard output is no pipe or file here; name a file with -o")
