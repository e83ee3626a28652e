"""Write the reproduction report, book/reproduction.md, from the records.

    python book/_tools/write_reproduction.py

What the paper prints comes from the record ``paper``, what we measured from the other records and from those
of the shipped models. So the report is to be written again when a record, a model or the contents change.
"""

from dataclasses import dataclass
from pathlib import Path

import write_map

from srgan_lib import pretrained, records
from srgan_lib.evaluation import tables
from srgan_lib.evaluation.evaluate import INTERPOLATIONS
from srgan_lib.evaluation.paper import MEASURES, SAME_MODEL, SETS, TABLES
from srgan_lib.evaluation.results import digits
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.generator import Generator, count_parameters
from srgan_lib.support.files import whole_file

PAGE = Path(__file__).resolve().parents[1] / "reproduction.md"
YES, PART, LESS, NO = "reproduced", "in part", "differs", "not measured"
MEANINGS = {
    YES: "our number is the paper's, within the tolerance that the section names, or better",
    PART: "shown on a smaller scale, or with another measure; the row says how",
    LESS: "measured, and it is not the paper's number",
    NO: "no number of ours; the row says why",
}
PSNR, SSIM = 0.03, 0.0015  # how near the same images must come to the printed numbers
GAN_PSNR, GAN_SSIM = 0.3, 0.01  # on either side: with a discriminator a higher PSNR is no merit
MEASURE = "srgan report --measure"
HEAD = """\
# Reproduction report

<!-- Written by book/_tools/write_reproduction.py from the records: do not edit. -->

What of the paper does this book reproduce, and what not? Each row below is a number or a claim of the paper,
what we have beside it, the chapter that shows it and the command that measures it. Everything here is made by
a program from records, and written again when a record changes.
The numbers of the tables themselves, printed and ours, stand on the page
[Every number of the tables](measured.md); here is what they amount to.
[Where we differ from the paper](deviations.md) lists what we did otherwise.

{summary}

The models behind these numbers:

{models}
"""


@dataclass(frozen=True)
class Claim:
    """A row: where in the paper, what it says, the paper's number and ours as text, and what came of it."""

    place: str
    what: str
    paper: str
    ours: str
    status: str
    chapter: str
    command: str


# ---------------------------------------------------------------------------- the measuring, and the tables


def ruler():
    """Section 3.1: interpolation and the authors' own images, measured with this library."""
    authors = [name + tables.AUTHORS for name in SAME_MODEL]
    return method_rows("table2", "3.1", (*INTERPOLATIONS, *authors), "one-metric-many-numbers")


def networks_of(name, place):
    """Every method of Table 1 or 2 but those of the ruler and the originals."""
    methods = [method for method in records.read("paper")[name]["Set5"] if method != "HR"]
    return method_rows(name, place, [one for one in methods if one not in INTERPOLATIONS], "the-tables")


def method_rows(name, place, methods, chapter):
    """A row a method of a table: how far its numbers are from the printed ones on each test set."""
    rows, claims = tables.table(name).rows, []
    for method in methods:
        sets = {row.set: row for row in rows if row.method == method}
        gaps = [f"{key} {differences(row) if row.ours else NO}" for key, row in sets.items()]
        reasons = list(dict.fromkeys(row.source for row in sets.values() if not row.ours))
        text = "; ".join(gaps if len(reasons) < 2 and any(row.ours for row in sets.values()) else [])
        text = "; ".join(filter(None, [text, *reasons]))
        told = f"{len(sets)} numbers of each measure"
        claims.append(Claim(place, method, told, text, verdict(sets.values()), chapter, MEASURE))
    return claims


def differences(row):
    """PSNR and SSIM less the paper's, as text."""
    return " / ".join(tables.signed(row.difference(key), digits(key)) for key in MEASURES)


def verdict(rows):
    """Of a method on all test sets: the worst, and in part where some sets were not measured."""
    near = [is_near(row) for row in rows if row.ours]
    if not near:
        return NO
    return LESS if not all(near) else YES if len(near) == len(rows) else PART


def is_near(row):
    """Whether our numbers are the paper's, within the tolerance for a method of its kind."""
    psnr, ssim = row.difference("psnr"), row.difference("ssim")
    if row.method in INTERPOLATIONS or row.method.endswith(tables.AUTHORS):
        return abs(psnr) <= PSNR and abs(ssim) <= SSIM
    if row.method.startswith("SRGAN"):
        return abs(psnr) <= GAN_PSNR and abs(ssim) <= GAN_SSIM
    return psnr >= -PSNR and ssim >= -SSIM


def opinions():
    """The opinion scores of both tables."""
    paper = records.read("paper")
    count = sum(len(row) for name in TABLES for row in paper[name].values())
    rows = [
        ("3.3", f"{count} mean opinion scores of 26 raters", f"{count} numbers"),
        ("3.4", "SRResNet-VGG22 and SRGAN-VGG54 are significantly better on Set14", "3.15* and 3.72*"),
        ("3.5", "SRGAN's opinion score is the highest of all methods on all sets", "3.58, 3.72, 3.56"),
    ]
    reason = "it takes people; the test itself is built, and can be run"
    return [Claim(place, what, told, reason, NO, "ask-people", "-") for place, what, told in rows]


# ------------------------------------------------------------------------------------- claims in words


def orders():
    """What the tables say about the order of our own models."""
    resnet, gan = means("srresnet-mse"), means("srgan-vgg54")
    bicubic = {name: tables.ours("bicubic", name)[0] for name in SETS}
    printed = {
        name: row["SRResNet"]["psnr"] - row["SRGAN"]["psnr"]
        for name, row in records.read("paper")["table2"].items()
    }
    lead, lost = gaps(resnet, bicubic), gaps(resnet, gan)
    above = "SRResNet is above bicubic in PSNR on all three sets"
    below = "SRGAN-VGG54 is below SRResNet-MSE in PSNR by about as much as in the paper"
    margins = ", ".join(f"{name} {gap:.2f}" for name, gap in printed.items())
    return [
        order(above, "3.5", "Table 2", lead, "above", all(gap > 0 for gap in lead.values())),
        order(
            below, "3.4", f"{margins} dB", lost, "below",
            all(abs(gap - printed[name]) <= GAN_PSNR for name, gap in lost.items()),
        ),
        order_of_the_losses(),
    ]  # fmt: skip


def gaps(above, below):
    """PSNR of one less the other's, by test set."""
    return {
        name: above[name]["psnr"] - below[name]["psnr"] for name in SETS if name in above and name in below
    }


def order(what, place, told, found, side, holds):
    """A row about a difference of two of our models."""
    text = ", ".join(f"{name} {gap:.2f} dB {side}" for name, gap in found.items()) or "no weights shipped"
    status = NO if not found else YES if holds else LESS
    return Claim(place, what, told, text, status, "the-tables", MEASURE)


def means(model):
    """{set: {measure: mean}} of a shipped model; empty where it was not measured."""
    found = {name: tables.ours(model, name)[0] for name in SETS}
    return {name: numbers for name, numbers in found.items() if numbers}


def order_of_the_losses():
    """Table 1's order of the five losses by PSNR, on Set14."""
    printed = records.read("paper")["table1"]["Set14"]
    wanted = sorted(printed, key=lambda method: -printed[method]["psnr"])
    have = {method: means(method.lower()).get("Set14") for method in wanted}
    here = [method for method in wanted if have[method]]
    found = sorted(here, key=lambda method: -have[method]["psnr"])
    text = f"{len(here)} of {len(wanted)} are shipped: {' > '.join(found) or 'none'}"
    complete = len(here) == len(wanted)
    status = (YES if found == here else LESS) if complete else NO if len(here) < 2 else PART
    status = LESS if found != here else status
    what = "The order of the five losses by PSNR, Set14"
    return Claim(
        "3.4", what, " > ".join(wanted), text, status, "the-tables", f"srgan reproduce, then {MEASURE}"
    )


def networks():
    """Figure 4, as far as it can be counted (the paper prints no counts), and the small images."""
    counted = [f"{count_parameters(network):,} weights" for network in (Generator(), Discriminator())]
    test, all_given = "pytest tests/test_{}.py", "every layer is given"
    g, d = (
        "The generator: 16 blocks, two sub-pixel steps",
        "The discriminator: eight convolutions, two dense layers",
    )
    same = f"layer by layer the same; {counted[0]}"
    logits = f"the same, but the sigmoid is in the loss; {counted[1]}"
    stored = "every pixel of the LR images that come with the three sets"
    bicubic = ("3.2", "LR made with a bicubic kernel, r = 4", "named", stored, YES)
    return [
        Claim("2.1, Figure 4", g, all_given, same, YES, "the-generator", test.format("networks")),
        Claim("2.1, Figure 4", d, all_given, logits, YES, "the-discriminator", test.format("networks")),
        Claim(*bicubic, "one-image-many-answers", test.format("degradations")),
    ]


def losses():
    """Section 2.2."""
    found = records.read("vgg-feature-scale")["vgg_loss"]
    pixel, vgg22, vgg54 = found["54"]["pixel_mse"], *(found[x]["mean_over_channels"] for x in ("22", "54"))
    scaled = f"pixel MSE {pixel}, VGG22 {vgg22}, VGG54 {vgg54}, with our scale"
    scale = ("2.2.1", "Features rescaled by 1/12.75 make the VGG loss comparable to the MSE", "no derivation")
    blur = ("1.1.3, Figure 3", "The answer that is best for MSE is an average, and blurred", "a drawing")
    proof = "proved, enumerated on a toy, measured on patches of photographs"
    steep = ("2.2.2", "-log D gives better gradients than log(1 - D)", "no measurement")
    command = "python tests/benchmarks/vgg_feature_scale.py"
    return [
        Claim(*blur, proof, YES, "why-mse-blurs", "pytest book/why-mse-blurs.ipynb"),
        Claim(*scale, scaled, PART, "the-vgg-loss", command),
        Claim(*steep, "both derived and plotted", YES, "the-gan-objective", "pytest tests/test_losses.py"),
    ]


def training():
    """Section 3.2 and the supplement."""
    rows = []
    for model, told in (("srresnet-mse", 1_000_000), ("srgan-vgg54", 200_000)):
        updates = pretrained.record(model)["updates"] if model in pretrained.names() else 0
        numbers = (f"{told:,}", f"{updates:,}", YES if updates >= told else LESS)
        rows.append(Claim("3.2", f"Updates of {model}", *numbers, "deviations", "srgan reproduce"))
    if "depth" in records.names():
        updates = records.read("depth")["settings"]["updates"]
        found = (
            "a figure",
            f"skips only; {updates:,} updates, no batch normalisation, one seed: record `depth`",
            PART,
        )
        what = "Deeper networks have a higher PSNR, and skip connections help"
        command = "python tests/benchmarks/depth.py"
        rows.append(Claim("supplement", what, *found, "training-srresnet", command))
    if "history" in records.names():
        updates = records.read("history")["stage"]["updates"]
        found = ("pictures", f"{updates:,} updates, pictures of three photographs on the way", PART)
        what = "How the output evolves in adversarial training"
        command = "python tests/benchmarks/history.py"
        rows.append(Claim("supplement", what, *found, "training-srgan", command))
    return rows


NETWORKS_NOTE = (
    f"Ours less the paper's, PSNR (dB) / SSIM. Reproduced: above, or at most {PSNR} dB and {SSIM} below."
    f" With a discriminator, where a higher PSNR is no merit: within {GAN_PSNR} dB and {GAN_SSIM} either way."
)
SECTIONS = (
    (
        "The ruler",
        f"Ours less the paper's, PSNR (dB) / SSIM. Within {PSNR} dB and {SSIM} we measure as the paper did.",
        ruler,
    ),
    (
        "Networks and losses",
        "What can be counted, derived or shown without long training.",
        lambda: networks() + losses(),
    ),
    ("Training", "How long, and what the supplement shows.", training),
    (
        "Table 1",
        NETWORKS_NOTE,
        lambda: networks_of("table1", "3.4"),
    ),
    ("Table 2", "The same. Interpolation stands under the ruler.", lambda: networks_of("table2", "3.5")),
    (
        "Orders",
        "Who is above whom. Any broken network is below SRResNet: SRGAN's loss of PSNR counts as reproduced"
        f" where it is the paper's within {GAN_PSNR} dB.",
        orders,
    ),
    ("Opinions", "Nothing that a program may invent.", opinions),
)


# ---------------------------------------------------------------------------------------------- the page


def page():
    """The whole report."""
    sections = [(title, note, make()) for title, note, make in SECTIONS]
    every = [claim for *_, claims in sections for claim in claims]
    parts = [HEAD.format(summary=summary(every), models=models())]
    for title, note, claims in sections:
        parts += [f"## {title}\n\n{note}\n\n{as_table(claims)}\n"]
    return "\n".join(parts)


def summary(claims):
    lines = ["| status | rows | meaning |", "| --- | ---: | --- |"]
    for status, meaning in MEANINGS.items():
        lines.append(f"| {status} | {sum(claim.status == status for claim in claims)} | {meaning} |")
    return "\n".join(lines)


def models():
    lines = [f"- `{name}`: {pretrained.record(name)['what'].rstrip('.')}." for name in pretrained.names()]
    return "\n".join(lines) or "none is shipped."


def as_table(claims):
    """The rows of a section. A chapter or command that all of them share stands in one line above."""
    columns = {
        "paper": [claim.place for claim in claims],
        "what": [claim.what for claim in claims],
        "printed": [claim.paper for claim in claims],
        "ours": [claim.ours for claim in claims],
        "status": [claim.status for claim in claims],
        "chapter": [chapter(claim.chapter) for claim in claims],
        "measured by": [f"`{claim.command}`" if claim.command != "-" else "-" for claim in claims],
    }
    shared = [
        f"{name.capitalize()}: {columns.pop(name)[0]}."
        for name in ("chapter", "measured by")
        if len(set(columns[name])) == 1 and columns[name][0] != "-"
    ]
    rows = [list(columns), ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{' '.join(shared)}\n\n{table}" if shared else table


def chapter(file):
    """A link to a chapter in the table of contents, or its title where it is still to come."""
    titles = {name: title for _, name, title, _ in write_map.source()["chapters"]} | {
        "deviations": "Deviations"
    }
    suffix = "md" if file == "deviations" else "ipynb"
    return f"[{titles[file]}]({file}.{suffix})" if file in write_map.written() else f"*{titles[file]}*"


def main():
    with whole_file(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
