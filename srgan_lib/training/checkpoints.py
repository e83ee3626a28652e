"""Checkpoints: written whole or not at all, the last two kept, read without running any code in them."""

import pickle
import re
import sys
from pathlib import Path

import torch

from srgan_lib.errors import SrganError
from srgan_lib.support.files import whole_file

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

    Where a run computes, when it stops and how often it reports may change; what it computes may not. Files
    may have moved: what they hold is compared by ``check_same_files``.
    """
    free = {
        "out", "data", "lr_data", "initial", "vgg_weights", "device", "precision", "step", "time_limit",
        "tensorboard", "log_every", "validate_every", "preview_every", "moments", "save_every", "validation",
        "deviations",
    }  # fmt: skip
    wanted = config.to_dict()
    try:
        saved = type(config).from_dict(saved).to_dict()  # with what older versions did not know, as it was
    except TypeError as error:
        raise SrganError(
            f"{where}: a run of a newer version ({error}); resume it with that version"
        ) from error
    for name in sorted(set(wanted) - free):
        if wanted[name] != saved.get(name):
            raise SrganError(
                f"{where}: this run has {name} = {_short(saved.get(name))}, not {_short(wanted[name])};"
                " resume without changing it, or start a new run with another --out"
            )


def check_same_files(facts, saved, where):
    """Raise ``SrganError`` unless the photos and the VGG19 of a run are those that it was saved with.

    ``facts`` and ``saved`` hold the sha256 of each by name; only what both name is compared.
    """
    for name in sorted(set(facts) & set(saved)):
        if facts[name] != saved[name]:
            raise SrganError(
                f"{where}: this run saw other {name}; resume with the same files, wherever they lie"
            )


def restore(networks, saved, where):
    """Give each part of ``networks`` (those of a stage) the state that a checkpoint holds for it by name.

    Raises ``SrganError`` when the checkpoint is of another stage, or when a state fits another part than the
    one of its name: a discriminator where the generator is expected, say.
    """
    if saved["stage"] != networks.stage.name:
        raise SrganError(f"{where}: a checkpoint of stage {saved['stage']}, not of {networks.stage.name}")
    for name, part in networks.parts().items():
        state = saved["networks"].get(name, {})
        if name != "scaler" and not _is_unmoved(part, state) and _kind(part) != _kind_of_state(state):
            raise SrganError(
                f"{where}: what it holds as {name} is not that of this run; take another checkpoint"
            )
    states = dict(saved["networks"])
    if not states[
        "scaler"
    ]:  # of a number format that needs none; this machine's may, and then it starts anew
        states["scaler"] = networks.scaler.state_dict()
    networks.restore(states)


def load_generator(generator, saved, where):
    """Give ``generator`` the weights that a checkpoint holds as the trained ones, or raise ``SrganError``."""
    state = saved["networks"]["trained"]
    if _kind(generator) != _kind_of_state(state):
        raise SrganError(
            f"{where}: its trained weights are not a generator of this run; take another checkpoint"
        )
    generator.load_state_dict(state)


def _is_unmoved(part, state):
    """Whether ``state`` is that of an optimiser like ``part`` before its first step (D's phase)."""
    if not isinstance(part, torch.optim.Optimizer) or state.get("state", True):
        return False
    counts = [
        [len(group["params"]) for group in groups] for groups in (part.param_groups, state["param_groups"])
    ]
    return counts[0] == counts[1]


def _kind(part):
    """What a state must look like to fit: the shape of each weight, or of what an optimiser moves."""
    if isinstance(part, torch.optim.Optimizer):
        return [weight.shape for group in part.param_groups for weight in group["params"]]
    return _kind_of_state(part.state_dict())


def _kind_of_state(state):
    if "param_groups" in state:
        count = sum(len(group["params"]) for group in state["param_groups"])
        return [state["state"][index]["exp_avg"].shape for index in range(count) if index in state["state"]]
    return {name: getattr(value, "shape", None) for name, value in state.items()}


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
