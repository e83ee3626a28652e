"""Shipped weights: by name, hash checked, with their records."""

import json
import os

import pytest
import torch

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.weights import file_sha256


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Two small models in a folder of their own instead of the package's."""
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    torch.manual_seed(0)
    made = {}
    for name, blocks in (("srresnet-mse", 1), ("srgan-vgg54", 2)):
        made[name] = Generator(blocks=blocks, channels=4).eval()
        pretrained.ship(made[name], name, {"says": "random weights", "seed": 0})
    return made


def test_names_and_records(shipped, tmp_path):
    assert pretrained.names() == ["srgan-vgg54", "srresnet-mse"]
    record = pretrained.record("srresnet-mse")
    assert record["says"] == "random weights"
    assert record["generator"] == shipped["srresnet-mse"].config
    assert record["sha256"] == file_sha256(tmp_path / "srresnet-mse.safetensors")


def test_models_by_scale_and_what_they_are(shipped):
    pretrained.ship(Generator(scale=2, blocks=1, channels=4), "srresnet-mse-x2", {"what": "for twice"})
    assert pretrained.scale_of("srgan-vgg54") == 4 and pretrained.scale_of("srresnet-mse-x2") == 2
    assert pretrained.names(4) == ["srgan-vgg54", "srresnet-mse"] and pretrained.names(8) == []
    assert sr.models(2) == {"srresnet-mse-x2": "for twice"}
    assert list(sr.models()) == pretrained.names() == ["srgan-vgg54", "srresnet-mse", "srresnet-mse-x2"]


def test_the_help_of_upscale_lists_what_is_shipped(capsys):
    with pytest.raises(SystemExit):
        main(["upscale", "--help"])
    listed = "".join(capsys.readouterr().out.split())  # a name may be broken at its hyphen
    assert f"({','.join(pretrained.names())})" in listed


@pytest.mark.parametrize("name", ["srresnet-mse", "srgan-vgg54", "SRGAN-VGG54"])
def test_a_name_gives_the_generator_ready_to_use(shipped, name):
    loaded = pretrained.load(name)
    lr = torch.rand(1, 3, 5, 6)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(lr), shipped[name.lower()](lr))


def test_a_file_a_run_folder_and_a_generator_do_too(shipped, tmp_path):
    file = tmp_path / "srgan-vgg54.safetensors"
    for model in (file, str(file), tmp_path, shipped["srgan-vgg54"]):
        assert pretrained.as_generator(model).config == shipped["srgan-vgg54"].config


def test_a_run_folder_gives_its_latest_stage(shipped, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(SrganError, match="no trained weights in it"):
        pretrained.load(run)
    for order, name in enumerate(("srresnet-mse", "srgan-vgg54")):
        file = pretrained.ship(shipped[name], f"stage{1 - order}", {}, run)
        os.utime(file, (order, order))
    assert pretrained.load(str(run)).config["blocks"] == 2


def test_a_shipped_name_wins_over_a_file_of_that_name(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "srgan-vgg54").write_text("something else")
    assert pretrained.load("srgan-vgg54").config["blocks"] == 2


def test_an_unknown_name_gets_the_nearest(shipped):
    for wrong, right in (("srgan-vgg45", "srgan-vgg54"), ("SRResNet", "srresnet-mse")):
        with pytest.raises(SrganError, match=f"did you mean '{right}'") as caught:
            pretrained.load(wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(
        SrganError, match="no model is called 'zzz' \\(there are: srgan-vgg54, srresnet-mse\\)"
    ):
        pretrained.record("zzz")


def test_changed_weights_are_refused(shipped, tmp_path):
    file = tmp_path / "srgan-vgg54.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # one bit of one weight
    file.write_bytes(content)
    with pytest.raises(SrganError, match="hash is not the one on record"):
        pretrained.load("srgan-vgg54")


def test_a_missing_record_is_one_line(shipped, tmp_path):
    (tmp_path / "srgan-vgg54.json").unlink()
    with pytest.raises(SrganError, match="record of srgan-vgg54 cannot be read"):
        pretrained.load("srgan-vgg54")


def test_the_models_in_the_package_are_whole():
    for name in pretrained.names():
        record = pretrained.record(name)
        assert json.dumps(record)
        assert pretrained.load(name).config == record["generator"]
