"""How many residual blocks, and is the long skip worth having? The supplement's ablation, in small.

    python tests/benchmarks/depth.py --data PHOTOS --updates 20000 --crop 96 --held-out 30        (a GPU)
    python tests/benchmarks/depth.py --data PHOTOS --updates 1200 --batch 8 --channels 24 --no-batch-norm \\
        --learning-rate 2e-3 --precision bfloat16                                      (two CPU cores)

Trains SRResNet with 1, 2, 4, 8 and 16 blocks, with and without the skip around all of them, for equally many
updates on equal crops, and measures PSNR on photos that are held out, over time. Writes the record ``depth``
(``--out``), one network after the other; what was cut goes on where it was. The second command takes half an
hour: it is the small network of the preset ``tiny``, which learns something in so few updates. The paper's
own, with 64 channels and batch normalisation, is still below bicubic after 400.
"""

import argparse
import json
import time
from pathlib import Path

import torch

import srgan_lib as sr
from srgan_lib.networks.generator import Generator
from srgan_lib.support.devices import pick_device
from srgan_lib.support.files import whole_file
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.content import stage_loss
from srgan_lib.training.fast import networks_for

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "depth.json"
ROUNDS = 20
WHAT = "SRResNet-MSE with different numbers of residual blocks, with and without the long skip, equal updates"


def config_of(blocks, long_skip, options):
    """The run of one network; only the network differs between them."""
    stage = Stage(
        "srresnet-mse",
        updates=options.updates,
        batch=options.batch,
        learning_rate=options.learning_rate,
        annealing="cosine",
        drop=0.02,
        warm_up=options.updates // 20,
    )
    every = max(1, options.updates // options.measurements)
    return Config(
        stages=(stage,),
        out=str(Path(options.runs) / f"{blocks:02d}-{'skip' if long_skip else 'plain'}"),
        data=options.data,
        held_out=options.held_out,
        blocks=blocks,
        channels=options.channels,
        batch_norm=options.batch_norm,
        long_skip=long_skip,
        crop=options.crop,
        seed=options.seed,
        precision=options.precision,
        device=options.device,
        log_every=max(1, options.updates // 50),
        validate_every=every,
        preview_every=0,
        save_every=every,
        tensorboard=False,
    )


def row_of(result, blocks, long_skip):
    """What the record holds of one network: its size, PSNR over time."""
    lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    measured = result.record["measurements"]
    return {
        "blocks": blocks,
        "long_skip": long_skip,
        "parameters": sum(weight.numel() for weight in result.generator.parameters()),
        "updates": [row["update"] for row in measured],
        "psnr": [mean(row["psnr"]) for row in measured],
        "mse": [[line["update"], line["mse"]] for line in lines if "mse" in line],
    }


def seconds_in_turns(networks, options):
    """The fastest of some updates of each network, all taking turns: other programs may run beside it."""
    device = pick_device(options.device)
    lr = torch.rand(options.batch, 3, options.crop // 4, options.crop // 4, device=device)
    hr = torch.rand(options.batch, 3, options.crop, options.crop, device=device)
    steps = []
    for blocks, long_skip in networks:
        config = config_of(blocks, long_skip, options)
        names = ("scale", "blocks", "channels", "batch_norm", "long_skip")
        generator = Generator(**{name: getattr(config, name) for name in names}).to(device)
        loss, _ = stage_loss(config.stages[0], config, device)
        steps.append(networks_for(config, config.stages[0], generator, loss, device))
    times = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, own in zip(steps, times, strict=True):
            start = time.perf_counter()
            step.update(lr, hr)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            own.append(time.perf_counter() - start)
    return [round(min(own[1:]), 5) for own in times]


def mean(values):
    return round(sum(values.values()) / len(values), 4)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="a folder of photos, or 'bundled'")
    add("--blocks", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    add("--channels", type=int, default=64)
    add("--no-batch-norm", dest="batch_norm", action="store_false")
    add("--updates", type=int, default=500)
    add("--crop", type=int, default=48)
    add("--batch", type=int, default=16)
    add("--learning-rate", type=float, default=1e-3, help="annealed along a cosine")
    add("--held-out", type=int, default=6, help="photos of --data to measure on (0: the bundled ones)")
    add("--measurements", type=int, default=5, help="how often the PSNR is measured")
    add("--precision", default="auto")
    add("--device", default="auto")
    add("--seed", type=int, default=0)
    add("--runs", default="runs/depth", help="folder of the runs; they are resumed there")
    add("--out", default=str(RECORD), help="the record")
    options = parser.parse_args()
    rows = []
    for blocks in options.blocks:
        for long_skip in (True, False):
            result = sr.train(config_of(blocks, long_skip, options), resume=True)
            if result.stopped != "finished":
                return
            rows.append(row_of(result, blocks, long_skip))
            print({key: rows[-1][key] for key in ("blocks", "long_skip", "psnr")})
            write(options, result.record, rows)
    rows = with_times(rows, options)
    write(options, result.record, rows)


def with_times(rows, options):
    """The rows in order of depth, with ``seconds_per_update``."""
    rows = sorted(rows, key=lambda row: (row["blocks"], not row["long_skip"]))
    times = seconds_in_turns([(row["blocks"], row["long_skip"]) for row in rows], options)
    return [row | {"seconds_per_update": seconds} for row, seconds in zip(rows, times, strict=True)]


def write(options, run, rows):
    settings = {key: value for key, value in vars(options).items() if key not in ("runs", "out")}
    record = {
        "what": WHAT,
        "made_by": "tests/benchmarks/depth.py",
        "hardware": run["hardware"],
        "data": run["data"],
        "settings": settings | {"data": Path(options.data).name},
        "timed": f"fastest of {ROUNDS - 1} updates, all networks in turns, after the training",
        "bicubic_psnr": mean(run["bicubic_psnr"]),
        "rows": rows,
    }
    with whole_file(options.out) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
