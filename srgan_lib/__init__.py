"""srgan_lib: the library behind the book *Super-Resolution with GANs*.

    import srgan_lib as sr

    large = sr.upscale("photo.jpg")                               # 4 times the sides, by the shipped SRGAN
    result = sr.train(sr.presets.tiny(out="runs/mine"))           # two minutes on a laptop
    print(sr.evaluate(result.folder, "bicubic", sets=["set5"]))   # PSNR and SSIM as in the paper
    sr.export_onnx(result.folder, "mine.onnx")                    # for a browser, a phone, C++

A network, a discriminator or a content loss of your own: ``sr.train(config, generator=MyNetwork())``, and
``discriminator=``, ``content=``; ``sr.upscale``, ``sr.evaluate`` and ``sr.export_onnx`` take it too.

``train``, ``resume``, ``Config``, ``Stage``, ``presets``: training, its settings, ready ones.
``load``, ``models``, ``upscale``, ``export_onnx``: trained networks and what they are used for.
``evaluate``, ``psnr``, ``ssim``: measuring. ``imresize``, ``open_image``: pictures.
``Generator``, ``Discriminator``, ``VGG19Features``: the paper's networks.
``losses``, ``networks``, ``metrics``, ``training``, ``data``, ``coursework``: all the rest, by subject.
``SrganError``: what is raised, in one line, for something that you can mend.

Names are imported on first use, so ``import srgan_lib`` is quick; ``help(sr.train)`` explains each.
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
    "resume": "training.loop",
    "Config": "training.config",
    "Stage": "training.config",
    "load": "pretrained",
    "models": "pretrained",
    "upscale": "inference.upscale",
    "export_onnx": "inference.onnx",
    "evaluate": "evaluation.evaluate",
}
_SUBMODULES = {
    "presets": "training.presets",
    "coursework": "teaching.coursework",
    **{name: name for name in ("losses", "networks", "metrics", "training", "data")},
}

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
