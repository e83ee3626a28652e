"""srgan_lib: the library behind the book *Super-Resolution with GANs*.

Names are imported on first use, so ``import srgan_lib`` is quick.
"""

import importlib

__version__ = "0.2.0"

_HOME = {
    "SrganError": "errors",
    "imresize": "degradations",
    "open_image": "images",
    "psnr": "metrics",
    "ssim": "metrics",
    "Generator": "networks.generator",
    "Discriminator": "networks.discriminator",
    "VGG19Features": "networks.vgg",
    "train": "training.loop",
    "Config": "training.config",
    "Stage": "training.config",
    "load": "pretrained",
    "models": "pretrained",
    "upscale": "inference.upscale",
    "evaluate": "evaluation.evaluate",
}
_SUBMODULES = {"presets": "training.presets", "coursework": "teaching.coursework"}

__all__ = [*_HOME, *_SUBMODULES]


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{_SUBMODULES[name]}")
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'srgan_lib' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
