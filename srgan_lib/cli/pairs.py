"""``srgan data pairs``: photos cut, made small and split into pairs to train on and to validate with."""

import argparse

from srgan_lib.errors import SrganError

DEGRADATIONS = ("bicubic", "gaussian")


def add_options(parser):
    """Add the options of ``pairs`` to the parser of ``srgan data``, which has ``--out``."""
    group = parser.add_argument_group(
        "pairs: a folder of photos, 'bundled' or a data set, in two sizes, as train/high, train/low,"
        " val/high, val/low and manifest.json"
    )
    add = group.add_argument
    add("--size", type=int, metavar="PIXELS", help="side of the square from each photo's middle; else all")
    add("--scale", type=int, metavar="N", help="how many times smaller the low resolution is (default: 4)")
    add("--degradation", choices=DEGRADATIONS, help="how it is made small (default: bicubic, MATLAB's)")
    add("--sigma", type=float, metavar="PIXELS", help="of the Gaussian (default: 0.4 times the scale)")
    add("--split", type=_split, metavar="TRAIN/VAL", help="how many of each, as 685/170 (default: 4 in 5)")


def run(options):
    """Write the pairs, and say what was written."""
    from srgan_lib.data.pairs import write_pairs
    from srgan_lib.data.sources import photos_of

    if len(options.names) != 1:
        raise SrganError("which photos? name one folder: srgan data pairs my-photos --out pairs")
    if options.out is None:
        raise SrganError("where shall the pairs go? name a folder: --out pairs")
    degradation = _degradation(options)
    photos = photos_of(options.names[0])
    manifest = write_pairs(photos, options.out, degradation, options.split, options.size)
    train, val = len(manifest["train"]), len(manifest["val"])
    count = f"{train} pairs to train on, {val} to validate with"
    print(f"{options.out}: {count} ({manifest['files']} files; a pair is one sample)")
    return 0


def _degradation(options):
    from srgan_lib.data.pairs import default_sigma
    from srgan_lib.degradations import Bicubic, BlurSubsample

    scale = 4 if options.scale is None else options.scale
    if scale < 2:
        raise SrganError(f"--scale {scale}: the low resolution must be smaller; use 2, 4 or another number")
    if options.degradation == "gaussian":
        return BlurSubsample(scale, default_sigma(scale) if options.sigma is None else options.sigma)
    if options.sigma is not None:
        raise SrganError("--sigma belongs to --degradation gaussian; add that, or leave --sigma out")
    return Bicubic(scale)


def _split(text):
    train, slash, val = text.partition("/")
    if not (slash and train.isdecimal() and val.isdecimal() and int(train) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers such as 685/170")
    return int(train), int(val)
