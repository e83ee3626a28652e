"""The networks that the paper compares with in Table 2: SRCNN, ESPCN and DRCN.

All three were made for the Y channel alone; colour is enlarged by bicubic interpolation. So that they can be
trained, measured and used like the generator, each takes the same input here, LR (N, 3, h, w) in [0, 1], and
gives the same output, SR (N, 3, scale * h, scale * w) in about [-1, 1]. Their loss is ``losses.luma_mse``.
"""

import copy
import functools

import torch
from torch import nn
from torch.nn import functional

from srgan_lib.degradations import cubic_taps
from srgan_lib.errors import SrganError
from srgan_lib.images import Y_FLOOR, Y_OF_RGB, Y_RANGE
from srgan_lib.networks.generator import SCALES, convolved_in_float32


class BicubicEnlargement(nn.Module):
    """Bicubic interpolation as a sub-pixel convolution: (N, C, h, w) -> (N, C, scale * h, scale * w).

    An output pixel's place in its cell decides which weights meet the 5x5 input pixels around it. Equal to
    ``imresize`` but for the latter's 8 bits, which round and clamp; beyond the border the border's pixels.
    """

    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        indices, weights = cubic_taps(0, scale, scale)
        phases = torch.zeros(scale, 5, dtype=torch.float64)
        for phase, places, values in zip(phases, indices, weights, strict=True):
            phase.index_add_(0, torch.from_numpy(places + 2), torch.from_numpy(values))
        kernel = torch.einsum("ay,bx->abyx", phases, phases).reshape(scale**2, 1, 5, 5)
        self.register_buffer("kernel", kernel.float(), persistent=False)

    def forward(self, images):
        n, channels = images.shape[:2]
        padded = functional.pad(images, (2, 2, 2, 2), mode="replicate")
        cells = functional.conv2d(padded.reshape(n * channels, 1, *padded.shape[2:]), self.kernel)
        enlarged = functional.pixel_shuffle(cells, self.scale)  # (N * C, 1, scale * h, scale * w)
        return enlarged.reshape(n, channels, *enlarged.shape[2:])


class LumaNetwork(nn.Module):
    """What the three have in common: a network for Y, and bicubic interpolation for colour.

    A subclass gives ``sharper(y, large)``: Y of the result from Y of the input (N, 1, h, w) and Y of its
    bicubic enlargement (N, 1, scale * h, scale * w), all divided by 255. ``reach`` is how many pixels of the
    input a result depends on to each side.
    """

    name = None
    reach = None

    def __init__(self, scale):
        super().__init__()
        if scale not in SCALES:
            raise SrganError(f"{self.name}: scale {scale!r}; use {', '.join(map(str, SCALES))}")
        self.scale = scale
        self.config = {"network": self.name, "scale": scale}
        self.enlarge = BicubicEnlargement(scale)
        weights = torch.tensor(Y_OF_RGB).reshape(1, 3, 1, 1)
        self.register_buffer("y_of_rgb", weights / 255, persistent=False)

    def forward(self, lr):
        with torch.autocast(lr.device.type, enabled=False):  # a level of 8 bits is lost in bfloat16
            enlarged = self.enlarge(lr.float())
            y, large = self._luma(lr.float()), self._luma(enlarged)
        change = self.sharper(y, large).float() - large
        # With Cb and Cr kept, a change of Y changes R, G and B by the same amount.
        return 2 * (enlarged + 255 / Y_RANGE * change) - 1

    def _luma(self, rgb):
        return (rgb * self.y_of_rgb).sum(1, keepdim=True) + Y_FLOOR / 255

    def fold_batch_norm(self):
        """A copy in eval mode: there is no batch normalisation in these networks."""
        return copy.deepcopy(self).eval()


class SRCNN(LumaNetwork):
    """Three layers that sharpen the bicubic enlargement (Dong et al., 2014 and 2016): 9-5-5, 57,281 weights.

    "Patch extraction" (9x9, 64 maps), "non-linear mapping" (5x5, 32 maps), "reconstruction" (5x5). The
    authors' convolutions shrink the image; these pad with zeros, so that it keeps its size.
    """

    name = "srcnn"

    def __init__(self, scale=4):
        super().__init__(scale)
        self.reach = 2 + -(-8 // scale)  # the enlargement sees 2, the layers 8 pixels of it to each side
        self.extract = nn.Conv2d(1, 64, 9, padding=4)
        self.map = nn.Conv2d(64, 32, 5, padding=2)
        self.reconstruct = nn.Conv2d(32, 1, 5, padding=2)

    def sharper(self, y, large):
        features = functional.relu(self.extract(large))
        features = functional.relu(self.map(features))
        return convolved_in_float32(self.reconstruct, features)


class ESPCN(LumaNetwork):
    """Three layers on the small image, then the sub-pixel convolution (Shi et al., 2016): 5-3-3.

    64 maps, 32 maps, ``scale`` squared maps, tanh between them, and ``pixel_shuffle``: 24,752 weights at
    scale 4.
    """

    name = "espcn"
    reach = 4

    def __init__(self, scale=4):
        super().__init__(scale)
        self.extract = nn.Conv2d(1, 64, 5, padding=2)
        self.map = nn.Conv2d(64, 32, 3, padding=1)
        self.place = nn.Conv2d(32, scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def sharper(self, y, large):
        features = torch.tanh(self.extract(y))
        features = torch.tanh(self.map(features))
        return self.shuffle(convolved_in_float32(self.place, features))  # (N, 16, h, w) -> (N, 1, 4h, 4w)


class DRCN(LumaNetwork):
    """One convolution applied 16 times, and the mean of 16 answers (Kim et al., 2016): 1,775,121 weights.

    Two layers embed the bicubic enlargement; one 3x3 layer of 256 maps is applied ``recursions`` times; two
    more turn what it gives after each time into an answer, to which the enlargement is added. The result is
    the answers' average with learned weights. (The authors' loss also judges each answer on its own.)
    """

    name = "drcn"

    def __init__(self, scale=4, recursions=16, channels=256):
        super().__init__(scale)
        self.config |= {"recursions": recursions, "channels": channels}
        self.recursions = recursions
        self.reach = 2 + -(-(recursions + 4) // scale)
        convolution = functools.partial(nn.Conv2d, kernel_size=3, padding=1)
        self.embed = nn.Sequential(
            convolution(1, channels), nn.ReLU(), convolution(channels, channels), nn.ReLU()
        )
        self.recur = nn.Sequential(convolution(channels, channels), nn.ReLU())
        self.answer = nn.Sequential(convolution(channels, channels), nn.ReLU(), convolution(channels, 1))
        self.weights = nn.Parameter(torch.full((recursions,), 1 / recursions))

    def sharper(self, y, large):
        return sum(weight * answer for weight, answer in zip(self.weights, self.answers(large), strict=True))

    def answers(self, large):
        """Y after each recursion, a list of (N, 1, H, W), from Y of the bicubic enlargement."""
        features, found = self.embed(large), []
        for _ in range(self.recursions):
            features = self.recur(features)
            found.append(self.answer(features).float() + large)
        return found
