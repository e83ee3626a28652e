"""The discriminator (Figure 4, bottom): a photo, or a generator's imitation of one?"""

from torch import nn

from srgan_lib.errors import SrganError

# For those who count with Figure 4: output channels and stride of each of its convolutions.
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
        bias, side = bias_before_norm, crop // 16
        # Figure 4, line by line. In comments what becomes of N crops of 96x96 pixels.
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1), nn.LeakyReLU(0.2),  #     (N, 64, 96, 96)
            *_convolution(64, 64, stride=2, bias=bias),  #            (N, 64, 48, 48)
            *_convolution(64, 128, stride=1, bias=bias),  #           (N, 128, 48, 48)
            *_convolution(128, 128, stride=2, bias=bias),  #          (N, 128, 24, 24)
            *_convolution(128, 256, stride=1, bias=bias),  #          (N, 256, 24, 24)
            *_convolution(256, 256, stride=2, bias=bias),  #          (N, 256, 12, 12)
            *_convolution(256, 512, stride=1, bias=bias),  #          (N, 512, 12, 12)
            *_convolution(512, 512, stride=2, bias=bias),  #          (N, 512, 6, 6)
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Flatten(),  #                                          (N, 18432)
            nn.Linear(512 * side * side, 1024), nn.LeakyReLU(0.2),  # (N, 1024)
            nn.Linear(1024, 1),  #                                    (N, 1)
        )  # fmt: skip

    def forward(self, images):
        side = self.config["crop"]
        if images.shape[-2:] != (side, side):
            got = "x".join(str(n) for n in images.shape[-2:])
            raise SrganError(f"discriminator: built for {side}x{side} crops, got {got}; set crop to match")
        return self.classifier(self.features(images))


def _convolution(before, after, stride, bias):
    """What the figure repeats seven times: a 3x3 convolution, batch normalisation, leaky ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=bias)
    return convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)
