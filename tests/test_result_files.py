"""Which file is the result of which original: names of all kinds, sizes, several sets."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.evaluate import evaluate
from srgan_lib.evaluation.result_files import candidates, owner_of, result_path, says_no_result
from srgan_lib.metrics import psnr


def picture(seed, height=32, width=32):
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return imresize(coarse, 8)


def noisy(image, strength):
    noise = np.random.default_rng(strength).integers(-strength, strength + 1, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def write(folder, images, suffix=".png"):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(
            Path(folder) / f"{name}{suffix}", **({"quality": 100} if "j" in suffix else {})
        )
    return folder


def measured(images, name="own", **settings):
    """{original: PSNR} of a folder of results."""
    result = evaluate(images, sets=[name], measures=["psnr"], progress=False, **settings)
    return {image: values["psnr"] for image, values in result.columns[0].values["own"].items()}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


NAMES = ("cat", "cat-2", "cat_2", "catx2", "cat_2_b", "Cat3", "1", "10", "img_1", "img_10", "img_1_x4")


# ------------------------------------------------------------------------------------------ whose result


@pytest.mark.parametrize(
    "ending", ["", "_x4", "x4", "-srgan", "_x4_SwinIR", "_SRF_4_SRCNN", ".srgan", "@4x", " copy"]
)
def test_every_original_is_measured_against_its_own_result(ending):
    names = [name for name in NAMES if not name.endswith("x4")]  # see the next test
    hr = {name: picture(seed) for seed, name in enumerate(names)}
    results = {name: noisy(image, 3 + index) for index, (name, image) in enumerate(hr.items())}
    write("own/HR", hr)
    write("res", {name + ending: image for name, image in results.items()})
    assert measured("res") == pytest.approx({name: psnr(hr[name], results[name]) for name in names})


def test_a_result_that_is_called_as_another_original_is_never_that_ones(capsys):
    hr = {name: picture(seed) for seed, name in enumerate(("img_1", "img_1_x4"))}
    write("own/HR", hr)
    write("res", {f"{name}_x4": noisy(image, 3) for name, image in hr.items()})
    with pytest.raises(SrganError, match=r"no result for img_1 of own; name it img_1.png"):
        measured("res")


@pytest.mark.parametrize(
    ("stem", "owner"),
    [
        ("cat", "cat"),
        ("CAT", "cat"),
        ("cat_x4", "cat"),
        ("catx4", "cat"),
        ("cat-2_x4", "cat-2"),
        ("cat-22", "cat"),
        ("catalogue", None),
        ("category_x4", None),
        ("catxray", None),
        ("10_x4", "10"),
        ("100", None),
        ("1x4", "1"),
        ("img_1_x4", "img_1_x4"),
        ("img_1_x4_x4", "img_1_x4"),
        ("img_10_x4", "img_10"),
        ("dog", None),
        ("", None),
    ],
)
def test_a_file_belongs_to_the_longest_name(stem, owner):
    assert owner_of(stem, NAMES) == owner


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab_-x1", min_size=1, max_size=5), min_size=1, max_size=8, unique=True), st.data())
def test_no_file_is_used_twice_and_an_exact_name_wins(names, data):
    names = [
        name for name in names if name.lower() not in {other.lower() for other in names if other != name}
    ]
    for stem in data.draw(st.lists(st.text("ab_-x1", min_size=1, max_size=9), max_size=8)):
        owner = owner_of(stem, names)
        assert owner is None or stem.startswith(owner)
        assert (owner == stem) == (stem in names)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("_HR", True),
        ("_LR", True),
        ("-lr", True),
        ("_GT", True),
        ("_LRx4", True),
        ("_LR_x4", True),
        ("x4_LR", True),
        ("_HR_4x", True),
        ("_SRF_4_HR", True),
        ("_original", True),
        ("", False),
        ("_x4", False),
        ("_HRNet", False),
        ("_LR_upscaled", False),
        ("_sr", False),
        ("_SRF_4_bicubic", False),
    ],
)
def test_names_of_originals_and_inputs(rest, expected):
    assert says_no_result(f"cat{rest}", "cat") is expected


def test_originals_and_inputs_among_the_results_are_passed_over_with_a_word(capsys):
    """SelfExSR's folders: each image's original, input and results side by side."""
    hr = picture(1)
    write("own/HR", {"img_001": hr})
    files = {"img_001_SRF_4_HR": hr, "img_001_SRF_4_LR": hr[::4, ::4], "img_001_SRF_4_SelfExSR": noisy(hr, 9)}
    write("res", files)
    assert measured("res")["img_001"] == pytest.approx(psnr(hr, noisy(hr, 9)))
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "srgan: res: passed over img_001_SRF_4_HR.png, img_001_SRF_4_LR.png: by their names originals or"
        " inputs, not results"
    ]


def test_an_original_that_is_called_so_is_matched_by_its_exact_name():
    hr = picture(1)
    write("own/HR", {"cat_HR": hr})
    write("res", {"cat_HR": noisy(hr, 5)})
    assert measured("res")["cat_HR"] == pytest.approx(psnr(hr, noisy(hr, 5)))


def test_a_file_of_another_size_is_passed_over_with_a_word(capsys):
    hr = picture(2)
    write("own/HR", {"cat": hr})
    write("res", {"cat": hr[::4, ::4], "cat_x4": noisy(hr, 4)})
    assert measured("res")["cat"] == pytest.approx(psnr(hr, noisy(hr, 4)))
    assert "passed over cat.png, of another size than cat" in capsys.readouterr().err


def test_several_that_are_alike_are_refused_and_an_exact_name_decides():
    hr = picture(3)
    write("own/HR", {"cat": hr})
    write("res", {"cat_5000": noisy(hr, 4), "cat_10000": noisy(hr, 6)})
    with pytest.raises(
        SrganError, match=r"cat_10000.png, cat_5000.png may all be the result of cat"
    ) as caught:
        measured("res")
    assert "\n" not in str(caught.value)
    write("res", {"cat": noisy(hr, 2)})
    assert measured("res")["cat"] == pytest.approx(psnr(hr, noisy(hr, 2)))
    write("res", {"cat": noisy(hr, 2)}, ".jpg")
    with pytest.raises(SrganError, match=r"cat.jpg, cat.png may all be"):
        measured("res")


def test_hidden_files_and_other_kinds_are_no_results():
    hr = picture(4)
    write("own/HR", {"cat": hr})
    write("res", {"cat_x4": noisy(hr, 2)})
    for name in ("._cat.png", "cat.txt", "cat.npy"):
        Path("res", name).write_bytes(b"no picture")
    assert measured("res")["cat"] == pytest.approx(psnr(hr, noisy(hr, 2)))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".bmp", ".tif", ".webp", ".PNG", ".ppm"])
def test_results_in_every_format(suffix):
    hr = picture(5)
    write("own/HR", {"cat": hr})
    write("res", {"cat": noisy(hr, 3)}, suffix)
    stored = np.asarray(Image.open(f"res/cat{suffix}"))
    assert measured("res")["cat"] == pytest.approx(psnr(hr, stored))


def test_a_result_with_transparency_is_one_line():
    hr = picture(5)
    write("own/HR", {"cat": hr})
    write("res", {"cat": np.dstack([hr, hr[..., :1]])})
    with pytest.raises(SrganError, match="has transparency"):
        measured("res")
    write("res", {"cat": np.dstack([noisy(hr, 3), np.full(hr.shape[:2], 255, np.uint8)])})
    assert measured("res")["cat"] == pytest.approx(psnr(hr, noisy(hr, 3)))


# ----------------------------------------------------------------------------------------- several sets


def two_sets():
    for index, folder in enumerate(("a/val", "b/val")):
        write(f"{folder}/HR", {"1": picture(index), "2": picture(index + 5)})


def test_two_sets_of_one_folder_name_are_both_shown(capsys):
    two_sets()
    both = evaluate("bicubic", sets=["a/val", "b/val"], progress=False)
    assert both.sets == ("a/val", "b/val")
    for folder in ("a/val", "b/val"):
        alone = evaluate("bicubic", sets=[folder], progress=False)
        assert both.mean("bicubic", folder) == alone.mean("bicubic", "val")
    assert len(both.table().splitlines()) == 3


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        (["a/val", "b/val", "a/val"], ("a/val", "b/val")),
        (["a/val", "./a/../a/val"], ("val",)),
        (["a/val", "c/a/val"], None),
        (["a/val", "A2/VAL"], ("a/val", "A2/VAL")),
    ],
)
def test_names_of_sets_differ(sets, names):
    two_sets()
    for folder in ("c/a/val", "A2/VAL"):
        shutil.copytree("a/val", folder)
    shown = evaluate("nearest", sets=sets, progress=False).sets
    assert len({name.lower() for name in shown}) == len(shown)
    if names is None:  # a/val and c/a/val: as many folders as tell them apart
        assert shown == (f"{Path.cwd().name}/a/val", "c/a/val")
    else:
        assert shown == names


def test_the_folder_one_stands_in_has_a_name(monkeypatch):
    two_sets()
    monkeypatch.chdir("a/val")
    assert evaluate("nearest", sets=["."], progress=False).sets == ("val",)


def test_results_of_two_sets_of_one_name_lie_in_folders_that_tell_them_apart():
    two_sets()
    write("res/a/val", {"1": noisy(picture(0), 3), "2": noisy(picture(5), 3)})
    write("res/b/val", {"1": noisy(picture(1), 8), "2": noisy(picture(6), 8)})
    result = evaluate("res", sets=["a/val", "b/val"], measures=["psnr"], progress=False)
    assert result.columns[0].values["a/val"]["1"]["psnr"] == pytest.approx(
        psnr(picture(0), noisy(picture(0), 3))
    )
    assert result.columns[0].values["b/val"]["1"]["psnr"] == pytest.approx(
        psnr(picture(1), noisy(picture(1), 8))
    )


def test_one_file_is_not_the_result_of_two_originals():
    two_sets()
    write("res", {"1": picture(0), "2": picture(5)})
    with pytest.raises(SrganError, match=r"res/1.png would be the result of 1 in a/val and of 1 in b/val"):
        evaluate("res", sets=["a/val", "b/val"], progress=False)


def test_the_path_of_one_result():
    write("res", {name: picture(0) for name in ("cat_2_x4", "cat_x4", "cat_LR")})
    assert result_path("res", "own", "cat", ["cat", "cat_2"]).name == "cat_x4.png"
    assert result_path("res", "own", "cat_2", ["cat", "cat_2"]).name == "cat_2_x4.png"
    assert result_path("res", "own", "dog", ["cat", "cat_2"]) is None
    assert result_path("nowhere", "own", "cat") is None
    assert candidates("res", "own", ["cat"])["cat"][0].name == "cat_2_x4.png", "nothing says it is another's"
