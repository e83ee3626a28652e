"""``srgan data pairs``: what it writes is what it says, and each kind of bad input gets one line."""

import hashlib
import json

import numpy as np
import pytest

from srgan_lib.cli import main
from srgan_lib.data.pairs import middle, write_pairs
from srgan_lib.data.sources import folder_of_pairs, folder_of_photos, pair_scale
from srgan_lib.degradations import Bicubic, BlurSubsample, imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import read_rgb, save_image


def photo(seed, height=40, width=52):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path):
    """Ten photos of odd sizes, all larger than 32x32."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(10):
        save_image(photo(index, 35 + index, 61 - 2 * index), folder / f"photo{index}.png")
    return folder


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_report_s_set_in_small(photos, tmp_path, capsys):
    out = tmp_path / "pairs"
    given = ["--size", "32", "--scale", "2", "--degradation", "gaussian", "--sigma", "0.7", "--split", "8/2"]
    assert main(["data", "pairs", str(photos), "--out", str(out), *given]) == 0
    said = capsys.readouterr()
    assert "8 pairs to train on, 2 to validate with (20 files; a pair is one sample)" in said.out
    assert said.err == ""
    numbers = [f"{number:04d}.png" for number in range(1, 11)]
    expected = [f"train/{kind}/{name}" for kind in ("high", "low") for name in numbers[:8]]
    expected += [f"val/{kind}/{name}" for kind in ("high", "low") for name in numbers[8:]]
    assert files_of(out) == sorted(["manifest.json", *expected])
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["degradation"] == {"name": "BlurSubsample", "scale": 2, "sigma": 0.7}
    assert (manifest["pairs"], manifest["files"], manifest["size"]) == (10, 20, 32)
    for part in ("train", "val"):
        for row in manifest[part]:
            high, low = (read_rgb(out / part / kind / row["name"]) for kind in ("high", "low"))
            source = read_rgb(photos / row["source"])
            top, left = (source.shape[0] - 32) // 2, (source.shape[1] - 32) // 2
            assert np.array_equal(high, source[top : top + 32, left : left + 32]), "a crop, not a resize"
            assert np.array_equal(low, BlurSubsample(2, 0.7).whole(high)) and low.shape == (16, 16, 3)
            for kind in ("high", "low"):
                data = (out / part / kind / row["name"]).read_bytes()
                assert hashlib.sha256(data).hexdigest() == row[f"{kind}_sha256"]
            assert row["source_size"] == [source.shape[1], source.shape[0]]
            digest = hashlib.sha256((photos / row["source"]).read_bytes()).hexdigest()
            assert digest == row["source_sha256"]
    pairs = folder_of_pairs(out / "train" / "high", out / "train" / "low")
    assert len(pairs) == 8 and all(pair_scale(pair) == 2 for pair in pairs)


def test_bicubic_pairs_of_any_scale_and_size(photos, tmp_path):
    """Without --size all of a photo, without --split one in five; the sigma follows the scale."""
    assert main(["data", "pairs", str(photos), "--out", str(tmp_path / "x3"), "--scale", "3"]) == 0
    manifest = json.loads((tmp_path / "x3" / "manifest.json").read_text())
    assert (len(manifest["train"]), len(manifest["val"])) == (8, 2)
    assert manifest["degradation"] == {"name": "Bicubic", "scale": 3}
    row = manifest["train"][0]
    high, low = (read_rgb(tmp_path / "x3" / "train" / kind / row["name"]) for kind in ("high", "low"))
    width, height = row["source_size"]
    assert high.shape == (height - height % 3, width - width % 3, 3)
    assert np.array_equal(low, imresize(high, 1 / 3))
    for scale, sigma in ((2, 0.8), (4, 1.6)):
        out = tmp_path / f"gaussian{scale}"
        options = ["--scale", str(scale), "--degradation", "gaussian"]
        assert main(["data", "pairs", str(photos), "--out", str(out), *options]) == 0
        assert json.loads((out / "manifest.json").read_text())["degradation"]["sigma"] == sigma


def test_the_same_photos_validate_wherever_they_lie(photos, tmp_path):
    first = write_pairs(folder_of_photos(photos), tmp_path / "first", Bicubic(2), (7, 3), 32)
    second = write_pairs(folder_of_photos(photos)[::-1], tmp_path / "second", Bicubic(2), (7, 3), 32)
    assert {row["source"] for row in first["val"]} == {row["source"] for row in second["val"]}
    assert not {row["high_sha256"] for row in first["val"]} & {row["high_sha256"] for row in first["train"]}


def test_small_double_and_damaged_photos_get_one_line_each(photos, tmp_path, capsys):
    for index in range(5):
        save_image(photo(100 + index, 31, 80), photos / f"small{index}.png")
    wide = np.pad(read_rgb(photos / "photo0.png"), [(4, 4), (2, 2), (0, 0)])
    save_image(wide, photos / "twin.bmp")  # the same middle: a validation photo must not be a training photo
    (photos / "torn.png").write_bytes((photos / "photo1.png").read_bytes()[:200])
    options = ["--size", "32", "--scale", "2", "--split", "8/2", "--out", str(tmp_path / "out")]
    assert main(["data", "pairs", str(photos), *options]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "srgan: 5 left out, smaller than 32x32 pixels; nothing is enlarged:"
        " small0.png, small1.png, small2.png and 2 more",
        "srgan: 1 left out, the same as another in every pixel; it counts once: twin.bmp (as photo0.png)",
        "srgan: 1 left out, cannot be read as an image: torn.png",
    ]
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert {kind: len(names) for kind, names in left_out.items()} == {"smaller": 5, "double": 1, "damaged": 1}


MISTAKES = {
    "split": (["--split", "7/2"], "--split 7/2 is for 9 photos, and 10 can be used; choose two numbers that"),
    "all to validate with": (["--split", "0/10"], "not two numbers such as 685/170"),
    "no split": (["--split", "8-2"], "not two numbers such as 685/170"),
    "size": (["--size", "33"], "--size 33 is no multiple of the scale, 4"),
    "size below 0": (["--size", "-8"], "--size -8 is no multiple of the scale, 4"),
    "too large": (["--size", "400"], "none of 10 photos can be used; give others, or a smaller --size"),
    "scale": (["--scale", "1"], "the low resolution must be smaller"),
    "sigma without Gaussian": (["--sigma", "1"], "--sigma belongs to --degradation gaussian"),
    "sigma": (["--degradation", "gaussian", "--sigma", "-1"], "sigma is a positive number of pixels"),
    "degradation": (["--degradation", "jpeg"], "invalid choice: 'jpeg'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_line_and_writes_nothing(name, photos, tmp_path, capsys):
    arguments, message = MISTAKES[name]
    out = tmp_path / "out"
    try:
        assert main(["data", "pairs", str(photos), "--out", str(out), *arguments]) == 1
    except SystemExit as usage:
        assert usage.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert message in last, last
    assert not out.exists() and [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_mistakes_of_place(photos, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    mistakes = {
        (str(photos), "--out", str(tmp_path / "full")): "exists already; choose another --out",
        (str(photos),): "where shall the pairs go? name a folder: --out pairs",
        (): "which photos? name one folder",
        (str(photos), "more", "--out", "x"): "which photos? name one folder",
        (str(tmp_path / "none" / "here"), "--out", "x"): "no such folder",
    }
    for arguments, message in mistakes.items():
        assert main(["data", "pairs", *arguments]) == 1
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1, said
    assert files_of(tmp_path / "full") == ["mine.txt"]


def test_a_photo_s_middle():
    image = photo(0, 41, 52)
    assert np.array_equal(middle(image, 40), image[:40, 6:46])
    with pytest.raises(SrganError, match="no multiple"):
        write_pairs([], "never", Bicubic(4), size=30)
