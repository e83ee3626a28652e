"""What is looked at while a network is trained: held-out photos, moments, pictures, the log."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srgan_lib.data.sources import Photo, folder_of_photos, without_held_out
from srgan_lib.degradations import Bicubic
from srgan_lib.errors import SrganError
from srgan_lib.images import read_rgb, save_image
from srgan_lib.networks.generator import Generator
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.loop import Run, resume, train
from srgan_lib.training.validation import CORNERS, SIDE, moments, part, pictured, pictures


@pytest.fixture
def photos(tmp_path):
    """Twelve photos of one colour each, so that a crop tells which photo it is from."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(12):
        save_image(np.full((24, 24, 3), 10 * index, np.uint8), folder / f"{index}.png")
    return folder


def small(tmp_path, photos, **settings):
    stages = (
        Stage("first", updates=2, batch=4),
        Stage("second", updates=4, batch=4, adversarial=1e-3),
    )
    defaults = {
        "stages": stages,
        "out": str(tmp_path / "run"),
        "data": str(photos),
        **{"blocks": 1, "channels": 4, "crop": 16, "log_every": 1, "held_out": 3},
        **{"validate_every": 0, "preview_every": 0, "tensorboard": False},
    }
    return Config(**defaults | settings)


# ------------------------------------------------------------------------------------- held out


def test_held_out_photos_are_never_trained_on_and_are_validated_on(tmp_path, photos):
    run = Run(small(tmp_path, photos), False, 0, 1)
    names = {example.name for example in run.examples}
    kept = {10 * int(name) for name in names}
    seen = Counter()
    for update in range(40):
        _, hr = run.bank.batch(update, 4)
        seen.update(round(level) for level in ((hr[:, 0, 0, 0] + 1) * 127.5).tolist())
    assert len(names) == 3
    assert set(seen) == {10 * index for index in range(12)} - kept


def test_the_record_names_what_was_held_out(tmp_path, photos):
    record = train(small(tmp_path, photos, moments=0)).record
    measured = {f"{name}.png" for name in record["measurements"][-1]["psnr"]}
    assert record["data"]["photos"] == 9
    assert set(record["data"]["held_out"]) == measured and len(measured) == 3


def test_which_are_held_out_depends_on_their_names_alone(tmp_path, photos):
    here = folder_of_photos(photos)
    photos.rename(tmp_path / "elsewhere")
    there = folder_of_photos(tmp_path / "elsewhere")
    first, second = without_held_out(here, 4)[1], without_held_out(there[::-1], 4)[1]
    assert {photo.name for photo in first} == {photo.name for photo in second}
    more = [*there, Photo(tmp_path / "new.png")]
    both = {photo.name for photo in without_held_out(more, 4)[1]} & {photo.name for photo in first}
    assert len(both) >= 3, "one more photo changes at most one"
    assert [photo.name for photo in without_held_out(here, 4)[0]] == [p.name for p in here if p not in first]
    assert without_held_out(here, 0) == (here, [])
    with pytest.raises(SrganError, match="held_out is 12 of 12 photos"):
        without_held_out(here, 12)


# ------------------------------------------------------------------------------------- moments


@given(updates=st.integers(1, 10**6), count=st.integers(2, 20))
def test_moments_double(updates, count):
    found = moments(updates, count)
    assert (found[0], found[-1]) == (0, updates)
    assert len(found) == min(count, len(found)) and found == sorted(set(found))
    assert all(later <= 2 * earlier for earlier, later in itertools.pairwise(found[1:]))


def test_twelve_moments_of_the_papers_schedule():
    assert moments(200_000, 12)[:4] == [0, 196, 391, 782]
    assert len(moments(200_000, 12)) == 12
    assert (moments(100, 0), moments(100, 1)) == ([], [0])


def test_an_adversarial_run_pictures_three_photos_at_its_moments(tmp_path, photos):
    result = train(small(tmp_path, photos, moments=3))
    files = sorted(path.name for path in (result.folder / "previews").glob("second-*"))
    wanted = [f"second-{name}-{update:09d}.png" for name in sorted(CORNERS) for update in (2, 4, 6)]
    assert files == wanted, "at 0, 2 and 4 updates of the second stage; none of the first stage"
    last = {path.stem: read_rgb(path) for path in (result.folder / "previews").glob("*-000000006.png")}
    again = pictures(result.generator, pictured(str(photos), Bicubic(4)))
    for name, image in again.items():
        assert image.shape == (SIDE, SIDE, 3)
        np.testing.assert_array_equal(last[f"second-{name}-000000006"], image)
    strips = sorted(path.name for path in (result.folder / "previews").glob("0*.png"))
    assert strips == ["000000002.png", "000000006.png"], "held-out photos at a stage's end, not at a moment"
    lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines if "psnr" in line] == [2, 6], "a moment measures nothing"
    names = {"generator_gradient", "discriminator_gradient", "d_real", "d_fake", "adversarial", "mse"}
    assert names <= set([line for line in lines if "generator" in line][-1])


def test_a_photo_that_is_trained_on_is_not_pictured():
    assert [item.name for item in pictured("bundled", Bicubic(4))] == ["chelsea", "coffee"]
    three = pictured("elsewhere", Bicubic(4))
    assert [item.name for item in three] == ["chelsea", "coffee", "astronaut"]
    for item in three:
        assert part(item.name, item.hr).shape == (SIDE, SIDE, 3), "the part lies inside the photo"
        assert item.hr.shape[0] == 4 * item.lr.shape[0]


def test_a_resumed_run_pictures_what_is_left(tmp_path, photos):
    config = small(tmp_path, photos, moments=4, time_limit=1e-9)
    assert train(config).updates == 1
    folder = resume(config.out, time_limit=None).folder
    assert len(list((folder / "previews").glob("second-chelsea-*"))) == 4


def test_pictures_leave_the_generator_in_training_mode():
    generator = Generator(blocks=1, channels=4).train()
    pictures(generator, pictured("bundled", Bicubic(4)))
    assert generator.training
