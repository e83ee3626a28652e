"""Shipped models and a record of evaluation that a test makes up, in a folder of its own."""

from srgan_lib import pretrained
from srgan_lib.evaluation import record as evaluation_record
from srgan_lib.networks.generator import Generator

IMAGES = {"Set5": 5, "Set14": 14, "BSD100": 100}


def numbers(psnr, ssim, count):
    """The same numbers for every image."""
    return {"psnr": [psnr] * count, "ssim": [ssim] * count, "ssim-gaussian": [round(ssim - 0.01, 6)] * count}


class Recorded:
    """A package without models: ``ship`` adds one and, where ``means`` are given, its measurement."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.record = evaluation_record.empty()
        for name, count in IMAGES.items():
            images = [f"{name.lower()}-{number:03}" for number in range(count)]
            self.record["sets"][name] = {"images": images, "sha256": name}
        monkeypatch.setattr(pretrained, "WEIGHTS", folder)
        monkeypatch.setattr(evaluation_record, "RECORD", folder / "evaluation.json")
        self.add("nearest", "interpolation", {name: (25.0, 0.7) for name in IMAGES})
        self.add("bicubic", "interpolation", {name: (26.0, 0.75) for name in IMAGES})

    def add(self, method, kind, means, **facts):
        """Put a method into the record: ``means`` is {set: (PSNR, SSIM)}."""
        values = {name: numbers(*of, IMAGES[name]) for name, of in means.items()}
        circumstances = {"hardware": "none", "versions": {"torch": "none"}}
        self.record["methods"][method] = {"kind": kind, **facts, **circumstances, "values": values}
        evaluation_record.write(self.record)

    def ship(self, name, means=None, scale=4, **record):
        """Ship a tiny model; ``means`` is {set: (PSNR, SSIM)}, None where it is not to be measured."""
        facts = {"what": f"a test's {name}", "updates": 1, **record}
        pretrained.ship(Generator(scale=scale, blocks=1, channels=4), name, facts, self.folder)
        if means is not None:
            self.add(name, "model", means, scale=scale, sha256=pretrained.record(name)["sha256"])
