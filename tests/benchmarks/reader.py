"""Pairs of crops for a reader who has seen nothing else: which of the two looks more like a photograph?

    SRGAN_DATA=FOLDER python tests/benchmarks/reader.py draw --out FOLDER [--model srgan-vgg54] [--seed 1]
    python tests/benchmarks/reader.py count ANSWERS --out FOLDER

``draw`` writes 20 pairs of the model beside SRResNet, from Set14 and BSD100, and 20 beside the authors' own
SRGAN images, from Set5 and Set14: crops of 96 pixels, enlarged three times, left (A) and right (B) by chance.
Images and places are drawn before anything is looked at. Which side is whose stands in ``key.json``, beside
the folder ``pairs``: show the reader that folder alone. ``count`` reads the reader's 40 letters, such as
"ABBA...", in the order of the pairs, and says how often the model was chosen. A minute on two cores.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

import srgan_lib as sr
from srgan_lib.data import downloads
from srgan_lib.images import read_rgb, save_image

PAIRS = 20
SIDE, ZOOM, MARGIN = 96, 3, 16  # pixels of HR; times; LR pixels that the network sees around a crop
SMOOTH = "srresnet-mse"


def of_sets(*names):
    return [path for name in names for path in sorted((downloads.get(name) / "HR").glob("*.png"))]


def drawn(paths, generator):
    """(path, top, left) for each pair: no image twice before all are drawn; corners at multiples of 4."""
    order = generator.permutation(len(paths))
    for index in order[np.arange(PAIRS) % len(paths)]:
        height, width = read_rgb(paths[index]).shape[:2]
        yield paths[index], *(4 * int(generator.integers((side - SIDE) // 4)) for side in (height, width))


def enlarged(model, path, top, left):
    """One crop of a model's result, from the LR image around it."""
    small = read_rgb(path.parents[1] / "LRx4" / path.name)
    top, left, side = top // 4, left // 4, SIDE // 4
    first, second = max(0, top - MARGIN), max(0, left - MARGIN)
    part = small[first : top + side + MARGIN, second : left + side + MARGIN]
    result = sr.upscale(part, model=model)
    top, left = 4 * (top - first), 4 * (left - second)
    return result[top : top + SIDE, left : left + SIDE]


def published(path, top, left):
    folder = path.parents[3] / "published" / path.parents[1].name / "SRGAN-VGG54"
    return read_rgb(folder / path.name)[top : top + SIDE, left : left + SIDE]


def pair(left, right):
    gap = np.full((SIDE * ZOOM, 16, 3), 255, np.uint8)
    large = [
        np.asarray(Image.fromarray(image).resize((SIDE * ZOOM,) * 2, Image.BICUBIC))
        for image in (left, right)
    ]
    return np.concatenate([large[0], gap, large[1]], axis=1)


def draw(options):
    generator = np.random.default_rng(options.seed)
    (options.out / "pairs").mkdir(parents=True)
    tasks = [("SRResNet", *place) for place in drawn(of_sets("Set14", "BSD100"), generator)]
    tasks += [("the authors' SRGAN", *place) for place in drawn(of_sets("Set5", "Set14"), generator)]
    key = []
    for number, (against, *place) in enumerate(tasks, start=1):
        other = enlarged(SMOOTH, *place) if against == "SRResNet" else published(*place)
        sides = [enlarged(options.model, *place), other]
        own = int(generator.integers(2))
        save_image(pair(sides[own], sides[1 - own]), options.out / "pairs" / f"{number:02}.png")
        key.append({"pair": number, "against": against, "image": place[0].stem, "own": "AB"[own]})
    (options.out / "key.json").write_text(json.dumps(key, indent=1) + "\n")


def count(options):
    key = json.loads((options.out / "key.json").read_text())
    answers = "".join(options.answers.split()).upper()
    if len(answers) != len(key) or set(answers) - set("AB"):
        raise SystemExit(f"{len(key)} letters A or B are needed, not {options.answers!r}")
    for against in dict.fromkeys(entry["against"] for entry in key):
        chosen = [
            answer == entry["own"]
            for answer, entry in zip(answers, key, strict=True)
            if entry["against"] == against
        ]
        print(f"against {against}: chosen {sum(chosen)} of {len(chosen)} times")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("draw", "count"))
    parser.add_argument("answers", nargs="?", default="")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="srgan-vgg54")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    {"draw": draw, "count": count}[options.task](options)


if __name__ == "__main__":
    main()
