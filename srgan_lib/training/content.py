"""The content loss that a stage names, with VGG19's features scaled to the paper's."""

import torch

from srgan_lib.data.sources import held_out_photos
from srgan_lib.images import to_signed
from srgan_lib.losses import PAPER_FEATURE_SCALE, GeneratorLoss, VGGLoss, luma_mse, pixel_mse
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.training.config import PIXELS

CENTRE = 224  # pixels; VGG19's own input side


@torch.no_grad()
def mean_activation(features):
    """The mean of ``features`` on the middle of the two held-out bundled photos: how large they are."""
    device = next(features.buffers()).device
    means = [features(_centre(photo.load()).to(device)).mean() for photo in held_out_photos()]
    return torch.stack(means).mean().item()


def _centre(image):
    top, left = ((side - CENTRE) // 2 for side in image.shape[:2])
    return to_signed(image[top : top + CENTRE, left : left + CENTRE]).unsqueeze(0)


def feature_scale(features):
    """What to divide ``features`` by: the paper's 12.75 times their mean activation on two fixed photos.

    VGG19 as published, VGG19 trained anew by torchvision and different layers of either have features of very
    different sizes, and the paper uses one number for phi_{2,2} and phi_{5,4}. Brought to a mean of 1 first,
    both give losses "comparable to the MSE loss" with it, as section 2.2.1 asks.
    """
    return PAPER_FEATURE_SCALE * mean_activation(features)


def generator_loss(stage, vgg_weights, device):
    """(the stage's loss, what the run record says of it)."""
    if stage.content in PIXELS:
        content, facts = {"mse": pixel_mse, "luma": luma_mse}[stage.content], {}
    else:
        features = VGG19Features(stage.content.removeprefix("vgg"), vgg_weights).to(device)
        features = features.to(memory_format=torch.channels_last)
        content = VGGLoss(features, feature_scale(features))
        facts = {
            "vgg_weights": features.weights_name,
            "vgg_sha256": features.weights_sha256,
            "vgg_feature_scale": round(content.scale, 4),
        }
    return GeneratorLoss(content, stage.content, stage.adversarial, stage.total_variation), facts
