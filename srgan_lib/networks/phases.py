"""Tied phases: sub-pixel convolution that cannot draw a grid.

A sub-pixel layer makes each channel of its output from four kernels, one for each place (phase) in a square
of 2x2 pixels. Where the four kernels have different sums, even a constant input gives four different values:
a pattern of period 2 over the whole picture, and of period 4 after two layers. A GAN finds it at once, since
no other high frequency is as cheap. With equal sums and one bias a constant stays a constant: the condition
of Sugawara, Shiota and Kiya (*Super-resolution using convolutional neural networks without any checkerboard
artifacts*, ICIP 2018). Aitken et al. (*Checkerboard artifact free sub-pixel convolution*, 2017) start from
equal kernels, which training may then pull apart.
"""

import copy

from torch import nn
from torch.nn.utils import parametrize

PHASES = 4  # of a layer that doubles the sides


class EqualSums(nn.Module):
    """Kernels (4 * channels, inputs, k, k) with what makes the sums of a channel's four differ taken away.

    The difference is spread evenly over a kernel's taps, so this is the nearest such set of kernels (least
    squares), and it is linear: the moving average of tied kernels is tied.
    """

    def forward(self, kernels):
        sums = kernels.sum((2, 3), keepdim=True).unflatten(0, (-1, PHASES))
        excess = (sums - sums.mean(1, keepdim=True)).flatten(0, 1)
        return kernels - excess / kernels[0, 0].numel()


class OneBias(nn.Module):
    """Biases (4 * channels,) of which the four of a channel are their mean."""

    def forward(self, biases):
        phases = biases.unflatten(0, (-1, PHASES))
        return phases.mean(1, keepdim=True).expand_as(phases).flatten()


def tie_phases(generator):
    """Tie the phases of each sub-pixel layer of a ``Generator``, from now on and through all training."""
    for block in generator.upsample:
        parametrize.register_parametrization(block.conv, "weight", EqualSums())
        parametrize.register_parametrization(block.conv, "bias", OneBias())


def with_plain_weights(network):
    """A copy of ``network`` in which the values that its parametrisations give are ordinary weights."""
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if parametrize.is_parametrized(module):
            _fix(module)
    return plain


def _fix(module):
    # Not by remove_parametrizations: that changes the class, which a deep copy shares with its original.
    values = {name: getattr(module, name).detach() for name in module.parametrizations}
    module.__class__ = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))
