"""Every setting of ``Stage`` and ``Config`` has a rule; what breaks it is one line that says all of it."""

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from srgan_lib.errors import SrganError
from srgan_lib.training import presets, rules
from srgan_lib.training.config import Config, Stage

STAGE = Stage("s", updates=10)
CONFIG = Config(stages=(STAGE,))
NO_SETTINGS = [
    object(),
    {},
    [[]],
    b"bytes",
    "no such thing",
    "",
    -1,
    0.5,
    math.nan,
    math.inf,
    True,
    None,
    (1,),
]


def refused(rule):
    """The values of ``NO_SETTINGS`` that a rule does not allow."""
    values = [tuple(value) if isinstance(value, list) else value for value in NO_SETTINGS]
    return [value for value in values if not rules._holds(rule, value)]


@pytest.mark.parametrize(("kind", "table"), [(Stage, rules.STAGE), (Config, rules.CONFIG)])
def test_every_setting_has_a_rule_and_its_default_keeps_it(kind, table):
    assert set(table) == {item.name for item in fields(kind)}
    made = STAGE if kind is Stage else CONFIG
    assert all(rules._holds(rule, getattr(made, name)) for name, rule in table.items())


def one_line(call):
    with pytest.raises(SrganError) as caught:
        call()
    line = str(caught.value)
    assert line and "\n" not in line and len(line) < 400
    return line


@pytest.mark.parametrize("name", rules.STAGE)
def test_a_stage_refuses(name):
    for value in refused(rules.STAGE[name]):
        line = one_line(lambda value=value: Stage(**{"name": "s", "updates": 10, name: value}))
        shown = " ".join(repr(value).split())
        assert f"{name} is {shown[:40]}" in line and f"use {rules.STAGE[name].wanted}" in line


@pytest.mark.parametrize("name", rules.CONFIG)
def test_a_configuration_refuses(name):
    for value in refused(rules.CONFIG[name]):
        line = one_line(lambda value=value: CONFIG.but(**{name: value}))
        assert name in line and (f"use {rules.CONFIG[name].wanted}" in line or name == "stages")


def test_enough_is_tried():
    assert sum(len(refused(rule)) for rule in (*rules.STAGE.values(), *rules.CONFIG.values())) > 400


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ema", 1.5, "ema is 1.5; use a number from 0 to below 1"),
        ("ema", 1, "ema is 1; use a number from 0 to below 1"),
        ("seed", -1, "seed is -1; use a whole number from 0 to 4294967295"),
        ("seed", 10**20, "seed is 100000000000000000000; use a whole number from 0"),
        ("time_limit", 0, "time_limit is 0; use a number above 0, or leave it out"),
        ("blocks", 16.0, "blocks is 16.0; use a whole number of at least 1"),
        ("batch_norm", 1, "batch_norm is 1; use True or False"),
        ("scale", 3, "scale is 3; use 2, 4 or 8"),
        ("scale", True, "scale is True; use 2, 4 or 8"),
        ("discriminator_layers", (), "discriminator_layers is (); use a list of VGG19's feature maps"),
        ("discriminator_layers", "12", "discriminator_layers is '12'; use a list"),
        ("save_every", -1, "save_every is -1; use a whole number of at least 0"),
        ("data", "a\0b", r"data is 'a\x00b'; use some text"),
        ("crop", 50, "crop is 50; use a multiple of the scale, at least 16"),
        ("stages", (STAGE, STAGE), "stages are called s, s; each needs a name of its own"),
        ("stages", ({"name": "s"},), "stages holds {'name': 's'}"),
        ("stages", ({"name": "s", "updates": 1, "speed": 2},), "speed"),
        ("stages", (4,), "stages holds 4"),
        ("colour", 1, "no setting 'colour'"),
    ],
)
def test_the_line_names_setting_value_and_range(name, value, said):
    assert said in one_line(lambda: CONFIG.but(**{name: value}))


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "a\nb", "a" * 100, "nul\0", " a", None, 4]
)
def test_a_stage_is_called_as_a_file_can_be(name):
    one_line(lambda: Stage(name, 1))


def test_paths_and_numbers_of_other_types_are_taken(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    config = CONFIG.but(out=Path("runs/a"), data=Path("photos"), initial="~/a.safetensors", seed=np.int64(3))
    assert (config.out, config.data, config.initial) == ("runs/a", "photos", "/home/ada/a.safetensors")
    assert Stage("s", np.int32(5), learning_rate=np.float32(1e-3)).updates == 5


@pytest.mark.parametrize("preset", [presets.tiny, presets.colab, presets.cpu, presets.paper])
@pytest.mark.parametrize(("name", "value"), [("updates", 0), ("updates", -3), ("updates", 2.5), ("batch", 0)])
def test_no_preset_takes_nothing_for_its_own_length(preset, name, value):
    assert f"{name} is {value}; use a whole number of at least" in one_line(lambda: preset(**{name: value}))


def test_a_configuration_that_is_read_is_checked_too(tmp_path):
    text = '{"stages": [{"name": "s", "updates": 1}], "ema": 2}'
    (tmp_path / "config.json").write_text(text)
    for place in (tmp_path, tmp_path / "config.json"):
        assert "ema is 2; use a number from 0 to below 1" in one_line(lambda place=place: Config.read(place))


@pytest.mark.parametrize(
    "content", ["", "[]", "4", "null", "{", '{"stages": 4}', '{"stages": []}', "\0\0", '"x"']
)
def test_a_file_that_is_no_configuration(content, tmp_path):
    (tmp_path / "config.json").write_text(content)
    one_line(lambda: Config.read(tmp_path / "config.json"))


def test_places_that_hold_no_configuration(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for place in ("none", "file/config.json", "folder", "none/deeper"):
        one_line(lambda place=place: Config.read(tmp_path / place))
