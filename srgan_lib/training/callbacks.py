"""What is done while a run goes on: logging, validation, previews, checkpoints, and what a user adds.

The loop trains; at fixed points it calls each callback. ``train(config, callbacks=[...])`` adds some to the
four of every run, which come first::

    class StopWhenWorse(sr.training.callbacks.Callback):
        def on_validation(self, run, measurement):
            ...
"""

import math
import statistics
import time

import torch

from srgan_lib.errors import SrganError
from srgan_lib.networks.run_folders import found
from srgan_lib.networks.weights import save_generator
from srgan_lib.training import checkpoints, distributed, health
from srgan_lib.training.validation import moments, pictured, pictures, preview, validate


class Callback:
    """What to do at the fixed points of a run; override those that are needed.

    Each is called with the ``loop.Run``, in every process (``run.rank`` is 0 in the first). Of it a callback
    may read ``config``, ``stage``, ``update`` (how many have been done in the whole run), ``start`` (how many
    before this stage), ``is_stage_done``, ``networks`` (the stage's ``Networks``: ``generator``,
    ``discriminator``, ``trained()``), ``values`` (what the last update returned, tensors on the device),
    ``learning_rate``, ``folder`` and ``log.say(line)``. It may call ``run.leave(why)``: the run saves a
    checkpoint and stops after this update.
    """

    def on_stage_start(self, run):
        """Before the first update of a stage, or of what is left of it in a run that was resumed."""

    def on_update_end(self, run):
        """After each update."""

    def on_log(self, run, means):
        """When the means of the last updates' values, a dictionary of numbers, have been logged."""

    def on_validation(self, run, measurement):
        """After a validation, in the first process: {"update", "stage", "psnr": {photo: dB}, "health"}."""

    def on_stage_end(self, run):
        """After the last update of a stage."""

    def on_stop(self, run):
        """Where a run leaves a stage that is not done."""


def standard_callbacks():
    """Those of every run, in their order: a checkpoint is saved after all of an update has been noted."""
    logging = Logging()
    return [logging, Validation(), Previews(), Checkpoints(logging)]


class Logging(Callback):
    """The mean of each value over the last updates, every ``log_every`` of them.

    This is where a GPU is waited for, and where a loss that is no number ends the run.
    """

    def __init__(self):
        self.pending, self.since = [], time.monotonic()

    def on_update_end(self, run):
        if self.pending and self.pending[0].keys() != run.values.keys():  # those of D alone are fewer
            self.write(run, run.update - 1)
        self.pending.append(run.values)
        run.log.advance(run.stage)
        if run.is_stage_done or _due(run.update, run.config.log_every):
            self.write(run, run.update)

    def write(self, run, update):
        """Log what is pending, the values up to ``update``."""
        if not self.pending:
            return
        now, count = time.monotonic(), len(self.pending)
        means = self._finite_means(run, update)
        speed = round(count / (now - self.since), 4)
        self.pending, self.since = [], now
        facts = {
            "stage": run.stage.name,
            "learning_rate": run.learning_rate,
            "updates_per_second": speed,
            **means,
        }
        run.log.losses(update, facts)
        run.call("on_log", facts)

    def _finite_means(self, run, update):
        """A gradient may be infinite: float16's scaler skips that update, and the log its norm."""
        names = list(self.pending[0])
        rows = torch.stack([torch.stack([terms[name] for name in names]) for terms in self.pending])
        rows = distributed.mean(rows).cpu()
        for row, number in zip(rows, range(update - len(rows) + 1, update + 1), strict=True):
            for name, value in zip(names, row.tolist(), strict=True):
                if not math.isfinite(value) and not name.endswith("_gradient"):
                    raise SrganError(_diverged(run, number, name, value))
        means = torch.where(rows.isfinite(), rows, torch.nan).nanmean(0)
        return {
            name: round(value, 7)
            for name, value in zip(names, means.tolist(), strict=True)
            if math.isfinite(value)
        }


def _diverged(run, number, name, value):
    last = (found(run.folder / "checkpoints") or ["none"])[-1]
    return (
        f"update {number}: the {name} loss is {value}; last good checkpoint: {last};"
        " lower the learning rate, then resume or start again"
    )


class Validation(Callback):
    """PSNR and health on the run's examples: every ``validate_every`` updates and at the end of a stage.

    Of an adversarial stage also at its beginning: that is where it starts from.
    """

    def on_stage_start(self, run):
        if run.update == run.start and run.stage.is_gan and run.config.validate_every:
            self.measure(run)

    def on_update_end(self, run):
        if run.is_stage_done or _due(run.update, run.config.validate_every):
            self.measure(run)

    def measure(self, run):
        game = self._game(run)
        if run.rank:
            return
        values, images = validate(run.networks.trained(), run.examples)
        seen = health.seen(images, run.examples, run.degradation)
        seen["content"] = round(health.held_out_content(run.networks, images, run.examples), 7)
        measurement = {
            "update": run.update,
            "stage": run.stage.name,
            "psnr": values,
            "health": seen | game,
        }
        run.record.measured(measurement)
        gain = statistics.mean(values[name] - run.bicubic[name] for name in values)
        run.log.validation(run.update, values, seen | game, gain)
        run.call("on_validation", measurement)

    def _game(self, run):
        """How the adversarial game stands, on the crops of the next update; nothing before it has begun."""
        if not run.stage.is_gan or run.update - run.start <= run.stage.discriminator_first:
            return {}
        return health.game(run.networks, *run.next_batch())


class Previews(Callback):
    """A strip of examples every ``preview_every`` updates, three photos at an adversarial stage's moments."""

    def __init__(self):
        self.photos = None

    def on_stage_start(self, run):
        is_shown = run.stage.is_gan and not run.rank
        self.moments = moments(run.stage.updates, run.config.moments) if is_shown else []
        if run.update == run.start:
            self.picture(run)

    def on_update_end(self, run):
        if not run.rank and (run.is_stage_done or _due(run.update, run.config.preview_every)):
            run.log.preview(run.update, preview(run.networks.trained(), run.examples))
        self.picture(run)

    def picture(self, run):
        if run.update - run.start in self.moments:
            self.photos = self.photos or pictured(run.config.data, run.degradation)
            run.log.pictures(run.update, run.stage.name, pictures(run.networks.trained(), self.photos))


class Checkpoints(Callback):
    """A checkpoint every ``save_every`` updates and where the run stops; after a stage its generator too."""

    def __init__(self, logging):
        self.logging = logging

    def on_update_end(self, run):
        if _due(run.update, run.config.save_every) and not run.is_stage_done:
            self.save(run)

    def on_stage_end(self, run):
        """The generator first, then a checkpoint that knows of it: a run killed between them does both."""
        if run.rank == 0:
            path = run.folder / f"{run.stage.name}.safetensors"
            sha256 = save_generator(run.networks.trained(), path)
            run.record.stage_done(run.stage.name, {"weights": path.name, "sha256": sha256, **run.facts})
        self.save(run)

    def on_stop(self, run):
        self.save(run)

    def save(self, run):
        """After making sure that no loss since the last log was no number."""
        self.logging.write(run, run.update)
        if run.rank == 0:
            checkpoints.save(run.folder / "checkpoints", run.update, run.state())
            run.record.write(updates=run.update)
        distributed.wait()


def _due(update, every):
    return every > 0 and update % every == 0
