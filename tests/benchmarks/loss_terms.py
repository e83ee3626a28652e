"""What the terms of the perceptual loss (equation 3) weigh in a real SRGAN run: their values and gradients.

    python tests/benchmarks/loss_terms.py RUN --vgg vgg19.safetensors [--write]

RUN is the folder of a run with a GAN stage (log.jsonl, record.json and its last checkpoint). Values are those
of the log; the gradients at the pixels of the generator's images are measured here, on crops of the bundled
photos, with the networks of the last checkpoint as they are in training. About 20 seconds on one CPU core.
``--write`` stores them as the library's record.
"""

import argparse
import json
from pathlib import Path

import torch

from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.losses import VGGLoss, adversarial_generator
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.run_folders import latest
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.training.content import feature_scale
from srgan_lib.training.records import hardware_facts

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "loss-terms.json"
BATCH, BATCHES, SEED = 16, 8, 0


def from_the_log(run, content):
    """The logged values of the GAN stage, column by column."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    rows = [line for line in lines if content in line and "adversarial" in line]
    columns = ("update", content, "adversarial", "d_real", "d_fake")
    return {"content" if name == content else name: [row[name] for row in rows] for name in columns}


def gradients(networks, config, stage, vgg):
    """Norms of each term's gradient, before weighting, at the pixels and at the generator's weights."""
    settings = {name: config[name] for name in ("scale", "blocks", "channels", "batch_norm", "long_skip")}
    generator, discriminator = Generator(**settings), Discriminator(config["crop"])
    generator.load_state_dict(networks["generator"])
    discriminator.load_state_dict(networks["discriminator"])
    features = VGG19Features(stage["content"].removeprefix("vgg"), vgg)
    content = VGGLoss(features, feature_scale(features))
    bank = PatchBank(bundled_photos(), crop=config["crop"], seed=SEED)
    rows = []
    for update in range(BATCHES):
        lr, hr = bank.batch(update, BATCH)
        sr = generator(lr)
        terms = {"content": content(sr, hr), "adversarial": adversarial_generator(discriminator(sr))}
        row = {}
        for name, term in terms.items():
            pixels = torch.autograd.grad(term, sr, retain_graph=True)[0]
            weights = torch.autograd.grad(term, list(generator.parameters()), retain_graph=True)
            row |= {f"{name}_value": term.item(), f"{name}_at_pixels": pixels.norm().item()}
            row[f"{name}_at_weights"] = torch.stack([weight.norm() for weight in weights]).norm().item()
        rows.append(row)
    return {name: round(sum(row[name] for row in rows) / BATCHES, 6) for name in rows[0]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--vgg", required=True, help="safetensors file of VGG19's convolutions")
    parser.add_argument("--write", action="store_true", help="store as the library's record")
    arguments = parser.parse_args()
    run = json.loads((arguments.run / "record.json").read_text())
    config = run["config"]
    stage = next(stage for stage in config["stages"] if stage["adversarial"])
    state = latest(arguments.run / "checkpoints")
    record = {
        "made_by": "tests/benchmarks/loss_terms.py",
        "run": {"config_sha256": run["config_sha256"], "stage": stage, "crop": config["crop"]},
        "deviations": config["deviations"],
        "hardware": run["hardware"],
        "log": from_the_log(arguments.run, stage["content"]),
        "gradients": gradients(state["networks"], config, stage, arguments.vgg),
        "gradients_measured": {
            "update": run["updates"],
            "data": f"{BATCHES} batches of {BATCH} crops of the bundled photos, seed {SEED}",
            "hardware": hardware_facts(torch.device("cpu"), 1),
        },
    }
    print(json.dumps(record["gradients"], indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
