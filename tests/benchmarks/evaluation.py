"""Where the time goes when ``srgan evaluate`` measures a model: reading, network, PSNR, SSIM.

    SRGAN_DATA=... OMP_NUM_THREADS=2 python tests/benchmarks/evaluation.py [--images 20] [--out FILE.json]

``sr.evaluate("srresnet-mse", sets=["bsd100"])`` runs once as anybody would call it (PSNR and daala's SSIM),
with a clock around the functions that it calls: seconds on the wall, and seconds of the processor, which
other programs disturb less. A first evaluation of one image warms up. Of the whole time all measures
together should take less than a tenth. BSD100 takes about half a minute on two idle cores; ``--images``
takes its first ones only. The numbers are printed, and written with ``--out``.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import torch

import srgan_lib as sr
from srgan_lib.data.downloads import get
from srgan_lib.evaluation import evaluate

LIMIT = 0.1  # of the whole time, for all measures together
MEASURES = "psnr", "ssim"
READERS = "open_image", "read_rgb"


class Clock:
    """Adds up the seconds of the functions that it is put around, on the wall and of the processor."""

    def __init__(self):
        self.seconds = {}

    def around(self, part, function):
        def timed(*values, **settings):
            start = time.perf_counter(), time.process_time()
            result = function(*values, **settings)
            spent = time.perf_counter() - start[0], time.process_time() - start[1]
            before = self.seconds.get(part, (0, 0))
            self.seconds[part] = before[0] + spent[0], before[1] + spent[1]
            return result

        return timed


def profile(model, folder):
    """{part: (seconds on the wall, of the processor)} of one evaluation, and its ``Result``."""
    clock, plain = Clock(), dict(vars(evaluate))
    measures = {name: clock.around(name, evaluate.MEASURES[name]) for name in MEASURES}
    try:
        evaluate.MEASURES = evaluate.MEASURES | measures
        evaluate.upscale = clock.around("network", evaluate.upscale)
        for reader in READERS:
            setattr(evaluate, reader, clock.around("reading", plain[reader]))
        result = clock.around("all", evaluate.evaluate)(model, sets=[folder], progress=False)
    finally:
        for name in ("MEASURES", "upscale", *READERS):
            setattr(evaluate, name, plain[name])
    return clock.seconds, result


def first_images(folder, count, place):
    """A folder like ``folder`` with its first images only."""
    names = sorted(path.name for path in (folder / "HR").glob("*.png"))[:count]
    for kind in ("HR", "LRx4"):
        (place / kind).mkdir(parents=True)
        for name in names:
            (place / kind / name).symlink_to((folder / kind / name).resolve())
    return place


def shares(seconds):
    """{part: (share of the wall's time, of the processor's)}; "rest" is mostly loading the model."""
    known = [part for part in seconds if part != "all"]
    rest = (seconds["all"][kind] - sum(seconds[part][kind] for part in known) for kind in (0, 1))
    parts = {part: seconds[part] for part in known} | {"rest": tuple(rest)}
    whole = seconds["all"]
    return {part: (spent[0] / whole[0], spent[1] / whole[1]) for part, spent in parts.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="srresnet-mse")
    parser.add_argument("--set", default="BSD100")
    parser.add_argument("--images", type=int, help="only the first ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        one = first_images(get(options.set), 1, Path(place) / "one")
        some = first_images(get(options.set), options.images, Path(place) / options.set)
        sr.evaluate(options.model, sets=[one], progress=False)
        seconds, result = profile(options.model, some)
    found = shares(seconds)
    measures = [sum(found[name][kind] for name in MEASURES) for kind in (0, 1)]
    print(result.table())
    print(f"{'':8} wall (s)  share   processor (s)  share")
    for part, (wall, processor) in {**found, "all": (1, 1)}.items():
        spent = (share * whole for share, whole in zip((wall, processor), seconds["all"], strict=True))
        print(f"{part:8} {next(spent):8.2f} {wall:6.1%} {next(spent):13.2f} {processor:8.1%}")
    for kind, share in zip(("wall", "processor"), measures, strict=True):
        verdict = "below" if share < LIMIT else "NOT below"
        print(f"all measures together: {share:.1%} of the {kind} time, {verdict} {LIMIT:.0%}")
    if options.out:
        record = {
            "what": f"{options.model} evaluated on {options.set}: where the time goes",
            "made_by": "tests/benchmarks/evaluation.py",
            "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}, {options.threads} threads",
            "images": len(next(iter(result.columns[0].values.values()))),
            "seconds (wall, processor)": seconds,
            "share of the measures (wall, processor)": measures,
        }
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
