"""Checkpoints: written whole or not at all, the last two kept, and what may go on from them.

``networks.run_folders`` finds and reads them, without running any code in them.
"""

from pathlib import Path

import torch

from srgan_lib.errors import SrganError
from srgan_lib.networks.run_folders import found
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
        if name != "scaler" and not _fits(part, saved["networks"].get(name, {})):
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
    if not _fits(generator, state):
        raise SrganError(
            f"{where}: its trained weights are not a generator of this run; take another checkpoint"
        )
    generator.load_state_dict(state)


def _fits(part, state):
    """Whether ``state`` is that of a part like this one: the shapes of its weights, or of what it moves."""
    if not isinstance(part, torch.optim.Optimizer):
        return _shapes(part.state_dict()) == _shapes(state)
    weights = [weight for group in part.param_groups for weight in group["params"]]
    count = sum(len(group["params"]) for group in state.get("param_groups", ()))
    moments = state.get("state", {})  # none before its first step, and none of a weight without a gradient
    return count == len(weights) and all(
        moment["exp_avg"].shape == weights[index].shape for index, moment in moments.items()
    )


def _shapes(state):
    return {name: getattr(value, "shape", None) for name, value in state.items()}


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
