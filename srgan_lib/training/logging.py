"""What a run writes while it goes on: one progress bar, JSON lines, TensorBoard, previews as images."""

import json
import sys
from pathlib import Path

from srgan_lib.images import save_image
from srgan_lib.support.files import whole_file
from srgan_lib.support.notices import say
from srgan_lib.support.progress import is_followed, progress_bar
from srgan_lib.training.health import verdict


class RunLog:
    """Writes ``log.jsonl``, ``tensorboard/`` and ``previews/`` in the run's folder and draws the bar.

    When a run is resumed at an update, what an earlier, killed session wrote beyond it is dropped first;
    ``measured`` is how many validations there had been then.
    """

    def __init__(self, config, update, measured=0):
        self.folder = Path(config.out)
        self.log = self.folder / "log.jsonl"
        self._drop_lines_after(update, measured)
        self._board = _board(self.folder / "tensorboard", update) if config.tensorboard else None
        self.bar = progress_bar(
            total=config.updates, initial=update, unit="update", dynamic_ncols=True, smoothing=0.1
        )

    def _drop_lines_after(self, update, measured):
        if self.log.exists():
            kept, damaged = [], 0
            for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
                facts = _facts_of(line)
                damaged += facts is None
                if facts is None:
                    continue
                measured -= "psnr" in facts
                if facts["update"] <= update and ("psnr" not in facts or measured >= 0):
                    kept.append(f"{line}\n")
            with whole_file(self.log) as temporary:
                temporary.write_text("".join(kept))
            if damaged:
                say(f"{self.log}: {damaged} damaged lines are left out")

    def advance(self, stage):
        self.bar.set_description(stage.name, refresh=False)
        self.bar.update()

    def losses(self, update, values):
        """Log the mean of each term since the last time; the bar shows those of G and D."""
        self._write({"update": update, **values})
        shown = {name: f"{values[name]:.4g}" for name in ("generator", "discriminator") if name in values}
        self.bar.set_postfix(shown)
        self._scalars(values, update)

    def validation(self, update, values, health, gain):
        """Log PSNR by photo and the health, and say what is wrong; ``gain`` is mean PSNR less bicubic's."""
        self._write({"update": update, "psnr": values, "health": health})
        self._scalars({f"psnr/{name}": value for name, value in values.items()}, update)
        self._scalars({f"health/{name}": value for name, value in health.items()}, update)
        if is_followed():  # where nobody reads it, the log is enough
            self.say(_health_line(update, gain, health))
            for sentence in verdict(health, gain):
                self.say(f"  {sentence}")

    def preview(self, update, picture):
        """Save a picture as ``previews/UPDATE.png``, and show it in TensorBoard."""
        self._save(f"{update:09d}", picture)
        if self._board:
            self._board.add_image("preview", picture, update, dataformats="HWC")

    def pictures(self, update, stage, images):
        """Save the results of an adversarial stage as ``previews/STAGE-PHOTO-UPDATE.png``."""
        for name, image in images.items():
            self._save(f"{stage}-{name}-{update:09d}", image)

    def say(self, line):
        """A line above the bar."""
        if sys.stderr is not None:
            self.bar.write(line, file=sys.stderr)

    def close(self):
        self.bar.close()
        if self._board:
            self._board.close()

    def _save(self, name, image):
        folder = self.folder / "previews"
        folder.mkdir(exist_ok=True)
        save_image(image, folder / f"{name}.png")

    def _write(self, values):
        with open(self.log, "a") as file:
            file.write(json.dumps(values) + "\n")

    def _scalars(self, values, update):
        for name, value in values.items() if self._board else ():
            if isinstance(value, (int, float)):
                self._board.add_scalar(name, value, update)


def _health_line(update, gain, health):
    """One line of a validation: PSNR against bicubic, and what PSNR does not show."""
    parts = [f"update {update:,}: {gain:+.2f} dB against bicubic", f"content loss {health['content']:.4g}"]
    if "power" in health:
        power = " ".join(f"{value:+.1f}" for value in health["power"])
        parts.append(f"fine detail {power} dB of the originals', grid {health['grid']:.2f}")
    if "adversarial_share" in health:
        parts.append(
            f"D {health['d_real']:.2f} / {health['d_fake']:.2f}, its pull {health['adversarial_share']:.2g}"
        )
    return "; ".join(parts)


class Silence:
    """The log of every process but the first."""

    def __getattr__(self, _):
        return lambda *_: None


def _facts_of(line):
    """What a line of the log says, or None where a crash or a full disk has left half of it."""
    try:
        facts = json.loads(line)
        return facts if isinstance(facts["update"], int) else None
    except (ValueError, TypeError, KeyError):
        return None


def _board(folder, update):
    from torch.utils.tensorboard import SummaryWriter  # takes seconds to import: not before it is needed

    return SummaryWriter(folder, purge_step=update + 1)
