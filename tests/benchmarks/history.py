"""An adversarial run's diary, as the book shows it: its losses, and what it made of three photos meanwhile.

    python tests/benchmarks/history.py RUN [--stage srgan-vgg54] [--out history.json]

RUN is the folder of a finished ``srgan train`` or of one model of ``srgan reproduce``. Takes a second. The
picture of each photo is a strip: one part a moment, then the original.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.images import read_rgb
from srgan_lib.support.files import whole_file
from srgan_lib.training.validation import part

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "history.json"
QUALITY = 85  # of the JPEGs


def strips(folder, stage, out, only=None):
    """{photo: (picture's name, [update])}, of some photos or all; writes the pictures beside ``out``."""
    photos = {photo.name: photo for photo in [*bundled_photos(), *held_out_photos()]}
    photos = {name: photo for name, photo in photos.items() if only is None or name in only}
    found = {}
    for name, photo in photos.items():
        files = sorted((folder / "previews").glob(f"{stage}-{name}-*.png"))
        if files:
            images = [*map(read_rgb, files), part(name, photo.load())]
            picture = out.with_name(f"{out.stem}-{name}.jpg")
            Image.fromarray(np.concatenate(images, axis=1)).save(picture, quality=QUALITY, subsampling=0)
            found[name] = picture.name, [int(file.stem.rsplit("-", 1)[1]) for file in files]
    return found


def log_of(folder, stage):
    """{term: [its mean since the last line]} over a stage, "update" among them."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    lines = [line for line in lines if line.get("stage") == stage and "generator" in line]
    names = sorted(set(lines[0]) - {"stage", "updates_per_second"})
    return {name: [line[name] for line in lines] for name in names}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--stage", default="srgan-vgg54")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    run = json.loads((options.run / "record.json").read_text())
    found = strips(options.run, options.stage, options.out)
    (settings,) = (item for item in run["config"]["stages"] if item["name"] == options.stage)
    record = {
        "what": f"{options.stage}: {settings['updates']} updates, its losses, its pictures of three photos",
        "made_by": "tests/benchmarks/history.py",
        "stage": settings,
        "crop": run["config"]["crop"],
        "precision": run["config"]["precision"],
        "deviations": run["config"]["deviations"],
        "data": run["data"],
        "hardware": run["hardware"],
        "seconds": run["seconds"],
        "bicubic_psnr": run["bicubic_psnr"],
        "log": log_of(options.run, options.stage),
        "validation": [{"update": row["update"], **row["psnr"]} for row in run["measurements"]],
        "health": [{"update": row["update"], **row["health"]} for row in run["measurements"]],
        "pictures": {name: picture for name, (picture, _) in found.items()},
        "moments": next(moments for _, moments in found.values()),
    }
    with whole_file(options.out) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
