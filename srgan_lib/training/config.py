"""What a run is: the settings of a training, frozen, and saved beside its results."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from srgan_lib.degradations import DEGRADATIONS
from srgan_lib.errors import SrganError
from srgan_lib.networks import settings_in
from srgan_lib.support.files import whole_file
from srgan_lib.training import rules
from srgan_lib.training.rules import OWN

PATHS = ("out", "data", "lr_data", "validation", "initial", "vgg_weights")


@dataclass(frozen=True)
class Stage:
    """One part of a run: a loss, a number of updates, a learning rate.

    ``content`` is "mse", "luma" (MSE of Y alone) or "vggij" for a feature map of VGG19 ("vgg22", "vgg54").
    With ``adversarial`` above 0 the stage is a GAN: a discriminator is trained too, one update for each of
    the generator's (section 3.2's k = 1). ``learning_rate`` holds over ``updates``, multiplied by ``drop``
    from each update of ``drop_at`` on (annealing "steps"), or falls to ``drop`` of itself along half a cosine
    (annealing "cosine"). ``warm_up`` is the number of first updates over which it rises from 0.

    Not in the paper: ``consistency`` weighs the difference between the result, made small again, and its
    input. For the first ``discriminator_first`` updates only the discriminator is trained; the generator's
    warm-up comes after them. ``discriminator_rate`` is its own learning rate, which then never changes; None
    gives it the generator's.
    """

    name: str
    updates: int
    content: str = "mse"
    adversarial: float = 0.0
    total_variation: float = 0.0
    consistency: float = 0.0
    discriminator_first: int = 0
    discriminator_rate: float | None = None
    learning_rate: float = 1e-4
    annealing: str = "steps"
    drop: float = 0.1
    drop_at: tuple = ()
    warm_up: int = 0
    batch: int = 16

    def __post_init__(self):
        object.__setattr__(self, "drop_at", _as_tuple(self.drop_at))
        rules.check(self, rules.STAGE, f"stage {' '.join(str(self.name).split())[:40]}")
        if self.discriminator_first >= self.updates:
            raise SrganError(
                f"stage {self.name}: the discriminator is trained alone for {self.discriminator_first} of"
                f" {self.updates} updates; leave some for the generator"
            )

    @property
    def is_gan(self):
        return self.adversarial > 0

    def but(self, **changes):
        """This stage with some settings changed; unknown names raise ``SrganError``."""
        return _changed(self, f"stage {self.name}", changes)


@dataclass(frozen=True)
class Config:
    """All settings of a run. ``Config.from_dict(config.to_dict())`` is the same configuration.

    ``data`` is "bundled", the name of a data set, a folder of photos, or a folder of high-resolution photos
    whose low-resolution versions are in ``lr_data``. ``degradation`` is "bicubic" (the paper's experiments)
    or "blur" (its method section: Gaussian blur, then subsampling). ``network`` is "srresnet", the generator,
    to which ``blocks``, ``channels``, ``batch_norm``, ``long_skip`` and ``tied_phases`` belong, or a
    baseline: "srcnn", "espcn", "drcn". ``tied_phases`` keeps the generator from drawing a grid
    (``networks.phases``). With ``stored_statistics`` its batch normalisation is in training what it is in
    use: it takes the statistics that the weights in ``initial`` came with, and gathers none. ``memory``
    bounds the decoded photos, in bytes. ``initial`` is a safetensors file of generator weights to start from
    instead of random ones. ``ema`` above 0 keeps a moving average of the generator's weights, which is then
    what is validated and saved. ``held_out`` is the number of photos of ``data`` that are never trained on;
    validation is then on these and not on ``validation``. ``discriminator`` is "figure4" or "features", which
    judges VGG19's feature maps ``discriminator_layers`` (``networks.feature_discriminator``). ``joint_batch``
    lets Figure 4's see real and generated crops in one batch, whose statistics its batch normalisation then
    shares; "features" always does. With ``adversarial_balance`` above 0 the weight of the adversarial term is
    not the stage's: it is kept where the term's gradient on the image is that many times the content loss's.
    ``flat_crops`` is the share of crops that one random colour replaces.
    ``validate_every``, ``preview_every`` and ``save_every`` count updates; 0 means never (a checkpoint is
    still written at the end of each stage). ``moments`` is how often in an adversarial stage three bundled
    photos are pictured, more densely at its start; 0 means never. ``time_limit`` is in seconds: the run saves
    and leaves when it is reached. ``step`` is how an update is computed: "plain", or "fast", compiled and on
    a GPU as one CUDA graph (``training.fast``); "auto" takes the fast one for long stages on a GPU.
    ``network``, ``discriminator`` and a stage's ``content`` are "own" where ``train`` was given a generator,
    a discriminator or a content loss of one's own; it names them so itself.
    """

    stages: tuple
    out: str = "runs/srgan"
    data: str = "bundled"
    lr_data: str | None = None
    validation: str = "held-out"
    held_out: int = 0
    degradation: str = "bicubic"
    network: str = "srresnet"
    scale: int = 4
    crop: int = 96
    blocks: int = 16
    channels: int = 64
    batch_norm: bool = True
    long_skip: bool = True
    tied_phases: bool = False
    stored_statistics: bool = False
    discriminator: str = "figure4"
    discriminator_layers: tuple = ("12", "22", "32")
    joint_batch: bool = False
    adversarial_balance: float = 0.0
    flat_crops: float = 0.0
    initial: str | None = None
    vgg_weights: str | None = None
    seed: int = 0
    ema: float = 0.0
    device: str = "auto"
    precision: str = "auto"
    step: str = "auto"
    memory: int = 4 << 30
    log_every: int = 20
    validate_every: int = 1000
    preview_every: int = 1000
    moments: int = 12
    save_every: int = 1000
    time_limit: float | None = None
    tensorboard: bool = True
    deviations: tuple = field(default=())

    def __post_init__(self):
        stages = _as_tuple(self.stages)
        if isinstance(stages, tuple):
            object.__setattr__(self, "stages", tuple(_as_stage(stage) for stage in stages))
        for name in ("deviations", "discriminator_layers"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))
        for name in PATHS:
            object.__setattr__(self, name, _as_text(getattr(self, name)))
        rules.check(self, rules.CONFIG, "config")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise SrganError(f"config: stages are called {', '.join(names)}; each needs a name of its own")
        if self.tied_phases and self.network != "srresnet":
            raise SrganError(f"config: tied_phases is for srresnet, not for {self.network}; leave it out")
        if self.stored_statistics and not self.initial:
            raise SrganError(
                "config: stored_statistics is for weights that have some; name their file as initial"
            )
        if self.crop % self.scale or self.crop < 4 * self.scale:
            raise SrganError(
                f"config: crop is {self.crop}; use a multiple of the scale, at least {4 * self.scale}"
            )
        borders = 2 * DEGRADATIONS[self.degradation](self.scale).margin
        if any(stage.consistency for stage in self.stages) and self.crop <= borders:
            raise SrganError(
                f"config: crop is {self.crop}; consistency needs more than {borders} at this scale"
            )
        if any(stage.is_gan for stage in self.stages) and self.discriminator != OWN and self.crop % 16:
            raise SrganError(f"config: crop is {self.crop}; the discriminator needs a multiple of 16")

    @property
    def network_settings(self):
        """What ``networks.build`` needs to make the network that is trained."""
        return settings_in(vars(self))

    @property
    def has_own_parts(self):
        """Whether generator, discriminator or a content loss are not the library's."""
        return OWN in (self.network, self.discriminator, *(stage.content for stage in self.stages))

    @property
    def updates(self):
        """Updates of all stages together."""
        return sum(stage.updates for stage in self.stages)

    def but(self, **changes):
        """This configuration with some settings changed; unknown names raise ``SrganError``."""
        return _changed(self, "config", changes)

    def to_dict(self):
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        return cls(**values)

    def sha256(self):
        """A hash of every setting: two runs with the same one were asked to do the same."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def save(self, path):
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=2) + "\n")

    @classmethod
    def read(cls, path):
        """The configuration in a file, or in the run's folder that holds it as ``config.json``."""
        path = Path(os.path.expanduser(path))
        path = path / "config.json" if path.is_dir() else path
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SrganError(f"{path}: no run to resume there; give the folder that --out named") from error
        except OSError as error:
            raise SrganError(f"{path}: cannot be read ({error.strerror}); change that, or copy it") from error
        except (ValueError, TypeError) as error:
            raise SrganError(
                f"{path}: not a configuration of this version ({error}); start a new run"
            ) from error


def _changed(settings, where, changes):
    unknown = sorted(set(changes) - {item.name for item in fields(settings)})
    if unknown:
        raise SrganError(f"{where}: there is no setting {unknown[0]!r}; see srgan train --help")
    return replace(settings, **changes)


def _as_stage(stage):
    if isinstance(stage, Stage):
        return stage
    try:
        return Stage(**stage)
    except TypeError as error:  # no dictionary, an unknown name, or one that is missing
        raise SrganError(f"config: stages holds {stage!r:.60}; use Stage, or its settings by name") from error


def _as_tuple(values):
    """A list as a tuple; what is neither stays, to be refused by its rule."""
    return tuple(values) if isinstance(values, list) else values


def _as_text(path):
    """A path as text, ~ expanded; what is none stays, to be refused by its rule."""
    return os.path.expanduser(path) if isinstance(path, (str, os.PathLike)) else path
