"""How large are VGG19's features, and how does the VGG loss compare with the MSE it replaces?

    python tests/benchmarks/vgg_feature_scale.py --original vgg19.safetensors [--write]

Measures the original weights (../shared/vgg19/unpack.py writes the file) and torchvision's, where torch's
cache or the network has them, on the two held-out bundled photos. ``--write`` stores the original's numbers
as a record for the book.
"""

import argparse
import json
from importlib.resources import files

import torch

from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import crop_to_multiple, to_signed
from srgan_lib.losses import pixel_mse
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.training.content import feature_scale, mean_activation

LAYERS = ("22", "54")
RECORD = "records/vgg-feature-scale.json"


@torch.no_grad()
def measure(weights):
    """Feature sizes and losses of bicubic images for one set of weights, by layer."""
    result = {"weights": None, "mean_activation": {}, "vgg_loss": {}}
    for layer in LAYERS:
        features = VGG19Features(layer, weights)
        result |= {"weights": features.weights_name, "sha256": features.weights_sha256}
        result["mean_activation"][layer] = round(mean_activation(features), 4)
        result["vgg_loss"][layer] = losses_of_bicubic(features)
    return result


def losses_of_bicubic(features):
    """Mean squared distances of bicubic enlargements from their photos, as pixels and as features."""
    rows = []
    for photo in held_out_photos():
        hr = crop_to_multiple(photo.load(), 4)
        images = [to_signed(image).unsqueeze(0) for image in (hr, imresize(imresize(hr, 1 / 4), 4))]
        difference = (features(images[0]) - features(images[1])) / feature_scale(features)
        squares = difference.square()
        rows.append([pixel_mse(*images), squares.mean(), squares.sum(1).mean()])
    names = ("pixel_mse", "mean_over_channels", "sum_over_channels")
    return dict(zip(names, (round(value, 5) for value in torch.tensor(rows).mean(0).tolist()), strict=True))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--original", required=True, help="safetensors file of the original VGG19")
    parser.add_argument("--write", action="store_true", help="store as the library's record")
    arguments = parser.parse_args()
    original = measure(arguments.original)
    print(json.dumps(original, indent=1))
    try:
        print(json.dumps(measure(None), indent=1))
    except SrganError as error:
        print(f"torchvision's weights not measured: {error}")
    if arguments.write:
        path = files("srgan_lib").joinpath(RECORD)
        path.write_text(json.dumps(original, indent=1) + "\n")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
