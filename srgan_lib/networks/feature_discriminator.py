"""A discriminator that looks at VGG19's feature maps: for training in hours, and not in the paper.

Figure 4's discriminator starts from random weights and has to learn features first, which takes more updates
than a short training has. This one judges the features of VGG19, which is frozen; only small heads are
trained (Sauer et al., *Projected GANs converge faster*, NeurIPS 2021; Park et al., *SRFeat*, ECCV 2018).
"""

from torch import nn

from srgan_lib.networks.vgg import channels

WIDTH = 128
# Convolutions of stride 2 by the size of a map, which is that of the image divided by 1, 2, 4, ...: so all
# heads but the deep ones judge at a quarter of the image's side or less.
HALVINGS = {"1": 1, "2": 1, "3": 1, "4": 0, "5": 0}


class FeatureDiscriminator(nn.Module):
    """{layer: feature map (N, C, h, w)} -> a list of logits (N, 1, h', w'), one tensor a layer.

    Each logit judges one patch: positive for a photo. ``layers`` are those that are looked at; the input may
    hold others too. Nothing depends on the scale of the maps, because each head normalises them first.
    """

    def __init__(self, layers=("12", "22", "32")):
        super().__init__()
        self.layers = tuple(str(layer) for layer in layers)
        self.heads = nn.ModuleDict({layer: _head(layer) for layer in self.layers})

    def forward(self, maps):
        return [self.heads[layer](maps[layer]) for layer in self.layers]


def _head(layer):
    """BN without weights, to ``WIDTH`` channels, convolutions, one logit a place."""
    size = (
        2 if layer[0] == "1" else 1
    )  # 2x2 pixels at once: at full size this layer would cost four times all else
    return nn.Sequential(
        nn.BatchNorm2d(channels(layer), affine=False),
        nn.Conv2d(channels(layer), WIDTH, size, stride=size),
        nn.LeakyReLU(0.2),
        *(module for _ in range(HALVINGS[layer[0]]) for module in _convolution(stride=2)),
        *_convolution(stride=1),
        nn.Conv2d(WIDTH, 1, 1),
    )


def _convolution(stride):
    return nn.Conv2d(WIDTH, WIDTH, 3, stride, padding=1), nn.BatchNorm2d(WIDTH), nn.LeakyReLU(0.2)
