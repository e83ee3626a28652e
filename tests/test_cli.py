"""The command line: what it does, what it prints, its exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib import cli, pretrained
from srgan_lib.cli import main
from srgan_lib.data import downloads
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import save_image
from srgan_lib.inference.upscale import upscale
from srgan_lib.networks.generator import Generator
from srgan_lib.training import presets
from srgan_lib.training.step import learning_rate

SMALL = [
    *("--updates", "3", "--batch", "2", "--crop", "32", "--blocks", "1", "--channels", "4"),
    *("--device", "cpu", "--no-tensorboard"),
]


def photo(height=6, width=5, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    """A small model under the default's name, and an empty working directory."""
    folder = tmp_path / "weights"
    monkeypatch.setattr(pretrained, "WEIGHTS", folder)
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=4).eval()
    pretrained.ship(generator, "srgan-vgg54", {})
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return generator


@pytest.fixture
def tiny_set(tmp_path):
    for folder, image in (("HR", photo(32, 32)), ("LRx4", photo(8, 8))):
        (tmp_path / "Tiny" / folder).mkdir(parents=True)
        save_image(image, tmp_path / "Tiny" / folder / "a.png")
    return tmp_path / "Tiny"


def fails(capsys, *arguments):
    """Run a command that must fail; returns its one line."""
    assert main(list(map(str, arguments))) == 1
    said = capsys.readouterr().err.strip()
    last = said.splitlines()[-1]
    assert last.startswith("srgan: ") and "Traceback" not in said
    return last


# ----------------------------------------------------------------------------------------- all of it


@pytest.mark.parametrize("command", ["train", "upscale", "evaluate", "data", "checkpoint", "reproduce"])
def test_help_has_examples_that_parse(command, capsys):
    from srgan_lib.cli.main import _parser

    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    text = capsys.readouterr().out
    examples = re.findall(rf"^  srgan ({command}.*?)(?:  .*)?$", text, re.MULTILINE)
    assert left.value.code == 0 and len(examples) >= 3
    for example in examples:
        assert _parser().parse_args(example.split()).run is getattr(cli, command).run


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["upscael"],
        ["upscale"],
        ["train", "--time-limit", "soon"],
        ["train", "--memory", "-1"],
        ["data", "x"],
        ["checkpoint", "split", "run"],
        ["checkpoint", "split", "run", "--out", "parts", "--size", "big"],
    ],
    ids=str,
)
def test_wrong_usage_is_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        main(wrong)
    assert left.value.code == 2 and "usage: srgan" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(SrganError("a; mend it"), 1), (KeyboardInterrupt(), 130)])
def test_exit_codes(error, code, monkeypatch, capsys):
    def run(_):
        raise error

    monkeypatch.setattr("srgan_lib.cli.data.run", run)
    assert main(["data"]) == code
    assert capsys.readouterr().err == ("srgan: a; mend it\n" if code == 1 else "srgan: interrupted\n")


def test_the_module_and_a_reader_that_leaves_early():
    command = [sys.executable, "-m", "srgan_lib"]
    assert "srgan_lib 0." in subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    with subprocess.Popen([*command, "data"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_times(text, seconds):
    from srgan_lib.cli.options import duration

    assert duration(text) == seconds


# ------------------------------------------------------------------------------------------- upscale


def test_upscale_writes_beside_the_photo(shipped, capsys):
    save_image(photo(), "photo.png")
    assert main(["upscale", "photo.png"]) == 0
    assert capsys.readouterr().out == "photo_x4.png\n"
    np.testing.assert_array_equal(np.asarray(Image.open("photo_x4.png")), upscale(photo(), shipped))


def test_upscale_to_a_file_and_to_a_folder(tmp_path):
    save_image(photo(), "photo.png")
    assert main(["upscale", "photo.png", "-o", "big.tif", "--tile", "3"]) == 0
    assert main(["upscale", "photo.png", "-o", "large/"]) == 0
    assert np.array_equal(np.asarray(Image.open("big.tif")), np.asarray(Image.open("large/photo.png")))


def test_upscale_a_folder_leaves_bad_files_out_and_says_so(tmp_path, capsys):
    os.makedirs("photos/deep")
    save_image(photo(), "photos/good.png")
    save_image(photo(), "photos/deep/grey.jpg")
    (tmp_path / "work/photos/bad.jpg").write_bytes(b"no photo")
    assert main(["upscale", "photos", "-o", "large"]) == 1
    said = capsys.readouterr()
    assert "photos/bad.jpg" in said.err and "1 of 3 images were left out" in said.err
    assert said.out.split() == ["large/deep/grey.png", "large/good.png"]
    assert Image.open("large/deep/grey.png").size == (20, 24)


def test_upscale_mistakes(capsys):
    save_image(photo(), "a.png")
    save_image(photo(channels=4), "clear.png")
    os.mkdir("folder")
    save_image(photo(), "folder/a.png")
    assert "there is no such file" in fails(capsys, "upscale", "none.png")
    assert "did you mean 'srgan-vgg54'" in fails(capsys, "upscale", "a.png", "--model", "srgan")
    assert "there is no folder" in fails(capsys, "upscale", "a.png", "-o", "none/a.png")
    assert "unknown suffix" in fails(capsys, "upscale", "a.png", "-o", "a.photo")
    assert "-o large/" in fails(capsys, "upscale", "folder")
    assert "overwritten by its own" in fails(capsys, "upscale", "folder", "-o", "folder")
    assert "transparency" in fails(capsys, "upscale", "clear.png", "-o", "clear.jpg")
    assert "tile is 0" in fails(capsys, "upscale", "a.png", "--tile", "0")
    assert "cannot make the folder" in fails(capsys, "upscale", "a.png", "folder/a.png", "-o", "a.png/x")
    assert sorted(os.listdir()) == ["a.png", "clear.png", "folder"], "nothing is left behind"


# ------------------------------------------------------------------------------------ evaluate, data


def test_evaluate_prints_and_saves(tiny_set, capsys):
    arguments = [
        "evaluate",
        "--sets",
        str(tiny_set),
        "--paper",
        "SRGAN",
        "--save",
        "t.md",
        "--save",
        "t.json",
    ]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert re.match(r"PSNR / SSIM +nearest +bicubic +srgan-vgg54 +SRGAN \(paper\)\nTiny ", table)
    assert main([*arguments, "--format", "markdown"]) == 0
    assert Path("t.md").read_text() == capsys.readouterr().out
    assert list(json.loads(Path("t.json").read_text())["columns"]) == [
        "nearest",
        "bicubic",
        "srgan-vgg54",
        "SRGAN (paper)",
    ]


def test_evaluate_results_in_a_folder(tiny_set, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    save_image(imresize(photo(8, 8), 4), tmp_path / "mine" / "a.png")
    arguments = ["--images", tmp_path / "mine", "--model", "bicubic", "--sets", tiny_set, "--format", "json"]
    assert main(list(map(str, ["evaluate", *arguments]))) == 0
    columns = json.loads(capsys.readouterr().out)["columns"]
    assert columns["mine"]["means"] == columns["bicubic"]["means"]
    assert "no such folder" in fails(capsys, "evaluate", "--images", "nowhere", "--sets", tiny_set)
    assert "did you mean 'ssim'" in fails(capsys, "evaluate", "--measures", "ssin", "--sets", tiny_set)


def test_data_lists_and_gets(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(downloads, "get", lambda name, root: f"{root}/{name}")
    assert main(["data"]) == 0
    assert "Set5            1 MB  Test set: 5 photographs" in capsys.readouterr().out
    assert main(["data", "get", "set5", "DIV2K", "--root", "there"]) == 0
    assert capsys.readouterr().out == "Set5: there/Set5\nDIV2K: there/DIV2K\n"
    assert "which data set?" in fails(capsys, "data", "get")
    assert "did you mean 'DIV2K'" in fails(capsys, "data", "get", "set5", "div2")


# --------------------------------------------------------------------------------------------- train


def test_train_then_use_what_was_trained(tiny_set, capsys):
    assert main(["train", "--out", "run", *SMALL]) == 0
    assert "done: run; try it with: srgan upscale photo.jpg --model run" in capsys.readouterr().out
    config = json.loads(Path("run/config.json").read_text())
    assert (config["crop"], config["blocks"], config["stages"][0]["updates"]) == (32, 1, 3)
    save_image(photo(), "photo.png")
    assert main(["upscale", "photo.png", "--model", "run"]) == 0
    assert main(["evaluate", "--model", "run", "--sets", str(tiny_set)]) == 0
    assert "holds a run already" in fails(capsys, "train", "--out", "run", *SMALL)


def test_train_stops_at_its_time_and_goes_on(capsys):
    assert main(["train", "--out", "run", "--time-limit", "0.001", *SMALL]) == 0
    assert "time limit after 1 updates; to go on: srgan train --out run --resume" in capsys.readouterr().out
    resumed = ("train", "--out", "run", "--resume")
    assert "--batch cannot change" in fails(capsys, *resumed, "--batch", "9")
    assert "updates is 1; 1 are done: use a whole number of at least 2" in fails(
        capsys, *resumed, "--updates", "1"
    )
    assert "which run" in fails(capsys, "train", "--resume")
    assert "this run has seed = 0, not 1" in fails(capsys, "train", "--out", "run", "--resume", "--seed", "1")
    assert main(["train", "--out", "run", "--resume"]) == 0, "the limit was for the first call"
    assert "done: run" in capsys.readouterr().out


def test_a_finished_run_is_trained_further_and_never_anew(capsys):
    assert main(["train", "--out", "run", *SMALL]) == 0
    assert main(["train", "--out", "run", "--resume", "--updates", "5"]) == 0
    record = json.loads(Path("run/record.json").read_text())
    assert (record["updates"], record["stopped"]) == (5, "finished")
    assert record["config"]["stages"][0]["updates"] == 5 and len(record["sessions"]) == 2
    rates = {}
    for line in map(json.loads, Path("run/log.jsonl").read_text().splitlines()):
        rates[line["update"]] = line.get("learning_rate", rates.get(line["update"]))
    longer = presets.tiny(updates=5).stages[0]
    assert rates[5] == pytest.approx(learning_rate(longer, 4))
    for path in Path("run/checkpoints").iterdir():
        path.unlink()
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    assert "whose checkpoints are gone" in fails(capsys, "train", "--out", "run", *SMALL)
    assert "whose checkpoints are gone" in fails(capsys, "train", "--out", "run", "--resume")
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_photos_that_are_skipped_show_in_the_exit_code(tmp_path, capsys):
    (tmp_path / "mixed").mkdir()
    for seed in range(3):
        save_image(photo(64, 64, seed=seed), tmp_path / "mixed" / f"{seed}.png")
    save_image(photo(8, 8), tmp_path / "mixed" / "small.png")
    arguments = ["train", "--out", "run", "--data", str(tmp_path / "mixed"), *SMALL]
    assert main([*arguments, "--validation", "bundled", "--validate-every", "0"]) == 1
    said = capsys.readouterr()
    assert "small.png: 8x8 is smaller" in said.err and "1 photos were skipped" in said.err
    assert "done: run" in said.out


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("--data here", "data", "here"),
        ("--lr-data low", "lr_data", "low"),
        ("--validation bundled", "validation", "bundled"),
        ("--time-limit 2m", "time_limit", 120),
        ("--scale 2", "scale", 2),
        ("--degradation blur", "degradation", "blur"),
        ("--initial a.safetensors", "initial", "a.safetensors"),
        ("--vgg-weights v.safetensors", "vgg_weights", "v.safetensors"),
        ("--ema 0.99", "ema", 0.99),
        ("--seed 7", "seed", 7),
        ("--device cpu", "device", "cpu"),
        ("--precision float32", "precision", "float32"),
        ("--step fast", "step", "fast"),
        ("--memory 0.5", "memory", 1 << 29),
        ("--log-every 2", "log_every", 2),
        ("--validate-every 0", "validate_every", 0),
        ("--preview-every 4", "preview_every", 4),
        ("--moments 3", "moments", 3),
        ("--held-out 30", "held_out", 30),
        ("--save-every 5", "save_every", 5),
        ("--no-tensorboard", "tensorboard", False),
    ],
)
def test_every_train_option_reaches_the_configuration(option, field, value, monkeypatch):
    from srgan_lib.training import loop, presets

    asked = []
    nothing = SimpleNamespace(record={}, stopped="finished")
    monkeypatch.setattr(loop, "train", lambda config, resume: asked.append(config) or nothing)
    assert main(["train", "--preset", "paper", *option.split()]) == 0
    assert getattr(asked[0], field) == value
    assert asked[0] == presets.paper(**{field: value})


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ("flat_crops=0.1", "flat_crops", 0.1),
        ("batch_norm=false", "batch_norm", False),
        ("lr_data=none", "lr_data", None),
        ("discriminator_layers=12,22", "discriminator_layers", ("12", "22")),
        ("discriminator=features", "discriminator", "features"),
        ("out=12", "out", "12"),
        ("time_limit=60", "time_limit", 60),
        ("stage.learning_rate=2e-4", "learning_rate", 2e-4),
        ("stage.drop_at=10,20", "drop_at", (10, 20)),
        ("stage.drop_at=10", "drop_at", (10,)),
        ("stage.annealing=cosine", "annealing", "cosine"),
    ],
)
def test_set_reaches_any_setting_of_the_run_or_of_all_its_stages(given, field, value, monkeypatch):
    from srgan_lib.training import loop

    asked = []
    nothing = SimpleNamespace(record={}, stopped="finished")
    monkeypatch.setattr(loop, "train", lambda config, resume: asked.append(config) or nothing)
    assert main(["train", "--preset", "paper", "--set", "seed=3", "--set", given]) == 0
    assert asked[0].seed == 3
    places = asked[0].stages if given.startswith("stage.") else [asked[0]]
    found = [getattr(place, field) for place in places]
    assert found == [value] * len(places) and {type(one) for one in found} == {type(value)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("crop=large", "config: crop is 'large'; use a whole number of at least 8"),
        ("ema=2", "config: ema is 2; use a number from 0 to below 1"),
        ("colour=red", "config: there is no setting 'colour'"),
        ("stages=1", "config: stages holds '1'; use Stage"),
        ("stage.batch=0", "batch is 0; use a whole number of at least 1"),
        ("stage.colour=red", "stage tiny: there is no setting 'colour'"),
    ],
)
def test_set_is_checked_by_the_same_code(given, said, capsys):
    assert said in fails(capsys, "train", "--set", given)


def test_set_is_name_and_value(capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "--set", "crop"])
    assert left.value.code == 2
    assert "'crop' is not NAME=VALUE" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "--set NAME=VALUE" in capsys.readouterr().out


def test_an_earlier_runs_settings_can_be_used_again(monkeypatch, tmp_path):
    from srgan_lib.training import loop, presets

    asked = []
    nothing = SimpleNamespace(record={}, stopped="finished")
    monkeypatch.setattr(loop, "train", lambda config, resume: asked.append(config) or nothing)
    earlier = presets.tiny(seed=11, updates=7)
    earlier.save(tmp_path / "config.json")
    assert main(["train", "--config", str(tmp_path / "config.json"), "--out", "again"]) == 0
    assert asked == [earlier.but(out="again")]


def test_ctrl_c_saves_and_exits_with_130():
    command = [sys.executable, "-m", "srgan_lib", "train", "--out", "run", *SMALL, "--updates", "100000"]
    log = "run/log.jsonl"
    with subprocess.Popen([*command, "--log-every", "1"], stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 120
        while not os.path.exists(log) and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.wait(120) == 130
    assert len(os.listdir("run/checkpoints")) == 1


def test_torchrun_trains_in_two_processes():
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    arguments = [*command, "-m", "srgan_lib", "train", "--out", "run", *SMALL]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("done: run") == 1
    assert json.loads(Path("run/record.json").read_text())["hardware"]["processes"] == 2
