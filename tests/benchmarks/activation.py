"""How many of VGG19's features the activation leaves: what ESRGAN says about comparing features before it.

    python tests/benchmarks/activation.py --weights vgg19.safetensors [--out activation.json]

For each bundled photo (its middle 224 pixels) and each of five layers: the share of features above 0, and of
channels that have any. Half a minute on one CPU core.
"""

import argparse
import json
import platform
from pathlib import Path

import torch

from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.images import to_signed
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.support.files import whole_file

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "activation.json"
LAYERS = ("12", "22", "34", "44", "54")
SIDE = 224


@torch.no_grad()
def shares(network, image):
    """{layer: (share of features above 0, share of channels that have one)} of one photo."""
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    middle = to_signed(image[top : top + SIDE, left : left + SIDE])[None]
    found = {}
    for layer, features in network.items():
        alive = features(middle)[0] > 0
        found[layer] = [round(share.float().mean().item(), 4) for share in (alive, alive.any(-1).any(-1))]
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", help="VGG19 weights (.safetensors) instead of torchvision's")
    parser.add_argument("--out", default=str(RECORD))
    options = parser.parse_args()
    network = {layer: VGG19Features(layer, options.weights) for layer in LAYERS}
    record = {
        "what": "share of VGG19's features above 0, and of channels that have one, by layer",
        "made_by": "tests/benchmarks/activation.py",
        "weights": network["54"].weights_name,
        "sha256": network["54"].weights_sha256,
        "versions": {"torch": str(torch.__version__), "python": platform.python_version()},
        "photos": {
            photo.name: shares(network, photo.load()) for photo in [*bundled_photos(), *held_out_photos()]
        },
    }
    with whole_file(options.out) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
