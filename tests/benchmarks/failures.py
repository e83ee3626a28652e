"""What a failing SRGAN looks like: two runs that fail on purpose, beside one that does not.

    python tests/benchmarks/failures.py --data PHOTOS --vgg-weights vgg19.safetensors [--updates 150]

Three adversarial runs with VGG54, equal but for one thing: healthy (adversarial weight 1e-3, from SRResNet),
adversarial weight 1, and no initialisation (a generator of random weights). Writes the record ``failures``:
loss terms, D(real), D(fake), gradient norms and PSNR over time, and a strip of one photo's middle at some
moments of each run as ``failures-RUN.jpg`` beside it. What was cut goes on where it was. On two busy CPU
cores half an hour with the settings above; on a GPU use ``--updates 5000 --crop 96 --precision auto``.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.data.sources import held_out_photos
from srgan_lib.networks.weights import file_sha256
from srgan_lib.support.files import whole_file
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.validation import part

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "failures.json"
WHAT = "Adversarial runs with VGG54: a healthy one, one with adversarial weight 1, one from random weights"
RUNS = {
    "healthy": {"adversarial": 1e-3, "initialised": True},
    "adversarial-1": {"adversarial": 1.0, "initialised": True},
    "no-initialisation": {"adversarial": 1e-3, "initialised": False},
}
PHOTO = "chelsea"
QUALITY = 88  # of the JPEG strips


def config_of(name, options):
    stage = Stage(
        "srgan-vgg54",
        updates=options.updates,
        content="vgg54",
        adversarial=RUNS[name]["adversarial"],
        learning_rate=1e-4,
        batch=options.batch,
    )
    every = max(1, options.updates // 5)
    return Config(
        stages=(stage,),
        out=str(Path(options.runs) / name),
        data=options.data,
        initial=str(options.initial) if RUNS[name]["initialised"] else None,
        vgg_weights=options.vgg_weights,
        blocks=options.blocks,
        crop=options.crop,
        seed=options.seed,
        precision=options.precision,
        device=options.device,
        log_every=max(1, options.updates // 75),
        validate_every=every,
        preview_every=0,
        moments=options.moments,
        save_every=every,
        tensorboard=False,
    )


def strip(folder):
    """([update], the photo's middle at each moment and the original, side by side)."""
    files = sorted((folder / "previews").glob(f"srgan-vgg54-{PHOTO}-*.png"))
    (photo,) = (photo for photo in held_out_photos() if photo.name == PHOTO)
    images = [np.array(Image.open(file)) for file in files] + [part(PHOTO, photo.load())]
    return [int(file.stem.rsplit("-", 1)[1]) for file in files], np.concatenate(images, axis=1)


def numbers_of(result, picture):
    """What the record holds of one run."""
    lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    lines = [line for line in lines if "generator" in line]
    names = sorted(set(lines[0]) - {"stage", "learning_rate", "updates_per_second"})
    moments, image = strip(result.folder)
    Image.fromarray(image).save(picture, quality=QUALITY, subsampling=0)
    return {
        "log": {name: [line[name] for line in lines] for name in names},
        "validation": [{"update": row["update"], **row["psnr"]} for row in result.record["measurements"]],
        "picture": Path(picture).name,
        "moments": moments,
        "seconds": result.record["seconds"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="a folder of photos, or 'bundled'")
    add("--vgg-weights", help="VGG19 weights (.safetensors) instead of torchvision's")
    add("--initial", default=pretrained.path("srresnet-mse"), help="SRResNet to start from")
    add("--updates", type=int, default=150)
    add("--crop", type=int, default=64)
    add("--batch", type=int, default=8)
    add("--blocks", type=int, default=16)
    add("--moments", type=int, default=6)
    add("--precision", default="auto")
    add("--device", default="auto")
    add("--seed", type=int, default=0)
    add("--only", nargs="+", choices=RUNS, default=list(RUNS))
    add("--runs", default="runs/failures", help="folder of the runs; they are resumed there")
    add("--out", default=str(RECORD), help="the record; pictures are put beside it")
    options = parser.parse_args()
    runs = {}
    for name in options.only:
        result = sr.train(config_of(name, options), resume=True)
        if result.stopped != "finished":
            return
        runs[name] = RUNS[name] | numbers_of(result, Path(options.out).with_name(f"failures-{name}.jpg"))
        print(name, runs[name]["validation"][-1], {k: v[-1] for k, v in runs[name]["log"].items()})
        with whole_file(options.out) as temporary:
            temporary.write_text(json.dumps(record_of(result, runs, options)) + "\n", encoding="utf-8")


def record_of(result, runs, options):
    vgg = next(iter(result.record["stages"].values()))
    settings = {key: value for key, value in vars(options).items() if key not in ("runs", "out", "only")}
    names = {"data": Path(options.data).name, "initial": Path(options.initial).name}
    hashes = {"initial_sha256": file_sha256(options.initial), "vgg_weights": vgg["vgg_weights"]}
    return {
        "what": WHAT,
        "made_by": "tests/benchmarks/failures.py",
        "hardware": result.record["hardware"],
        "data": result.record["data"],
        "settings": settings | names | hashes,
        "vgg": {key: vgg[key] for key in ("vgg_sha256", "vgg_feature_scale")},
        "bicubic_psnr": result.record["bicubic_psnr"],
        "photo": PHOTO,
        "runs": runs,
    }


if __name__ == "__main__":
    main()
