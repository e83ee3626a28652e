"""Training updates a second: our loop against a plain one; the patch bank against what a step needs.

    python tests/benchmarks/training.py [--updates 8] [--out result.json]

Everything is measured in one run on the hardware at hand, in turns, so that a machine that slows down
slows all alike; what is reported is ratios. The plain loop is what a first implementation does: eager, NCHW,
float32, each photo decoded from its file for each crop.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.devices import pick_device
from srgan_lib.images import imresize, read_rgb, to_signed, to_unit
from srgan_lib.losses import pixel_mse
from srgan_lib.networks.generator import Generator
from srgan_lib.training.content import generator_loss
from srgan_lib.training.presets import paper
from srgan_lib.training.records import hardware_facts
from srgan_lib.training.step import Networks

CROP, BATCH = 96, 16


class PlainLoop:
    """Eager, float32, NCHW; a batch is decoded and degraded crop by crop."""

    def __init__(self, photos, device):
        self.photos, self.device = photos, device
        self.random = np.random.default_rng(0)
        self.generator = Generator().to(device)
        self.adam = torch.optim.Adam(self.generator.parameters(), lr=1e-4)

    def batch(self):
        crops = [self._crop(photo) for photo in self.random.choice(self.photos, BATCH)]
        lr = torch.stack([to_unit(imresize(crop, 1 / 4)) for crop in crops])
        return lr.to(self.device), torch.stack([to_signed(crop) for crop in crops]).to(self.device)

    def _crop(self, photo):
        image = read_rgb(photo.path)
        top, left = (self.random.integers(0, side - CROP + 1) for side in image.shape[:2])
        return image[top : top + CROP, left : left + CROP]

    def update(self, batch):
        lr, hr = batch
        loss = pixel_mse(self.generator(lr), hr)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()


class OurLoop:
    """What ``srgan_lib.train`` does between two log lines."""

    def __init__(self, photos, device):
        config = paper(data="bundled", device=str(device))
        stage = config.stages[0]
        self.bank = PatchBank(photos, crop=CROP, device=device)
        loss, _ = generator_loss(stage, None, device)
        self.networks = Networks(config, stage, Generator().to(device), loss, device)
        self.number = 0

    def batch(self):
        self.number += 1
        return self.bank.batch(self.number, BATCH)

    def update(self, batch):
        self.networks.update(*batch)


def seconds(function, *arguments, device):
    """(result, seconds) of one call, with the device's work waited for."""
    start = time.perf_counter()
    result = function(*arguments)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - start


def measure(updates, device):
    loops = {"plain": PlainLoop(bundled_photos(), device), "ours": OurLoop(bundled_photos(), device)}
    times = {name: {"batch": [], "update": []} for name in loops}
    for turn in range(updates + 2):
        for name, loop in loops.items():
            batch, loading = seconds(loop.batch, device=device)
            _, computing = seconds(loop.update, batch, device=device)
            if turn >= 2:  # the first turns decode photos and warm caches up
                times[name]["batch"].append(loading)
                times[name]["update"].append(computing)
    return {
        name: {part: statistics.median(values) for part, values in parts.items()}
        for name, parts in times.items()
    }


def bank_seconds(photos, device, repeats=30):
    """Median seconds of one batch from a bank of ``photos``."""
    bank = PatchBank(photos, crop=CROP, device=device)
    bank.batch(0, BATCH)
    return statistics.median(seconds(bank.batch, n, BATCH, device=device)[1] for n in range(1, repeats))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--updates", type=int, default=8)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    medians = measure(arguments.updates, device)
    plain, ours = medians["plain"], medians["ours"]
    few, many = bundled_photos()[:2], bundled_photos() * 40
    result = {
        "hardware": hardware_facts(device, 1),
        "seconds": medians,
        "updates_per_second": {name: 1 / sum(parts.values()) for name, parts in medians.items()},
        "ours_to_plain": sum(plain.values()) / sum(ours.values()),
        "ours_to_plain_without_loading": plain["update"] / ours["update"],
        "bank_to_step": ours["update"] / ours["batch"],
        "bank_400_photos_to_2": bank_seconds(many, device) / bank_seconds(few, device),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
