"""Three ready configurations: ``tiny`` for a laptop, ``colab`` for a free GPU, ``paper`` to the letter.

Each takes any setting of ``Config`` to change, and ``updates`` to shorten all stages in proportion.
"""

from dataclasses import replace
from pathlib import Path

from srgan_lib.errors import SrganError
from srgan_lib.training.config import Config, Stage

ADVERSARIAL = 1e-3  # equation 3
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts a user's Google Drive


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
        validate_every=300,
        preview_every=300,
        save_every=300,
        deviations=(
            "4 blocks of 24 channels without batch normalisation",
            "48-pixel crops",
            "10 photos",
            "learning rate 3e-3, annealed",
        ),
    )
    return _changed(config, changes)


def colab(data="DIV2K", **changes):
    """Both stages, shortened for a T4 (meant for half an hour, not timed yet); a disconnect loses little.

    Where Google Drive is mounted the run is kept there, and ``train(config, resume=True)`` in a new session
    goes on with it.
    """
    stages = (
        Stage("srresnet-mse", updates=12_000, learning_rate=4e-4, annealing="cosine", drop=0.02, warm_up=200),
        Stage("srgan-vgg54", updates=2_500, content="vgg54", adversarial=ADVERSARIAL, drop_at=(1_250,)),
    )
    config = Config(
        stages=stages,
        out=str(DRIVE / "srgan") if DRIVE.is_dir() else "runs/colab",
        data=data,
        validate_every=500,
        preview_every=500,
        save_every=250,
        deviations=(
            "12,000 + 2,500 updates instead of 1,000,000 + 200,000",
            "learning rate 4e-4, annealed, in stage 1",
        ),
    )
    return _changed(config, changes)


def paper(data="DIV2K", **changes):
    """The paper's settings (section 3.2): SRResNet-MSE for 1e6 updates, then SRGAN-VGG54 for 1e5 + 1e5."""
    stages = (
        Stage("srresnet-mse", updates=1_000_000),
        Stage("srgan-vgg54", updates=200_000, content="vgg54", adversarial=ADVERSARIAL, drop_at=(100_000,)),
    )
    config = Config(stages=stages, out="runs/paper", data=data, log_every=100, validate_every=10_000,
                    preview_every=50_000, save_every=5_000)  # fmt: skip
    return _changed(config, changes)


def _changed(config, changes):
    updates = changes.pop("updates", None)
    batch = changes.pop("batch", None)
    config = config.but(**changes)
    if updates:
        config = config.but(stages=_shortened(config, updates))
    if batch:
        config = config.but(stages=[replace(stage, batch=batch) for stage in config.stages])
    return config


def _shortened(config, updates):
    if updates < len(config.stages):
        raise SrganError(f"updates is {updates}; give each of the {len(config.stages)} stages at least one")
    share = updates / config.updates
    return [
        replace(
            stage,
            updates=max(1, round(stage.updates * share)),
            drop_at=tuple(max(1, round(boundary * share)) for boundary in stage.drop_at),
            warm_up=round(stage.warm_up * share),
        )
        for stage in config.stages
    ]
