"""Test sets of one's own: formats, sides that are no multiple of 4, inputs made or named otherwise."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.cli import main
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.evaluate import evaluate
from srgan_lib.images import open_image
from srgan_lib.metrics import psnr, ssim


def picture(seed, height=40, width=32):
    coarse = np.random.default_rng(seed).integers(
        0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8
    )
    return imresize(coarse, 8)[:height, :width]


def write(path, image, **options):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)


def by_hand(hr):
    """PSNR and SSIM of bicubic by the protocol: crop, shrink, enlarge, compare."""
    hr = hr[: hr.shape[0] // 4 * 4, : hr.shape[1] // 4 * 4]
    result = imresize(imresize(hr, 1 / 4), 4)
    return psnr(result, hr), ssim(result, hr)


def bicubic(folder="own"):
    """{original: (PSNR, SSIM)} of bicubic on a set."""
    values = evaluate("bicubic", sets=[folder], progress=False).columns[0].values[Path(folder).name]
    return {name: tuple(row.values()) for name, row in values.items()}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "sides",
    [(40, 32), (41, 32), (42, 35), (43, 33), (40, 34), (23, 47)],
    ids=lambda sides: "{}x{}".format(*sides),
)
def test_a_set_without_inputs_is_measured_by_the_protocol(sides, capsys):
    hr = picture(1, *sides)
    write("own/HR/a.png", hr)
    assert bicubic()["a"] == pytest.approx(by_hand(hr))
    said = capsys.readouterr().err
    assert "own has no LRx4: inputs are made with MATLAB's bicubic resize" in said
    assert ("no multiple of 4 are cropped" in said) == any(side % 4 for side in sides)


def test_the_protocol_is_that_of_the_papers_sets(data_folder, capsys, tmp_path):
    """Set5's own inputs and those made from its originals give the same numbers to the last digit."""
    folder = data_folder("benchmarks/Set5")
    for path in (folder / "HR").iterdir():
        write(f"Copy/HR/{path.name}", Image.open(path))
    stored = evaluate("bicubic", sets=["set5"], progress=False).columns[0].values["Set5"]
    assert evaluate("bicubic", sets=["Copy"], progress=False).columns[0].values["Copy"] == stored


def test_a_stored_input_is_used_and_cropped_with_its_original(capsys):
    hr = picture(2, 41, 34)
    low = imresize(hr, 0.25)  # 11x9, as MATLAB gives without cropping first
    assert low.shape == (11, 9, 3)
    write("own/HR/a.png", hr)
    write("own/LRx4/a.png", low)
    expected = psnr(imresize(low[:10, :8], 4), hr[:40, :32])
    assert bicubic()["a"][0] == pytest.approx(expected)
    assert "own: a: sides that are no multiple of 4 are cropped" in capsys.readouterr().err


@pytest.mark.parametrize("sides", [(20, 16), (40, 32), (9, 8), (12, 8)])
def test_an_input_of_another_scale_is_one_line(sides):
    write("own/HR/a.png", picture(2))
    write("own/LRx4/a.png", picture(3, *sides))
    with pytest.raises(
        SrganError, match=r"a.png: is \d+x\d+; as the input of a.png it must be 8x10"
    ) as caught:
        bicubic()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "suffix", [".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".PNG", ".JPG"]
)
@pytest.mark.parametrize("with_inputs", [False, True])
def test_originals_in_every_format(suffix, with_inputs):
    write(f"own/HR/a{suffix}", picture(4))
    hr = np.array(open_image(f"own/HR/a{suffix}"))
    if with_inputs:
        write("own/LRx4/a.png", imresize(hr, 0.25))
    assert bicubic()["a"] == pytest.approx(by_hand(hr))


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "ax4.png", "a_LR.png", "a_x4.tif", "a_LRx4.png"])
def test_inputs_under_the_names_of_data_sets(name):
    write("own/HR/a.png", picture(4))
    low = imresize(picture(4), 0.25) // 2
    write(f"own/LRx4/{name}", low)
    assert bicubic()["a"][0] == pytest.approx(psnr(imresize(low, 4), picture(4)))


def test_originals_that_are_called_hr():
    write("own/HR/a_HR.png", picture(4))
    low = imresize(picture(4), 0.25) // 2
    write("own/LRx4/a_LR.png", low)
    assert bicubic()["a_HR"][0] == pytest.approx(psnr(imresize(low, 4), picture(4)))


def test_grey_palette_16_bit_and_turned_originals():
    grey = picture(5)[..., 0]
    write("own/HR/grey.png", grey)
    write("own/HR/deep.png", Image.fromarray(grey.astype(np.uint16) * 257))
    write("own/HR/palette.png", Image.fromarray(picture(5)).quantize(30))
    exif = Image.Exif()
    exif[0x0112] = 6
    write("own/HR/turned.png", picture(5, 40, 32), exif=exif)
    found = bicubic()
    small = imresize(imresize(grey, 1 / 4), 4)
    assert found["grey"] == found["deep"] == pytest.approx((psnr(small, grey), ssim(small, grey)))
    assert found["palette"] == pytest.approx(by_hand(np.array(open_image("own/HR/palette.png"))))
    assert found["turned"] == pytest.approx(by_hand(np.rot90(picture(5, 40, 32), -1).copy()))


def test_an_opaque_alpha_does_not_count_and_transparency_is_one_line():
    hr = picture(6)
    write("own/HR/a.png", np.dstack([hr, np.full(hr.shape[:2], 255, np.uint8)]))
    assert bicubic()["a"] == pytest.approx(by_hand(hr))
    write("own/HR/a.png", np.dstack([hr, hr[..., :1]]))
    with pytest.raises(SrganError, match=r"own/HR/a.png: it has transparency"):
        bicubic()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["HR/a.png", "HR/a.bmp"], "both are 'a'; rename one"),
        (["HR/a.png", "LRx4/b.png"], "is missing; put it there"),
        (["HR/a.png", "HR/b.png", "LRx4/b.png"], "LRx4/a.png is missing"),
        (["HR/notes.txt"], "HR/.*is missing"),
    ],
)
def test_incomplete_sets_are_one_line(files, said):
    for name in files:
        low = 10 if "LR" in name else 40
        if name.endswith("txt"):
            Path("own/HR").mkdir(parents=True)
            Path("own", name).write_text("no picture")
        else:
            write(f"own/{name}", picture(1, low, low * 4 // 5))
    with pytest.raises(SrganError, match=said) as caught:
        bicubic()
    assert "\n" not in str(caught.value)


def test_too_small_an_original_is_one_line():
    write("own/HR/a.png", picture(1, 3, 9))
    with pytest.raises(SrganError, match="9x3 pixels are too few"):
        bicubic()


@pytest.mark.parametrize(
    "sides", [(41, 34), (40, 32), (44, 36)], ids=["as the original", "cropped", "enlarged"]
)
def test_results_of_odd_originals_may_have_three_sizes(sides):
    hr = picture(7, 41, 34)
    write("own/HR/a.png", hr)
    result = np.pad(hr, ((0, 3), (0, 2), (0, 0)), mode="edge")[: sides[0], : sides[1]] // 2
    write("res/a.png", result)
    found = evaluate("res", sets=["own"], measures=["psnr"], progress=False)
    assert found.mean("res", "own") == pytest.approx(psnr(hr[:40, :32] // 2, hr[:40, :32]))


def test_folders_of_results_need_no_inputs_and_say_nothing_of_them(capsys):
    write("own/HR/a.png", picture(8))
    write("res/a.png", picture(8) // 2)
    assert main(["evaluate", "--images", "res", "--sets", "own"]) == 0
    assert capsys.readouterr().err == ""
