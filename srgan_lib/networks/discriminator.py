"""The discriminator (Figure 4, bottom): a photo, or a generator's imitation of one?"""

import itertools

from torch import nn

from srgan_lib.errors import SrganError

# Output channels and stride of each convolution, in the figure's order.
LAYERS = ((64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2))


class Discriminator(nn.Module):
    """(N, 3, crop, crop) in [-1, 1] -> logits (N, 1): positive for a photo, negative for an imitation.

    The figure ends in a sigmoid. It is left to the loss, which works on logits: ``log(sigmoid(x))`` in one
    step keeps its gradient where ``sigmoid(x)`` has already rounded to 0 or 1.

    The dense layers are sized by ``crop``, a multiple of 16 (the paper's 96 leaves a 6x6 map): the network
    takes crops of that side only. With biases before batch normalisation it has 23,565,505 weights,
    without (``bias_before_norm=False``) 23,563,649.
    """

    def __init__(self, crop=96, bias_before_norm=True):
        super().__init__()
        if not isinstance(crop, int) or crop < 16 or crop % 16:
            raise SrganError(f"discriminator: crop {crop!r} does not halve four times; use a multiple of 16")
        self.config = {"crop": crop, "bias_before_norm": bias_before_norm}
        layers = [nn.Conv2d(3, 64, 3, padding=1), nn.LeakyReLU(0.2)]
        for (before, _), (after, stride) in itertools.pairwise(LAYERS):
            layers += [
                nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=bias_before_norm),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2),
            ]
        self.features = nn.Sequential(*layers)  # (N, 512, crop / 16, crop / 16)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(512 * (crop // 16) ** 2, 1024),
            nn.LeakyReLU(0.2),
            nn.Linear(1024, 1),
        )

    def forward(self, images):
        side = self.config["crop"]
        if images.shape[-2:] != (side, side):
            got = "x".join(str(n) for n in images.shape[-2:])
            raise SrganError(f"discriminator: built for {side}x{side} crops, got {got}; set crop to match")
        return self.classifier(self.features(images))
