"""A trained model made ready to be shipped: measured on the test sets, with its record and its card."""

import copy
import json
from pathlib import Path

from srgan_lib import benchmark, pretrained
from srgan_lib.cards import card
from srgan_lib.data import downloads
from srgan_lib.files import whole_file
from srgan_lib.networks.generator import count_parameters
from srgan_lib.networks.weights import load_generator
from srgan_lib.results import PROTOCOL

SETS = ("Set5", "Set14", "BSD100")


def make_ready(folder, name, device=None, say=print):
    """Write ``models/NAME``: weights, record with the results on the test sets that are here, model card."""
    weights = folder / name / f"{name}.safetensors"
    generator = load_generator(weights)
    run = _public(json.loads((folder / name / "record.json").read_text()))
    plan = json.loads((folder / "plan.json").read_text())
    sets = [wanted for wanted in SETS if downloads.find(wanted)]
    ready = folder / "models" / f"{name}.json"
    if ready.exists() and set(json.loads(ready.read_text())["test_sets"]) >= set(sets):
        return
    means, difference, protocol = measure(generator, name, sets, device)
    record = {
        "what": _what(name, run, generator),
        "updates": run["updates"],
        "test_sets": means,
        "float16_difference": difference,
        "protocol": protocol,
        "starts_from": run["config"]["initial"] and Path(run["config"]["initial"]).stem,
        "deviations": run["config"]["deviations"],
        "licences": plan["licences"],
        "runs": [run],
    }
    pretrained.ship(generator, name, record, folder / "models")
    with whole_file(folder / "models" / f"{name}.md") as temporary:
        temporary.write_text(card(json.loads(ready.read_text())), encoding="utf-8")
    shown = "  ".join(f"{set_name} {values['psnr']:.2f} dB" for set_name, values in means.items())
    say(f"{name}: {shown or 'no test set here to measure on'}; ready in {folder / 'models'}")


def measure(generator, name, sets, device=None):
    """(means by set, what float16 weights change in dB by set, the protocol) on the test sets ``sets``."""
    if not sets:
        return {}, {}, PROTOCOL
    half = copy.deepcopy(generator).half().float()
    result = benchmark.evaluate(
        generator, half, sets=sets, labels=[name, "float16"], device=device, progress=False
    )
    columns = {column.label: column for column in result.columns}
    means = {
        set_name: {kind: columns[name].mean(set_name, kind) for kind in result.measures} for set_name in sets
    }
    difference = {
        set_name: abs(columns["float16"].mean(set_name, "psnr") - means[set_name]["psnr"])
        for set_name in sets
    }
    return means, difference, PROTOCOL


def _what(name, run, generator):
    seconds = run["seconds"]
    took = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    blocks = generator.config.get("blocks")
    network = f"{blocks} residual blocks" if blocks else f"{count_parameters(generator):,} weights"
    photos, device = run["data"]["photos"], run["hardware"]["device"]
    network = f"{network}, scale {generator.config['scale']}"
    return f"{name}: {network}; {run['updates']:,} updates on {photos} photos, {took} on {device}"


def _public(run):
    """A run's record without the folders of the machine that it was made on."""
    config = dict(run["config"])
    for key in ("out", "data", "lr_data", "initial", "vgg_weights"):
        config[key] = config[key] and Path(config[key]).name
    return {**run, "config": config}
