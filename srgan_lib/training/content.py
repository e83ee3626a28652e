"""The content loss that a stage names, with VGG19's features scaled to the paper's."""

import json
from importlib.resources import files

import torch

from srgan_lib.data.sources import held_out_photos
from srgan_lib.images import to_signed
from srgan_lib.losses import PAPER_FEATURE_SCALE, GeneratorLoss, VGGLoss, pixel_mse
from srgan_lib.networks.vgg import VGG19Features

RECORD = "records/vgg-feature-scale.json"
CENTRE = 224  # pixels; VGG19's own input side


@torch.no_grad()
def feature_size(features):
    """Root mean square of ``features`` on the middle of the held-out bundled photos: their size."""
    device = next(features.buffers()).device
    squares = [features(_centre(photo.load()).to(device)).square().mean() for photo in held_out_photos()]
    return torch.stack(squares).mean().sqrt().item()


def _centre(image):
    top, left = ((side - CENTRE) // 2 for side in image.shape[:2])
    return to_signed(image[top : top + CENTRE, left : left + CENTRE]).unsqueeze(0)


def feature_scale(features):
    """What to divide ``features`` by, so that the paper's 12.75 means the same for other VGG19 weights.

    The paper's number belongs to the original VGG19, whose feature sizes are on record here. Weights with
    features half as large get a scale half as large.
    """
    original = json.loads(files("srgan_lib").joinpath(RECORD).read_text())["feature_size"]
    if features.layer not in original:
        return PAPER_FEATURE_SCALE
    return PAPER_FEATURE_SCALE * feature_size(features) / original[features.layer]


def generator_loss(stage, vgg_weights, device):
    """(the stage's loss, what the run record says of it)."""
    if stage.content == "mse":
        content, facts = pixel_mse, {}
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
