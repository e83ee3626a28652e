"""Whatever a user gives to a command or a function that it cannot use: one line, and every file intact.

Each group below generates its bad inputs; ``test_enough_is_tried`` counts them. Nothing is trained.
"""

import errno
import hashlib
import json
import math
import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.data import downloads
from srgan_lib.errors import SrganError
from srgan_lib.inference.enlarge_files import upscale_file
from srgan_lib.inference.upscale import load_engine
from srgan_lib.networks.generator import Generator
from srgan_lib.support import files
from srgan_lib.training import loop

LATIN = os.fsdecode(b"caf\xe9.png")  # a name in another encoding: no UTF-8
LONG, LONGER = "x" * 300, "写" * 120 + ".png"
# What stands where a file is meant, a folder, or either
NO_FILES = [
    "none.png",
    "none/deeper.png",
    "file/x.png",
    "loop",
    LONG,
    LONGER,
    "~nobody/x.png",
    LATIN,
    "naïve.png",
    "empty.png",
    "words.png",
    "half.png",
    "nul.png",
    "broken.png",
    " ",
    "https://a.example/b.png",
    "C:\\photos\\a.png",
    "-x.png",
]
NO_FOLDERS = [
    "none",
    "none/deeper",
    "file",
    "file/x",
    "loop",
    LONG,
    "~nobody",
    "empty",
    "unusable",
    LATIN,
    "*",
    "photo.png",
]
NO_MODELS = [
    "none",
    "srgan",
    "none.safetensors",
    "words.png",
    "empty",
    "file",
    "half.safetensors",
    "weights.pth",
    "other.onnx",
    "nul.safetensors",
    LONG,
    "loop",
    "~nobody/m.safetensors",
    LATIN,
]
NO_PLACES = [
    "file/x",
    "none/deeper/x.png",
    "loop/x.png",
    "photo.png/x.png",
    f"{LONG}.png",
    LONGER,
    "a.docx",
    "file/x.png",
    "/proc/no/x.png",
]
NO_TEXTS = ["", "{", "[]", "4", "null", "\0\0\0", '{"updates": "many"}', "\ufeff{}", "é" * 9, "{}" * 3]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder of weights with one small model under a shipped name."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    pretrained.ship(Generator(blocks=1, channels=4).eval(), "srgan-vgg54", {}, folder)
    return folder


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch, shipped):
    """A folder of things that are not what they seem, as the working directory; no network and no data."""
    monkeypatch.setattr(pretrained, "WEIGHTS", shipped)
    monkeypatch.setattr(downloads, "get", _no_network)
    monkeypatch.setattr("srgan_lib.data.sources.get", _no_network)
    monkeypatch.setattr("srgan_lib.evaluation.evaluate.get", _no_network)
    monkeypatch.setattr(loop.Run, "go", lambda _: pytest.fail("a training began"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(levels(24, 20)).save("photo.png")
    whole = Path("photo.png").read_bytes()
    Path("half.png").write_bytes(whole[: len(whole) // 2])
    Path("empty.png").touch()
    Path("words.png").write_text("no picture")
    Path("nul.png").write_bytes(bytes(100))
    Path("file").write_text("a file")
    Path("empty").mkdir()
    Path("unusable").mkdir()
    Path("unusable/a.png").write_text("no picture")
    Path("photos").mkdir()
    for seed in range(3):
        Image.fromarray(levels(112, 120, seed)).save(f"photos/{seed}.png")
    os.symlink("loop", "loop")
    os.symlink("gone.png", "broken.png")
    weights = pretrained.path("srgan-vgg54").read_bytes()
    Path("half.safetensors").write_bytes(weights[: len(weights) // 2])
    Path("nul.safetensors").write_bytes(bytes(64))
    torch.save({"conv.weight": torch.zeros(3)}, "weights.pth")
    Path("other.onnx").write_bytes(b"onnx")


def _no_network(name, *_):
    downloads.dataset(name)  # which knows what is in the catalogue
    pytest.fail(f"{name} would be downloaded")


def levels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def contents():
    paths = [path for path in Path().rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


# ------------------------------------------------------------------------------------------- commands

TRAIN = ["train", "--out", "run", "--device", "cpu", "--no-tensorboard", "--crop", "32"]
RATE = ["rate", "plan", "--examples", "0", "--methods", "nearest", "HR"]


def _each(before, values, after=()):
    return [[*before, value, *after] for value in values]


def _options(before, **options):
    """One command for each bad value of each option."""
    return [
        [*before, f"--{name.replace('_', '-')}={value}"]
        for name, values in options.items()
        for value in values
    ]


COMMANDS = {
    "upscale": [
        *_each(["upscale"], NO_FILES),
        *_each(["upscale", "photo.png", "--model"], NO_MODELS),
        *_each(["upscale", "photo.png", "-o"], NO_PLACES),
        *_each(["upscale"], [name for name in NO_FOLDERS if name != "photo.png"], ["-o", "out/"]),
        *_options(
            ["upscale", "photo.png"],
            tile=[0, -5, "x"],
            device=["gpu", "cuda:99", "", "meta"],
            quality=[0, 101, "x"],
            format=["docx", ""],
            suffix=["/x", "a/../b", "\0"],
        ),
        ["upscale", "photo.png", "half.png", "-o", "out/"],
        ["upscale", "photo.png", "-o", "photo.png"],
        ["upscale", "photos", "-o", "photos", "--overwrite"],
        ["upscale", "-", "photo.png"],
    ],
    "evaluate": [
        *_each(["evaluate", "--sets", "photos", "--model"], NO_MODELS),
        *_each(
            ["evaluate", "--model", "bicubic", "--sets"], [name for name in NO_FOLDERS if name != "photo.png"]
        ),
        *_each(["evaluate", "--sets", "photos", "--images"], NO_FOLDERS),
        *_options(
            ["evaluate", "--model", "bicubic", "--sets", "photos"],
            measures=["none"],
            paper=["none"],
            format=["none"],
            device=["gpu"],
        ),
    ],
    "train": [
        *_each([*TRAIN, "--data"], NO_FOLDERS),
        *_each([*TRAIN, "--data", "photos", "--lr-data"], [*NO_FOLDERS, "photos"]),
        *_each([*TRAIN, "--data", "photos", "--validation"], NO_FOLDERS),
        *_each([*TRAIN, "--data", "photos", "--initial"], NO_MODELS),
        *_each(["train", "--config"], [*NO_FOLDERS, "words.png", "nul.png"]),
        *_each(["train", "--resume", "--out"], NO_FOLDERS),
        *_each([*TRAIN[:1], "--data", "photos", "--out"], ["file", "file/x", "loop", LONG, "photo.png/x"]),
        *_options(
            [*TRAIN, "--data", "photos"],
            updates=[0, -1, "x", 1.5],
            batch=[0, -1],
            blocks=[0, -3],
            channels=[0],
            crop=[0, -96, 50, 4096],
            scale=[3],
            seed=[-1, 10**20],
            ema=[1.5, -1, "nan", "inf"],
            held_out=[-1, 3, 99],
            log_every=[0],
            save_every=[-1],
            validate_every=[-1],
            moments=[-2],
            memory=[0, "nan"],
            time_limit=[0, "nan", "soon"],
            device=["gpu", "cuda:99"],
            precision=["half"],
            vgg_weights=[],
            step=["quick"],
        ),
        *(
            [*TRAIN, "--preset", "paper", "--crop", "96", "--data", "photos", f"--vgg-weights={name}"]
            for name in (
                "none.safetensors",
                "words.png",
                "half.safetensors",
                "weights.pth",
                LONG,
                "loop",
                "empty",
            )
        ),
    ],
    "data": [
        *_each(["data", "get"], ["none", "", LONG, "div2", LATIN]),
        *_each(["data", "lr"], NO_FOLDERS),
        *_each(["data", "lr", "photos", "--out"], ["file", "file/x", "loop", LONG, "photo.png"]),
        *_options(["data", "lr", "photos"], scales=[3, 0, "x"]),
    ],
    "export": [
        *_each(["export", "onnx"], NO_MODELS),
        *_each(
            ["export", "onnx", "srgan-vgg54", "-o"], ["none/m.onnx", "file/m.onnx", "empty", LONG, "loop"]
        ),
        ["export", "onnx", "srgan-vgg54", "--t", "0.5"],
        ["export", "onnx", "srgan-vgg54", "--towards", "none", "--t", "0.5"],
        ["export", "onnx", "srgan-vgg54", "--towards", "srgan-vgg54", "--t", "nan"],
    ],
    "rate": [
        *_each(RATE[:2], NO_FOLDERS, ["--out", "test", *RATE[2:]]),
        *_each([*RATE, "--out"], ["file", "file/x", "loop", LONG, "photo.png/x"]),
        *_each(
            ["rate", "plan", "photos", "--out", "test", "--methods", "HR"],
            ["none", "a=none", "HR", "=", "a="],
        ),
        *_each(["rate", "plan", "photos", "--out", "test", *RATE[2:], "--raters"], ["0", "", " ", "a" * 300]),
        *_each(["rate", "analyse"], NO_FOLDERS),
        *_each(["rate", "simulate"], NO_FOLDERS),
        ["rate", "plan", "photos", "--out", "test", *RATE[2:], "--raters", "ada", "ada"],
    ],
    "report": [
        *_each(["report", "--record"], [name for name in NO_FOLDERS if name not in ("photos",)]),
        *_each(["report", "--opinions"], [*NO_FOLDERS, "words.png", "nul.png"]),
        *_each(["report", "--out"], ["file", "file/x", "loop", LONG]),
        *_options(["report"], images=["none", "=x", "a=", "a=none", "a=file"], sets=["set5"], device=["cpu"]),
    ],
    "coursework": [
        *_each(["coursework", "--edition", "student", "--out", "out", "--book"], NO_FOLDERS),
        *_options(["coursework", "--out", "out"], edition=["teacher", ""]),
    ],
    "checkpoint": [
        *_each(["checkpoint", "split"], NO_FOLDERS, ["--out", "parts"]),
        *_each(["checkpoint", "join"], NO_FOLDERS, ["--out", "whole"]),
        *_options(["checkpoint", "split", "photos", "--out", "parts"], size=[0, -1, "big", "nan"]),
    ],
    "reproduce": [
        ["reproduce", "--data", "photos", "--out", "all"],
        *_each(["reproduce", "--updates", "20", "--out", "all", "--data"], NO_FOLDERS),
        *_options(
            ["reproduce", "--data", "photos", "--out", "all"],
            minutes=[0, "nan"],
            updates=["x"],
            schedule=["fast"],
            only=["none"],
        ),
        *_each(
            ["reproduce", "--data", "photos", "--updates", "20", "--out"], ["file", "file/x", "loop", LONG]
        ),
    ],
}


def problem_of(arguments, capsys):
    """What is wrong with how a command answers to bad input, or None."""
    before = contents()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as left:
        code = left.code
    except BaseException as error:
        capsys.readouterr()
        return f"{type(error).__name__}: {error}"
    said = capsys.readouterr().err
    last = (said.splitlines() or [""])[-1]
    if code == 2:
        return None if "usage: srgan" in said and ": error: " in last else f"usage, but {said!r}"
    if code != 1:
        return f"exit code {code}, said {said[-200:]!r}"
    if "Traceback" in said or not last.startswith("srgan: ") or len(last) > 700:
        return f"said {said[-300:]!r}"
    after = contents()
    changed = [path for path in before if before[path] != after.get(path)]
    return f"{changed} changed" if changed else None


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_answers_in_one_line(command, capsys):
    found = {}
    for arguments in COMMANDS[command]:
        problem = problem_of(arguments, capsys)
        if problem:
            found[" ".join(map(str, arguments))[:120]] = problem
    assert not found, "\n".join(f"{arguments!r}: {problem}" for arguments, problem in found.items())


# ------------------------------------------------------------------------------------------ functions

NO_IMAGES = [
    None,
    4,
    "none.png",
    "words.png",
    "half.png",
    "empty",
    LONG,
    "nul\0.png",
    LATIN,
    b"photo.png",
    ["photo.png"],
    {},
    np.zeros(3),
    np.zeros((0, 4, 3), np.uint8),
    np.zeros((4, 4, 5), np.uint8),
    np.zeros((4, 4, 3), np.int64),
    np.full((4, 4, 3), np.nan),
    np.full((4, 4, 3), np.inf),
    np.full((4, 4, 3), 255.0),
    np.full((4, 4, 3), -0.5),
    np.zeros((4, 4, 3), bool),
    np.zeros((4, 4, 3), object),
    np.zeros((2, 2, 2, 2, 3), np.uint8),
    torch.zeros(3),
    torch.zeros(5, 4, 4),
    torch.zeros(3, 0, 4),
    torch.full((3, 4, 4), math.nan),
    torch.zeros(3, 4, 4, dtype=torch.int64),
    torch.zeros(3, 4, 4, dtype=torch.bool),
    Image.new("F", (4, 4), 300.5),
]
NO_PAIRS = [
    (levels(8, 8), levels(9, 8)),
    (None, levels(8, 8)),
    ("photo.png", levels(8, 8)),
    (levels(8, 8), 4),
    (levels(8, 8) / 255, levels(8, 8)),
    (np.full((24, 24, 3), np.nan), levels(24, 24)),
    (levels(4, 4), levels(4, 4)),
    (levels(24, 24).astype(np.uint16), levels(24, 24)),
    ({}, {}),
    (np.zeros(3), np.zeros(3)),
]


def functions():
    """{name: calls that must fail}"""
    image = levels(24, 20)
    stage = sr.Stage("s", 1)
    return {
        "upscale": [lambda image=image: sr.upscale(image) for image in NO_IMAGES]
        + [lambda model=model: sr.upscale(image, model) for model in (*NO_MODELS, None, {}, 4, b"x", "nul\0")]
        + [lambda tile=tile: sr.upscale(image, tile=tile) for tile in (0, -1, 1.5, "x", None)]
        + [
            lambda device=device: sr.upscale(image, device=device)
            for device in ("gpu", "cuda:99", "", 4.5, "xpu")
        ],
        "open_image": [
            lambda path=path: sr.open_image(path) for path in (*NO_FILES, "nul\0", None, 4.5, "empty", [])
        ],
        "load": [lambda model=model: sr.load(model) for model in (*NO_MODELS, None, 4, {}, [], "nul\0", "")],
        "psnr": [lambda pair=pair: sr.psnr(*pair) for pair in NO_PAIRS]
        + [lambda on=on: sr.psnr(image, image, on=on) for on in ("x", None, 4)]
        + [lambda crop=crop: sr.psnr(image, image, crop=crop) for crop in (-1, 12, "x", 1.5)],
        "ssim": [lambda pair=pair: sr.ssim(*pair) for pair in NO_PAIRS]
        + [lambda kind=kind: sr.ssim(image, image, kind) for kind in ("x", None, 4)],
        "imresize": [
            lambda scale=scale: sr.imresize(image, scale) for scale in (0, -1, math.nan, math.inf, "x")
        ]
        + [lambda size=size: sr.imresize(image, size=size) for size in ((0, 4), (4,), "x", (-1, 4))]
        + [
            lambda image=image: sr.imresize(image, 2)
            for image in (None, "x", np.zeros(3), np.zeros((0, 4, 3)))
        ],
        "Generator": [
            lambda settings=settings: sr.Generator(**settings)
            for settings in (
                {"scale": 3},
                {"scale": "x"},
                {"blocks": -1},
                {"channels": 0},
                {"blocks": "x"},
                {"channels": 1.5},
            )
        ],
        "Discriminator": [lambda side=side: sr.Discriminator(side) for side in (0, -1, 50, "x", None, 1.5)],
        "VGG19Features": [
            lambda layer=layer: sr.VGG19Features(layer) for layer in ("99", "", None, 7, "conv5_4")
        ]
        + [
            lambda path=path: sr.VGG19Features("12", path)
            for path in (
                "none.safetensors",
                "half.safetensors",
                "weights.pth",
                "empty",
                "nul.safetensors",
                LONG,
            )
        ],
        "evaluate": [
            lambda model=model: sr.evaluate(model, sets=["photos"]) for model in (*NO_MODELS, None, 4)
        ]
        + [lambda sets=sets: sr.evaluate("bicubic", sets=sets) for sets in ([4], ["none"], [None], ["file"])],
        "train": [
            lambda changes=changes: sr.train(sr.Config(stages=(stage,), crop=32, device="cpu").but(**changes))
            for changes in (
                {"data": "none"},
                {"data": "unusable"},
                {"data": "photos", "validation": "unusable"},
                {"out": "file"},
                {"data": "photos", "held_out": 3},
                {"data": "photos", "lr_data": "empty"},
                {"data": "photos", "crop": 512},
                {"initial": "words.png"},
                {"initial": "none"},
                {"initial": "weights.pth"},
                {"device": "gpu"},
                {"data": "photos", "lr_data": "photos"},
                {"out": LONG},
                {"data": "photo.png"},
                {"validation": "none"},
            )
        ],
        "presets": [
            lambda changes=changes: sr.presets.tiny(**changes)
            for changes in (
                {"updates": 0},
                {"updates": "x"},
                {"batch": None or 0},
                {"speed": 1},
                {"ema": "x"},
            )
        ],
    }


def complaint_of(call):
    try:
        call()
    except SrganError as error:
        line = str(error)
        return None if line and "\n" not in line and len(line) < 700 else f"said {line!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return "no error at all"


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_answers_in_one_line(name):
    before, found = contents(), {}
    for number, call in enumerate(functions()[name]):
        if complaint := complaint_of(call):
            found[number] = f"{call.__defaults__!r:.90}: {complaint}"
    assert contents().items() >= before.items()
    assert not found, "\n".join(found.values())


def test_enough_is_tried():
    commands, calls = (sum(map(len, group.values())) for group in (COMMANDS, functions()))
    assert commands > 300 and calls > 150, (commands, calls)


# ------------------------------------------------------------------------- logs and records cut anywhere


@pytest.mark.parametrize("name", ["config.json", "record.json", "log.jsonl"])
def test_what_a_crash_leaves_of_a_run_is_one_line(name, capsys):
    """``--resume`` of a folder whose files are damaged, without a checkpoint that could help."""
    sr.presets.tiny(out="run").save("config.json")
    for text in NO_TEXTS:
        os.makedirs("run", exist_ok=True)
        Path("run/config.json").write_bytes(Path("config.json").read_bytes())
        Path("run/record.json").write_text("{}")
        Path("run", name).write_text(text, encoding="utf-8")
        assert problem_of(["train", "--out", "run", "--resume", "--device", "cpu"], capsys) is None, repr(
            text
        )


@pytest.mark.parametrize("text", NO_TEXTS)
def test_plans_and_ratings_that_are_damaged(text, capsys):
    os.mkdir("test")
    Path("test/plan.json").write_text(text, encoding="utf-8")
    for action in ("analyse", "simulate"):
        assert problem_of(["rate", action, "test"], capsys) is None
    os.mkdir("parts")
    Path("parts/manifest.json").write_text(text, encoding="utf-8")
    assert problem_of(["checkpoint", "join", "parts", "--out", "whole"], capsys) is None
    os.mkdir("all")
    Path("all/plan.json").write_text(text, encoding="utf-8")
    assert problem_of(["reproduce", "--out", "all", "--data", "photos", "--updates", "9"], capsys) is None
    Path("record.json").write_text(text, encoding="utf-8")
    assert problem_of(["report", "--record", "record.json"], capsys) is None
    assert problem_of(["report", "--opinions", "record.json"], capsys) is None


# --------------------------------------------------------------------------------- disks and streams


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_a_disk_that_takes_nothing(number, capsys, monkeypatch):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "_flush_to_disk", refuse)
    for command in (
        ["upscale", "photo.png"],
        ["upscale", "photos", "-o", "out"],
        ["data", "lr", "photos"],
        ["checkpoint", "split", "photos", "--out", "parts"],
        [*TRAIN, "--data", "photos", "--updates", "2"],
        ["rate", "plan", "photos", "--out", "test", *RATE[2:], "--raters", "ada"],
        ["report", "--out", "report"],
    ):
        assert problem_of(command, capsys) is None, command


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_is_missing(stream, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, stream, None)
    assert main(["upscale", "photo.png"]) == 0 and Path("photo_x4.png").exists()
    assert main(["upscale", "none.png"]) == 1
    assert main(["data"]) == 0


def test_a_full_standard_output(monkeypatch, capsys):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    full = open("/dev/full", "w")  # noqa: SIM115 (closing it fails)
    monkeypatch.setattr(sys, "stdout", full)
    assert main(["upscale", "photo.png"]) == 1
    monkeypatch.undo()
    with suppress(OSError):
        full.close()
    assert capsys.readouterr().err.startswith("srgan: standard output: No space left")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "gbk", "utf-8"])
@pytest.mark.parametrize("name", ["日本.png", "Füße.png", "🙂.png", LATIN])
def test_a_name_that_a_console_cannot_show_is_escaped(encoding, name, monkeypatch, tmp_path):
    Image.fromarray(levels(5, 4)).save(name)
    log = tmp_path / "log"
    with open(log, "w", encoding=encoding) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["upscale", name, "--overwrite"]) == 0
        assert main(["upscale", f"none-{name}"]) == 1
        monkeypatch.undo()
    first, second = log.read_text(encoding=encoding).splitlines()
    assert first.endswith("_x4.png") and second.startswith("srgan: cannot read none-")


@pytest.mark.parametrize(
    ("suffix", "side"), [(".webp", 4200), (".jpg", 16400), (".gif", 16400), (".tga", 16400)]
)
def test_a_side_that_a_format_cannot_hold_is_refused_before_the_work(suffix, side, monkeypatch, tmp_path):
    Image.new("RGB", (side, 1)).save("wide.png")
    monkeypatch.setattr(
        "srgan_lib.inference.enlarge_files.upscale", lambda *_, **__: pytest.fail("work was done")
    )
    with pytest.raises(SrganError, match=r"write a \.png"):
        upscale_file("wide.png", f"big{suffix}", load_engine("srgan-vgg54"))


def test_json_of_every_kind_is_what_this_test_says():
    assert [text for text in NO_TEXTS if _is_object(text)] == ['{"updates": "many"}']


def _is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
