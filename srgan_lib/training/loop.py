"""The training loop: one for SRResNet and SRGAN, on a CPU, on a GPU, or on many under ``torchrun``.

A run is a folder: ``config.json``, ``record.json`` (what it was and what came out), ``log.jsonl``,
``checkpoints/``, ``previews/``, ``tensorboard/`` and, after each stage, its generator as
``STAGE.safetensors``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from srgan_lib import pretrained
from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import photos_of, without_held_out
from srgan_lib.degradations import DEGRADATIONS
from srgan_lib.errors import SrganError
from srgan_lib.networks import build
from srgan_lib.networks.phases import tie_phases, with_plain_weights
from srgan_lib.networks.run_folders import latest
from srgan_lib.networks.weights import start_from
from srgan_lib.support.devices import out_of_memory_says, pick_device
from srgan_lib.support.files import made_folder
from srgan_lib.training import checkpoints, distributed
from srgan_lib.training.callbacks import Callback, standard_callbacks
from srgan_lib.training.config import Config
from srgan_lib.training.content import check_features, stage_loss
from srgan_lib.training.distributed import Stop, caught_signals
from srgan_lib.training.fast import networks_for
from srgan_lib.training.logging import RunLog, Silence
from srgan_lib.training.own import Own
from srgan_lib.training.records import RunRecord, data_facts, hardware_facts
from srgan_lib.training.step import BALANCE_EVERY, learning_rate
from srgan_lib.training.validation import bicubic_baseline, examples_from


@dataclass(frozen=True)
class Result:
    """What ``train`` returns: the run's folder, the generator in eval mode, the updates done, why it stopped.

    ``stopped`` is "finished", "time limit", the name of a signal or what a callback said; all but the first
    can be resumed. The generator's weights are averaged where the run averages them.
    """

    folder: Path
    generator: nn.Module
    updates: int
    stopped: str
    record: dict


def train(
    config: Config,
    resume: bool = False,
    *,
    callbacks: Sequence[Callback] = (),
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    content: Callable | None = None,
) -> Result:
    """Train as ``config`` says. Returns a ``Result``; what was learned is in the folder ``config.out``.

    With ``resume`` a run that is already in that folder goes on from its last checkpoint, on the CPU bit for
    bit as if it had never stopped; where there is none, a new one starts. SIGINT (Ctrl-C), SIGTERM and the
    configuration's time limit save a checkpoint and return. ``callbacks`` are called at fixed points, after
    the library's own.

    Parts of one's own take the place of the library's. ``generator`` is a module with an attribute ``scale``,
    LR (N, 3, h, w) in [0, 1] in, SR (N, 3, scale * h, scale * w), meant to lie in [-1, 1], out; it is trained
    in place. ``discriminator`` is a module, HR or SR in, logits out: of any shape whose first side is the
    batch's; each adversarial stage trains a copy of it. ``content`` is a function (or module) of (sr, hr),
    both in [-1, 1], that returns the content loss of every stage. A run with such parts is resumed with them.

    Raises ``SrganError`` for a folder that holds another run, data that cannot be used, a part that does not
    fit or is missing, a loss that is no longer a number, and memory that runs out.
    """
    own = Own(generator, discriminator, content)
    rank, world = distributed.start()
    try:
        with out_of_memory_says(f"lower batch (now {config.stages[0].batch}) or crop (now {config.crop})"):
            return Run(config, resume, rank, world, own, callbacks).go()
    finally:
        distributed.finish()


def resume(
    folder: str | Path,
    *,
    callbacks: Sequence[Callback] = (),
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    content: Callable | None = None,
    **changes,
) -> Result:
    """Go on with the run in ``folder``. ``changes`` are settings that may differ: a time limit, a device.

    ``updates`` among them trains on to so many in all (see ``checkpoints.longer``); a time limit holds for
    the call that it is given to. ``callbacks`` and parts of one's own are those of ``train``.
    """
    updates = changes.pop("updates", None)
    config = checkpoints.config_of(folder).but(out=str(folder), **{"time_limit": None, **changes})
    if updates is not None:
        config = checkpoints.longer(config, updates, latest(Path(folder) / "checkpoints"))
    parts = {"generator": generator, "discriminator": discriminator, "content": content}
    return train(config, resume=True, callbacks=callbacks, **parts)


class Run:
    """One call of ``train``. ``callbacks.Callback`` says what of it a callback may use."""

    def __init__(self, config, resume, rank, world, own=None, callbacks=()):
        self.own = own or Own()
        self.config = config = self.own.named_in(config)
        self.rank, self.world = rank, world
        self.callbacks = [*standard_callbacks(), *callbacks]
        self.folder = Path(config.out)
        self.device = distributed.own_device(pick_device(config.device))
        self.degradation = DEGRADATIONS[config.degradation](config.scale)
        for stage in config.stages:
            distributed.check_batch(stage.batch, world)
        saved = self._earlier(resume)
        self.update = saved["update"] if saved else 0
        self.generator = self._first_generator(saved)
        with distributed.first_alone():  # data sets may have to be downloaded
            photos, self._held_out = without_held_out(photos_of(config.data, config.lr_data), config.held_out)
            measured = self._held_out or photos_of(config.validation)
        self.bank = self._open_bank(photos)
        self.examples = examples_from(measured, self.degradation)
        check_features(config, self.update)
        self.bicubic = bicubic_baseline(self.examples)
        used = sorted((photo for part in self.bank.parts for photo in part), key=lambda photo: photo.path)
        self._data = data_facts(used, config.data)
        self._files = {"photos": self._data["sha256"]}
        if saved:
            checkpoints.check_same_files(self._files, saved.get("files", {}), self.folder)
        self._saved = saved
        self.record = self._open_record(saved)
        measured = len(saved["record"]["measurements"]) if saved else 0
        self.log = RunLog(config, self.update, measured) if rank == 0 else Silence()
        self.start, self._left = 0, None

    def _earlier(self, resume):
        """The state to resume from, or None; refuses a folder that holds another run."""
        saved = latest(self.folder / "checkpoints")
        checkpoints.check_place(self.folder, saved, resume)
        self.own.check(self.config, saved.get("own", {}) if saved else {}, self.folder)
        if saved:
            checkpoints.check_same_run(self.config, saved["config"], saved["update"], self.folder)
        return saved

    def _first_generator(self, saved):
        torch.manual_seed(self.config.seed)
        generator = self.own.generator
        if generator is None:
            generator = build(**self.config.network_settings)
        if self.config.initial and not saved:
            start_from(generator, _file_to_start_from(self.config.initial))
        if self.config.tied_phases:
            tie_phases(generator)
        if saved:
            checkpoints.load_generator(generator, saved, self.folder)
        generator = generator.to(self.device)
        if self.own.generator is not None:
            self.own.check_generator(self.config.scale, self.config.crop, self.device)
        return generator

    def _open_bank(self, photos):
        config = self.config
        return PatchBank(
            photos,
            crop=config.crop,
            degradation=self.degradation,
            memory=config.memory,
            device=self.device,
            seed=config.seed,
            batch=config.stages[0].batch,
            flat=config.flat_crops,
        )

    def _open_record(self, saved):
        if self.rank:
            return None
        made_folder(self.folder, "--out")
        self.config.save(self.folder / "config.json")
        data = self._data
        if self._held_out:
            data["held_out"] = [photo.path.name for photo in self._held_out]
        facts = {
            "config": self.config.to_dict(),
            "config_sha256": self.config.sha256(),
            "seed": self.config.seed,
            "data": data,
            "hardware": hardware_facts(self.device, self.world),
            "bicubic_psnr": self.bicubic,
        }
        if self.own.names():
            facts["own"] = self.own.names()
        return RunRecord(self.folder / "record.json", facts, saved["record"] if saved else None)

    def go(self):
        """All stages that are not done yet."""
        reason = None
        with caught_signals() as caught:
            self._stop = Stop(caught, self.config.time_limit, self.device)
            for stage in self.config.stages:
                reason = self._train_stage(stage) if self.update < self.start + stage.updates else None
                if reason:
                    break
                self.start += stage.updates
        if self.record:
            self.record.facts["data"]["skipped"] = len(self.bank.skipped)
            self.record.write(stopped=reason or "finished", updates=self.update)
        self.log.close()
        facts = self.record.facts if self.record else {}
        generator = self.generator if self.own.generator is not None else with_plain_weights(self.generator)
        return Result(self.folder, generator.eval(), self.update, reason or "finished", facts)

    def _train_stage(self, stage):
        """Train one stage. Returns why to leave now, or None to go on."""
        self._begin(stage)
        self.call("on_stage_start")
        reason = None
        while not (reason or self.is_stage_done):
            self._one_update()
            self.call("on_update_end")
            reason = self._left or self._stop.reason(self.update % self.config.log_every == 0)
        self.call("on_stage_end" if self.is_stage_done else "on_stop")
        self.generator.load_state_dict(self.networks.trained().state_dict())
        if not reason or self.update == self.config.updates:
            return None
        self.log.say(f"{reason}: saved after {self.update} updates in {self.folder}; resume to go on")
        return reason

    def _begin(self, stage):
        """The networks of a stage, as a checkpoint left them or new."""
        self.stage = stage
        loss, facts = stage_loss(stage, self.config, self.device, self.degradation, self.own.content)
        torch.manual_seed(self.config.seed + self.start)  # a resumed run draws the same discriminator
        parts = self.config, stage, self.generator, loss, self.device, self.own.discriminator
        self.networks = networks_for(*parts)
        if self._saved and self._saved["stage"] == stage.name:
            checkpoints.check_same_files(_vgg(facts), self._saved.get("files", {}), self.folder)
            checkpoints.restore(self.networks, self._saved, self.folder)
        self.bank.recorded = self.networks.method.recorded
        if self.networks.method.note:
            self.log.say(self.networks.method.note)
        self.facts = facts | {"step": str(self.networks.method)}
        self._saved, self._files = None, self._files | _vgg(facts)

    def _one_update(self):
        networks, stage, number = self.networks, self.stage, self.update - self.start
        self.learning_rate = learning_rate(stage, number)
        networks.set_learning_rate(self.learning_rate)
        lr, hr = self.next_batch()
        alone = stage.is_gan and number < stage.discriminator_first
        if networks.balance and not alone and (number - stage.discriminator_first) % BALANCE_EVERY == 0:
            networks.rebalance(lr, hr)
        self.values = networks.update(lr, hr, discriminator_only=alone)
        self.update += 1

    # What callbacks use -------------------------------------------------------------------------------

    @property
    def is_stage_done(self):
        return self.update == self.start + self.stage.updates

    def next_batch(self):
        """LR and HR of the next update, of this process."""
        return self.bank.batch(self.update, self.stage.batch, self.rank, self.world)

    def call(self, point, *facts):
        """Let every callback do what it does at this point."""
        for callback in self.callbacks:
            getattr(callback, point)(self, *facts)

    def leave(self, why):
        """Save and stop after this update, ``why`` in a word or two (in every process alike)."""
        self._left = why

    def state(self):
        """What a checkpoint holds."""
        networks = {**self.networks.state(), "trained": self.networks.trained().state_dict()}
        return {
            "update": self.update,
            "stage": self.stage.name,
            "config": self.config.to_dict(),
            "own": self.own.names(),
            "files": self._files,
            "networks": networks,
            "record": self.record.carried(),
        }


def _file_to_start_from(initial):
    file = pretrained.file_of(initial)
    if file is None:
        raise SrganError(f"{initial}: a run that was stopped; resume it first, or give a weights file")
    return file


def _vgg(facts):
    """The hash of a stage's VGG19, by name, as checkpoints keep it."""
    return {"VGG19 weights": facts["vgg_sha256"]} if "vgg_sha256" in facts else {}
