"""The system of the report of 2023, measured: bicubic and trained models on its kind of validation pairs.

    srgan data pairs PHOTOS --size 256 --scale 2 --degradation gaussian --split 685/170 --out PAIRS
    SRGAN_DATA=... python tests/benchmarks/report2023.py PAIRS [--model NAME=WEIGHTS ...] [--write]

Measured are the validation pairs of PAIRS and, at scale 2, Set5 and Set14, whose inputs are made as the
protocol does. Results have 8 bits; PSNR and daala's SSIM are of the unrounded Y, without 2 pixels at each
border. ``--write`` puts the numbers into the record ``report2023``, beside what the report prints, for the
chapter *A student project, rebuilt*. Models that were measured earlier stay, if the pairs are the same.
"""

import argparse
import hashlib
import json
from functools import partial
from pathlib import Path

from srgan_lib.data.downloads import get
from srgan_lib.data.sources import folder_of_pairs
from srgan_lib.degradations import imresize
from srgan_lib.evaluation.own_sets import pairs_of
from srgan_lib.inference.upscale import upscale
from srgan_lib.metrics import psnr, ssim

SCALE = 2
RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "report2023.json"
PROTOCOL = "8-bit results, unrounded Y, 2 pixels off each border, daala's SSIM, scale 2"


def images_of(pairs):
    """{set: [(original, input)]}, made when asked for."""
    val = folder_of_pairs(pairs / "val" / "high", pairs / "val" / "low")
    return {
        "pairs": ((photo.load(), photo.load_lr()) for photo in val),
        **{name: pairs_of(get(name), SCALE) for name in ("Set5", "Set14")},
    }


def measured(methods, pairs):
    """{set: {method: {measure: [a number an image]}}}"""
    found = {}
    for name, images in images_of(pairs).items():
        rows = {method: {"psnr": [], "ssim": []} for method in methods}
        for original, small in images:
            for method, enlarge in methods.items():
                result = enlarge(small)
                rows[method]["psnr"].append(round(psnr(original, result, crop=SCALE), 4))
                rows[method]["ssim"].append(round(ssim(original, result, crop=SCALE), 5))
        found[name] = rows
        for method, values in rows.items():
            mean = {measure: sum(each) / len(each) for measure, each in values.items()}
            print(f"{name:6} {method:16} {len(values['psnr']):4} images", mean, flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=WEIGHTS")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    methods = {"bicubic": partial(imresize, scale=SCALE)}
    for name, _, weights in (text.partition("=") for text in options.model):
        methods[name] = partial(upscale, model=weights, progress=False)
    manifest_file = options.pairs / "manifest.json"
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    facts = {
        "protocol": PROTOCOL,
        "degradation": manifest["degradation"],
        "size": manifest["size"],
        "train": len(manifest["train"]),
        "val": len(manifest["val"]),
        "manifest_sha256": hashlib.sha256(manifest_file.read_bytes()).hexdigest(),
    }
    values = measured(methods, options.pairs)
    if options.write:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        before = record.get("measured", {})
        if before.get("manifest_sha256") == facts["manifest_sha256"]:
            values = {name: {**before["sets"][name], **rows} for name, rows in values.items()}
        record["measured"] = {**facts, "sets": values}
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
