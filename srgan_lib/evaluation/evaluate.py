"""A model, or a folder of result images, on the paper's test sets: its Table 1 and Table 2 (section 3.1).

The networks get the stored low-resolution images, results are 8-bit images, and PSNR and SSIM are those of
``metrics``: Y channel, 4 pixels removed from each border, SSIM of the daala tools.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from srgan_lib import pretrained
from srgan_lib.data.downloads import catalogue, dataset, get
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.evaluation.paper import SETS, paper_column
from srgan_lib.evaluation.results import Column, Result
from srgan_lib.images import EXTENSIONS, open_image, read_rgb
from srgan_lib.inference.upscale import ENGINES, load_engine, upscale
from srgan_lib.metrics import psnr, ssim
from srgan_lib.networks import is_network
from srgan_lib.support.progress import progress_bar

SCALE = 4
MEASURES = {
    "psnr": psnr,
    "ssim": ssim,
    "psnr-rgb": partial(psnr, on="rgb"),
    "ssim-gaussian": partial(ssim, kind="gaussian"),
    "ssim-uniform": partial(ssim, kind="uniform"),
}
INTERPOLATIONS = {
    "nearest": lambda lr: lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1),
    "bicubic": lambda lr: imresize(lr, SCALE),
}


def evaluate(
    *models, sets=None, measures=("psnr", "ssim"), labels=None, paper=(), device=None, progress=None
):
    """Measure one or several models on the test sets, side by side. Returns a ``Result``.

    A model is "nearest", "bicubic", the name of a shipped model, a weights file, a run's folder, a
    network, or a folder of result images: ``FOLDER/Set5/NAME.png``, ``FOLDER/NAME.png``, or a pattern
    such as ``"published/{set}/SRGAN-VGG54"``; endings like ``NAME_x4.png`` are understood.

    ``sets`` are names ("set5", "set14", "bsd100"; fetched when they are not on this machine) or folders with
    ``HR/NAME.png`` and ``LRx4/NAME.png``; by default all three, without those of which a result folder has
    nothing. ``measures`` are "psnr" (dB), "ssim" (daala's), "psnr-rgb", "ssim-gaussian" and "ssim-uniform".
    ``labels`` name the columns. ``paper`` adds columns of the paper's tables: "SRResNet", "SRGAN-VGG22",
    "DRCN" and so on. Raises ``SrganError`` for unknown names, missing results and results of a wrong size.
    """
    for measure in measures:
        if measure not in MEASURES:
            raise unknown_name("measure", measure, MEASURES)
    if labels is not None and len(labels) != len(models):
        raise SrganError(f"{len(models)} models and {len(labels)} labels; give each model one label")
    quoted = [paper_column(name, measures) for name in paper]
    methods = [_method(model, device) for model in models]
    examples = {_set_name(name): _examples(name) for name in sets or SETS}
    columns = []
    for method, label in zip(methods, _labels(methods, labels), strict=True):
        wanted = {name: found for name, found in examples.items() if sets or method.knows(name, found)}
        columns.append(Column(label, _measure(method, wanted, measures, progress), method.facts))
    return Result(tuple(examples), tuple(measures), (*columns, *quoted))


def has_results(images, test_set):
    """Whether a folder of result images, or a pattern of folders, has any result of ``test_set``."""
    return _folder(str(images)).knows(_set_name(test_set), _examples(test_set))


@dataclass(frozen=True)
class Example:
    """One image of a test set: the paths of the original and of its low-resolution version."""

    name: str
    hr: Path
    lr: Path


@dataclass(frozen=True)
class Method:
    """What makes a result: ``result(set name, example)`` is its image, uint8 (H, W, 3) or a ``PIL.Image``."""

    label: str
    result: Callable
    knows: Callable = lambda name, examples: True
    facts: dict = field(default_factory=dict)


def _set_name(name):
    return Path(name).name if _is_folder_of_pairs(name) else dataset(name).name


def _is_folder_of_pairs(name):
    return (Path(name) / "HR").is_dir()


def _examples(name):
    """The images of a test set, in order of name."""
    if not _is_folder_of_pairs(name) and dataset(name).name not in SETS:
        tests = ", ".join(other for other in catalogue() if other in SETS)
        raise SrganError(f"{dataset(name).name} is no test set with stored inputs; use {tests} or a folder")
    folder = Path(name) if _is_folder_of_pairs(name) else get(name)
    examples = [
        Example(hr.stem, hr, folder / "LRx4" / hr.name) for hr in sorted((folder / "HR").glob("*.png"))
    ]
    missing = [example.lr for example in examples if not example.lr.exists()]
    if missing or not examples:
        lost = missing[0] if missing else folder / "HR" / "*.png"
        raise SrganError(f"test set {folder}: {lost} is missing; put it there, or fetch the set again")
    return examples


def _measure(method, examples, measures, progress):
    """{set: {image: {measure: value}}}"""
    total = sum(len(found) for found in examples.values())
    values = {name: {} for name in examples}
    with progress_bar(progress=progress, delay=2, total=total, desc=method.label, unit="image") as bar:
        for name, found in examples.items():
            for example in found:
                hr, result = open_image(example.hr), method.result(name, example)
                values[name][example.name] = {
                    measure: _value(MEASURES[measure], hr, result, method, example) for measure in measures
                }
                bar.update()
    return values


def _value(measure, hr, result, method, example):
    try:
        return measure(hr, result, crop=SCALE)
    except SrganError as error:
        raise SrganError(f"{method.label}, {example.hr}: {error}") from error


# ------------------------------------------------------------------------------------------- methods


def _method(model, device):
    if is_network(model) or isinstance(model, ENGINES):
        return _network(model, "generator", device)
    text = str(model)
    if text.lower() in INTERPOLATIONS:
        enlarge = INTERPOLATIONS[text.lower()]
        return Method(text.lower(), lambda _, example: enlarge(read_rgb(example.lr)))
    if "{set}" in text or holds_images(Path(text)):
        return _folder(text)
    known = [*pretrained.names(), *INTERPOLATIONS]
    is_file = text.endswith(pretrained.SUFFIX) or Path(text).exists()
    if not is_file and text.lower() not in known:
        raise unknown_name("model or folder of results", text, known)
    facts = {} if is_file else {"sha256": pretrained.record(text).get("sha256")}
    return _network(pretrained.load(model), Path(text).stem if is_file else text.lower(), device, facts)


def _network(generator, label, device, facts=None):
    fast = load_engine(generator, device)
    if fast.scale != SCALE:
        raise SrganError(f"{label} enlarges {fast.scale}x; the test sets' stored inputs are for {SCALE}x")

    def result(_, example):
        return upscale(read_rgb(example.lr), fast, progress=False)

    return Method(label, result, facts=facts or {})


def holds_images(folder):
    if not folder.is_dir() or any(folder.glob(f"*{pretrained.SUFFIX}")):
        return False  # a run's folder holds pictures too
    return any(path.suffix.lower() in EXTENSIONS for path in folder.rglob("*"))


def _folder(pattern):
    label = Path(pattern).name if "{set}" not in Path(pattern).name else Path(pattern).parent.name

    def result(name, example):
        path = result_path(pattern, name, example.name)
        if path is None:
            raise SrganError(f"{pattern}: no result for {example.name} of {name}; name it {example.name}.png")
        image, hr = open_image(path), open_image(example.hr)
        if image.size != hr.size:
            sizes = f"{image.width}x{image.height}, its original {hr.width}x{hr.height}"
            raise SrganError(f"{path}: is {sizes}; results must have the original's size")
        return image if image.mode == "L" else np.array(image.convert("RGB"))

    def knows(name, examples):
        return any(result_path(pattern, name, example.name) for example in examples)

    return Method(label, result, knows)


def result_path(pattern, set_name, image_name):
    """The result of one image in a folder, or None."""
    for folder in _folders(pattern, set_name):
        for path in sorted(folder.iterdir()):
            rest = path.stem.lower().removeprefix(image_name.lower())
            is_it = path.stem.lower() == image_name.lower() or (
                rest != path.stem.lower() and rest[0] in "_-x"
            )
            if is_it and path.suffix.lower() in EXTENSIONS:
                return path
    return None


def _folders(pattern, set_name):
    """Where results of a set may lie: in the folder of the set's name, in any case, or around it."""
    folder = Path(pattern.replace("{set}", set_name))
    if not folder.is_dir():
        return []
    inner = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() == set_name.lower()]
    return [*inner, folder]


def _labels(methods, labels):
    """One label a column; equal ones are numbered."""
    wanted = list(labels or [method.label for method in methods])
    for index, label in enumerate(wanted):
        count = wanted[:index].count(label)
        wanted[index] = f"{label} ({count + 1})" if count else label
    return wanted
