"""What feature maps see: changes of equal pixel error, their size in VGG19's maps, photos rebuilt from maps.

Images are (1, 3, h, w) in [-1, 1]. A *subject* is a photo with a rim of ``MARGIN`` pixels around what is
compared, so that a change never brings in a border. A network is a ``VGG19Features``; ``maps`` reads every
layer up to the network's own in one pass.
"""

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from srgan_lib.data.downloads import roots
from srgan_lib.degradations import gaussian_blur
from srgan_lib.images import from_signed, to_signed
from srgan_lib.losses import total_variation
from srgan_lib.networks.vgg import CONVOLUTIONS

MARGIN = 16
LAYERS = ("12", "22", "34", "44", "54")  # the last convolution before each pooling
TORCHVISION = "vgg19-dcbb9e9d.pth"  # VGG19_Weights.IMAGENET1K_V1 in torch's cache
ORIGINAL = "vgg19-original.safetensors"  # what tests and evaluation unpack into data/
DETAIL = 4.0  # pixels: what a Gaussian of this deviation removes counts as texture

# -------------------------------------------------------------------------------------- weights and maps


def weights_here():
    """The trained VGG19 weights on this machine: {name: what ``VGG19Features`` takes}. Downloads nothing."""
    found = {}
    for root in roots():
        if (root / ORIGINAL).is_file():
            found.setdefault("original", root / ORIGINAL)
    if (Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION).is_file():
        found["torchvision"] = None
    return found


def maps(features, images, layers=LAYERS, activated=True):
    """{layer: (N, C, h, w)}: the maps of ``layers`` up to the network's own, before or after activation."""
    names = iter([f"{i}{j}" for i, count in enumerate(CONVOLUTIONS, 1) for j in range(1, count + 1)])
    found, x = {}, features.normalised(images)
    for step in features.network:
        x = step(x)
        if isinstance(step, nn.Conv2d):
            name = next(names)
        wanted = nn.ReLU if activated else nn.Conv2d
        if isinstance(step, wanted) and name in layers:
            found[name] = x.clone() if not activated else x
    return found


@torch.no_grad()
def distances(features, image, other, layers=LAYERS):
    """{layer: squared distance of the two images' maps, as a share of the first one's squares}."""
    first, second = (maps(features, x, layers) for x in (image, other))
    return {
        name: ((second[name] - first[name]).square().sum() / first[name].square().sum()).item()
        for name in first
    }


@torch.no_grad()
def factors(features, image, other, layers=("22", "54")):
    """What to divide feature maps by, so that their loss equals the pixel MSE of these two images.

    The paper's number is 12.75. Three conventions: ``mean`` over channels and over colours; ``sum`` over
    channels, mean over colours; ``literal``, equations 4 and 5 divided by W x H only, so sums over both.
    Returns {layer: {"after" or "before" activation: {convention: factor}}}.
    """
    squares = (image - other).square()
    result = {layer: {} for layer in layers}
    for when, activated in (("after", True), ("before", False)):
        first, second = (maps(features, x, layers, activated) for x in (image, other))
        for layer in first:
            loss = (second[layer] - first[layer]).square()
            result[layer][when] = {
                "mean": (loss.mean() / squares.mean()).sqrt().item(),
                "sum": (loss.sum(1).mean() / squares.mean()).sqrt().item(),
                "literal": (loss.sum(1).mean() / squares.sum(1).mean()).sqrt().item(),
            }
    return result


# ----------------------------------------------------------------------------------------------- changes


def subject(photo, side, centre=None):
    """The middle of a uint8 photo (or around ``centre``, (row, column)): ``side`` pixels and the rim."""
    row, column = centre or (photo.shape[0] // 2, photo.shape[1] // 2)
    reach = side // 2 + MARGIN
    return to_signed(np.ascontiguousarray(photo[row - reach : row + reach, column - reach : column + reach]))[
        None
    ]


def inside(image):
    """Without the rim: what is compared."""
    return image[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def pixel_error(image, other):
    """Mean squared error of two subjects, without their rims."""
    return (inside(image) - inside(other)).square().mean().item()


def shifted(image, pixels):
    """Moved to the left by whole pixels, at most ``MARGIN``."""
    return image.roll(-int(pixels), dims=-1)


def warped(image, pixels):
    """Every place displaced a little, by about ``pixels``, its neighbours by nearly the same amount."""
    side = image.shape[-1]
    field = torch.randn(1, 2, side, side, generator=torch.Generator().manual_seed(1))
    field = smooth(field, 6.0)
    field = field / field.square().mean().sqrt() * pixels * 2 / side
    rows, columns = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    grid = torch.stack([columns, rows], -1)[None] + field.permute(0, 2, 3, 1)
    return functional.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=True)


def blurred(image, deviation):
    """A Gaussian blur."""
    return smooth(image, deviation)


def noisy(image, deviation):
    """White Gaussian noise, independent in every pixel and colour."""
    return image + deviation * torch.randn(image.shape, generator=torch.Generator().manual_seed(2))


def brighter(image, amount):
    """The same amount added to every pixel."""
    return image + amount


def retextured(image, angle):
    """Its fine detail turned towards other detail of the same local strength; pi / 2 replaces all of it.

    The other detail is the image's own from 12 pixels away, mirrored, brought to the local energy.
    """
    coarse = smooth(image, DETAIL)
    detail = image - coarse
    other = detail.flip(-1).roll((12, 12), dims=(-2, -1))
    energy = smooth(detail.square().mean(1, keepdim=True), DETAIL)
    other = other * (energy / smooth(other.square().mean(1, keepdim=True), DETAIL).clamp(min=1e-6)).sqrt()
    return coarse + math.cos(angle) * detail + math.sin(angle) * other


def jpeg(image, quality):
    """As a JPEG file of this quality, 1 to 95, gives it back."""
    buffer = BytesIO()
    Image.fromarray(from_signed(image)[0]).save(buffer, "JPEG", quality=int(quality))
    return to_signed(np.asarray(Image.open(buffer)))[None]


def smooth(image, deviation):
    """A Gaussian blur of (N, C, h, w), border pixels repeated."""
    planes = image.double().flatten(0, 1).permute(1, 2, 0).numpy()
    planes = gaussian_blur(planes, deviation)
    return torch.from_numpy(planes).permute(2, 0, 1).view(image.shape).to(image.dtype)


# The strongest setting of each; the error grows with the setting.
CHANGES = {
    "shift": (shifted, MARGIN),
    "warp": (warped, 6.0),
    "texture": (retextured, math.pi / 2),
    "blur": (blurred, 12.0),
    "JPEG": (jpeg, 95),
    "noise": (noisy, 1.0),
    "brightness": (brighter, 1.0),
}


def changed(image, name, error):
    """(the subject after the change, its setting), as strong as makes the pixel error ``error``.

    JPEG comes in whole qualities: of the nearest one the difference is scaled to fit. A shift is one pixel,
    and sets the error that others are brought to. Where even the strongest setting changes less, that one.
    """
    change, most = CHANGES[name]
    if name == "shift":
        return change(image, 1), 1
    if name == "JPEG":
        return _nearest_jpeg(image, error)
    least = 0.0
    for _ in range(24):
        middle = (least + most) / 2
        below = pixel_error(change(image, middle), image) < error
        least, most = (middle, most) if below else (least, middle)
    return change(image, most), most


def _nearest_jpeg(image, error):
    results = [(quality, jpeg(image, quality)) for quality in (*range(1, 20), *range(20, 96, 5))]
    quality, result = min(results, key=lambda pair: abs(math.log(pixel_error(pair[1], image) / error)))
    scale = math.sqrt(error / pixel_error(result, image))
    return image + scale * (result - image), quality


def equal_error(features, image):
    """Each change at the pixel error of a shift by one pixel, and how far it moves every layer's map.

    Returns {"pixel_mse": the common error, change: {"setting", "pixel_mse", layer: relative distance}}.
    """
    error = pixel_error(shifted(image, 1), image)
    result = {"pixel_mse": error}
    for name in CHANGES:
        other, setting = changed(image, name, error)
        result[name] = {"setting": setting, "pixel_mse": pixel_error(other, image)}
        result[name] |= distances(features, inside(image), inside(other))
    return result


# ---------------------------------------------------------------------------------------- reconstruction


def reconstruct(features, image, steps=200, rate=0.1, smoothness=0.0, seed=0, watch=lambda step, x: None):
    """An image with the same map as ``image``, found by Adam from grey with a little noise.

    ``features`` names the layer. The loss is the squared distance of the maps as a share of the target's
    squares, plus ``smoothness`` times the total variation a value. ``watch`` is called with each step's
    number and image. Returns (image (1, 3, h, w), [relative distance at each step]).
    """
    with torch.no_grad():
        wanted = features(image)
        size = wanted.square().sum()
    x = 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    x.requires_grad_(True)
    adam = torch.optim.Adam([x], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    history = []
    for step in range(steps):
        distance = (features(x) - wanted).square().sum() / size
        loss = distance + smoothness * total_variation(x) / x[0].numel() if smoothness else distance
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        with torch.no_grad():
            x.clamp_(-1, 1)
        history.append(distance.item())
        watch(step, x.detach())
    return x.detach(), history
