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
from pathlib import Path

import srgan_lib as sr
from srgan_lib.files import whole_file
from srgan_lib.training.config import Config, Stage

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "depth.json"
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
    """What the record holds of one network: its size, PSNR over time, speed."""
    lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    measured = result.record["measurements"]
    speeds = [line["updates_per_second"] for line in lines if "mse" in line]
    return {
        "blocks": blocks,
        "long_skip": long_skip,
        "parameters": sum(weight.numel() for weight in result.generator.parameters()),
        "updates": [row["update"] for row in measured],
        "psnr": [mean(row["psnr"]) for row in measured],
        "mse": [[line["update"], line["mse"]] for line in lines if "mse" in line],
        "seconds_per_update": round(1 / max(speeds), 4),
    }


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
    rows, record = [], {}
    for blocks in options.blocks:
        for long_skip in (True, False):
            result = sr.train(config_of(blocks, long_skip, options), resume=True)
            if result.stopped != "finished":
                return
            rows.append(row_of(result, blocks, long_skip))
            print({key: rows[-1][key] for key in ("blocks", "long_skip", "psnr", "seconds_per_update")})
            record = {
                "what": WHAT,
                "made_by": "tests/benchmarks/depth.py",
                "hardware": result.record["hardware"],
                "data": result.record["data"] | {"held_out": result.record["data"].get("held_out", [])},
                "settings": {key: value for key, value in vars(options).items() if key not in ("runs", "out")}
                | {"data": Path(options.data).name},
                "seconds_per_update": "the fastest of 50 intervals: other programs ran beside it",
                "bicubic_psnr": mean(result.record["bicubic_psnr"]),
                "rows": sorted(rows, key=lambda row: (row["blocks"], not row["long_skip"])),
            }
            with whole_file(options.out) as temporary:
                temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
