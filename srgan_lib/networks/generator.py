"""The generator, SRResNet (Figure 4, top).

Shapes below are (batch, channels, height, width); ``h`` and ``w`` are the sides of the low-resolution image.
"""

import copy
import math

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from srgan_lib.errors import SrganError

SCALES = (2, 4, 8)


def _prelu(channels, shared):
    """PReLU with one learned slope a channel, or one for the whole layer."""
    return nn.PReLU(1 if shared else channels)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to what came in (Figure 4, one of the B blocks).

    (N, channels, h, w) -> (N, channels, h, w).
    """

    def __init__(self, channels, *, batch_norm=True, bias=True, shared_prelu=False):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.norm1 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.activation = _prelu(channels, shared_prelu)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.norm2 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    def forward(self, features):
        change = self.activation(self.norm1(self.conv1(features)))
        return features + self.norm2(self.conv2(change))


class UpsampleBlock(nn.Module):
    """Twice the sides by sub-pixel convolution: four times the channels, then a rearrangement.

    (N, channels, h, w) -> (N, channels, 2h, 2w).
    """

    def __init__(self, channels, *, shared_prelu=False):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.activation = _prelu(channels, shared_prelu)

    def forward(self, features):
        wide = self.conv(features)  # (N, 4 * channels, h, w)
        return self.activation(self.shuffle(wide))  # (N, channels, 2h, 2w)


class Generator(nn.Module):
    """SRResNet: a low-resolution image in, an image with ``scale`` times the sides out (Figure 4).

    Input (N, 3, h, w) in [0, 1]; output (N, 3, scale * h, scale * w), meant to lie in [-1, 1]. Nothing clamps
    it: the figure has no final activation, and a clamp in training would stop the gradient of every pixel
    beyond the range.

    ``scale`` is 2, 4 or 8. ``blocks`` is the paper's B. Without ``batch_norm`` or ``long_skip`` the network
    is one of the ablations. The paper does not say whether convolutions before a batch normalisation have
    biases (``bias_before_norm``) nor whether PReLU has one slope a channel or one a layer (``shared_prelu``);
    with both defaults it has 1,550,659 weights. Raises ``SrganError`` for a scale or a size that cannot be
    built.
    """

    def __init__(
        self,
        scale=4,
        blocks=16,
        channels=64,
        batch_norm=True,
        long_skip=True,
        bias_before_norm=True,
        shared_prelu=False,
    ):
        super().__init__()
        _check(scale, blocks, channels)
        self.scale = scale
        self.config = {
            "scale": scale,
            "blocks": blocks,
            "channels": channels,
            "batch_norm": batch_norm,
            "long_skip": long_skip,
            "bias_before_norm": bias_before_norm,
            "shared_prelu": shared_prelu,
        }
        bias = bias_before_norm or not batch_norm
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), _prelu(channels, shared_prelu))
        self.trunk = nn.Sequential(
            *(
                ResidualBlock(channels, batch_norm=batch_norm, bias=bias, shared_prelu=shared_prelu)
                for _ in range(blocks)
            )
        )
        self.merge = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias),
            nn.BatchNorm2d(channels) if batch_norm else nn.Identity(),
        )
        doublings = int(math.log2(scale))
        self.upsample = nn.Sequential(
            *(UpsampleBlock(channels, shared_prelu=shared_prelu) for _ in range(doublings))
        )
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)

    def forward(self, lr):
        return convolved_in_float32(self.tail, self.upsample(self.features(lr)))

    def features(self, lr):
        """All that happens at low resolution: (N, 3, h, w) in [0, 1] -> (N, channels, h, w)."""
        shallow = self.head(lr)
        deep = self.merge(self.trunk(shallow))
        return shallow + deep if self.config["long_skip"] else deep

    def fold_batch_norm(self):
        """A copy for inference in which each batch normalisation is part of the convolution before it.

        At test time the stored statistics make batch normalisation a fixed scale and shift of each channel,
        so it can be multiplied into the weights: same output, fewer passes over memory.
        """
        folded = copy.deepcopy(self).eval()
        if not self.config["batch_norm"]:
            return folded
        for block in folded.trunk:
            block.conv1, block.norm1 = fuse_conv_bn_eval(block.conv1, block.norm1), nn.Identity()
            block.conv2, block.norm2 = fuse_conv_bn_eval(block.conv2, block.norm2), nn.Identity()
        folded.merge[0], folded.merge[1] = fuse_conv_bn_eval(*folded.merge), nn.Identity()
        return folded


def convolved_in_float32(convolution, features):
    """``convolution(features)``, in float32 also where autocast runs the others in 16 bits: a network's last.

    bfloat16 has a step of 1/256 below 1: as coarse as half a level of an 8-bit image in [-1, 1].
    """
    if features.dtype == convolution.weight.dtype:
        return convolution(features)
    with torch.autocast(features.device.type, enabled=False):
        return convolution(features.float())


def _check(scale, blocks, channels):
    if scale not in SCALES:
        raise SrganError(f"generator: scale {scale!r} cannot be built from doublings; use 2, 4 or 8")
    for name, value in (("blocks", blocks), ("channels", channels)):
        if not isinstance(value, int) or value < 1:
            raise SrganError(f"generator: {name} is {value!r}; use a whole number of at least 1")


def count_parameters(module):
    """The number of learned values in a network (running statistics of BN are not learned)."""
    return sum(parameter.numel() for parameter in module.parameters())
