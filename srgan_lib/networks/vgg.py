"""VGG19 up to one of its feature maps, by the paper's names (section 2.2.1)."""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from srgan_lib.errors import SrganError

# Convolutions before each of the five max poolings, and their output channels.
CONVOLUTIONS = (2, 2, 4, 4, 4)
CHANNELS = (64, 128, 256, 512, 512)
LAYERS = tuple(f"{i}{j}" for i, count in enumerate(CONVOLUTIONS, 1) for j in range(1, count + 1))
# What ImageNet classifiers of torchvision's kind were trained on: RGB in [0, 1], minus mean, over deviation.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class VGG19Features(nn.Module):
    """phi_{i,j}: the j-th convolution, after its activation, before the i-th max pooling.

    ``layer`` is the paper's "22" or "54", or any other pair of digits that names a convolution of VGG19.
    Input (N, 3, h, w) in [-1, 1], as the generator makes it; the rescaling to ImageNet's normalisation
    happens inside. Output (N, channels, h / 2**(i-1), w / 2**(i-1)), never negative. The weights are frozen,
    but gradients pass through to the input: that is how the VGG loss trains a generator.

    ``weights`` is a safetensors file in torchvision's names (``features.N.weight``); without one,
    torchvision's own ``VGG19_Weights.IMAGENET1K_V1`` are used, downloaded on first use. ``weights_name`` and
    ``weights_sha256`` (over names and values) say which ones this network holds. Raises ``SrganError`` for a
    layer that VGG19 does not have and for a file that does not hold its weights.
    """

    def __init__(self, layer="54", weights=None):
        super().__init__()
        self.layer = str(layer)
        self.network = _build(self.layer)
        state, self.weights_name = _read(weights)
        self.weights_sha256 = state_sha256(state)
        try:
            self.network.load_state_dict({key: state[f"features.{key}"] for key in self.network.state_dict()})
        except (KeyError, RuntimeError) as error:
            raise SrganError(
                f"{self.weights_name}: these are not VGG19's convolutions in torchvision's names"
                " (features.0.weight ...); leave weights out to use torchvision's own"
            ) from error
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def normalised(self, images):
        """Images in [-1, 1] as the first convolution wants them."""
        unit = (images + 1) / 2
        return (unit - self.mean) / self.deviation

    def forward(self, images):
        return self.network(self.normalised(images))


class FeatureMaps(nn.Module):
    """Several of VGG19's feature maps from one pass over an image, each divided by a scale of its own.

    ``layers`` are names as of ``VGG19Features``, ``weights`` its file. Input (N, 3, h, w) in [-1, 1]; output
    {"image": the input, layer: its map, ...}: all that losses and a discriminator may want to see of an
    image. ``scale`` is {layer: divisor}, 1 until it is set.
    """

    def __init__(self, layers, weights=None):
        super().__init__()
        self.layers = tuple(sorted(set(layers), key=depth))
        self.features = VGG19Features(self.layers[-1], weights)
        self.scale = dict.fromkeys(self.layers, 1.0)

    def forward(self, images):
        seen, values, done = {"image": images}, self.features.normalised(images), 0
        for layer in self.layers:
            values = self.features.network[done : depth(layer)](values)
            seen[layer], done = values / self.scale[layer], depth(layer)
        return seen


def channels(layer):
    """How many channels a feature map has: 64 of "12", 512 of "54"."""
    return CHANNELS[_parse(str(layer))[0] - 1]


def depth(layer):
    """How many modules of the network lead to a layer: 9 to "22", 36 to "54"; poolings count too."""
    pooling, convolution = _parse(str(layer))
    return 2 * (sum(CONVOLUTIONS[: pooling - 1]) + convolution) + pooling - 1


def _build(layer):
    """The convolutions, activations and poolings up to ``layer``, indexed as in torchvision."""
    pooling, convolution = _parse(layer)
    layers, before = [], 3
    for block in range(1, pooling + 1):
        count = CONVOLUTIONS[block - 1] if block < pooling else convolution
        for _ in range(count):
            layers += [nn.Conv2d(before, CHANNELS[block - 1], 3, padding=1), nn.ReLU()]
            before = CHANNELS[block - 1]
        if block < pooling:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _parse(layer):
    if layer not in LAYERS:
        known = ", ".join(LAYERS)
        raise SrganError(f"VGG19 has no feature map {layer!r}; the paper uses '22' and '54', all are {known}")
    return int(layer[0]), int(layer[1])


def _read(weights):
    """(state dict, name) from a safetensors file or from torchvision."""
    if weights is None:
        return _from_torchvision()
    path = Path(weights)
    try:
        state = load_file(path)
    except FileNotFoundError as error:
        raise SrganError(f"{path}: no such file of VGG19 weights; check the path") from error
    except (OSError, SafetensorError) as error:
        raise SrganError(f"{path}: not a readable safetensors file ({error}); fetch it again") from error
    return {name: value.float() for name, value in state.items()}, path.name


def _from_torchvision():
    from torchvision.models import VGG19_Weights, vgg19

    weights = VGG19_Weights.IMAGENET1K_V1
    try:
        return vgg19(weights=weights).state_dict(), f"torchvision {weights}"
    except OSError as error:
        raise SrganError(
            f"VGG19 weights could not be downloaded from {weights.url} ({error});"
            " connect once, or pass a safetensors file as weights"
        ) from error


def state_sha256(state):
    """One hash for a state dict: over the names and values of its convolutions, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(key for key in state if key.startswith("features.")):
        digest.update(name.encode())
        digest.update(state[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
