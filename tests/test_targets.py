"""Where results go: no photo and no other file is lost, every photo gets a result, results are no photos."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.inference.targets import upscale_jobs

pytestmark = pytest.mark.usefixtures("work_with_a_small_model")


def photos(*paths):
    for seed, path in enumerate(paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(levels).save(path)


def contents(folder="."):
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def targets(images, out=None, **options):
    return [str(target) for _, target in upscale_jobs(images, out, 4, **options)]


def line_of(*arguments, **options):
    before = contents()
    with pytest.raises(SrganError) as caught:
        upscale_jobs(*arguments, 4, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert contents() == before
    return str(caught.value)


# -------------------------------------------------------------------------------- a name for each result


@pytest.mark.parametrize(
    ("files", "images", "out", "expected"),
    [
        (["p/a.jpg", "p/a.png"], ["p"], "out", ["out/a_jpg.png", "out/a_png.png"]),
        (["p/a.jpg", "p/a.png"], ["p/a.jpg", "p/a.png"], None, ["p/a_x4_jpg.png", "p/a_x4_png.png"]),
        (["p/a.jpg", "p/b.png"], ["p"], "out", ["out/a.png", "out/b.png"]),
        (["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"], "out", ["out/a_1.png", "out/b_1.png"]),
        (["a/1.png", "b/1.png"], ["a", "b"], "out", ["out/a_1.png", "out/b_1.png"]),
        (["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"], None, ["a/1_x4.png", "b/1_x4.png"]),
        (["p/a/1.png", "p/b/1.png"], ["p"], "out", ["out/a/1.png", "out/b/1.png"]),
        (
            ["a/1.png", "a/1.jpg", "b/1.png"],
            ["a", "b"],
            "out",
            ["out/a_1_jpg.png", "out/a_1_png.png", "out/b_1_png.png"],
        ),
        (["a.jpg", "p/a.png"], ["a.jpg", "p"], "p", ["p/a_jpg.png", "p/a_png.png"]),
        (["a.png"], ["a.png", "./a.png"], "out", ["out/a.png"]),
        (["p/a.png"], ["p", "p/a.png"], "out", ["out/a.png"]),
    ],
)
def test_every_photo_has_a_result_of_its_own(files, images, out, expected):
    photos(*files)
    assert targets(images, out) == expected


def test_what_cannot_be_told_apart_is_refused_before_any_work():
    photos("x/a/1.png", "y/a/1.png")
    assert "would be written to one file" in line_of(["x/a/1.png", "y/a/1.png"], "out")


def test_a_longer_name_is_not_another_photos():
    photos("p/a.jpg", "p/a.png", "p/a_jpg.png")
    found = targets(["p"], "out")
    assert len(set(found)) == 3 and "out/a_jpg.png" in found, "the name of the photo that is called so"


@pytest.mark.parametrize("out", ["out", "out/", "out.d/"])
def test_a_name_means_the_same_for_one_photo_as_for_two(out):
    photos("a.png", "b.jpg")
    one, two = targets(["a.png"], out), targets(["a.png", "b.jpg"], out)
    assert one == [f"{out.rstrip('/')}/a.png"] and two == [*one, f"{out.rstrip('/')}/b.png"]


def test_a_name_of_a_file_is_for_one_photo():
    photos("a.png", "b.png", "p/c.png")
    assert targets(["a.png"], "big.jpg") == ["big.jpg"]
    assert "names one file" in line_of(["a.png", "b.png"], "big.png")
    assert "names one file" in line_of(["p"], "big.png")
    assert "unknown suffix '.photo'" in line_of(["a.png"], "big.photo")
    assert "there is no folder" in line_of(["a.png"], "none/big.png")
    os.mkdir("folder.png")
    assert targets(["a.png"], "folder.png") == ["folder.png/a.png"]


# -------------------------------------------------------------------------------------- nothing is lost


@pytest.mark.parametrize(
    ("files", "images", "out", "said"),
    [
        (["p/dog.jpg", "p/dog.png"], ["p/dog.jpg"], "p/", "p/dog.png is there already; --overwrite"),
        (["me.png"], ["me.png"], "me.png", "by its own enlargement"),
        (["p/me.png"], ["p"], "p", "by its own enlargement"),
        (["a.jpg", "p/b.png"], ["a.jpg", "p/b.png"], "p", "by its own enlargement"),
        (["a.png", "a_x4.png"], ["a.png", "a_x4.png"], None, "the enlargement of another photo"),
        (["a.png", "b.png"], ["a.png"], "b.png", "b.png is there already"),
        (["a.png", "a_x4.png"], ["a.png"], None, "a_x4.png is there already"),
        (["a.png", "b.png", "o/a.png", "o/b.png"], ["a.png", "b.png"], "o", "o/a.png, o/b.png are there"),
        (["a.png", "a_x4.png/x.png"], ["a.png"], None, "it is a folder"),
    ],
)
def test_no_file_is_replaced(files, images, out, said):
    photos(*files)
    assert said in line_of(images, out)


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_photo_itself_is_never_replaced(overwrite):
    photos("me.png", "p/a.png")
    assert "overwritten by" in line_of(["me.png"], "me.png", overwrite=overwrite)
    assert "overwritten by" in line_of(["me.png"], "./p/../me.png", overwrite=overwrite)
    os.symlink("me.png", "link.png")
    assert "overwritten by" in line_of(["me.png"], "link.png", overwrite=overwrite)
    os.link("me.png", "hard.png")
    assert "overwritten by" in line_of(["me.png"], "hard.png", overwrite=overwrite)


def test_overwrite_replaces_results_only():
    photos("a.png", "a_x4.png")
    before = contents()
    assert main(["upscale", "a.png"]) == 1
    assert contents() == before
    assert main(["upscale", "a.png", "--overwrite"]) == 0
    after = contents()
    assert after["a.png"] == before["a.png"] and after["a_x4.png"] != before["a_x4.png"]


def test_a_refusal_comes_before_any_work(capsys):
    photos("a.png", "b.png", "out/b.png")
    before = contents()
    assert main(["upscale", "a.png", "b.png", "-o", "out"]) == 1
    assert contents() == before and "out/b.png is there already" in capsys.readouterr().err


# ------------------------------------------------------------------------------- results are no photos


def test_results_within_the_folder_are_not_enlarged_again(capsys):
    photos("p/1.png", "p/deep/2.png")
    assert main(["upscale", "p", "-o", "p/large"]) == 0
    first = contents()
    capsys.readouterr()
    assert main(["upscale", "p", "-o", "p/large", "--overwrite"]) == 0
    assert set(contents()) == set(first)
    said = capsys.readouterr()
    assert "p: passed over large/1.png, large/deep/2.png: results of an earlier run" in said.err
    assert said.out.split() == ["p/large/1.png", "p/large/deep/2.png"]


def test_results_beside_their_photos_are_not_enlarged_again(capsys):
    photos("p/1.jpg", "p/2.png")
    assert main(["upscale", "p/1.jpg", "p/2.png"]) == 0
    assert main(["upscale", "p", "-o", "out"]) == 0
    assert sorted(os.listdir("out")) == ["1.png", "2.png"]
    assert "passed over 1_x4.png, 2_x4.png" in capsys.readouterr().err


def test_results_with_longer_names_are_not_enlarged_again():
    photos("p/1.jpg", "p/1.png")
    assert main(["upscale", "p/1.jpg", "p/1.png"]) == 0
    assert {"1_x4_jpg.png", "1_x4_png.png"} < set(os.listdir("p"))
    assert targets(["p"], "out") == ["out/1_jpg.png", "out/1_png.png"]


def test_a_photo_that_only_sounds_like_a_result_is_a_photo():
    photos("p/lens_x4.png", "p/other.png")
    assert targets(["p"], "out") == ["out/lens_x4.png", "out/other.png"]


def test_a_folder_of_nothing_but_results_is_one_line():
    photos("p/large/1.png")
    assert "nothing but results" in line_of(["p"], "p/large")


def test_what_is_left_out_shows_in_the_exit_code(capsys):
    photos("p/a.png")
    Path("p/b.png").write_bytes(b"no photo")
    assert main(["upscale", "p", "-o", "out"]) == 1
    assert "1 of 2 images were left out" in capsys.readouterr().err
