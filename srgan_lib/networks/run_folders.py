"""The network that the folder of a run holds: of its last finished stage, or of a later checkpoint."""

import json
import os
import pickle
import re
from itertools import accumulate
from pathlib import Path

import torch

from srgan_lib.errors import SrganError
from srgan_lib.networks import build, settings_in
from srgan_lib.networks.phases import tie_phases, with_plain_weights
from srgan_lib.networks.weights import load_generator, load_own
from srgan_lib.support.notices import say

SUFFIX = ".safetensors"


def is_run(folder):
    """Whether a folder is that of a run: it has finished a stage, or saved a checkpoint."""
    folder = Path(folder)
    return os.path.isdir(folder) and (any(folder.glob(f"*{SUFFIX}")) or bool(found(folder / "checkpoints")))


def found(folder):
    """The checkpoints in ``folder``, oldest first."""
    if not os.path.isdir(folder):  # False too for names that no file system can hold
        return []
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
            say(f"{path}: damaged, trying the one before ({type(error).__name__})")
    if paths:
        raise SrganError(f"{Path(folder)}: none of its {len(paths)} checkpoints can be read; start a new run")
    return None


def newest_stage(folder):
    """The file of a run's last finished stage, or None where training has gone on since, or none is done."""
    folder, saved = Path(folder), found(Path(folder) / "checkpoints")
    files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime)
    ends = _ends(folder)
    if not saved or not ends:
        return files[-1] if files else None
    done = [(ends[file.stem], file) for file in files if file.stem in ends]
    end, file = max(done, default=(0, None))
    return file if end >= int(saved[-1].stem.removeprefix("update-")) else None


def _ends(folder):
    """{stage: after how many updates of the run it ends}; empty where no settings can be read."""
    try:
        stages = json.loads((folder / "config.json").read_text())["stages"]
        ends = accumulate(stage["updates"] for stage in stages)
        return {stage["name"]: end for stage, end in zip(stages, ends, strict=True)}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def load_run(folder, device="cpu", generator=None):
    """The newest network of a run, in eval mode; of one that averages its weights, the average.

    ``generator`` is needed, and filled, where the run's generator is not one of the library's. Raises
    ``SrganError`` where it is missing, and for a folder without weights.
    """
    file = newest_stage(folder)
    if file:
        return load_generator(file, device, generator)
    state = latest(Path(folder) / "checkpoints")
    if state is None:
        raise SrganError(
            f"{folder}: no trained weights in it (no checkpoint, no finished stage); give a {SUFFIX} file"
        )
    weights = state["networks"]["trained"]
    name = state.get("own", {}).get("generator")
    if name or generator is not None:
        return load_own(generator, weights, name, folder).to(device).eval()
    return _rebuilt(state["config"], weights).to(device).eval()


def _rebuilt(config, weights):
    network = build(**settings_in({"network": "srresnet", **config}))
    if config.get("tied_phases"):
        tie_phases(network)
    network.load_state_dict(weights)
    return with_plain_weights(network)
