"""What the networks are trained to make small (section 2.2).

Images are (N, 3, h, w) in [-1, 1]. Logits are a discriminator's: (N, 1) of Figure 4's, maps (N, 1, h, w) of
one that judges patches, or a list of such tensors. Every loss is a scalar tensor.

Equations 4 to 6 leave the reduction over channels and batch open. Here every term is a *mean* over batch,
channels and positions, but for total variation, which is a sum over each image (its weight of 2e-8 means
nothing otherwise) and a mean over the batch.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from srgan_lib.images import Y_OF_RGB

# "we rescaled the VGG feature maps by a factor of 1/12.75" (section 3.2): the loss by about 0.006.
PAPER_FEATURE_SCALE = 12.75


def pixel_mse(sr, hr):
    """Mean squared error of two images (equation 4)."""
    return functional.mse_loss(sr.float(), hr.float())


def luma_mse(sr, hr):
    """Mean squared error of Y alone, for networks that know no colour; Y like the images in [-1, 1].

    SRCNN, ESPCN and DRCN of Table 2 were trained with it.
    """
    colours = (sr.float() - hr.float()).unbind(1)
    difference = sum(part * colour for part, colour in zip(Y_OF_RGB, colours, strict=True)) / sum(Y_OF_RGB)
    return difference.square().mean()


def total_variation(sr):
    """Sum of absolute differences between neighbours of each image, mean over the batch (section 2.2.1)."""
    sr = sr.float()
    vertical = (sr[:, :, 1:] - sr[:, :, :-1]).abs().sum()
    horizontal = (sr[:, :, :, 1:] - sr[:, :, :, :-1]).abs().sum()
    return (vertical + horizontal) / sr.shape[0]


def adversarial_generator(fake_logits):
    """-log D(G(lr)), mean over the batch (equation 6): small when the discriminator takes G's image for real.

    ``softplus(-x)`` is ``-log(sigmoid(x))`` without the rounding. Unlike ``log(1 - D)`` of equation 2, its
    gradient does not vanish while the discriminator still recognises every imitation. Of a list of logits it
    is the mean over its tensors.
    """
    parts = [functional.softplus(-logits.float()).mean() for logits in _as_list(fake_logits)]
    return sum(parts) / len(parts)


def adversarial_discriminator(real_logits, fake_logits):
    """-log D(hr) - log(1 - D(G(lr))), each a mean over the batch (the discriminator's half of equation 2).

    Of lists of logits it is the mean over their tensors.
    """
    parts = [
        functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()
        for real, fake in zip(_as_list(real_logits), _as_list(fake_logits), strict=True)
    ]
    return sum(parts) / len(parts)


def _as_list(logits):
    return [logits] if isinstance(logits, torch.Tensor) else logits


def consistency(sr, lr, degradation):
    """How far a result, made small again, is from its input: mean squared difference, in [-1, 1].

    ``lr`` is (N, 3, h, w) in [0, 1] and ``degradation`` what made it, such as ``degradations.Bicubic(4)``. No
    image can be right whose LR is wrong, whatever detail it shows; among those that are right, this loss does
    not choose. Pixels at the border, whose LR depends on what lies beyond the crop, do not count.
    """
    border = degradation.margin // degradation.scale
    wanted = 2 * lr[..., border:-border, border:-border] - 1
    return functional.mse_loss(degradation.unrounded(sr.float()), wanted.float())


class VGGLoss(nn.Module):
    """Squared distance of two images in VGG19's features (equation 5), rescaled as in section 3.2.

    ``features`` is a ``VGG19Features``; ``scale`` divides its maps. 12.75 is the paper's number, for features
    whose mean is about 1; ``training.content.feature_scale`` measures what other weights need.
    """

    def __init__(self, features, scale=PAPER_FEATURE_SCALE):
        super().__init__()
        self.features = features
        self.scale = scale

    def forward(self, sr, hr):
        with torch.no_grad():
            wanted = self.features(hr)
        difference = (self.features(sr).float() - wanted.float()) / self.scale
        return difference.square().mean()


@dataclass(frozen=True)
class LossTerms:
    """The weighted sum to minimise, and each term before weighting (for the log)."""

    total: torch.Tensor
    terms: dict


class GeneratorLoss(nn.Module):
    """The perceptual loss (equation 3): content + ``adversarial`` * (-log D) + ``total_variation`` * TV.

    ``content`` is a function of (sr, hr), such as ``pixel_mse`` or a ``VGGLoss``, and ``name`` what the log
    calls it. Not in the paper: ``consistency`` weighs the loss of that name, for which ``degradation`` must
    be given. A term whose weight is 0 is not computed.
    """

    def __init__(
        self, content, name, adversarial=0.0, total_variation=0.0, consistency=0.0, degradation=None
    ):
        super().__init__()
        self.content = content
        self.name = name
        self.adversarial = adversarial
        self.total_variation = total_variation
        self.consistency = consistency
        self.degradation = degradation
        self.sees = "image"  # what the content loss compares: this, or a layer's name in ``view``
        self.maps = None  # what makes feature maps for ``view``

    def view(self, images):
        """What of an image the losses and a discriminator look at, by name: here the image alone."""
        return {"image": images}

    def forward(self, sr, hr, fake_logits=None, lr=None):
        """``fake_logits`` is the discriminator's verdict on ``sr``; needed when ``adversarial`` is not 0.

        ``lr`` is the input, in [0, 1]; needed when ``consistency`` is not 0.
        """
        return self.weighed(self.content(sr, hr), sr, fake_logits, lr, self.adversarial)

    def weighed(self, content, sr, fake_logits, lr, adversarial):
        """The sum from a content loss that is known, and with a weight of the adversarial term (a tensor)."""
        terms, total = {self.name: content}, content
        if self.adversarial:
            terms["adversarial"] = adversarial_generator(fake_logits)
            total = total + adversarial * terms["adversarial"]
        if self.consistency:
            terms["consistency"] = consistency(sr, lr, self.degradation)
            total = total + self.consistency * terms["consistency"]
        if self.total_variation:
            terms["total_variation"] = total_variation(sr)
            total = total + self.total_variation * terms["total_variation"]
        return LossTerms(total, terms)
