"""A narrow VGG19 and short runs of the recipe with it: what several test files train in seconds."""

import torch
from safetensors.torch import save_file
from torch import nn

from srgan_lib.networks import vgg
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.weights import save_generator
from srgan_lib.training import loop
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.content import stage_loss
from srgan_lib.training.fast import networks_for
from srgan_lib.training.loop import train

CHANNELS, WIDTH = (6, 6, 8, 8, 8), 8  # of VGG19's five blocks; of the discriminator's heads
QUIET = {"validate_every": 0, "preview_every": 0, "moments": 0, "tensorboard": False}
RECIPE = {
    "discriminator": "features",
    "tied_phases": True,
    "adversarial_balance": 3.0,
    "flat_crops": 1 / 8,
    "ema": 0.9,
}


class SmallDiscriminator(nn.Sequential):
    """In place of Figure 4's: convolutions, batch normalisation, a dense layer."""

    def __init__(self, crop):
        first, second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1, bias=False)
        layers = [first, nn.LeakyReLU(0.2), second, nn.BatchNorm2d(8), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(8 * (crop // 4) ** 2, 1))


def write_vgg(path, seed=3, change=None):
    """A file of random weights for a VGG19 of ``CHANNELS``, in torchvision's names.

    They are drawn as He et al. did, so features keep their size from layer to layer. ``change`` may alter the
    state {name: tensor} before it is saved.
    """
    torch.manual_seed(seed)
    state, place, before = {}, 0, 3
    for convolutions, width in zip(vgg.CONVOLUTIONS, CHANNELS, strict=True):
        for _ in range(convolutions):
            weight = torch.nn.init.kaiming_normal_(torch.empty(width, before, 3, 3))
            state |= {f"features.{place}.weight": weight, f"features.{place}.bias": 0.1 * torch.randn(width)}
            place, before = place + 2, width
        place += 1
    if change:
        change(state)
    save_file(state, path)
    return path


def gan_stage(updates=6, **changes):
    """A stage of the recipe, four crops an update."""
    settings = {
        "content": "vgg22",
        "adversarial": 1e-3,
        "consistency": 5.0,
        "learning_rate": 1e-3,
        "discriminator_rate": 1e-3,
        "batch": 4,
    }
    return Stage("gan", updates, **{**settings, **changes})


def recipe(folder, vgg_file, *stages, **settings):
    """A run of the recipe: one block of 8 channels, crops of 32 pixels."""
    small = {"blocks": 1, "channels": 8, "crop": 32, "log_every": 1, "save_every": 0, **QUIET, **RECIPE}
    given = {"vgg_weights": str(vgg_file), "out": str(folder), "stages": stages or (gan_stage(),)}
    return Config(**{**small, **given, **settings})


def networks_of(config, device="cpu"):
    """(the ``Networks`` at the start of a run's last stage, its patch bank)"""
    run = loop.Run(config, False, 0, 1)
    stage = config.stages[-1]
    loss, _ = stage_loss(stage, config, run.device, run.degradation)
    torch.manual_seed(1)
    return networks_for(config, stage, run.generator, loss, run.device), run.bank


def cut_after(config, updates):
    """``train(config)`` as a time limit after that many updates would leave it."""

    class Limit(loop.Stop):
        def reason(self, at_log):
            self.count = getattr(self, "count", 0) + 1
            return "time limit" if self.count == updates else None

    before, loop.Stop = loop.Stop, Limit
    try:
        result = train(config)
    finally:
        loop.Stop = before
    assert (result.stopped, result.updates) == ("time limit", updates)
    return result


def interpolating(path):
    """Write a generator of one block and 8 channels that enlarges linearly, a place for a run to start from.

    Colours go through its first three channels; the others are random and lead nowhere yet. Phases are tied.
    """
    torch.manual_seed(4)
    generator = Generator(blocks=1, channels=8, batch_norm=False)
    colours = torch.arange(3)
    with torch.no_grad():
        generator.head[0].weight[:3] = 0
        generator.head[0].weight[colours, colours, 4, 4] = 1
        generator.head[0].bias.zero_()
        generator.head[1].weight[:3] = 1  # PReLU with slope 1 is the identity
        for values in generator.merge[0].parameters():
            values.zero_()
        rows = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
        for block in generator.upsample:
            block.conv.weight[:12] = 0
            block.conv.bias.zero_()
            block.activation.weight[:3] = 1
            for phase in range(4):
                kernel = torch.outer(rows[phase // 2], rows[phase % 2])
                block.conv.weight[4 * colours + phase, colours] = kernel
        generator.tail.weight.zero_()
        generator.tail.weight[colours, colours, 4, 4] = 2
        generator.tail.bias.fill_(-1)
    save_generator(generator, path)
    return path
