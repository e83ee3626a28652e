"""The two schedules of ``srgan reproduce``: which models, in what order, each from which weights."""

from dataclasses import dataclass, field

from srgan_lib.training.config import Stage
from srgan_lib.training.presets import ADVERSARIAL, RECIPE, srgan_stage, srresnet_stage

FIRST = "srresnet-mse"


@dataclass(frozen=True)
class Entry:
    """One model: its stage, the model whose trained weights it starts from (None: random ones), settings."""

    stage: Stage
    start: str | None = None
    settings: dict = field(default_factory=dict)


# Section 3.2, in the order of importance. SRResNet-VGG22's schedule is not the paper's: it starts from FIRST.
HALF = {"updates": 200_000, "drop_at": (100_000,)}  # 1e5 updates at 1e-4 and 1e5 at 1e-5
BASELINES = ("srcnn", "espcn", "drcn")  # of Table 2, with our loop; trained when asked for by name
PAPER = {
    FIRST: Entry(Stage(FIRST, updates=1_000_000)),
    "srgan-vgg54": Entry(Stage("srgan-vgg54", content="vgg54", adversarial=ADVERSARIAL, **HALF), FIRST),
    "srgan-vgg22": Entry(Stage("srgan-vgg22", content="vgg22", adversarial=ADVERSARIAL, **HALF), FIRST),
    "srgan-mse": Entry(Stage("srgan-mse", content="mse", adversarial=ADVERSARIAL, **HALF), FIRST),
    "srresnet-vgg22": Entry(Stage("srresnet-vgg22", content="vgg22", total_variation=2e-8, **HALF), FIRST),
    **{
        name: Entry(Stage(name, updates=1_000_000, content="luma"), settings={"network": name})
        for name in BASELINES
    },
}

# Without a GPU: the recipe of ``presets``. SRGAN-VGG54 begins where SRGAN-VGG22
# ended: VGG22 fills a picture with texture faster, and VGG54 then orders it.
SMALL = {"crop": 64, "ema": 0.999, "tied_phases": True}
GAN = {**SMALL, **RECIPE, "ema": 0.997}
TWICE = {"scale": 2, "crop": 48}
CPU = {
    FIRST: Entry(srresnet_stage(FIRST, 20_000), settings=SMALL),
    "srgan-vgg22": Entry(srgan_stage("srgan-vgg22", 6_000), FIRST, GAN),
    "srgan-vgg54": Entry(
        srgan_stage("srgan-vgg54", 4_000, content="vgg54", learning_rate=5e-5), "srgan-vgg22", GAN
    ),
    "srresnet-vgg22": Entry(
        srresnet_stage("srresnet-vgg22", 1_500, content="vgg22", total_variation=2e-8, batch=8), FIRST, SMALL
    ),
    "srgan-mse": Entry(srgan_stage("srgan-mse", 1_500, content="mse"), FIRST, GAN),
    "srresnet-mse-x2": Entry(srresnet_stage("srresnet-mse-x2", 3_000), FIRST, SMALL | TWICE),
    "srgan-vgg54-x2": Entry(
        srgan_stage("srgan-vgg54-x2", 1_500, content="vgg54"), "srresnet-mse-x2", GAN | TWICE
    ),
}
SCHEDULES = {"paper": PAPER, "cpu": CPU}
