"""``srgan upscale``: make photos larger."""

import sys

from srgan_lib.cli.options import add_command, shipped
from srgan_lib.errors import SrganError

EXAMPLES = """
examples:
  srgan upscale photo.jpg                       writes photo_x4.png beside it
  srgan upscale photo.jpg -o big.png
  srgan upscale holiday/ -o large/              every photo of a folder
  srgan upscale photo.jpg --model srresnet-mse  smoother, but true to the pixel
  srgan upscale photo.jpg --model runs/tiny     a model that you trained

Any size works; a file that cannot be read is named and left out, and the exit code is then 1. A file that is
there already is replaced only with --overwrite. 16 bits a channel stay 16 bits in .png and .tif.
"""


def add(parts):
    """Add ``upscale`` to the subparsers ``parts``."""
    parser = add_command(
        parts, "upscale", "make photos 4 times larger, or as many as the model does", EXAMPLES, run
    )
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files or folders of them")
    add(
        "-o",
        "--out",
        metavar="PATH",
        help="a file, or a folder for several (default: NAME_x4.png, 4 being the scale)",
    )
    add("--overwrite", action="store_true", help="replace results that are there; never a photo that is read")
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


def run(options):
    """Upscale every image; of several, those that cannot be are named on stderr and left out."""
    from srgan_lib.inference.targets import upscale_jobs
    from srgan_lib.inference.upscale import load_engine

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
    from srgan_lib.inference.enlarge_files import upscale_file
    from srgan_lib.inference.upscale import TILE

    upscale_file(source, target, engine, tile=TILE if tile is None else tile)
    print(target)
