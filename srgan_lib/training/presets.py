"""Ready configurations: ``tiny`` for a laptop, ``colab`` for a free GPU, ``cpu`` without one, ``paper``; and
``report2023``, for the chapter *A student project, rebuilt*.

Each takes any setting of ``Config`` to change, and ``updates`` to shorten all stages in proportion. All but
``paper``, which is the paper to the letter, and ``report2023`` use the recipe below.
"""

from dataclasses import replace
from pathlib import Path

from srgan_lib import pretrained
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.support.devices import has_bfloat16
from srgan_lib.training import rules
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.deviations import deviations

ADVERSARIAL = 1e-3  # equation 3
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts a user's Google Drive

# Not the paper's: what lets an SRGAN of a few thousand updates draw detail instead of a grid (the chapter
# Training SRGAN tells why). In the order of their importance.
RECIPE = {
    "tied_phases": True,
    "discriminator": "features",
    "adversarial_balance": 3.0,
    "flat_crops": 1 / 32,
}
CONSISTENCY = {"vgg22": 5.0, "vgg54": 200.0, "mse": 5.0}  # its gradient is then about the content loss's


def srresnet_stage(name, updates, **changes):
    """SRResNet by the recipe: a higher learning rate, which falls along a cosine."""
    settings = {"learning_rate": 4e-4, "annealing": "cosine", "drop": 0.02, "warm_up": 100}
    return Stage(name, updates, **{**settings, **changes})


def srgan_stage(name, updates, content="vgg22", **changes):
    """SRGAN by the recipe: eight crops an update, the discriminator alone first, then a slow beginning."""
    settings = {
        "adversarial": ADVERSARIAL,  # until it is balanced: any number above 0
        "consistency": CONSISTENCY[content],
        "learning_rate": 2e-4,
        "discriminator_rate": 2e-4,
        "discriminator_first": 60,
        "annealing": "cosine",
        "drop": 0.02,
        "warm_up": 100,
        "batch": 8,
    }
    return Stage(name, updates, content=content, **{**settings, **changes})


def tiny(data="bundled", **changes):
    """A small SRResNet on the bundled photos: two minutes or less on two CPU cores."""
    stage = Stage("tiny", updates=1200, learning_rate=3e-3, annealing="cosine", drop=0.02, warm_up=30)
    config = Config(
        stages=(stage,),
        out="runs/tiny",
        data=data,
        blocks=4,
        channels=24,
        crop=48,
        batch_norm=False,
        tied_phases=True,
        validate_every=300,
        preview_every=300,
        save_every=300,
    )
    return changed(config, changes)


def colab(data="DIV2K", **changes):
    """The recipe for a T4 (meant for half an hour, not timed yet); a disconnect loses little.

    Where Google Drive is mounted the run is kept there, and ``train(config, resume=True)`` in a new session
    goes on with it.
    """
    stages = (
        srresnet_stage("srresnet-mse", 12_000, warm_up=200),
        srgan_stage("srgan-vgg22", 3_000, batch=16),
        srgan_stage("srgan-vgg54", 1_000, content="vgg54", learning_rate=5e-5, batch=16),
    )
    config = Config(
        stages=stages,
        out=str(DRIVE / "srgan") if DRIVE.is_dir() else "runs/colab",
        data=data,
        ema=0.997,
        validate_every=500,
        preview_every=500,
        save_every=250,
        **RECIPE,
    )
    return changed(config, changes)


def cpu(data="DIV2K", **changes):
    """The recipe without a GPU: hours on two cores (not timed as a whole yet).

    Networks compute in bfloat16 where the processor does, else in float32. ``srgan reproduce
    --schedule cpu`` trains the same three models as runs of their own, and the others of Table 1.
    """
    stages = (
        srresnet_stage("srresnet-mse", 20_000),
        srgan_stage("srgan-vgg22", 6_000),
        srgan_stage("srgan-vgg54", 4_000, content="vgg54", learning_rate=5e-5),
    )
    config = Config(
        stages=stages,
        out="runs/cpu",
        data=data,
        crop=64,
        ema=0.997,
        precision="bfloat16" if has_bfloat16() else "float32",
        validate_every=500,
        preview_every=500,
        save_every=250,
        **RECIPE,
    )
    return changed(config, changes)


def paper(data="DIV2K", **changes):
    """The paper's settings (section 3.2): SRResNet-MSE for 1e6 updates, then SRGAN-VGG54 for 1e5 + 1e5."""
    stages = (
        Stage("srresnet-mse", updates=1_000_000),
        Stage("srgan-vgg54", updates=200_000, content="vgg54", adversarial=ADVERSARIAL, drop_at=(100_000,)),
    )
    config = Config(stages=stages, out="runs/paper", data=data, log_every=100, validate_every=10_000,
                    preview_every=50_000, save_every=5_000)  # fmt: skip
    config = changed(config, changes)
    return config.but(deviations=()) if "deviations" not in changes else config


def report2023(data="pairs", start="srresnet-mse-x2", initial=None, **changes):
    """The system of a student report of 2023, at scale 2, in about two hours of two CPU cores (not timed).

    ``data`` is the folder that ``srgan data pairs`` wrote: trained is on ``train/high`` and ``train/low``, of
    which 15 pairs are kept to watch the training with; ``val`` is left for the measurement at the end. The
    report states the paper's crops of 96, batches of 16, learning rates and feature scale of 12.75; batches,
    crops and updates are smaller here, as ``deviations`` say. The first stage goes on from shipped weights,
    ``start``: from "srresnet-mse-x2" SRResNet and then SRGAN are trained, from "srgan-vgg54-x2" SRGAN alone.
    ``initial`` is a file of such weights instead of the shipped ones. Raises ``SrganError`` where neither is
    there.
    """
    srresnet = Stage("report-srresnet", 1_500, batch=8)
    srgan = Stage("report-srgan", 3_000, content="vgg54", adversarial=ADVERSARIAL, drop_at=(1_500,), batch=8)
    stages = {"srresnet-mse-x2": (srresnet, srgan), "srgan-vgg54-x2": (srgan,)}
    if start not in stages:
        raise unknown_name("start of report2023", start, stages)
    if initial is None and start not in pretrained.names():
        raise SrganError(
            f"report2023 starts from the weights {start}, which are not shipped yet; give a file of them"
            f" (--initial FILE), which srgan reproduce --schedule cpu --only {start} trains"
        )
    config = Config(
        stages=stages[start],
        out="runs/report2023",
        data=str(Path(data) / "train" / "high"),
        lr_data=str(Path(data) / "train" / "low"),
        held_out=15,
        degradation="blur",
        scale=2,
        crop=48,
        initial=str(initial or pretrained.path(start)),
        validate_every=250,
        preview_every=500,
        save_every=250,
    )
    return changed(config, changes)


def changed(config, changes):
    """A configuration with some settings changed.

    ``updates`` shortens all stages in proportion; ``batch``, and ``stage``, a dictionary of settings of
    ``Stage``, are for all of them.
    """
    changes = dict(changes)
    updates = changes.pop("updates", None)
    batch = changes.pop("batch", None)
    stage = changes.pop("stage", {}) | ({} if batch is None else {"batch": batch})
    config = config.but(**changes)
    if updates is not None:
        config = config.but(stages=_shortened(config, updates))
    if stage:
        config = config.but(stages=[each.but(**stage) for each in config.stages])
    return config if "deviations" in changes else config.but(deviations=deviations(config))


def _shortened(config, updates):
    count = len(config.stages)
    if not rules.whole(count).holds(updates):
        raise SrganError(f"updates is {updates!r}; use a whole number of at least {count}, one a stage")
    share = updates / config.updates
    return [shortened(stage, max(1, round(stage.updates * share))) for stage in config.stages]


def shortened(stage, updates):
    """The same stage with other ``updates`` in all: its moments move in proportion."""
    share = updates / stage.updates
    return replace(
        stage,
        updates=updates,
        drop_at=tuple(max(1, round(boundary * share)) for boundary in stage.drop_at),
        warm_up=round(stage.warm_up * share),
        discriminator_first=min(round(stage.discriminator_first * share), updates - 1),
    )
