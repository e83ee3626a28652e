"""The run record: what was asked, with what, on what, what came out. The book's tables come from these."""

import hashlib
import json
import platform
import time
from datetime import datetime, timezone
from pathlib import Path

import torch

import srgan_lib
from srgan_lib.support.files import whole_file

HEAD = 64 * 1024


def data_facts(photos, name):
    """Name, count and hash of a set of photos: over each file's name, size and first 64 KiB."""
    digest = hashlib.sha256()
    for photo in photos:
        for path in filter(None, (photo.path, photo.lr_path)):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode("utf-8", "surrogateescape"))
            with open(path, "rb") as file:
                digest.update(file.read(HEAD))
    return {"name": Path(name).name, "photos": len(photos), "sha256": digest.hexdigest()}


def hardware_facts(device, world):
    """The machine and the versions that a run's speed and last digits depend on."""
    is_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if is_gpu else f"CPU ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "processes": world,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "srgan_lib": srgan_lib.__version__,
        "system": platform.system(),
    }


class RunRecord:
    """A dictionary kept in ``record.json``, written whole each time something is added."""

    def __init__(self, path, facts, earlier=None):
        self.path = Path(path)
        self.facts = facts | (earlier or {})
        self.facts.setdefault("started", _now())
        self.facts.setdefault("seconds", 0.0)
        self.facts.setdefault("measurements", [])
        self.facts.setdefault("sessions", []).append({"started": _now(), **facts["hardware"]})
        self._last = time.monotonic()

    def carried(self):
        """What a checkpoint must hold for the record to go on from there."""
        self._count_time()
        keys = ("started", "seconds", "measurements", "sessions", "stages")
        return {key: self.facts[key] for key in keys if key in self.facts}

    def measured(self, values):
        self.facts["measurements"].append(values)

    def stage_done(self, name, facts):
        self.facts.setdefault("stages", {})[name] = facts

    def write(self, **changes):
        self._count_time()
        self.facts |= changes
        with whole_file(self.path) as temporary:
            temporary.write_text(json.dumps(self.facts, indent=1) + "\n")

    def _count_time(self):
        now = time.monotonic()
        self.facts["seconds"] = round(self.facts["seconds"] + now - self._last, 1)
        self._last = now


def _now():
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
