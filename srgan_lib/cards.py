"""Model cards: a shipped generator's record as a page of Markdown. Every number is taken from the record."""

from srgan_lib.results import paper

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
    head = "| | PSNR (dB) | SSIM | the paper's |"
    rows = [
        f"| {name} | {means['psnr']:.2f} | {means['ssim']:.4f} | {_printed(record['name'], name)} |"
        for name, means in record["test_sets"].items()
    ]
    return [head, "| --- | ---: | ---: | ---: |", *rows, "", f"{record['protocol']}."]


def _printed(model, name):
    """The paper's numbers for a model on a test set, from its Table 1 or 2."""
    printed = paper()["table2"].get(name, {}) | paper()["table1"].get(name, {})
    cells = {key.lower(): value for key, value in printed.items()}
    in_second = {"srresnet-mse": "srresnet", "srgan-vgg54": "srgan"}.get(model)
    cell = cells.get(model) or cells.get(in_second)
    return f"{cell['psnr']:.2f} / {cell['ssim']:.4f}" if cell else "-"


def _training(record):
    run = record["runs"][-1]
    config, hardware = run["config"], run["hardware"]
    rows = [f"* {_stage(stage)}" for stage in config["stages"]]
    rows += [
        f"* {config['crop']}-pixel crops, seed {run['seed']}, settings {run['config_sha256'][:12]}",
        f"* {run['seconds']:,.0f} s on {hardware['device']}, torch {hardware['torch']}",
    ]
    if record.get("starts_from"):
        rows.append(f"* starts from {record['starts_from']}")
    for stage in run.get("stages", {}).values():
        if "vgg_weights" in stage:
            sums, scale = stage["vgg_sha256"][:12], stage["vgg_feature_scale"]
            rows.append(f"* VGG19: {stage['vgg_weights']} (sha256 {sums}...), features divided by {scale}")
    return rows


def _stage(stage):
    terms = [stage["content"]]
    for name in ("adversarial", "total_variation"):
        terms += [f"{stage[name]:g} x {name.replace('_', ' ')}"] if stage[name] else []
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
    rows = [f"* float32, sha256 {record['sha256']}"]
    if record.get("float16_difference"):
        worst = max(record["float16_difference"].values())
        rows.append(f"* as float16 the means would change by at most {worst:.4f} dB")
    return rows
