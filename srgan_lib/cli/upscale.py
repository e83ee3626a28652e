"""``srgan upscale``: make photos 4 times larger."""

import sys
from pathlib import Path

from srgan_lib.cli.options import add_command
from srgan_lib.errors import SrganError
from srgan_lib.support.files import made_folder

EXAMPLES = """
examples:
  srgan upscale photo.jpg                       writes photo_x4.png beside it
  srgan upscale photo.jpg -o big.png
  srgan upscale holiday/ -o large/              every photo of a folder
  srgan upscale photo.jpg --model srresnet-mse  smoother, but true to the pixel
  srgan upscale photo.jpg --model runs/tiny     a model that you trained

Any size works; a file that cannot be read is named and left out, and the exit code is then 1.
"""


def add(parts):
    """Add ``upscale`` to the subparsers ``parts``."""
    parser = add_command(parts, "upscale", "make photos 4 times larger", EXAMPLES, run)
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files or folders of them")
    add("-o", "--out", metavar="PATH", help="a file, or a folder for several (default: NAME_x4.png)")
    add(
        "--model",
        default="srgan-vgg54",
        metavar="NAME",
        help="a shipped model, a weights file or a run's folder",
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
    from srgan_lib.inference.upscale import load_engine

    engine = load_engine(options.model, options.device)
    jobs = _upscale_jobs(options, engine.scale)
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
    from srgan_lib.images import OPAQUE, open_image, save_image
    from srgan_lib.inference.upscale import TILE, upscale

    image = open_image(source)
    if image.mode in ("LA", "RGBA") and target.suffix.lower() in OPAQUE:
        raise SrganError(f"{source} has transparency, which {target.suffix} cannot hold; write a .png")
    save_image(upscale(image, engine, tile=TILE if tile is None else tile), target)
    print(target)


def _upscale_jobs(options, scale):
    """(source, target) of each image. Folders are made, and mistakes found, before any work is done."""
    from srgan_lib.data.sources import folder_of_photos
    from srgan_lib.images import check_place

    sources = []  # (file, its place below the folder of results)
    for path in map(Path, options.images):
        found = [photo.path for photo in folder_of_photos(path)] if path.is_dir() else [path]
        sources += [(file, file.relative_to(path) if path.is_dir() else Path(file.name)) for file in found]
    if any(Path(path).is_dir() for path in options.images) and not options.out:
        raise SrganError("name a folder for the results of a whole folder: -o large/")
    if not options.out:
        return [(file, file.with_name(f"{file.stem}_x{scale}.png")) for file, _ in sources]
    out = Path(options.out)
    if len(sources) == 1 and not out.is_dir() and not options.out.endswith(("/", "\\")):
        check_place(out)
        return [(sources[0][0], out)]
    jobs = [(file, out / place.with_suffix(".png")) for file, place in sources]
    for file, target in jobs:
        if target.exists() and target.samefile(file):
            raise SrganError(
                f"{target} would be overwritten by its own enlargement; choose another folder with -o"
            )
        made_folder(target.parent, "-o")
    return jobs
