"""What phi 5,4 and its factor depend on: the picture, and the 8-bit part of VGG19's weights.

    python tests/benchmarks/vgg_rounding.py --weights vgg19.safetensors --pack PACK.npz

The pack is ``vgg19_caffe_features_compact.npz``: exact in float32 up to conv3_4; eight ninths of each kernel
from conv4_1 to conv5_4 are 8-bit values with a scale. The exact ones are not at hand, so the script rounds
once more: it adds uniform noise as large as the rounding's to the same share of each kernel, and measures by
how much the maps move. Two minutes on one core; writes the record ``vgg-rounding``.
"""

import argparse
import json
from importlib.resources import files

import numpy as np
import torch

from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.images import crop_to_multiple, to_signed
from srgan_lib.losses import pixel_mse
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.teaching.invariance import factors

ROUNDED = {f"conv{block}_{i}": (17 if block == 4 else 26) + 2 * i for block in (4, 5) for i in range(1, 5)}


@torch.no_grad()
def measure(features, hr):
    """Factors after activation, mean over channels, and the pixel MSE, of a bicubic enlargement."""
    right, wrong = (to_signed(image)[None] for image in (hr, imresize(imresize(hr, 1 / 4), 4)))
    found = factors(features, right, wrong)
    row = {layer: round(found[layer]["after"]["mean"], 1) for layer in found}
    return row | {"pixel_mse": round(pixel_mse(right, wrong).item(), 5)}


@torch.no_grad()
def maps_of(features, photos):
    return {name: features(to_signed(hr)[None]) for name, hr in photos.items()}


@torch.no_grad()
def round_again(features, pack, seed=0):
    """Add the rounding's noise to ``features``; returns {layer: (share rounded, signal to noise in dB)}."""
    random, facts = torch.Generator().manual_seed(seed), {}
    for name, place in ROUNDED.items():
        weight, step = features.network[place].weight, float(pack[f"{name}.scale_min"][0])
        share = pack[f"{name}.kernel_hwio_u8_head"].size / weight.numel()
        rounded = torch.rand(weight.shape, generator=random) < share
        signal = 10 * np.log10(weight.square().mean().item() / (step**2 / 12))
        weight += rounded * step * (torch.rand(weight.shape, generator=random) - 0.5)
        facts[name] = {"share": round(share, 3), "signal_to_noise_db": round(signal, 1)}
    return facts


def middle(hr, side=224):
    top, left = ((length - side) // 8 * 4 for length in hr.shape[:2])
    return hr[top : top + side, left : left + side]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", required=True)
    parser.add_argument("--pack", required=True)
    arguments = parser.parse_args()
    features, pack = VGG19Features("54", arguments.weights), np.load(arguments.pack)
    photos = {photo.name: crop_to_multiple(photo.load(), 4) for photo in held_out_photos()}
    regions = {"whole photo": lambda hr: hr, "middle, 224 x 224": middle}
    record = {
        "what": "Factors of phi 2,2 and phi 5,4 by picture, and what rounding VGG19's weights again changes",
        "command": "python tests/benchmarks/vgg_rounding.py",
        "sha256": features.weights_sha256,
        "factors": {
            name: {region: measure(features, cut(hr)) for region, cut in regions.items()}
            for name, hr in photos.items()
        },
    }
    before = maps_of(features, photos)
    record["rounded"] = round_again(features, pack)
    after = maps_of(features, photos)
    moved = {n: ((after[n] - before[n]).square().sum() / before[n].square().sum()).item() for n in photos}
    record["phi_54_moved"] = {name: round(value, 5) for name, value in moved.items()}
    record["factors_again"] = {name: measure(features, hr) for name, hr in photos.items()}
    target = files("srgan_lib") / "records" / "vgg-rounding.json"
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
