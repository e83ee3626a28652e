"""The content loss that a stage names, with VGG19's features scaled to the paper's."""

from itertools import accumulate

import torch
from torch import nn

from srgan_lib.data.sources import held_out_photos
from srgan_lib.images import to_signed
from srgan_lib.losses import PAPER_FEATURE_SCALE, GeneratorLoss, luma_mse, pixel_mse
from srgan_lib.networks.vgg import FeatureMaps
from srgan_lib.training.distributed import first_alone
from srgan_lib.training.rules import OWN, PIXELS

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


def stage_loss(stage, config, device, degradation=None, own=None):
    """(the stage's ``StageLoss``, what the run record says of it).

    ``degradation`` is the run's, needed when the stage weighs consistency; ``own`` is the content loss of a
    stage whose content is "own".
    """
    is_pixels = stage.content in (*PIXELS, OWN)
    sees = "image" if is_pixels else stage.content.removeprefix("vgg")
    layers = _layers_of(stage, config)
    maps = scaled_maps(layers, config.vgg_weights, device) if layers else None
    content, name = luma_mse if stage.content == "luma" else pixel_mse, stage.content
    if stage.content == OWN:
        content, name = own.to(device) if isinstance(own, nn.Module) else own, "content"
    weights = stage.adversarial, stage.total_variation, stage.consistency
    loss = StageLoss(content, name, *weights, degradation=degradation, sees=sees, maps=maps)
    return loss, _facts_of(maps, sees)


def check_features(config, update):
    """Raise ``SrganError`` where a later stage than the next one needs VGG19 weights that are not there.

    ``update`` is how many updates are done. The stage that comes next finds out before its first update.
    """
    ends = accumulate(stage.updates for stage in config.stages)
    coming = [stage for stage, end in zip(config.stages, ends, strict=True) if end > update]
    layers = set().union(*(_layers_of(stage, config) for stage in coming))
    if layers and not _layers_of(coming[0], config):
        with first_alone():
            FeatureMaps(layers, config.vgg_weights)


def _layers_of(stage, config):
    """The feature maps that a stage looks at."""
    layers = set() if stage.content in (*PIXELS, OWN) else {stage.content.removeprefix("vgg")}
    if stage.is_gan and config.discriminator == "features":
        layers |= set(config.discriminator_layers)
    return layers


class StageLoss(GeneratorLoss):
    """A ``GeneratorLoss`` that also says what its stage looks at.

    ``maps`` is a ``FeatureMaps``, or None where nothing but the images is looked at: one pass over an image
    serves the content loss and both turns of the discriminator. ``sees`` is what the content loss compares:
    "image" or a layer.
    """

    def __init__(self, content, name, *weights, degradation=None, sees="image", maps=None):
        super().__init__(content, name, *weights, degradation=degradation)
        self.sees, self.maps = sees, maps

    def view(self, images):
        return self.maps(images) if self.maps else super().view(images)


def scaled_maps(layers, weights, device):
    """VGG19's maps of some layers, each divided by its ``feature_scale``."""
    with first_alone():  # VGG19 may have to be downloaded
        maps = FeatureMaps(layers, weights).to(device).to(memory_format=torch.channels_last)
    maps.scale = {layer: PAPER_FEATURE_SCALE * mean for layer, mean in mean_activations(maps).items()}
    return maps


@torch.no_grad()
def mean_activations(maps):
    """{layer: the mean of its map, as ``mean_activation`` takes it}"""
    device = next(maps.buffers()).device
    seen = [maps(_centre(photo.load()).to(device)) for photo in held_out_photos()]
    return {layer: torch.stack([view[layer].mean() for view in seen]).mean().item() for layer in maps.layers}


def _facts_of(maps, sees):
    if maps is None:
        return {}
    facts = {"vgg_weights": maps.features.weights_name, "vgg_sha256": maps.features.weights_sha256}
    if sees != "image":
        facts["vgg_feature_scale"] = round(maps.scale[sees], 4)
    return facts
