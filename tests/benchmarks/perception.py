"""Every model, the authors' pictures, and two ways from SRResNet to SRGAN, on the plane.

    SRGAN_DATA=... python tests/benchmarks/perception.py [--sets Set5] [--paths Set5] [--vgg FILE] [--fresh]

For each image of the sets the results of nearest, bicubic, every shipped model and the authors' SRResNet-MSE
and SRGAN-VGG54 are set beside the original: PSNR as in the paper (section 3.1) and the measures of
``srgan_lib.perception``, in ``UNITS`` below. Natural photographs are the 100 originals of BSD100. Then the
interpolations between srresnet-mse and srgan-vgg54, of their weights and of their output images.

The distance of VGG19's features needs its weights (``--vgg``; by default ``data/vgg19-original.safetensors``,
which the tests unpack), LPIPS a package and a download: what cannot be had is "not measured" in the record,
with the reason. VGG19 is most of the work, so it sees the middle ``--side`` pixels of each image, 256 if not
given and 0 for whole images.

The result is the library's record ``perception`` (``--out`` names another file). Run it again whenever
weights are shipped: what was measured with the same weights (by hash) and measures is kept, and the file is
written after each set. ``--paths`` leaves the paths of other sets for a later call. From nothing
(``--fresh``) it takes about 6 minutes of an idle core with four models, half a minute for each further one;
when an end of the path changes, 4 minutes.
"""

import argparse
import hashlib
import json
import os
import platform
import time
from pathlib import Path

import numpy as np
import torch

import srgan_lib as sr
from srgan_lib import perception, pretrained
from srgan_lib.data.downloads import get
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import open_image, read_rgb
from srgan_lib.inference.upscale import load_engine
from srgan_lib.networks.interpolation import interpolate

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "srgan_lib" / "records" / "perception.json"
VGG = ROOT / "data" / "vgg19-original.safetensors"
NATURAL = "BSD100"
PUBLISHED = {"SRResNet (authors)": "SRResNet-MSE", "SRGAN (authors)": "SRGAN-VGG54"}
INTERPOLATIONS = {
    "nearest": lambda lr: lr.repeat(4, axis=0).repeat(4, axis=1),
    "bicubic": lambda lr: imresize(lr, 4),
}
ENDS = "srresnet-mse", "srgan-vgg54"
STEPS = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]
UNITS = {
    "psnr": "dB, Y, 4 pixels off each border",
    "contrast": "root mean square of the luma gradients in levels, as dB; no original needed",
    "exponent": "of their distribution, Gaussian noise has 2; no original needed",
    "excess": "perception.excess_power, dB; no original needed",
    "natural": "perception.Natural.distance from photographs, standard deviations; no original needed",
    "distance": "perception.spectrum_distance from the original, dB",
    "vgg22": "perception.VGGDistance of phi 2,2, relative to the original's features",
    "vgg54": "perception.VGGDistance of phi 5,4, relative to the original's features",
    "lpips": "perception.lpips, AlexNet",
}
ON_PATHS = "psnr", "natural", "distance", "vgg22", "vgg54", "lpips"

# -------------------------------------------------------------------------------------- one picture


def alone(image, natural):
    """What a picture shows of itself, without an original."""
    found = perception.sharpness(image)
    return found._asdict() | {"natural": natural.distance(found)}


def beside(image, hr, natural, judges=()):
    """Every number of one result; where the original is grey, the mean of the result's channels counts."""
    image = image if hr.ndim == 3 else image.mean(axis=2)
    spectra = (perception.power_spectrum(picture) for picture in (image, hr))
    found = {"psnr": sr.psnr(image, hr), "distance": perception.spectrum_distance(*spectra)}
    for judge in judges:
        found |= judge(image, hr)
    return alone(image, natural) | found


def middle(image, side):
    """The middle of an image, at most ``side`` pixels a side; 0: all of it."""
    spans = [max(0, (length - side) // 2) if side else 0 for length in image.shape[:2]]
    return image[spans[0] : image.shape[0] - spans[0], spans[1] : image.shape[1] - spans[1]]


# -------------------------------------------------------------------------- measures that need weights


def vgg_judge(weights, side):
    """(the function of a result and its original, or None; what the record says of it)."""
    if not Path(weights).exists():
        return None, f"not measured: no VGG19 weights at {Path(weights).name}; --vgg names a file"
    distance = perception.VGGDistance(("22", "54"), weights)

    def judge(image, hr):
        found = distance(middle(image, side), middle(hr, side))
        return {f"vgg{layer}": value for layer, value in found.items()}

    facts = {"weights": distance.weights_name, "sha256": distance.weights_sha256}
    return judge, facts | {"part": f"the middle {side} x {side} pixels" if side else "whole images"}


def lpips_judge():
    try:
        perception.lpips(*np.random.default_rng(0).integers(0, 256, (2, 72, 72, 3), np.uint8))
    except SrganError as error:
        return None, f"not measured: {error}"
    return (lambda image, hr: {"lpips": perception.lpips(image, hr)}), "AlexNet, as in the package"


def photographs(name):
    """What natural photographs are: the originals of a set, as a record and as ``perception.Natural``."""
    files = sorted((get(name) / "HR").glob("*.png"))
    rows = np.array([perception.sharpness(open_image(file)) for file in files])
    natural = perception.Natural(rows.mean(axis=0), np.cov(rows.T, bias=True))
    tenths = np.percentile(rows, [10, 50, 90], axis=0)
    return natural, {
        "photographs": f"the {len(files)} originals of {name}",
        "mean": natural.mean.tolist(),
        "covariance": natural.covariance.tolist(),
        "percentiles 10, 50, 90": dict(zip(perception.Sharpness._fields, tenths.T.tolist(), strict=True)),
    }


# ------------------------------------------------------------------------------------------- methods


def digest(*facts):
    """A short name for what a number depends on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def methods_of(name, published):
    """{method: (what makes its picture from (LR, file name), a digest of what it depends on)}"""
    found = {
        method: (lambda lr, _, enlarge=enlarge: enlarge(lr), method)
        for method, enlarge in INTERPOLATIONS.items()
    }
    for method, place in PUBLISHED.items():
        folder = published / name / place
        files = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.png"))]
        found[method] = (lambda _, file, folder=folder: read_rgb(folder / file), digest(files))
    for model in pretrained.names(4):
        found[model] = (
            lambda lr, _, model=model: sr.upscale(lr, model, progress=False),
            pretrained.record(model)["sha256"],
        )
    return found


def pairs_of(name):
    """(file name, original, LR) of each image, in order of name; an original may be grey."""
    folder = get(name)
    for file in sorted((folder / "HR").glob("*.png")):
        yield file.name, np.array(open_image(file)), read_rgb(folder / "LRx4" / file.name)


def steps_between(hr, lr, engines, natural, judges):
    """One image at each step between the ends: {path: [{number: value}]}, of weights and of images mixed."""
    first, last = (sr.upscale(lr, end, progress=False) for end in ENDS)
    pictures = {
        "weights": [sr.upscale(lr, engine, progress=False) for engine in engines],
        "images": [np.round((1 - t) * first.astype(float) + t * last).astype(np.uint8) for t in STEPS[1:-1]],
    }
    return {
        path: [beside(picture, hr, natural, judges) for picture in mixed] for path, mixed in pictures.items()
    }


def mean(rows, t):
    """A step's record from its numbers, one dictionary an image."""
    keys = [key for key in ON_PATHS if key in rows[0]]
    return {"t": t, **{key: round(float(np.mean([row[key] for row in rows])), 4) for key in keys}}


def whole_path(between, ends):
    """A path's record from its inner steps, [{path: [a step]} an image], and its ends' [an image]."""
    paths = {}
    for path in ("weights", "images"):
        inner = zip(*(image[path] for image in between), strict=True)
        rows = [ends[0], *inner, ends[1]]
        paths[path] = [mean(row, t) for row, t in zip(rows, STEPS, strict=True)]
    return paths


# ---------------------------------------------------------------------------------------- the record


def measure_set(name, old, published, natural, judges, common, with_path=True):
    """A set's part of the record; what ``old`` holds under the same digests is taken from there.

    Without ``with_path`` a path that would have to be measured is None.
    """
    pairs, makers = list(pairs_of(name)), methods_of(name, published)
    images = [Path(file).stem for file, _, _ in pairs]
    keys = {method: digest(depends, common, images) for method, (_, depends) in makers.items()}
    keys["path"] = digest([keys[end] for end in ENDS], STEPS)
    wanted = [name for name, key in keys.items() if old.get("keys", {}).get(name) != key]
    path_wanted = with_path and "path" in wanted
    between, rows = [], {"HR": [], **{method: [] for method in makers if method in wanted}}
    ends = [sr.load(end) for end in ENDS]
    engines = [load_engine(interpolate(*ends, t)) for t in STEPS[1:-1]] if path_wanted else []
    for file, hr, lr in pairs:  # image by image: VGG19 sees the original once
        rows["HR"].append(alone(hr, natural))
        for method in rows.keys() - {"HR"}:
            rows[method].append(beside(makers[method][0](lr, file), hr, natural, judges))
        if path_wanted:
            between.append(steps_between(hr, lr, engines, natural, judges))
        print(name, file, "measured:", *wanted, flush=True)
    found = {method: columns(row) for method, row in rows.items()}
    methods = {method: found.get(method) or old["methods"][method] for method in ["HR", *makers]}
    path = None if "path" in wanted else old["path"]
    if path_wanted:
        path = whole_path(between, [rows_of(methods[end]) for end in ENDS])
    if path is None:
        del keys["path"]  # so that the next call measures it
    return {"images": images, "methods": methods, "path": path, "keys": keys}


def columns(rows):
    """[{number: value} an image] -> {number: [a value an image]}, rounded."""
    return {key: [round(row[key], 4) for row in rows] for key in rows[0]}


def rows_of(found):
    """The inverse of ``columns``."""
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("SRGAN_DATA", ""))
    parser.add_argument("--sets", nargs="+", default=["Set5", "Set14"])
    parser.add_argument("--paths", nargs="*", help="sets whose path is measured; without it, all of them")
    parser.add_argument("--published", type=Path, default=data / "published", help="the authors' images")
    parser.add_argument("--vgg", default=VGG, help="VGG19 weights (safetensors)")
    parser.add_argument("--side", type=int, default=256, help="pixels that VGG19 sees; 0: whole images")
    parser.add_argument("--fresh", action="store_true", help="keep nothing of the record that is there")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    start = time.time()
    old = json.loads(options.out.read_text()) if options.out.exists() and not options.fresh else {}
    natural, photos = photographs(NATURAL)
    vgg, vgg_facts = vgg_judge(options.vgg, options.side)
    lpips, lpips_facts = lpips_judge()
    judges = [judge for judge in (vgg, lpips) if judge]
    record = {
        "what": "every model and the interpolations between two of them: PSNR and perceptual measures",
        "made_by": "tests/benchmarks/perception.py",
        "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}, {torch.get_num_threads()} thread(s)",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "models": {
            name: {key: pretrained.record(name).get(key) for key in ("what", "updates", "sha256")}
            for name in pretrained.names()
        },
        "natural": photos,
        "vgg": vgg_facts,
        "lpips": lpips_facts,
        "units": UNITS,
        "sets": {},
    }
    common = digest(UNITS, photos, vgg_facts, bool(lpips))
    for name in options.sets:
        before = old.get("sets", {}).get(name, {})
        with_path = options.paths is None or name in options.paths
        record["sets"][name] = measure_set(
            name, before, options.published, natural, judges, common, with_path
        )
        record["seconds"] = round(time.time() - start)  # of the last call, which may have kept a part
        options.out.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
