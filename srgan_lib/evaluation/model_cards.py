"""Model cards: a shipped generator's record as a page of Markdown. Every number is taken from the record.

``make_ready`` measures a trained model on the test sets and writes what is shipped: weights, record, card.
"""

import copy
import json
from pathlib import Path

import torch

from srgan_lib import pretrained
from srgan_lib.data import downloads
from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import Bicubic
from srgan_lib.evaluation.evaluate import evaluate
from srgan_lib.evaluation.paper import SETS, numbers_of
from srgan_lib.evaluation.results import protocol
from srgan_lib.images import crop_to_multiple, to_unit
from srgan_lib.networks.generator import count_parameters
from srgan_lib.networks.weights import load_generator
from srgan_lib.support.files import whole_file
from srgan_lib.support.markup import markdown_table

# The photo collections that files are named after, and the terms stated at their origin.
LICENCES = {
    "bsds": "BSDS500 (Berkeley): for research",
    "clic2025": "CLIC 2025: Unsplash licence",
    "cid22": "CID22: CC BY-SA 4.0",
    "imagenet": "ImageNet: its terms of access, for research",
    "bundled": "photos of scikit-image and scikit-learn: public domain or free to reuse",
}
NO_LICENCE = "licence not known to this program"


def licences(photos, data):
    """What is known of the terms of ``photos`` (a list of ``Photo``): a line a collection, with its count."""
    if data == "bundled":
        return [f"{len(photos)} {LICENCES['bundled']}"]
    found = {}
    for photo in photos:
        prefix = photo.path.name.split("_")[0].lower()
        line = LICENCES.get(prefix, NO_LICENCE)
        found[line] = found.get(line, 0) + 1
    return [f"{count} photos, {line}" for line, count in sorted(found.items())]


def card(record):
    """The card of a model from the record that was shipped with it."""
    lines = [f"# {record['name']}", "", record["what"], ""]
    for title, rows in (
        ("Results", _results(record)),
        ("Training", _training(record)),
        ("Deviations from the paper", [f"* {line}" for line in record["deviations"]] or ["none"]),
        ("Photographs", _photographs(record)),
        ("Weights", _weights(record)),
    ):
        lines += [f"## {title}", "", *rows, ""]
    return "\n".join(lines)


def _results(record):
    if not record["test_sets"]:
        return ["Not measured: no test set was on the machine (`srgan data get set5 set14 bsd100`)."]
    rows = [
        [name, f"{means['psnr']:.2f}", f"{means['ssim']:.4f}", _printed(record["name"], name)]
        for name, means in record["test_sets"].items()
    ]
    table = markdown_table([["", "PSNR (dB)", "SSIM", "the paper's"], *rows])
    return [table, "", f"{record['protocol']}."]


def _printed(model, name):
    """The paper's numbers for a model on a test set, from its Table 1 or 2."""
    printed = numbers_of(model, name)
    return f"{printed['psnr']:.2f} / {printed['ssim']:.4f}" if printed else "-"


def _training(record):
    rows = []
    for number, run in enumerate(record["runs"], start=1):
        rows += [f"Run {number} of {len(record['runs'])}:", ""] if len(record["runs"]) > 1 else []
        rows += [*_run(run), ""]
    return rows[:-1]


def _run(run):
    config, hardware = run["config"], run["hardware"]
    balance = config.get("adversarial_balance")
    rows = [f"* {_stage(stage, balance)}" for stage in config["stages"]]
    rows += [
        f"* {config['crop']}-pixel crops, seed {run['seed']}, settings {run['config_sha256'][:12]}",
        f"* {run['seconds']:,.0f} s on {hardware['device']}, torch {hardware['torch']}",
    ]
    if config.get("initial"):
        rows.append(f"* starts from {Path(config['initial']).stem}")
    for stage in run.get("stages", {}).values():
        if "vgg_weights" in stage:
            sums, scale = stage["vgg_sha256"][:12], stage.get("vgg_feature_scale")
            divided = f", features divided by {scale}" if scale else ""
            rows.append(f"* VGG19: {stage['vgg_weights']} (sha256 {sums}...){divided}")
    return rows


def _stage(stage, balance):
    """``balance`` is the run's ``adversarial_balance``; above 0 the stage's own weight is not used."""
    terms = [stage["content"]]
    for name in ("adversarial", "total_variation", "consistency"):
        weight = "balanced" if name == "adversarial" and balance else f"{stage.get(name, 0):g}"
        terms += [f"{weight} x {name.replace('_', ' ')}"] if stage.get(name) else []
    drops = ", ".join(f"{boundary:,}" for boundary in stage["drop_at"])
    falls = f", times {stage['drop']:g} from update {drops}" if drops else ""
    falls = ", falling along a cosine" if stage["annealing"] == "cosine" else falls
    rate = f"learning rate {stage['learning_rate']:g}{falls}"
    return f"{stage['updates']:,} updates of {stage['batch']} crops; loss {' + '.join(terms)}; {rate}"


def _photographs(record):
    data = record["runs"][-1]["data"]
    rows = [f"* {data['photos']} photos for training ({data['name']}, sha256 {data['sha256'][:12]}...)"]
    if data.get("held_out"):
        rows.append(f"* {len(data['held_out'])} more held out, to measure on while it was trained")
    return rows + [f"* {line}" for line in record["licences"]]


def _weights(record):
    change = record["float16_changes_levels"]
    stored, would = ("float16", "changes") if change < HALF_A_LEVEL else ("float32", "would change")
    return [
        f"* {stored}, sha256 {record['sha256']}",
        f"* float16 {would} no pixel of two photos by more than {change:.3f} levels",
    ]


# ----------------------------------------------------------------------------------------- made ready


HALF_A_LEVEL = 0.5  # what weights of 16 bits may change of any pixel


def make_ready(folder, name, device=None, say=print):
    """Write ``models/NAME``: weights, record with the results on the test sets that are here, model card.

    Weights are stored as float16 where that changes no pixel of the held-out photos by half a level, and what
    is measured is what is stored.
    """
    run = _public(json.loads((folder / name / "record.json").read_text()))
    plan = json.loads((folder / "plan.json").read_text())
    sets = [wanted for wanted in SETS if downloads.find(wanted)]
    ready = folder / "models" / f"{name}.json"
    if ready.exists() and set(json.loads(ready.read_text())["test_sets"]) >= set(sets):
        return
    generator, change = _as_stored(load_generator(folder / name / f"{name}.safetensors"))
    means = measure(generator, name, sets, device)
    runs = [*_earlier_runs(folder, name, run), run]
    own = [each for each in runs if each["config"]["stages"][-1]["name"] == name]
    updates = sum(each["updates"] for each in own)
    record = {
        "what": _what(name, own, generator),
        "updates": updates,
        "test_sets": means,
        "float16_changes_levels": round(change, 3),
        "protocol": protocol(run["config"]["scale"]),
        "starts_from": run["config"]["initial"] and Path(run["config"]["initial"]).stem,
        "deviations": [
            line.replace(f"{run['updates']:,} updates instead", f"{updates:,} updates instead")
            for line in run["config"]["deviations"]
        ],
        "licences": plan["licences"],
        "runs": runs,
    }
    dtype = torch.float16 if change < HALF_A_LEVEL else torch.float32
    pretrained.ship(generator, name, record, folder / "models", dtype)
    with whole_file(folder / "models" / f"{name}.md") as temporary:
        temporary.write_text(card(json.loads(ready.read_text())), encoding="utf-8")
    shown = "  ".join(f"{set_name} {values['psnr']:.2f} dB" for set_name, values in means.items())
    say(f"{name}: {shown or 'no test set here to measure on'}; ready in {folder / 'models'}")


def _as_stored(generator):
    """(the generator with the weights that its file will hold, what float16 would change, in levels)."""
    half = copy.deepcopy(generator).half().float()
    scale = generator.config["scale"]
    small = [Bicubic(scale).whole(crop_to_multiple(photo.load(), scale)) for photo in held_out_photos()]
    with torch.inference_mode():
        images = [to_unit(image).unsqueeze(0) for image in small]
        change = max((half(image) - generator(image)).abs().max().item() * 127.5 for image in images)
    return (half if change < HALF_A_LEVEL else generator), change


def _earlier_runs(folder, name, run):
    """The runs that led to the weights that a run started from, oldest first, as far as they are known.

    They are those of this ``folder``, or of the shipped model of that name, which may be the one that the run
    trained further.
    """
    start = run["config"]["initial"] and Path(run["config"]["initial"]).stem
    path = folder / str(start) / "record.json"
    if start != name and path.exists():
        before = _public(json.loads(path.read_text()))
        return [*_earlier_runs(folder, start, before), before]
    return pretrained.record(start).get("runs", []) if start in pretrained.names() else []


def measure(generator, name, sets, device=None):
    """{set: {measure: mean}} on the test sets ``sets``."""
    if not sets:
        return {}
    result = evaluate(generator, sets=sets, labels=[name], device=device, progress=False)
    (column,) = result.columns
    return {set_name: {kind: column.mean(set_name, kind) for kind in result.measures} for set_name in sets}


def _what(name, runs, generator):
    """One line on a model from the ``runs`` that trained it, one after the other."""
    seconds, updates = (sum(run[what] for run in runs) for what in ("seconds", "updates"))
    took = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    blocks = generator.config.get("blocks")
    network = f"{blocks} residual blocks" if blocks else f"{count_parameters(generator):,} weights"
    photos, device = runs[-1]["data"]["photos"], runs[-1]["hardware"]["device"]
    network = f"{network}, scale {generator.config['scale']}"
    return f"{name}: {network}; {updates:,} updates on {photos} photos, {took} on {device}"


def _public(run):
    """A run's record without the folders of the machine that it was made on."""
    config = dict(run["config"])
    for key in ("out", "data", "lr_data", "initial", "vgg_weights"):
        config[key] = config[key] and Path(config[key]).name
    return {**run, "config": config}
