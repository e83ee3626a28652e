"""Going on with a run: longer, after a crash, without its checkpoints; the photos it is measured with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.data.sources import Photo, folder_of_photos
from srgan_lib.degradations import Bicubic
from srgan_lib.errors import SrganError
from srgan_lib.training import checkpoints, presets
from srgan_lib.training.checkpoints import check_place, check_same_run, config_of, longer
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.deviations import deviations
from srgan_lib.training.logging import RunLog
from srgan_lib.training.presets import shortened
from srgan_lib.training.step import learning_rate
from srgan_lib.training.validation import bicubic_baseline, examples_from

TWO = Config(
    stages=(
        Stage("first", 100, annealing="cosine", warm_up=10),
        Stage("second", 50, adversarial=1e-3, drop_at=(25,), discriminator_first=10, warm_up=4),
    )
)


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lengths(config):
    return [stage.updates for stage in config.stages]


# --------------------------------------------------------------------------------------------- longer


@pytest.mark.parametrize(
    ("done", "updates", "expected"),
    [
        (0, 300, [200, 100]),
        (40, 300, [200, 100]),  # within the first stage: both share what is left
        (100, 300, [100, 200]),  # the first is finished
        (120, 300, [100, 200]),
        (150, 300, [100, 200]),  # all are finished: the last becomes longer
        (150, 151, [100, 51]),
        (40, 149, [99, 50]),
    ],
)
def test_what_is_finished_stays_and_the_rest_shares_what_is_left(done, updates, expected):
    found = longer(TWO, updates, {"update": done})
    assert lengths(found) == expected and found.updates == updates
    for old, new in zip(TWO.stages, found.stages, strict=True):
        assert replace(new, discriminator_first=0) == replace(
            shortened(old, new.updates), discriminator_first=0
        )


@pytest.mark.parametrize(
    ("done", "updates"), [(150, 150), (150, 10), (40, 40), (0, 1), (0, 0), (99, 102), (20, "x"), (20, 151.5)]
)
def test_fewer_updates_than_are_done_or_than_stages(done, updates):
    with pytest.raises(SrganError, match=r"updates is .* are done") as caught:
        longer(TWO, updates, {"update": done})
    assert "\n" not in str(caught.value)


def test_the_rate_is_that_of_the_whole_length():
    one = presets.tiny(updates=400)
    found = longer(one, 1600, {"update": 400})
    assert found.stages == presets.tiny(updates=1600).stages
    assert learning_rate(found.stages[0], 400) > 10 * learning_rate(one.stages[0], 399)


def test_what_the_discriminator_has_done_alone_does_not_come_again():
    assert longer(TWO, 300, {"update": 130}).stages[1].discriminator_first == 10
    assert longer(TWO, 300, {"update": 100}).stages[1].discriminator_first == 40


def test_what_departs_from_the_paper_is_told_anew():
    config = TWO.but(deviations=(*deviations(TWO), "a note"))
    found = longer(config, 300, {"update": 0})
    assert found.deviations == (*deviations(found), "a note")
    assert longer(TWO, 300, {"update": 0}).deviations == ()


def test_only_a_longer_run_is_the_same_run():
    saved = TWO.to_dict()
    check_same_run(longer(TWO, 300, {"update": 120}), saved, 120, "run")
    for other in (
        TWO.but(stages=[TWO.stages[0], replace(TWO.stages[1], learning_rate=1e-3)]),
        TWO.but(stages=[TWO.stages[0], replace(TWO.stages[1], updates=500)]),
        longer(TWO, 300, {"update": 0}),
        presets.changed(TWO, {"updates": 60}),
    ):
        with pytest.raises(SrganError, match="this run has stages"):
            check_same_run(other, saved, 120, "run")


# -------------------------------------------------------------------------------- what a crash leaves


def test_settings_are_taken_from_the_checkpoint_where_their_file_is_damaged(capsys):
    checkpoints.save("run/checkpoints", 7, {"update": 7, "config": TWO.to_dict()})
    TWO.save("run/config.json")
    assert config_of("run") == TWO and capsys.readouterr().err == ""
    Path("run/config.json").write_text("")
    assert config_of("run") == TWO
    assert "config.json: damaged; its settings are taken from the last checkpoint" in capsys.readouterr().err
    for path in Path("run/checkpoints").iterdir():
        path.unlink()
    with pytest.raises(SrganError, match="not a configuration"):
        config_of("run")


@pytest.mark.parametrize("name", ["record.json", "first.safetensors"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_whose_checkpoints_are_gone_is_not_begun_anew(name, resume):
    Path(name).write_text("{}")
    with pytest.raises(SrganError, match=f"{name}.*whose checkpoints are gone"):
        check_place(Path(), None, resume)


def test_a_run_that_was_killed_before_its_first_checkpoint_may_begin():
    TWO.save("config.json")
    check_place(Path(), None, resume=True)
    check_place(Path(), {"update": 1}, resume=True)
    with pytest.raises(SrganError, match="resume it"):
        check_place(Path(), {"update": 1}, resume=False)


@pytest.mark.parametrize(
    "tail",
    ["", "{", '{"update": 9', '{"update": 9, "psnr": {"a": 1}', "\0" * 9, '"x"', "{}", '{"update": "9"}'],
)
def test_a_log_that_was_cut_loses_its_last_line_only(tail, capsys):
    lines = [
        {"update": 3, "generator": 1.0},
        {"update": 4, "psnr": {"a": 30.0}},
        {"update": 6, "generator": 0.5},
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    Path("log.jsonl").write_text(text + tail)
    RunLog(TWO.but(out=".", tensorboard=False), 5, measured=1).close()
    assert [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()] == lines[:2]
    assert ("1 damaged lines are left out" in capsys.readouterr().err) == bool(tail)


# ------------------------------------------------------------------------------- photos to measure with


def photos(*paths, side=64):
    for seed, path in enumerate(paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(levels).save(path)


def test_photos_of_one_name_are_both_measured():
    photos("p/a/x.png", "p/b/x.png", "p/c/y.png")
    examples = examples_from(folder_of_photos("p"), Bicubic(4))
    assert [item.name for item in examples] == ["a/x", "b/x", "c/y"]
    assert len(bicubic_baseline(examples)) == 3
    photos("q/x.png", "q/y.png")
    assert [item.name for item in examples_from(folder_of_photos("q"), Bicubic(4))] == ["x", "y"]


@pytest.mark.parametrize("side", [1, 8, 15])
def test_a_photo_that_is_too_small_is_named_before_the_first_update(side):
    photos("small.png", side=side)
    with pytest.raises(SrganError, match=rf"small.png: {side}x{side} is too small.*16x16"):
        examples_from([Photo(Path("small.png"))], Bicubic(4))


def test_the_smallest_photo_can_be_measured():
    photos("small.png", side=16)
    examples = examples_from([Photo(Path("small.png"))], Bicubic(4))
    assert np.isfinite(bicubic_baseline(examples)["small"])
