"""What pixel errors punish and feature maps forgive, and which factor makes the two losses comparable.

    nice python tests/benchmarks/vgg_invariance.py --weights vgg19-original.safetensors [--write]

On pieces of bundled photos: seven changes brought to one pixel error, and their squared distance in five maps
of VGG19; shifts by 1 to 16 pixels; another piece of the same texture against a flat grey; and the number that
feature maps must be divided by so that equation 5 gives what equation 4 gives, under each convention. About
four minutes on one CPU core. Without ``--weights`` torchvision's are fetched. ``--write`` stores the numbers
as the library's record (``--out`` elsewhere, so that two sets of weights can be kept).
"""

import argparse
import json
import platform
from pathlib import Path

import torch

from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.images import crop_to_multiple, to_signed
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.teaching.invariance import (
    changed,
    distances,
    equal_error,
    factors,
    inside,
    pixel_error,
    shifted,
    smooth,
    subject,
)

SIDE = 224
SHIFTS = (1, 2, 3, 4, 6, 8, 12, 16)
TEXTURES = ("grass", "gravel", "brick")
RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "vgg-invariance.json"


def rounded(value):
    """Every number in a nested dictionary with five significant digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def shift_curve(features, image):
    """{pixels: {"pixel": relative squared error, layer: relative distance}}."""
    first = inside(image)
    spread = (first - first.mean((2, 3), keepdim=True)).square().mean().item()
    rows = {}
    for pixels in SHIFTS:
        other = shifted(image, pixels)
        rows[str(pixels)] = {"pixel": pixel_error(image, other) / spread}
        rows[str(pixels)] |= distances(features, first, inside(other))
    return rows


def texture_rows(features, photo):
    """One piece of a texture against others: another piece, itself blurred, its mean colour."""
    array, reach = photo.load(), SIDE // 2 + 16
    first, second = (inside(subject(array, SIDE, (reach, column))) for column in (reach, 512 - reach))
    others = {
        "another piece": second,
        "blurred": smooth(first, 4.0),
        "flat": first.mean((2, 3), keepdim=True).expand_as(first),
    }
    return {
        name: {"pixel_mse": (first - other).square().mean().item()} | distances(features, first, other)
        for name, other in others.items()
    }


def factor_rows(features, photo):
    """Factors on a bicubic enlargement, and on each change of one pixel error."""
    hr = crop_to_multiple(photo.load(), 4)
    image, bicubic = (subject(array, SIDE) for array in (hr, imresize(imresize(hr, 1 / 4), 4)))
    rows = {"bicubic": factors(features, inside(image), inside(bicubic))}
    error = pixel_error(image, bicubic)
    for name in ("shift", "texture", "blur", "JPEG", "noise"):
        other, _setting = changed(image, name, error)
        rows[name] = factors(features, inside(image), inside(other))
    return {"pixel_mse": error, **rows}


def unrelated(features):
    """Distance of two photos that have nothing in common: the end of the scale."""
    cat, cup = (to_signed(photo.load())[None][..., :SIDE, :SIDE] for photo in held_out_photos())
    return {"pixel_mse": (cat - cup).square().mean().item()} | distances(features, cat, cup)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", help="safetensors file; without it torchvision's weights are fetched")
    parser.add_argument("--write", action="store_true", help="store as the library's record")
    parser.add_argument("--out", default=None, help="a file to write the numbers to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    features = VGG19Features("54", arguments.weights)
    photos = {photo.name: photo for photo in [*bundled_photos(), *held_out_photos()]}
    record = {
        "what": "VGG19's maps under changes of equal pixel error; factors between the two content losses",
        "command": "python tests/benchmarks/vgg_invariance.py --weights vgg19-original.safetensors",
        "weights": features.weights_name,
        "sha256": features.weights_sha256,
        "hardware": f"one CPU core of {platform.machine()}, shared",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "side": SIDE,
        "unrelated": rounded(unrelated(features)),
        "equal_error": {},
        "shifts": {},
        "factors": {},
        "textures": {},
    }
    for name in ("chelsea", "coffee", *TEXTURES):
        image = subject(photos[name].load(), SIDE)
        record["equal_error"][name] = rounded(equal_error(features, image))
        record["shifts"][name] = rounded(shift_curve(features, image))
        print(name, json.dumps(record["equal_error"][name], indent=1), flush=True)
    for name in ("chelsea", "coffee"):
        record["factors"][name] = rounded(factor_rows(features, photos[name]))
        print(name, json.dumps(record["factors"][name], indent=1), flush=True)
    for name in TEXTURES:
        record["textures"][name] = rounded(texture_rows(features, photos[name]))
        print(name, json.dumps(record["textures"][name], indent=1), flush=True)
    for path in [RECORD] * arguments.write + [Path(arguments.out)] * bool(arguments.out):
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
