"""Checkpoints: written whole or not at all, the last two kept, read without running any code in them."""

import pickle
import re
import sys
from pathlib import Path

import torch

from srgan_lib.errors import SrganError
from srgan_lib.files import whole_file

KEPT = 2


def save(folder, update, state):
    """Write ``state`` as the checkpoint after ``update`` updates and drop all but the last two."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"update-{update:09d}.pt"
    with whole_file(path) as temporary:
        torch.save(state, temporary)
    for old in found(folder)[:-KEPT]:
        old.unlink()
    return path


def found(folder):
    """The checkpoints in ``folder``, oldest first."""
    return sorted(
        path for path in Path(folder).glob("update-*.pt") if re.fullmatch(r"update-\d{9}\.pt", path.name)
    )


def latest(folder):
    """The state of the newest checkpoint that can be read, or None where there is none at all.

    A damaged file is passed over with a line on stderr. Raises ``SrganError`` when all are damaged.
    """
    paths = found(folder)
    for path in reversed(paths):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            print(f"{path}: damaged, trying the one before ({type(error).__name__})", file=sys.stderr)
    if paths:
        raise SrganError(f"{Path(folder)}: none of its {len(paths)} checkpoints can be read; start a new run")
    return None


def check_same_run(config, saved, where):
    """Raise ``SrganError`` unless ``config`` may continue the run that ``saved`` (a dict) describes.

    Where a run computes, when it stops and how often it reports may change; what it computes may not.
    """
    free = {
        "out", "device", "precision", "compile", "time_limit", "tensorboard", "log_every", "validate_every",
        "preview_every", "moments", "save_every", "validation", "deviations",
    }  # fmt: skip
    wanted = config.to_dict()
    for name in sorted(set(wanted) - free):
        if wanted[name] != saved.get(name):
            raise SrganError(
                f"{where}: this run has {name} = {_short(saved.get(name))}, not {_short(wanted[name])};"
                " resume without changing it, or start a new run with another --out"
            )


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
