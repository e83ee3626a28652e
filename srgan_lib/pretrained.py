"""Trained generators by name. Their weights and run records are part of the package: nothing is downloaded.

``NAME.safetensors`` holds the weights, ``NAME.json`` the record of the run that made them, with their sha256.
"""

import json
import os
from pathlib import Path

import torch
from torch import nn

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.networks import scale_of_network
from srgan_lib.networks.run_folders import SUFFIX, load_run, newest_stage
from srgan_lib.networks.weights import FOREIGN_SUFFIXES, file_sha256, load_generator, save_generator
from srgan_lib.support.files import expanded, whole_file

WEIGHTS = Path(__file__).with_name("weights")


def names(scale: int | None = None) -> list[str]:
    """The names of the shipped models, in alphabetical order; with ``scale`` those that enlarge by it."""
    every = sorted(file.stem for file in WEIGHTS.glob(f"*{SUFFIX}"))
    return every if scale is None else [name for name in every if scale_of(name) == scale]


def models(scale: int | None = None) -> dict[str, str]:
    """The shipped models, {name: what it is and how it was trained}; with ``scale`` only those of it."""
    return {name: record(name).get("what", "") for name in names(scale)}


def scale_of(name):
    """How many times larger a shipped model makes an image, by its record: the weights are not read."""
    return record(name)["generator"]["scale"]


def path(name):
    """The file of a shipped model. An unknown name raises ``SrganError``, which suggests the nearest."""
    known = {other.lower(): other for other in names()}
    if str(name).lower() not in known:
        raise unknown_name("model", name, known.values())
    return WEIGHTS / (known[str(name).lower()] + SUFFIX)


def record(name):
    """The run record of a shipped model, a dictionary: how it was trained, on what, and what it reaches."""
    file = path(name).with_suffix(".json")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SrganError(
            f"{file}: the record of {name} cannot be read ({error}); reinstall srgan_lib"
        ) from error


def load(
    model: str | Path, device: str | torch.device = "cpu", generator: nn.Module | None = None
) -> nn.Module:
    """A trained generator in eval mode, on ``device``: LR (N, 3, h, w) in [0, 1] in, SR in about [-1, 1] out.

    ``model`` is the name of a shipped model, a safetensors file that a training wrote, or the folder of a
    run. Of a run that was stopped its newest checkpoint is taken, and where the run averages its weights,
    their average. A shipped file's hash is checked. ``generator`` is needed, and filled, where a generator of
    one's own was trained: a new object of its class. Raises ``SrganError`` where that is missing, for an
    unknown name, which suggests the nearest, and for a file that is missing, damaged or of another program.
    """
    if _looks_like_a_path(model) and expanded(model).is_dir():
        return load_run(expanded(model), device, generator)
    file = file_of(model)
    if not _looks_like_a_path(model) and file_sha256(file) != record(model).get("sha256"):
        raise SrganError(f"{file}: damaged, its hash is not the one on record; reinstall srgan_lib")
    return load_generator(file, device, generator)


def file_of(model):
    """The weights' file that ``load(model)`` reads, or None where it reads a run's checkpoint.

    Raises ``SrganError`` for an unknown name.
    """
    if not _looks_like_a_path(model):
        return path(model)
    place = expanded(model)
    return newest_stage(place) if place.is_dir() else place


def as_generator(model, device="cpu"):
    """``load(model)``, or ``model`` itself where it is a network already (it stays where it is).

    Raises ``SrganError`` for a network of one's own without an attribute ``scale``.
    """
    if not isinstance(model, nn.Module):
        return load(model, device)
    scale_of_network(model)
    return model


def ship(generator, name, record, folder=None, dtype=torch.float32):
    """Write a generator and its run record where ``load`` finds it by ``name``; returns the weights' path.

    ``generator`` is a network or a file or run folder that ``load`` reads. ``record`` is a dictionary
    of facts about the training; the hash and the network's settings are added to it. ``folder`` is the
    package's own folder of weights if not given. ``dtype`` is that of the stored numbers.
    """
    folder = Path(folder or WEIGHTS)
    folder.mkdir(parents=True, exist_ok=True)
    generator = as_generator(generator)
    file = folder / (name + SUFFIX)
    sha256 = save_generator(generator, file, dtype)
    facts = {**record, "name": name, "sha256": sha256, "generator": generator.config}
    with whole_file(file.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return file


def _looks_like_a_path(model):
    if not isinstance(model, (str, Path)):
        raise SrganError(
            f"a model is a name, a weights file, a run's folder or a network, not a"
            f" {type(model).__name__}; give a state dict to a Generator with load_state_dict"
        )
    text = str(model)
    if Path(text).suffix.lower() in FOREIGN_SUFFIXES:
        return True
    if isinstance(model, Path) or text.endswith(SUFFIX) or "/" in text or "\\" in text:
        return True
    return text.lower() not in {name.lower() for name in names()} and os.path.exists(text)
