"""One stage in a given number of seconds on a GPU, from given weights: ``gpu.sh`` calls it twice.

    python tests/benchmarks/gpu.py STAGE OUT --data PHOTOS --vgg-weights vgg19.safetensors --initial FILE
        [--seconds 240] [--updates N] [--device cuda]

STAGE is srresnet-mse or srgan-vgg54. A few updates are timed first; the schedule then gets as many as fit
into the seconds, so that the learning rate has fallen when the time is over; ``--updates`` plans untimed.
OUT/STAGE is an ordinary run. ``--device cpu --updates 4 --crop 32`` tries the whole without a GPU.
"""

import argparse
from pathlib import Path

import srgan_lib as sr
from srgan_lib.data.sources import photos_of
from srgan_lib.evaluation.reproduce import seconds_per_update_of
from srgan_lib.training.config import Config
from srgan_lib.training.deviations import deviations
from srgan_lib.training.presets import RECIPE, shortened, srgan_stage, srresnet_stage

STAGES = {
    "srresnet-mse": (srresnet_stage("srresnet-mse", 100_000), {"tied_phases": True, "ema": 0.999}),
    "srgan-vgg54": (
        srgan_stage("srgan-vgg54", 100_000, content="vgg54", batch=16, learning_rate=1e-4),
        {**RECIPE, "ema": 0.999},
    ),
}
RESERVE = 0.85  # of the seconds is planned: compiling, validation and the first photos take the rest


def config_of(options):
    stage, settings = STAGES[options.stage]
    config = Config(
        stages=(stage,),
        out=str(Path(options.out) / options.stage),
        data=options.data,
        held_out=options.held_out,
        initial=options.initial,
        vgg_weights=options.vgg_weights,
        crop=options.crop,
        device=options.device,
        step="fast" if options.device == "cuda" else "plain",
        preview_every=0,
        tensorboard=False,
        **settings,
    )
    updates = options.updates or int(
        RESERVE * options.seconds / seconds_per_update_of(config, photos_of(options.data))
    )
    config = config.but(stages=(shortened(stage, max(2, updates)),))
    every = max(1, updates // 10)
    config = config.but(validate_every=every, save_every=every, log_every=max(1, updates // 200))
    return config.but(deviations=deviations(config))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("stage", choices=STAGES)
    add("out")
    add("--data", required=True)
    add("--vgg-weights")
    add("--initial", required=True)
    add("--seconds", type=float, default=240)
    add("--updates", type=int)
    add("--crop", type=int, default=96)
    add("--held-out", type=int, default=10)
    add("--device", default="cuda")
    options = parser.parse_args()
    result = sr.train(config_of(options).but(time_limit=1.1 * options.seconds), resume=True)
    print(result.folder, result.stopped, result.updates)


if __name__ == "__main__":
    main()
