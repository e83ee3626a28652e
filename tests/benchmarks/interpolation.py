"""Nearest and bicubic on the paper's test sets, and what another way of shrinking changes.

    SRGAN_DATA=... python tests/benchmarks/interpolation.py [--write]

Measured as in section 3.1: 8-bit results, unrounded Y, 4 pixels off each border, PSNR and daala's SSIM. The
LR images are the stored ones and, for comparison, HR shrunk in other ways. ``--write`` stores the numbers as
the library's record, because readers of the book need not have the sets; ``tests/test_interpolation.py``
measures them again.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from srgan_lib.data.downloads import get
from srgan_lib.degradations import BlurSubsample, imresize
from srgan_lib.evaluation.paper import SETS
from srgan_lib.images import open_image
from srgan_lib.metrics import psnr, ssim

SCALE = 4
RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "interpolation.json"
PROTOCOL = (
    "8-bit results; Y of YCbCr, not rounded; 4 pixels off each border; SSIM of the daala tools; scale 4"
)


def nearest(lr):
    """Every pixel becomes a 4 by 4 block."""
    return lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def bicubic(lr):
    return imresize(lr, SCALE)


def shrunk_by_pillow(hr):
    """Pillow's BICUBIC: antialiased, with other rounding."""
    size = (hr.shape[1] // SCALE, hr.shape[0] // SCALE)
    return np.array(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))


def shrunk_without_antialiasing(hr):
    return imresize(hr, 1 / SCALE, antialias=False)


def shrunk_by_blur(hr):
    image = hr if hr.ndim == 3 else hr[..., None].repeat(3, axis=2)
    lr = BlurSubsample(SCALE).whole(image)
    return lr if hr.ndim == 3 else lr[..., 0]


OTHER_LR = {
    "without antialiasing": shrunk_without_antialiasing,
    "Pillow's bicubic": shrunk_by_pillow,
    "Gaussian blur": shrunk_by_blur,
}


def quality(result, hr):
    return {"psnr": round(psnr(result, hr), 4), "ssim": round(ssim(result, hr), 5)}


def measure_image(hr, lr):
    """Every number of one image: the two interpolations, and bicubic from LR made in other ways."""
    rows = {"nearest": quality(nearest(lr), hr), "bicubic": quality(bicubic(lr), hr)}
    for name, shrink in OTHER_LR.items():
        other = shrink(hr)
        difference = np.abs(other.astype(int) - lr)
        rows[name] = quality(bicubic(other), hr) | {
            "pixels_that_differ": round(float((difference > 0).mean()), 4),
            "largest_difference": int(difference.max()),
        }
    return rows


def measure_set(folder):
    """Image by image, in order of name: {method: {number: [one a image]}}."""
    files = sorted((Path(folder) / "HR").glob("*.png"))
    measured = {}
    for file in files:
        hr, lr = (np.array(open_image(path)) for path in (file, Path(folder) / "LRx4" / file.name))
        for method, numbers in measure_image(hr, lr).items():
            for key, value in numbers.items():
                measured.setdefault(method, {}).setdefault(key, []).append(value)
    return {"images": [file.stem for file in files], "methods": measured}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="store as the library's record")
    arguments = parser.parse_args()
    record = {"protocol": PROTOCOL, "made_by": "tests/benchmarks/interpolation.py", "sets": {}}
    for name in SETS:
        record["sets"][name] = measure_set(get(name))
        for method, numbers in record["sets"][name]["methods"].items():
            means = {key: round(float(np.mean(values)), 4) for key, values in numbers.items()}
            print(f"{name:7} {method:21}", means)
    if arguments.write:
        RECORD.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
