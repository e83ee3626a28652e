"""How fast and how small upscaling is: the library's way against the plain module, in one run.

    python tests/benchmarks/inference.py [--threads 2] [--rounds 7] [--large] [--json FILE]

Ratios are what counts: plain and fast take turns, so that whatever else the machine does hits both; on a busy
machine ``--threads 1`` is steadier, since then the processor's time is counted and not the wall clock's.
``--large`` also upscales to 8 megapixels in a process of its own and reports its peak memory. The weights are
random: they do not change the speed.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from srgan_lib.inference.fast import FastGenerator
from srgan_lib.inference.upscale import upscale
from srgan_lib.networks.generator import Generator

SIDE = 120
LARGE = (612, 816)  # times 16 is 8 megapixels


def seconds(call):
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    call()
    return clock() - start


def compare(rounds):
    """Times of the plain module and of what ``upscale`` uses, on a SIDE x SIDE input."""
    torch.manual_seed(0)
    generator = Generator().eval()
    fast = FastGenerator(generator)
    folded = generator.fold_batch_norm().to(memory_format=torch.channels_last)
    lr = torch.rand(1, 3, SIDE, SIDE)
    last = lr.to(memory_format=torch.channels_last)
    ways = {
        "plain": lambda: generator(lr),
        "folded, channels last": lambda: folded(last),
        "fast": lambda: fast(lr),
    }
    with torch.inference_mode():
        difference = (ways["fast"]() - ways["plain"]()).abs().max().item()
        ways["folded, channels last"]()
        times = [{name: seconds(way) for name, way in ways.items()} for _ in range(rounds)]
    best = {name: min(row[name] for row in times) for name in ways}
    return {
        "input": [SIDE, SIDE],
        "milliseconds_best": {name: round(1000 * value, 1) for name, value in best.items()},
        "ratio_of_best": round(best["plain"] / best["fast"], 3),
        "ratio_median": round(statistics.median(row["plain"] / row["fast"] for row in times), 3),
        "ratio_of_best_without_cells": round(best["plain"] / best["folded, channels last"], 3),
        "largest_difference": difference,
    }


def large():
    """Upscale to 8 megapixels; peak memory of this process, which did nothing else."""
    image = torch.randint(0, 256, (3, *LARGE), dtype=torch.uint8).movedim(0, -1).numpy()
    generator = Generator().eval()
    before = peak_megabytes()
    took = seconds(lambda: upscale(image, generator, device="cpu", progress=False))
    return {
        "megapixels": round(16 * LARGE[0] * LARGE[1] / 1e6, 2),
        "peak_megabytes": peak_megabytes(),
        "peak_megabytes_before": before,
        "seconds": round(took, 1),
    }


def peak_megabytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only-large", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.only_large:
        print(json.dumps(large()))
        return
    result = {
        "threads": options.threads,
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        **compare(options.rounds),
    }
    if options.large:
        command = [sys.executable, __file__, "--only-large", "--threads", str(options.threads)]
        result["large"] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    text = json.dumps(result, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
