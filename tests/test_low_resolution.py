"""``srgan data lr``: what it writes is what the protocol makes, and nothing that is there is lost."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.cli import main
from srgan_lib.data.low_resolution import made_input, measured_part, write_low_resolution
from srgan_lib.data.sources import folder_of_pairs, pair_scale, photos_of
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.own_sets import examples_of, matched_input
from srgan_lib.images import read_rgb


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def photo(path, height=48, width=64, mode="RGB", seed=0):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(levels).convert(mode).save(path)
    return levels


def test_a_set_gets_its_three_folders(capsys):
    levels = photo("set/HR/a.png")
    assert main(["data", "lr", "set"]) == 0
    assert capsys.readouterr().out.split() == [f"set/LRx{scale}/a.png" for scale in (2, 4, 8)]
    for scale in (2, 4, 8):
        np.testing.assert_array_equal(read_rgb(f"set/LRx{scale}/a.png"), imresize(levels, 1 / scale))


@pytest.mark.parametrize(("height", "width", "mode"), [(50, 67, "RGB"), (49, 65, "L"), (48, 64, "RGBA")])
def test_what_is_written_is_what_evaluate_makes(height, width, mode):
    photo("set/HR/a.png", height, width, mode)
    made = made_input(measured_part(Image.open("set/HR/a.png"), 4), 4)
    assert main(["data", "lr", "set", "--scales", "4"]) == 0
    (example,) = examples_of("set", 4)
    np.testing.assert_array_equal(matched_input(read_rgb(example.lr), example, 4), made)


@pytest.mark.parametrize("side", [64, 65, 67])
def test_what_is_written_serves_as_pairs(side):
    photo("set/HR/deep/a.png", side, side + 1)
    assert main(["data", "lr", "set"]) == 0
    for scale in (2, 4, 8):
        (pair,) = folder_of_pairs("set/HR", f"set/LRx{scale}")
        assert pair_scale(pair) == scale


def test_a_folder_of_photos_and_its_versions_are_told_apart(capsys):
    photo("mine/a.jpg")
    photo("mine/deep/b.png", seed=1)
    assert main(["data", "lr", "mine", "--scales", "2", "4"]) == 0
    assert {path.name for path in Path("mine/LRx2").rglob("*.png")} == {"a.png", "b.png"}
    assert [item.path.name for item in photos_of("mine")] == ["a.jpg", "b.png"], "no low-resolution image"
    assert main(["data", "lr", "mine", "--out", "other"]) == 0
    assert len(list(Path("other").rglob("*.png"))) == 6
    assert "passed over 4 low-resolution images" in capsys.readouterr().err


def test_nothing_is_replaced_without_a_word(capsys):
    photo("set/HR/a.png")
    photo("set/LRx4/a.png", 3, 3)
    before = Path("set/LRx4/a.png").read_bytes()
    assert main(["data", "lr", "set"]) == 1
    assert "--overwrite" in capsys.readouterr().err and not Path("set/LRx2").exists()
    assert Path("set/LRx4/a.png").read_bytes() == before
    assert main(["data", "lr", "set", "--overwrite"]) == 0
    assert Path("set/LRx4/a.png").read_bytes() != before


def test_what_cannot_be_used_is_named_and_left_out(capsys):
    photo("set/HR/a.png")
    photo("set/HR/small.png", 7, 9)
    Path("set/HR/bad.png").write_bytes(b"no photo")
    Image.new("RGBA", (16, 16)).save("set/HR/clear.png")
    assert main(["data", "lr", "set"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].split("/")[-1] for line in said[:3]] == ["bad.png", "clear.png", "small.png"]
    assert said[3] == "srgan: 3 of 4 images were left out; the others are done"
    assert [path.name for path in Path("set/LRx8").iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        (["set/HR/a.png", "set/HR/a.jpg"], {}, "both are 'a'"),
        (["set/a.png"], {"scales": (3,)}, "use some of 2, 4 and 8"),
        (["set/a.png"], {"scales": ()}, "use some of 2, 4 and 8"),
        (["set/LRx4/a.png"], {}, "nothing but low-resolution images"),
        (["other/a.png"], {}, "no such folder"),
        (["set"], {}, "no such folder"),
    ],
)
def test_mistakes_are_one_line_before_the_work(files, arguments, said):
    for path in files:
        photo(path) if "." in path else Path(path).write_text("a file")
    before = sorted(Path().rglob("*"))
    with pytest.raises(SrganError) as caught:
        write_low_resolution("set", **arguments)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(Path().rglob("*")) == before


def test_the_command_wants_one_folder(capsys):
    assert main(["data", "lr"]) == 1 and main(["data", "lr", "a", "b"]) == 1
    assert capsys.readouterr().err.count("name one: srgan data lr my-set") == 2
