"""The paper's protocol and departures from it, on nearest, bicubic and the authors' own published images.

    SRGAN_DATA=... python tests/benchmarks/protocol.py [--out FILE] [--sets Set5 ...]      (about 6 minutes)

Every image, every variant of ``evaluation.protocol``: Y in float, rounded, from 0 to 255, RGB; with and
without the border; three SSIMs; the grey image as grey or as RGB; bicubic with three programs' kernels. The
test sets and the authors' images (of which Set5 and Set14 were published) are not shipped: readers of the
book get the numbers. ``tests/test_protocol.py`` measures a part of them again.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import PIL
import skimage
import torch

from srgan_lib.data.downloads import find, get
from srgan_lib.evaluation.evaluate import INTERPOLATIONS
from srgan_lib.evaluation.paper import SETS
from srgan_lib.evaluation.protocol import enlarged_by_pillow, enlarged_by_torch, measure_set
from srgan_lib.images import open_image
from srgan_lib.support.files import whole_file

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "protocol.json"
ENLARGE = {
    **INTERPOLATIONS,
    "bicubic, Pillow's": enlarged_by_pillow,
    "bicubic, PyTorch's": enlarged_by_torch,
}
PUBLISHED = ("SRResNet-MSE", "SRGAN-VGG54")
DIGITS = {"psnr": 4, "ssim": 5}


def measured_set(name, methods=(*ENLARGE, *PUBLISHED)):
    """{images: [in order of name], methods: {method: {variant: [one number an image]}}}."""
    measured = {}
    for method in methods:
        folder = find("published") / name / method if method in PUBLISHED else None
        if folder is None:
            numbers = measure_set(get(name), lambda _, lr, enlarge=ENLARGE[method]: enlarge(lr))
        elif folder.is_dir():  # for BSD100 nothing was published
            numbers = measure_set(
                get(name), lambda image, _, folder=folder: np.array(open_image(folder / f"{image}.png"))
            )
        else:
            continue
        measured[method] = {
            variant: [round(value, DIGITS[variant[:4]]) for value in values]
            for variant, values in numbers.items()
        }
    images = [file.stem for file in sorted((get(name) / "HR").glob("*.png"))]
    return {"images": images, "methods": measured}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RECORD, help="where the record is written")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    arguments = parser.parse_args()
    started = time.perf_counter()
    sets = {}
    for name in arguments.sets:
        sets[name] = measured_set(name)
        for method, numbers in sets[name]["methods"].items():
            means = {variant: round(float(np.mean(values)), 4) for variant, values in numbers.items()}
            print(name, method, means, flush=True)
    record = {
        "what": "PSNR and SSIM of nearest, bicubic and the authors' published images, image by image, each"
        " measured as the paper does and with one departure from that",
        "command": "python tests/benchmarks/protocol.py",
        "hardware": f"CPU ({platform.machine()})",
        "versions": {module.__name__: module.__version__ for module in (np, PIL, skimage, torch)},
        "seed": None,
        "data": "Set5, Set14 and BSD100 with the stored LRx4 images; the authors' results for Set5 and Set14",
        "seconds": round(time.perf_counter() - started),
        "sets": sets,
    }
    with whole_file(arguments.out) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
