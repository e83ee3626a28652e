"""How sharp results are on Set14, and whether they hold a grid: shipped models, the authors' images.

    SRGAN_DATA=FOLDER python tests/benchmarks/sharpness.py [--set Set14] [--scale 2]

Prints for each the gradients' RMS against the originals' (mean over the images), the power in three bands of
high frequency against theirs in dB, and ``perception.grid`` in levels, its mean and its worst. The models are
those that enlarge by ``--scale``. The authors' images, of scale 4, are looked for in ``published/SET/METHOD``
beside the test sets. Under a minute on two CPU cores.
"""

import argparse

import numpy as np

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.data import downloads
from srgan_lib.evaluation.own_sets import examples_of, pairs_of
from srgan_lib.evaluation.results import SCALE
from srgan_lib.images import read_rgb
from srgan_lib.perception import fine_power_ratio, gradient_statistics, grid

PUBLISHED = ("SRResNet-MSE", "SRGAN-VGG54")


def line(label, images, originals):
    pairs = list(zip(images, originals, strict=True))
    pairs = [(image, original[: image.shape[0], : image.shape[1]]) for image, original in pairs]
    ratios = [gradient_statistics(image).rms / gradient_statistics(own).rms for image, own in pairs]
    power = " ".join(f"{value:6.2f}" for value in fine_power_ratio(*zip(*pairs, strict=True)))
    found = [grid(image) for image in images]
    return f"{label:22} {np.mean(ratios):6.3f}   {power}   {np.mean(found):6.3f} {max(found):6.3f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", default="Set14")
    parser.add_argument("--scale", type=int, default=SCALE)
    options = parser.parse_args()
    folder = downloads.find(options.set)
    if folder is None:
        raise SystemExit(f"{options.set} is not on this machine: srgan data get {options.set.lower()}")
    originals, small = zip(*pairs_of(folder, options.scale), strict=True)
    print(f"{'':22} {'RMS':>6}   {'power in dB':>20}   {'grid':>6} {'worst':>6}")
    print(line("originals", originals, originals))
    for method in PUBLISHED if options.scale == SCALE else ():
        place = folder.parents[1] / "published" / options.set / method
        if place.is_dir():
            images = [read_rgb(place / f"{example.name}.png") for example in examples_of(folder, SCALE)]
            print(line(f"{method} (authors)", images, originals))
    for name in pretrained.names(options.scale):
        print(line(name, [sr.upscale(image, model=name) for image in small], originals))


if __name__ == "__main__":
    main()
