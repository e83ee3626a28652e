"""What each part of the recipe for short SRGAN trainings does: runs that differ in one thing, from one start.

    python tests/benchmarks/recipe.py --data PHOTOS --vgg-weights vgg19.safetensors [--updates 1000]

"figure4" is the paper's discriminator with its weight of 1e-3; "figure4-tied" the same with tied phases;
"recipe" has all of ``presets.RECIPE`` and LR consistency; the others are the recipe without one of its parts.
Writes the record ``recipe``: health and PSNR over time, and a strip of the cat at some moments of each run as
``recipe-RUN-chelsea.jpg`` beside it. What was cut goes on where it was. With the settings above ten minutes a
run on two idle CPU cores with bfloat16.
"""

import argparse
import json
from pathlib import Path

from history import log_of, strips

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.networks.weights import file_sha256
from srgan_lib.support.devices import has_bfloat16
from srgan_lib.support.files import whole_file
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.deviations import deviations
from srgan_lib.training.presets import ADVERSARIAL, RECIPE, srgan_stage

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "recipe.json"
WHAT = (
    "SRGAN with VGG22 from one SRResNet: Figure 4's discriminator, the recipe, the recipe without each part"
)
STAGE, PHOTO, LINES = "srgan-vgg22", "chelsea", 60
# Of each run: what of the recipe's settings is changed, and what of its stage.
RUNS = {
    "figure4": ({"tied_phases": False, "discriminator": "figure4", "adversarial_balance": 0.0}, "paper"),
    "figure4-tied": ({"discriminator": "figure4", "adversarial_balance": 0.0}, "paper"),
    "recipe": ({}, {}),
    "untied": ({"tied_phases": False}, {}),
    "figure4-in-one-batch": ({"discriminator": "figure4", "joint_batch": True}, {}),
    "fixed-weight": ({"adversarial_balance": 0.0}, {}),
    "no-consistency": ({}, {"consistency": 0.0}),
    "no-warm-up": ({}, {"discriminator_first": 0, "warm_up": 0}),
}


def stage_of(changes, options):
    """The stage of a run: the recipe's, changed, or plain equation 3 at the paper's learning rate."""
    if changes == "paper":
        return Stage(STAGE, options.updates, content="vgg22", adversarial=ADVERSARIAL, batch=options.batch)
    return srgan_stage(STAGE, options.updates, **{"batch": options.batch, **changes})


def config_of(name, options):
    settings, changes = RUNS[name]
    plain = {"flat_crops": 0.0} if changes == "paper" else {}
    every = max(1, options.updates // 10)
    config = Config(
        stages=(stage_of(changes, options),),
        out=str(Path(options.runs) / name),
        data=options.data,
        initial=str(options.initial),
        vgg_weights=options.vgg_weights,
        crop=options.crop,
        seed=options.seed,
        ema=0.997,
        precision=options.precision,
        device=options.device,
        log_every=max(1, options.updates // LINES),
        validate_every=every,
        preview_every=0,
        moments=options.moments,
        save_every=every,
        tensorboard=False,
        **{**RECIPE, **plain, **settings},
    )
    return config.but(deviations=deviations(config))


def numbers_of(name, result, out):
    """What the record holds of one run; its strip is written beside ``out``."""
    pictures = strips(result.folder, STAGE, out.with_name(f"{out.stem}-{name}.json"), only=(PHOTO,))
    picture, moments = pictures[PHOTO]
    return {
        "deviations": result.record["config"]["deviations"],
        "log": log_of(result.folder, STAGE),
        "validation": [
            {"update": row["update"], "psnr": row["psnr"], "health": row["health"]}
            for row in result.record["measurements"]
        ],
        "picture": picture,
        "moments": moments,
        "seconds": result.record["seconds"],
    }


def record_of(result, runs, options):
    settings = {key: value for key, value in vars(options).items() if key not in ("runs", "out", "only")}
    settings |= {"data": Path(options.data).name, "initial": Path(options.initial).name}
    settings |= {"vgg_weights": result.record["stages"][STAGE]["vgg_weights"]}
    return {
        "what": WHAT,
        "made_by": "tests/benchmarks/recipe.py",
        "hardware": result.record["hardware"],
        "data": result.record["data"],
        "settings": settings | {"initial_sha256": file_sha256(options.initial)},
        "vgg_sha256": result.record["stages"][STAGE]["vgg_sha256"],
        "bicubic_psnr": result.record["bicubic_psnr"],
        "photo": PHOTO,
        "runs": runs,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="a folder of photos, or 'bundled'")
    add("--vgg-weights", help="VGG19 weights (.safetensors) instead of torchvision's")
    add("--initial", default=pretrained.path("srresnet-mse"), help="SRResNet with tied phases to start from")
    add("--updates", type=int, default=1000)
    add("--crop", type=int, default=64)
    add("--batch", type=int, default=8)
    add("--moments", type=int, default=5)
    add("--precision", default="bfloat16" if has_bfloat16() else "float32")
    add("--device", default="auto")
    add("--seed", type=int, default=0)
    add("--only", nargs="+", choices=RUNS, default=list(RUNS))
    add("--runs", default="runs/recipe", help="folder of the runs; they are resumed there")
    add("--out", type=Path, default=RECORD, help="the record; pictures are put beside it")
    options = parser.parse_args()
    options.initial, options.out = str(options.initial), Path(options.out)
    runs = {}
    for name in options.only:
        result = sr.train(config_of(name, options), resume=True)
        if result.stopped != "finished":
            return
        runs[name] = numbers_of(name, result, options.out)
        print(name, runs[name]["validation"][-1])
        with whole_file(options.out) as temporary:
            text = json.dumps(record_of(result, runs, options), default=str)
            temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
