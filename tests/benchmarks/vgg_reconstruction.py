"""Photos rebuilt from VGG19's maps: what each layer still knows.

    nice python tests/benchmarks/vgg_reconstruction.py --weights vgg19-original.safetensors [--write]

128 x 128 pixels of the two held-out photos, and five layers; Adam from noise on the squared distance of the
maps, with a little total variation, and for the deepest layer of the first photo also without. About seven
minutes on one CPU core at the default of 150 steps; ``--steps`` and ``--side`` make it longer and larger.
``--write`` stores numbers and pictures as the library's record; ``--out`` names another folder. ``--photo``
does one photo, and keeps the other's rows where the folder has them.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import torch

from srgan_lib.data.sources import held_out_photos
from srgan_lib.images import from_signed, save_image, to_signed
from srgan_lib.metrics import psnr
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.teaching.invariance import LAYERS, distances, reconstruct

NAME = "vgg-reconstruction"
PLACES = {"chelsea": (44, 100), "coffee": (60, 250)}  # top and left of the piece
SMOOTHNESS = 0.02
RECORDS = Path(__file__).resolve().parents[2] / "srgan_lib" / "records"


def piece(photo, side):
    """The uint8 photo's piece, (side, side, 3)."""
    top, left = PLACES[photo.name]
    return photo.load()[top : top + side, left : left + side]


def rebuild(photo, layer, smoothness, arguments):
    """(its row of the record, the picture as uint8)."""
    target = piece(photo, arguments.side)
    signed = to_signed(target)[None].to(memory_format=torch.channels_last)  # nearly twice as fast on a CPU
    features = VGG19Features(layer, arguments.weights).to(memory_format=torch.channels_last)
    start = time.monotonic()
    image, history = reconstruct(features, signed, arguments.steps, smoothness=smoothness)
    picture = from_signed(image)[0]
    marks = sorted({1, 3, 10, 30, 100, 300, 1000, 3000, len(history)})
    row = {
        "photo": photo.name,
        "layer": layer,
        "smoothness": smoothness,
        "distance": {str(step): round(history[step - 1], 5) for step in marks if step <= len(history)},
        "psnr": round(psnr(picture, target), 2),
        "distance_of_8_bits": round(
            distances(features, signed, to_signed(picture)[None], (layer,))[layer], 5
        ),
        "seconds": round(time.monotonic() - start),
    }
    return row, picture


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", help="safetensors file; without it torchvision's weights are fetched")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--photo", choices=PLACES, help="only this one")
    parser.add_argument("--out", default=None)
    parser.add_argument("--write", action="store_true", help="store as the library's record")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    out = RECORDS if arguments.write else Path(arguments.out or ".")
    features = VGG19Features("12", arguments.weights)
    record = {
        "what": "photos rebuilt from one map of VGG19 by Adam",
        "command": "python tests/benchmarks/vgg_reconstruction.py --weights vgg19-original.safetensors",
        "weights": features.weights_name,
        "sha256": features.weights_sha256,
        "hardware": f"one CPU core of {platform.machine()}, shared",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "seed": 0,
        "steps": arguments.steps,
        "side": arguments.side,
    }
    photos = {photo.name: photo for photo in held_out_photos()}
    runs = [(photo, layer, SMOOTHNESS) for photo in photos.values() for layer in LAYERS]
    runs.append((photos["chelsea"], "54", 0.0))
    for photo, layer, smoothness in runs:
        if arguments.photo in (None, photo.name):
            row, picture = rebuild(photo, layer, smoothness, arguments)
            print(row, flush=True)
            ending = "" if smoothness else "-plain"
            save_image(picture, out / f"{NAME}-{photo.name}-{layer}{ending}.jpg")
            store(row, record, out / f"{NAME}.json")


def store(row, record, path):
    """Put ``row`` among the runs of the record at ``path``, in place of an older one of the same run."""
    old = json.loads(path.read_text())["runs"] if path.exists() else []
    rows = {(run["photo"], run["smoothness"] == 0, run["layer"]): run for run in [*old, row]}
    record = {**record, "runs": [rows[key] for key in sorted(rows)]}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
