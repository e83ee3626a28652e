"""The training loop: one for SRResNet and SRGAN, on a CPU, on a GPU, or on many under ``torchrun``.

A run is a folder: ``config.json``, ``record.json`` (what it was and what came out), ``log.jsonl``,
``checkpoints/``, ``previews/``, ``tensorboard/`` and, after each stage, its generator as
``STAGE.safetensors``.
"""

import math
import statistics
import time
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
from srgan_lib.networks.weights import save_generator, start_from
from srgan_lib.support.devices import out_of_memory_says, pick_device
from srgan_lib.support.files import made_folder
from srgan_lib.training import checkpoints, distributed, health
from srgan_lib.training.content import check_features, generator_loss
from srgan_lib.training.previews import moments, pictured, pictures
from srgan_lib.training.records import RunRecord, data_facts, hardware_facts
from srgan_lib.training.report import Report, Silence
from srgan_lib.training.step import BALANCE_EVERY, Networks, learning_rate
from srgan_lib.training.stopping import Stop, caught_signals
from srgan_lib.training.validation import bicubic_baseline, examples_from, preview, validate


@dataclass(frozen=True)
class Result:
    """What ``train`` returns: the run's folder, the generator in eval mode, the updates done, why it stopped.

    ``stopped`` is "finished", "time limit" or the name of a signal; all but the first can be resumed.
    """

    folder: Path
    generator: nn.Module
    updates: int
    stopped: str
    record: dict


def train(config, resume=False):
    """Train as ``config`` says. Returns a ``Result``; what was learned is in the folder ``config.out``.

    With ``resume`` a run that is already in that folder goes on from its last checkpoint, on the CPU bit for
    bit as if it had never stopped; where there is none, a new one starts. SIGINT (Ctrl-C), SIGTERM and the
    configuration's time limit save a checkpoint and return. Raises ``SrganError`` for a folder that holds
    another run, data that cannot be used, a loss that is no longer a number, and memory that runs out.
    """
    rank, world = distributed.start()
    try:
        with out_of_memory_says(f"lower batch (now {config.stages[0].batch}) or crop (now {config.crop})"):
            return Run(config, resume, rank, world).go()
    finally:
        distributed.finish()


def resume(folder, **changes):
    """Go on with the run in ``folder``. ``changes`` are settings that may differ: a time limit, a device.

    ``updates`` among them trains on to so many in all (see ``checkpoints.longer``); a time limit holds for
    the call that it is given to.
    """
    updates = changes.pop("updates", None)
    config = checkpoints.config_of(folder).but(out=str(folder), **{"time_limit": None, **changes})
    if updates is not None:
        config = checkpoints.longer(config, updates, checkpoints.latest(Path(folder) / "checkpoints"))
    return train(config, resume=True)


class Run:
    """One call of ``train``."""

    def __init__(self, config, resume, rank, world):
        self.config, self.rank, self.world = config, rank, world
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
        self._bicubic = bicubic_baseline(self.examples)
        used = sorted((photo for part in self.bank.parts for photo in part), key=lambda photo: photo.path)
        self._data = data_facts(used, config.data)
        self._files = {"photos": self._data["sha256"]}
        if saved:
            checkpoints.check_same_files(self._files, saved.get("files", {}), self.folder)
        self._saved = saved
        self.record = self._open_record(saved)
        measured = len(saved["record"]["measurements"]) if saved else 0
        self.report = Report(config, self.update, measured) if rank == 0 else Silence()
        self._pending = []
        self._moments, self._pictured = set(), None
        self._logged_at = time.monotonic()

    def _earlier(self, resume):
        """The state to resume from, or None; refuses a folder that holds another run."""
        saved = checkpoints.latest(self.folder / "checkpoints") if self.folder.exists() else None
        checkpoints.check_place(self.folder, saved, resume)
        if saved:
            checkpoints.check_same_run(self.config, saved["config"], saved["update"], self.folder)
        return saved

    def _first_generator(self, saved):
        torch.manual_seed(self.config.seed)
        generator = build(**self.config.network_settings)
        if self.config.initial and not saved:
            start_from(generator, pretrained.file_of(self.config.initial))
        if self.config.tied_phases:
            tie_phases(generator)
        if saved:
            checkpoints.load_generator(generator, saved, self.folder)
        return generator.to(self.device)

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
            "bicubic_psnr": self._bicubic,
        }
        return RunRecord(self.folder / "record.json", facts, saved["record"] if saved else None)

    def go(self):
        """All stages that are not done yet."""
        first, reason = 0, None
        with caught_signals() as caught:
            self._stop = Stop(caught, self.config.time_limit, self.device)
            for stage in self.config.stages:
                reason = self._stage(stage, first) if self.update < first + stage.updates else None
                if reason:
                    break
                first += stage.updates
        if self.record:
            self.record.facts["data"]["skipped"] = len(self.bank.skipped)
            self.record.write(stopped=reason or "finished", updates=self.update)
        self.report.close()
        facts = self.record.facts if self.record else {}
        generator = with_plain_weights(self.generator).eval()
        return Result(self.folder, generator, self.update, reason or "finished", facts)

    def _stage(self, stage, first):
        """Train one stage. Returns why to leave now, or None to go on."""
        loss, facts = generator_loss(stage, self.config, self.device, self.degradation)
        torch.manual_seed(self.config.seed + first)  # a resumed run draws the same discriminator
        networks = Networks(self.config, stage, self.generator, loss, self.device)
        if self._saved and self._saved["stage"] == stage.name:
            checkpoints.check_same_files(_vgg(facts), self._saved.get("files", {}), self.folder)
            checkpoints.restore(networks, self._saved, self.folder)
        self.bank.recorded = networks.method.recorded
        if networks.method.note:
            self.report.say(networks.method.note)
        facts = facts | {"step": str(networks.method)}
        self._saved, self._files = None, self._files | _vgg(facts)
        self._first = first
        self._moments = self._moments_of(stage, first)
        if self.update == first:
            self._picture(networks, stage)
            if stage.is_gan and self.config.validate_every:  # where it starts from
                self._validate(networks, stage, False)
        end = first + stage.updates
        while self.update < end:
            self._one_update(networks, stage, first)
            reason = self._stop.reason(self.update % self.config.log_every == 0)
            if reason and self.update < end:
                self._save(networks, stage)
                break
        else:
            self._finish_stage(networks, stage, facts)
        if not reason or self.update == self.config.updates:
            return None
        self.report.say(f"{reason}: saved after {self.update} updates in {self.folder}; resume to go on")
        return reason

    def _one_update(self, networks, stage, first):
        number = self.update - first
        networks.set_learning_rate(learning_rate(stage, number))
        lr, hr = self.bank.batch(self.update, stage.batch, self.rank, self.world)
        alone = stage.is_gan and number < stage.discriminator_first
        if networks.balance and not alone and (number - stage.discriminator_first) % BALANCE_EVERY == 0:
            networks.rebalance(lr, hr)
        if number == stage.discriminator_first:
            self._log(stage, learning_rate(stage, number))  # the terms of D alone are fewer
        self._pending.append(networks.update(lr, hr, discriminator_only=alone))
        self.update += 1
        self.report.advance(stage)
        config, last = self.config, self.update == first + stage.updates
        if self.update % config.log_every == 0 or last:
            self._log(stage, learning_rate(stage, self.update - 1 - first))
        look = last or self.update in self._moments or _due(self.update, config.preview_every)
        if look or _due(self.update, config.validate_every):
            self._validate(networks, stage, look)
        self._picture(networks, stage)
        if _due(self.update, config.save_every) and not last:
            self._save(networks, stage)

    def _log(self, stage, rate):
        """Report the mean of each term since the last time. This is where the GPU is waited for."""
        if not self._pending:
            return
        values = self._finite_means()
        now = time.monotonic()
        speed = len(self._pending) / (now - self._logged_at)
        self._logged_at = now
        self._pending = []
        facts = {"stage": stage.name, "learning_rate": rate, "updates_per_second": round(speed, 4)}
        self.report.losses(self.update, facts | values)

    def _finite_means(self):
        """The mean of each term since the last log; a loss that is no number ends the run.

        A gradient may be infinite now and then: float16's scaler skips that update, and the log its norm.
        """
        names = list(self._pending[0])
        rows = torch.stack([torch.stack([terms[name].float() for name in names]) for terms in self._pending])
        rows = distributed.mean(rows).cpu()
        for row, number in zip(rows, range(self.update - len(rows) + 1, self.update + 1), strict=True):
            for name, value in zip(names, row.tolist(), strict=True):
                if not math.isfinite(value) and not name.endswith("_gradient"):
                    raise SrganError(self._diverged(number, name, value))
        means = torch.where(rows.isfinite(), rows, torch.nan).nanmean(0)
        return {
            name: round(value, 7)
            for name, value in zip(names, means.tolist(), strict=True)
            if math.isfinite(value)
        }

    def _diverged(self, number, name, value):
        last = (checkpoints.found(self.folder / "checkpoints") or ["none"])[-1]
        return (
            f"update {number}: the {name} loss is {value}; last good checkpoint: {last};"
            " lower the learning rate, then resume or start again"
        )

    def _validate(self, networks, stage, look):
        game = self._game(networks, stage)
        if self.rank:
            return
        values, images = validate(networks.trained(), self.examples)
        found = health.seen(images, self.examples, self.degradation)
        found["content"] = round(health.held_out_content(networks, images, self.examples), 7)
        self.record.measured(
            {"update": self.update, "stage": stage.name, "psnr": values, "health": found | game}
        )
        picture = preview(self.examples, images) if look else None
        gain = statistics.mean(values[name] - self._bicubic[name] for name in values)
        self.report.validation(self.update, values, found | game, gain, picture)

    def _game(self, networks, stage):
        """How the adversarial game stands, on the crops of the next update; nothing before it has begun."""
        if not stage.is_gan or self.update - self._first <= stage.discriminator_first:
            return {}
        return health.game(networks, *self.bank.batch(self.update, stage.batch, self.rank, self.world))

    def _moments_of(self, stage, first):
        """The numbers of the updates after which the bundled photos are pictured: none without a GAN."""
        if not stage.is_gan:
            return set()
        return {first + update for update in moments(stage.updates, self.config.moments)}

    def _picture(self, networks, stage):
        if self.rank or self.update not in self._moments:
            return
        self._pictured = self._pictured or pictured(self.config.data, self.degradation)
        self.report.pictures(self.update, stage.name, pictures(networks.trained(), self._pictured))

    def _save(self, networks, stage):
        """A checkpoint, after making sure that no loss since the last log was no number."""
        self._log(stage, float(networks.generator_adam.param_groups[0]["lr"]))
        if self.rank == 0:
            state = {
                "update": self.update,
                "stage": stage.name,
                "config": self.config.to_dict(),
                "files": self._files,
                "networks": {**networks.state(), "trained": networks.trained().state_dict()},
                "record": self.record.carried(),
            }
            checkpoints.save(self.folder / "checkpoints", self.update, state)
            self.record.write(updates=self.update)
        distributed.wait()

    def _finish_stage(self, networks, stage, facts):
        """The stage's generator, then a checkpoint that knows of it: a run killed between them does both."""
        if self.rank == 0:
            path = self.folder / f"{stage.name}.safetensors"
            sha256 = save_generator(networks.trained(), path)
            self.record.stage_done(stage.name, {"weights": path.name, "sha256": sha256, **facts})
        self._save(networks, stage)
        self.generator.load_state_dict(networks.trained().state_dict())


def _vgg(facts):
    """The hash of a stage's VGG19, by name, as checkpoints keep it."""
    return {"VGG19 weights": facts["vgg_sha256"]} if "vgg_sha256" in facts else {}


def _due(update, every):
    return every > 0 and update % every == 0
