"""Checkpoints: written whole or not at all, the last two kept, and what may go on from them.

``networks.run_folders`` finds and reads them, without running any code in them.
"""

import os
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import torch

from srgan_lib.errors import SrganError
from srgan_lib.networks.run_folders import found, latest
from srgan_lib.support.files import made_folder, whole_file
from srgan_lib.support.notices import say
from srgan_lib.training import rules
from srgan_lib.training.config import Config
from srgan_lib.training.deviations import deviations
from srgan_lib.training.presets import shortened

KEPT = 2


def save(folder, update, state):
    """Write ``state`` as the checkpoint after ``update`` updates and drop all but the last two."""
    folder = made_folder(folder, "--out")
    path = folder / f"update-{update:09d}.pt"
    with whole_file(path) as temporary:
        torch.save(state, temporary)
    for old in found(folder)[:-KEPT]:
        old.unlink()
    return path


def config_of(folder):
    """The configuration of the run in ``folder``: its ``config.json``, or, where that is damaged, the last
    checkpoint's, with a word. Raises ``SrganError`` where there is neither.
    """
    path = Path(folder).expanduser() / "config.json"
    try:
        return Config.read(path)
    except SrganError:
        saved = latest(path.parent / "checkpoints") if path.exists() else None
        if not saved:
            raise
    say(f"{path}: damaged; its settings are taken from the last checkpoint")
    return Config.from_dict(saved["config"])


def check_place(folder, saved, resume):
    """Raise ``SrganError`` where a new run would begin in the folder of another one.

    ``saved`` is the last checkpoint in ``folder`` or None. A run that has results and no checkpoint cannot go
    on; a run that was killed before its first checkpoint has no results, and begins anew.
    """
    if saved and not resume:
        raise SrganError(f"{folder}: holds a run already; resume it, or choose another --out")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    results = [name for name in names if name == "record.json" or name.endswith(".safetensors")]
    if results and not saved:
        raise SrganError(
            f"{folder}: holds a run already ({results[0]}), whose checkpoints are gone: it cannot go on;"
            " choose another --out"
        )


def longer(config, updates, saved):
    """``config`` with ``updates`` in all, for a run whose last checkpoint is ``saved``.

    Stages that are finished stay as they are, all but the last one; those that are not share what is left in
    proportion, each at the learning rate that its new length gives. Raises ``SrganError`` where fewer updates
    are left than stages.
    """
    done = saved["update"] if saved else 0
    ends = list(accumulate(stage.updates for stage in config.stages))
    kept = min(sum(end <= done for end in ends), len(ends) - 1)
    before = ends[kept - 1] if kept else 0
    coming = config.stages[kept:]
    least = max(done + 1, before + len(coming))
    if not rules.whole(least).holds(updates):
        raise SrganError(f"updates is {updates!r}; {done} are done: use a whole number of at least {least}")
    share = (updates - before) / sum(stage.updates for stage in coming)
    lengths = [max(1, round(stage.updates * share)) for stage in coming]
    lengths[-1] = updates - before - sum(lengths[:-1])
    if min(lengths) < 1 or before + lengths[0] <= done:
        raise SrganError(f"updates is {updates}; {done} are done, which leaves a stage too few; use more")
    stages = [shortened(stage, length) for stage, length in zip(coming, lengths, strict=True)]
    if done - before > coming[0].discriminator_first:  # what is behind it does not come again
        stages[0] = replace(stages[0], discriminator_first=coming[0].discriminator_first)
    new = config.but(stages=(*config.stages[:kept], *stages))
    own = [line for line in config.deviations if line not in deviations(config)]
    return new.but(deviations=(*deviations(new), *own)) if config.deviations else new


def is_longer(config, earlier, update):
    """Whether ``config`` asks for more updates than the run had, at the rates that ``longer`` gives."""
    if config.updates <= earlier.updates:
        return False
    try:
        return longer(earlier, config.updates, {"update": update}).stages == config.stages
    except SrganError:
        return False


def check_same_run(config, saved, update, where):
    """Raise ``SrganError`` unless ``config`` may continue the run that ``saved`` (a dict) describes.

    ``update`` is how many updates it has done. Where a run computes, when it stops and how often it reports
    may change, and it may become longer; what it computes may not. Files may have moved: what they hold is
    compared by ``check_same_files``.
    """
    free = {
        "out", "data", "lr_data", "initial", "vgg_weights", "device", "precision", "step", "time_limit",
        "tensorboard", "log_every", "validate_every", "preview_every", "moments", "save_every", "validation",
        "deviations",
    }  # fmt: skip
    wanted = config.to_dict()
    try:
        earlier = Config.from_dict(saved)  # with what older versions did not know, as it was
    except TypeError as error:
        raise SrganError(
            f"{where}: a run of a newer version ({error}); resume it with that version"
        ) from error
    if is_longer(config, earlier, update):
        free.add("stages")
    saved = earlier.to_dict()
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
