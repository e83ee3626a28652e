"""Upscale an image of any size and kind with a trained generator, in bounded memory.

``fast`` holds the fast generator; here are kinds of image, grey, transparency and the progress bar.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from srgan_lib import pretrained
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.formats import metadata
from srgan_lib.inference import photo_files
from srgan_lib.inference.fast import FastGenerator
from srgan_lib.inference.tiled import TiledNetwork
from srgan_lib.inference.transparency import enlarged_alpha, spread_colours
from srgan_lib.networks.generator import Generator
from srgan_lib.support.devices import out_of_memory_says, pick_device
from srgan_lib.support.notices import say
from srgan_lib.support.progress import progress_bar

TILE = 640
PEAKS = {torch.uint8: 255, torch.uint16: 65535}
ENGINES = FastGenerator, TiledNetwork
BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


def upscale(
    image: str | Path | Image.Image | np.ndarray | torch.Tensor,
    model: str | Path | nn.Module = "srgan-vgg54",
    tile: int = TILE,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> Image.Image | np.ndarray | torch.Tensor:
    """``image`` with ``scale`` times the sides, the model's own scale, as the same kind of image.

    ``image`` is the path of an image file or a ``PIL.Image`` (a ``PIL.Image`` comes back), an array (H, W),
    (H, W, 1 to 4) or a tensor (H, W), (1 to 4, H, W), (N, 1 to 4, H, W); one or two channels are grey and
    grey with alpha, three or four RGB and RGBA. Levels are ``uint8``, ``uint16`` (0 to 65535), or
    floating-point in [0, 1]. A grey image goes through the network as RGB, and the result's channels are
    averaged; alpha is resized bicubically, and colours under alpha 0 are replaced by visible ones first.

    A ``PIL.Image`` keeps colour profile, EXIF (turned upright), resolution and a PNG's colour chunks in its
    ``info``. A file of 16-bit grey gives mode I;16; one of 16-bit colour, for which Pillow has no mode, is
    reduced to 8 bits with a line on stderr: ``srgan upscale``, or an array of ``uint16``, keeps them.

    ``model`` is a name (``sr.models()`` lists them), a weights file, a run's folder (also of a run that was
    stopped), a network such as ``Generator`` or one's own with an attribute ``scale``, or what
    ``load_engine`` gave. ``tile``, in pixels of ``image``, is the side of the part worked on at a time: it
    bounds the memory (about 1 GB at 640) and changes nothing in the result. One's own network sees the image
    whole, unless its attribute ``reach`` says how many pixels of the input it sees to each side.
    ``device`` is "cpu", "cuda" and so on (by default a GPU where there is one). ``progress`` draws a bar:
    True, False, or, by default, only when it takes longer than 2 seconds. Raises ``SrganError`` for what
    cannot be read or is no image, for an unknown model, an absent GPU and for too little memory.
    """
    if not isinstance(tile, int) or tile < 1:
        raise SrganError(f"tile is {tile!r}; use a whole number of pixels, such as {TILE}")
    if isinstance(image, (str, Path)):
        image = photo_files.open_photo(image).as_pil()
    engine = load_engine(model, _own_device(image) if device is None else device)
    settings = {"engine": engine, "tile": tile, "progress": progress}
    if isinstance(image, Image.Image):
        return _upscale_pil(image, settings)
    if isinstance(image, np.ndarray):
        return _upscale_array(image, settings)
    if isinstance(image, torch.Tensor):
        return _upscale_tensor(image, settings)
    raise SrganError(f"an image is a path, a PIL image, an array or a tensor, not {type(image).__name__}")


def _own_device(image):
    """A tensor on a GPU is worked on where it is."""
    return image.device if isinstance(image, torch.Tensor) and image.device.type != "cpu" else None


def load_engine(model, device=None):
    """The ``FastGenerator`` or ``TiledNetwork`` that ``upscale`` would use; give it as ``model`` to upscale
    many images.
    """
    if isinstance(model, ENGINES):
        return model
    device = pick_device(device)
    if not isinstance(model, str) or model not in pretrained.names():
        return _engine(pretrained.as_generator(model), device)
    return _shipped_engine(pretrained.path(model), model, device)


@lru_cache(maxsize=4)
def _shipped_engine(_, name, device):
    return _engine(pretrained.load(name), device)


def _engine(network, device):
    return (FastGenerator if type(network) is Generator else TiledNetwork)(network, device)


def _upscale_pil(image, settings):
    metadata.note(image)
    try:
        pixels = photo_files.pixels_of(image)
    except (OSError, ValueError) as error:  # a file that was closed, or is damaged behind its header
        raise SrganError(f"the PIL image cannot be read ({error}); open it again") from error
    result = Image.fromarray(_upscale_array(pixels, settings))
    space = metadata.unfitting_profile(image)
    if space:
        kind = "grey" if result.mode in ("L", "LA", "I;16") else "RGB"
        say(f"its colour profile is for {space}; the result is {kind} without it: colours may look different")
    result.info.update(metadata.resized(metadata.travelling(image, result.mode), result.size))
    return result


def _upscale_array(image, settings):
    if image.ndim not in (2, 3) or image.dtype.kind not in "uf" or image.dtype.itemsize > 8:
        raise _no_image("array (H, W) or (H, W, channels)", image)
    shaped = image if image.ndim == 3 else image[..., None]
    # In the machine's order of bytes, in one piece and writable: what PyTorch takes without a complaint
    pixels = torch.from_numpy(np.require(shaped, image.dtype.newbyteorder("="), ["C", "W"]))
    result = _enlarge(pixels.movedim(-1, 0).unsqueeze(0), settings)
    result = result[0].movedim(0, -1).contiguous().numpy()  # (1, C, H, W) -> (H, W, C)
    return result[..., 0] if image.ndim == 2 else result


def _upscale_tensor(image, settings):
    if image.ndim not in (2, 3, 4):
        raise _no_image("tensor (H, W), (channels, H, W) or (N, channels, H, W)", image)
    pixels = image.detach()[(None,) * (4 - image.ndim)]
    result = _enlarge(pixels, settings).contiguous()
    return result.reshape(*image.shape[:-2], *result.shape[-2:])


def _no_image(expected, found):
    found = f"{found.dtype} {tuple(found.shape)}"
    return SrganError(f"an image is an {expected} of uint8 or uint16, or of floats in [0, 1], not {found}")


def _enlarge(pixels, settings):
    """(N, 1 to 4, h, w) to (N, 1 to 4, scale * h, scale * w), of the same type and on the same device."""
    _check(pixels)
    engine, tile = settings["engine"], settings["tile"]
    n, channels, height, width = pixels.shape
    colours = channels - (channels in (2, 4))
    height, width = engine.scale * height, engine.scale * width
    with out_of_memory_says(f"a result of {width}x{height} pixels does not fit; cut the image up first"):
        result = torch.empty(
            (n, channels, height, width),
            dtype=pixels.dtype,
            device=pixels.device,
            memory_format=torch.channels_last,  # so that an array or a PIL image needs no copy
        )
    with out_of_memory_says(f"lower tile (now {tile}; --tile on the command line)"), torch.inference_mode():
        for image, target in zip(pixels, result, strict=True):
            shown = image[:colours]
            if colours < channels:
                target[-1] = _alpha(image[-1], engine.scale)
                shown = spread_colours(shown, _unit(image[-1]))
            _draw(_unit(shown).expand(3, -1, -1), target[:colours], settings)
    return result


def _check(pixels):
    if not (pixels.dtype in PEAKS or pixels.is_floating_point()) or pixels.shape[1] not in (1, 2, 3, 4):
        raise _no_image("array (H, W, 1 to 4) or tensor (1 to 4, H, W)", pixels)
    if pixels.numel() == 0:
        raise SrganError(f"an image of {pixels.shape[3]}x{pixels.shape[2]} pixels has nothing to upscale")
    if pixels.is_floating_point():
        low, high = pixels.min().item(), pixels.max().item()
        if not (low >= -1e-3 and high <= 1.001):  # not a number is refused too
            raise SrganError(f"a floating-point image is in [0, 1], not [{low:.4g}, {high:.4g}]; scale it")


def _unit(levels):
    return levels.float() / PEAKS[levels.dtype] if levels.dtype in PEAKS else levels.float().clamp(0, 1)


def _draw(lr, target, settings):
    """Upscale one image, (3, h, w) in [0, 1], into ``target``, (1 or 3, scale * h, scale * w)."""
    engine, tile, progress = settings["engine"], settings["tile"], settings["progress"]
    work = engine.work(*lr.shape[1:], tile)
    with progress_bar(progress=progress, delay=2, total=work, desc="upscaling", bar_format=BAR) as bar:
        for top, left, piece in engine.pieces(lr.unsqueeze(0), tile, bar.update):
            unit = (piece[0].clamp(-1, 1) + 1) / 2
            if len(target) == 1:
                unit = unit.mean(0, keepdim=True)
            if target.dtype in PEAKS:
                unit = (PEAKS[target.dtype] * unit).round()
            rows, columns = slice(top, top + unit.shape[1]), slice(left, left + unit.shape[2])
            target[:, rows, columns] = unit.to(target.device, target.dtype)


def _alpha(alpha, scale):
    """Bicubic: ``imresize`` for 8 bits, not rounded for floats."""
    if alpha.dtype == torch.uint8:
        return torch.from_numpy(imresize(alpha.cpu().numpy(), scale))
    larger = enlarged_alpha(_unit(alpha), scale)
    peak = PEAKS.get(alpha.dtype)
    return (larger * peak).round().to(alpha.dtype) if peak else larger.to(alpha.dtype)
