"""A model, or a folder of result images, on the paper's test sets: its Table 1 and Table 2 (section 3.1).

The networks get the stored low-resolution images, results are 8-bit images, and PSNR and SSIM are those of
``metrics``: Y channel, 4 pixels removed from each border (as many as the scale says, for models of another
scale), SSIM of the daala tools.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from srgan_lib import pretrained
from srgan_lib.data.downloads import catalogue, dataset, get
from srgan_lib.data.low_resolution import made_input, measured_part
from srgan_lib.data.sources import Photo
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.evaluation.own_sets import (
    distinct_names,
    examples_of,
    is_set,
    matched_input,
    result_sizes,
    say_what_is_changed,
)
from srgan_lib.evaluation.paper import SETS, paper_column
from srgan_lib.evaluation.result_files import ResultFolder
from srgan_lib.evaluation.results import SCALE, Column, Result
from srgan_lib.images import EXTENSIONS, open_image, read_rgb
from srgan_lib.inference.upscale import ENGINES, load_engine, upscale
from srgan_lib.metrics import psnr, ssim
from srgan_lib.networks import is_ours
from srgan_lib.networks.generator import SCALES
from srgan_lib.networks.run_folders import is_run
from srgan_lib.support.progress import progress_bar

MEASURES = {
    "psnr": psnr,
    "ssim": ssim,
    "psnr-rgb": partial(psnr, on="rgb"),
    "ssim-gaussian": partial(ssim, kind="gaussian"),
    "ssim-uniform": partial(ssim, kind="uniform"),
}
INTERPOLATIONS = {
    "nearest": lambda lr, scale=SCALE: lr.repeat(scale, axis=0).repeat(scale, axis=1),
    "bicubic": lambda lr, scale=SCALE: imresize(lr, scale),
}


def evaluate(
    *models: str | Path | nn.Module,
    sets: Sequence[str | Path] | None = None,
    measures: Sequence[str] = ("psnr", "ssim"),
    labels: Sequence[str] | None = None,
    paper: Sequence[str] = (),
    scale: int | None = None,
    device: str | None = None,
    progress: bool | None = None,
) -> Result:
    """Measure one or several models on the test sets, side by side. Returns a ``Result``.

    A model is "nearest", "bicubic", the name of a shipped model, a weights file, a run's folder (also of a
    run that was stopped), a network, also one's own with an attribute ``scale``, or a folder of result
    images: ``FOLDER/Set5/NAME.png``, ``FOLDER/NAME.png``, or a pattern such as
    ``"published/{set}/SRGAN-VGG54"``; endings like ``NAME_x4.png`` are understood.

    All of them enlarge by one ``scale``: the networks' own, or, of interpolation and result images alone, the
    one that is given, 2, 4 or 8 (4 by default). As many pixels are removed from each border.

    ``sets`` are names ("set5", "set14", "bsd100"; fetched when they are not on this machine) or folders with
    ``HR/NAME.png`` and ``LRx4/NAME.png``, in any format that ``open_image`` reads. Where there is no ``LRx4``
    (at scale 2: ``LRx2``) the inputs are made as the protocol does, and sides that are no multiple of the
    scale are cropped (see ``own_sets``).
    By default all three, without those of which a result folder has nothing. Which file is the result of
    which original says ``result_files``; what is passed over, cropped or made is named on stderr.
    ``measures`` are "psnr" (dB), "ssim" (daala's), "psnr-rgb", "ssim-gaussian" and "ssim-uniform".
    ``labels`` name the columns. ``paper`` adds columns of the paper's tables: "SRResNet", "SRGAN-VGG22",
    "DRCN" and so on, which are of scale 4. Raises ``SrganError`` for unknown names, missing results, results
    of a wrong size and models of several scales.
    """
    for measure in measures:
        if measure not in MEASURES:
            raise unknown_name("measure", measure, MEASURES)
    if labels is not None and len(labels) != len(models):
        raise SrganError(f"{len(models)} models and {len(labels)} labels; give each model one label")
    quoted = [paper_column(name, measures) for name in paper]
    methods = [_method(model, device) for model in models]
    scale = _common_scale(methods, scale)
    if quoted and scale != SCALE:
        raise SrganError(f"the paper's numbers are of scale {SCALE}, not of {scale}; leave them out")
    examples = _sets_by_name(sets or SETS, scale)
    for name, found in examples.items():
        say_what_is_changed(name, found, scale, any(method.reads_inputs for method in methods))
    columns = []
    for method, label in zip(methods, _labels(methods, labels), strict=True):
        wanted = {name: found for name, found in examples.items() if sets or method.knows(name, found)}
        columns.append(Column(label, _measure(method, wanted, measures, scale, progress), method.facts))
    return Result(tuple(examples), tuple(measures), (*columns, *quoted), scale)


def has_results(images, test_set):
    """Whether a folder of result images, or a pattern of folders, has any result of ``test_set``."""
    return _folder(str(images)).knows(_set_name(test_set), _examples(test_set, SCALE))


@dataclass(frozen=True)
class Method:
    """What makes a result: ``result(set name, example, scale)`` is its image, uint8 (H, W, 3) or a
    ``PIL.Image``. A network has a ``scale`` of its own, interpolation and result images take any.
    """

    label: str
    result: Callable
    knows: Callable = lambda name, examples: True
    facts: dict = field(default_factory=dict)
    prepare: Callable = lambda name, examples: None
    reads_inputs: bool = True
    scale: int | None = None


def _common_scale(methods, wanted):
    """The scale at which all methods are measured."""
    own = {method.scale: method.label for method in methods if method.scale}
    if wanted not in (None, *SCALES):
        raise SrganError(f"scale {wanted!r}; use {', '.join(map(str, SCALES))}")
    if set(own) - {wanted or next(iter(own), None)}:
        each = ", ".join(f"{label} enlarges {scale}x" for scale, label in own.items())
        asked = f", and scale {wanted} is asked for" if wanted else ""
        raise SrganError(f"{each}{asked}; measure models of one scale at a time")
    return wanted or next(iter(own), SCALE)


def _sets_by_name(sets, scale):
    """{name: examples}, under names that differ; a set that is given twice comes once."""
    folders = {Path(name).resolve(): name for name in sets if _is_folder_of_pairs(name)}
    names = dict(zip(folders, distinct_names(folders), strict=True))
    known = [dataset(name).name for name in sets if not _is_folder_of_pairs(name)]
    taken = {name.lower() for name in known}
    for folder, name in names.items():  # a folder of one's own that is called Set5
        if name.lower() in taken:
            names[folder] = "/".join(folder.parts[-2:]).lstrip("/")
    return {
        names[Path(name).resolve()] if _is_folder_of_pairs(name) else dataset(name).name: _examples(
            name, scale
        )
        for name in sets
    }


def _set_name(name):
    return Path(name).resolve().name if _is_folder_of_pairs(name) else dataset(name).name


def _is_folder_of_pairs(name):
    return is_set(name)


def _examples(name, scale):
    """The images of a test set, in order of name."""
    if not _is_folder_of_pairs(name) and dataset(name).name not in SETS:
        tests = ", ".join(other for other in catalogue() if other in SETS)
        raise SrganError(f"{dataset(name).name} is no test set with stored inputs; use {tests} or a folder")
    return examples_of(Path(name) if _is_folder_of_pairs(name) else get(name), scale)


def _original(example, scale):
    """An original as it is measured: a ``PIL.Image``, grey or RGB, its sides multiples of the scale."""
    return _measured(example.hr, open_image(example.hr), scale)


def _measured(path, image, scale):
    try:
        return measured_part(image, scale)
    except SrganError as error:
        raise SrganError(f"{path}: {error}") from error


def _input(example, scale):
    """A network's input, ``uint8`` (h, w, 3): the stored one, or made from the original."""
    if example.lr is None:
        return made_input(_original(example, scale), scale)
    return matched_input(read_rgb(example.lr), example, scale)


def _measure(method, examples, measures, scale, progress):
    """{set: {image: {measure: value}}}"""
    total = sum(len(found) for found in examples.values())
    values = {name: {} for name in examples}
    with progress_bar(progress=progress, delay=2, total=total, desc=method.label, unit="image") as bar:
        for name, found in examples.items():
            method.prepare(name, found)
            for example in found:
                hr, result = _original(example, scale), method.result(name, example, scale)
                try:
                    values[name][example.name] = {
                        measure: MEASURES[measure](hr, result, crop=scale) for measure in measures
                    }
                except SrganError as error:
                    raise SrganError(f"{method.label}, {example.hr}: {error}") from error
                bar.update()
    return values


# ------------------------------------------------------------------------------------------- methods


def _method(model, device):
    if isinstance(model, (nn.Module, *ENGINES)):
        is_own = isinstance(model, nn.Module) and not is_ours(model)
        return _network(model, type(model).__name__ if is_own else "generator", device)
    text = str(model)
    if text.lower() in INTERPOLATIONS:
        enlarge = INTERPOLATIONS[text.lower()]
        return Method(text.lower(), lambda _, example, scale: enlarge(_input(example, scale), scale))
    if "{set}" in text or holds_images(Path(text)):
        return _folder(text)
    known = [*pretrained.names(), *INTERPOLATIONS]
    is_file = text.endswith(pretrained.SUFFIX) or os.path.exists(text)
    if not is_file and text.lower() not in known:
        raise unknown_name("model or folder of results", text, known)
    facts = {} if is_file else {"sha256": pretrained.record(text).get("sha256")}
    return _network(pretrained.load(model), Path(text).stem if is_file else text.lower(), device, facts)


def _network(generator, label, device, facts=None):
    fast = load_engine(generator, device)

    def result(_, example, scale):
        return upscale(_input(example, scale), fast, progress=False)

    return Method(label, result, facts=facts or {}, scale=fast.scale)


def holds_images(folder):
    if not os.path.isdir(folder) or is_run(folder):
        return False  # a run's folder holds pictures too
    return any(path.suffix.lower() in EXTENSIONS for path in folder.rglob("*"))


def _folder(pattern):
    label = Path(pattern).name if "{set}" not in Path(pattern).name else Path(pattern).parent.name

    files = ResultFolder(pattern)

    def result(name, example, scale):
        path = files.find(name, example.name, result_sizes(example, scale))
        image = _measured(path, open_image(path), scale)
        size = tuple(side - side % scale for side in Photo(example.hr).sides()[::-1])
        image = image if image.size == size else image.crop((0, 0, *size))
        return image if image.mode == "L" else np.array(image.convert("RGB"))

    return Method(label, result, files.knows, prepare=files.prepare, reads_inputs=False)


def _labels(methods, labels):
    """One label a column; equal ones are numbered."""
    wanted = list(labels or [method.label for method in methods])
    for index, label in enumerate(wanted):
        count = wanted[:index].count(label)
        wanted[index] = f"{label} ({count + 1})" if count else label
    return wanted
