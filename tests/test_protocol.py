"""The departures from the paper's protocol: what each must do, and the record made with them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from srgan_lib import records
from srgan_lib.evaluation.protocol import (
    VARIANTS,
    enlarged_by_pillow,
    enlarged_by_torch,
    full_range_luma,
    measure,
    measure_set,
)
from srgan_lib.images import save_image
from srgan_lib.metrics import psnr, ssim

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import protocol

SETS = {"Set5": 5, "Set14": 14, "BSD100": 100}


def photo(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(40, 216, (height // 4, width // 4, 3))
    return np.kron(coarse, np.ones((4, 4, 1), int)).astype(np.uint8)


@pytest.fixture(scope="module")
def pair():
    hr = photo(64, 88)
    noise = np.random.default_rng(1).integers(-20, 21, hr.shape)
    return (hr + noise).astype(np.uint8), hr


def test_every_variant_differs_from_the_protocol_where_it_should(pair):
    values = measure(*pair)
    assert list(values) == list(VARIANTS)
    assert values["psnr"] == psnr(*pair) and values["ssim"] == ssim(*pair)
    same = {"psnr, grey as RGB"}  # only grey images differ
    for name, value in values.items():
        base = name[:4]
        assert (abs(value - values[base]) < 1e-9) == (name == base or name in same), name


def test_y_from_0_to_255_costs_1_32_db(pair):
    values = measure(*pair)
    assert values["psnr"] - values["psnr, Y from 0 to 255"] == pytest.approx(
        20 * np.log10(255 / 219), abs=0.02
    )
    assert full_range_luma(np.full((2, 2, 3), 255)) == pytest.approx(255)


def test_a_grey_image_taken_as_rgb_is_flattered_by_the_same(pair):
    result, hr = (image[..., 0] for image in pair)
    values = measure(result, hr)
    assert values["psnr, grey as RGB"] - values["psnr"] == pytest.approx(20 * np.log10(255 / 219))
    assert values["psnr, RGB"] == values["psnr"]
    mixed = measure(np.stack([result] * 3, axis=2), hr)  # a network's three channels against a grey original
    assert mixed["psnr"] == pytest.approx(values["psnr"]) == mixed["psnr, Y from 0 to 255"]


def test_zeros_around_are_the_only_difference_from_the_usual_gaussian(pair):
    large = [np.pad(image, ((40, 40), (40, 40), (0, 0)), mode="reflect") for image in pair]
    padded, usual = (VARIANTS[f"ssim, Gaussian{rest}"](*large) for rest in (", zeros around", ""))
    small = [VARIANTS[f"ssim, Gaussian{rest}"](*pair) for rest in (", zeros around", "")]
    assert abs(padded - usual) < abs(small[0] - small[1])  # the border weighs less in a larger image
    assert VARIANTS["ssim, Gaussian, zeros around"](pair[1], pair[1]) == pytest.approx(1)


@pytest.mark.parametrize("enlarged", [enlarged_by_pillow, enlarged_by_torch])
def test_other_programs_enlarge_too(enlarged):
    lr = photo(16, 24)
    assert enlarged(lr).shape == (64, 96, 3) and enlarged(lr).dtype == np.uint8
    assert np.array_equal(enlarged(lr)[..., 0], enlarged(lr[..., 0]))
    flat = np.full((8, 8), 90, np.uint8)
    assert (enlarged(flat) == 90).all()


def test_a_set_is_measured_in_order_of_name(tmp_path, pair):
    for folder in ("HR", "LRx4"):
        (tmp_path / folder).mkdir()
    lr = np.zeros((16, 22, 3), np.uint8)
    for name, hr in (("b", pair[1]), ("a", pair[0])):
        save_image(hr, tmp_path / "HR" / f"{name}.png")
        save_image(lr, tmp_path / "LRx4" / f"{name}.png")
    seen = []

    def result(name, small):
        seen.append(name)
        assert np.array_equal(small, lr)
        return pair[1]

    numbers = measure_set(tmp_path, result)
    assert seen == ["a", "b"] and numbers["psnr"] == [psnr(pair[1], pair[0]), np.inf]


def test_at_scale_2_the_border_is_2_pixels_wide_and_inputs_are_made(tmp_path, pair):
    result, hr = pair
    odd = np.pad(hr, ((0, 1), (0, 1), (0, 0)))
    (tmp_path / "HR").mkdir()
    save_image(odd, tmp_path / "HR" / "a.png")
    numbers = measure_set(tmp_path, lambda _, lr: result if lr.shape == (32, 44, 3) else None, scale=2)
    assert numbers["psnr"] == [psnr(result, hr, crop=2)] and numbers["ssim"] == [ssim(result, hr, crop=2)]
    at_4, at_2 = measure(result, hr), measure(result, hr, scale=2)
    for name in VARIANTS:
        assert (at_4[name] == at_2[name]) == ("nothing cropped" in name), name
    assert at_2["psnr, Y from 0 to 255"] == pytest.approx(at_2["psnr"] - 20 * np.log10(255 / 219), abs=0.02)
    lr = photo(16, 24)
    assert enlarged_by_pillow(lr, 2).shape == enlarged_by_torch(lr, 2).shape == (32, 48, 3)


# ------------------------------------------------------------------------------------------- the record


def mean(name, method, variant):
    return np.mean(records.read("protocol")["sets"][name]["methods"][method][variant])


def test_the_record_has_every_image_of_every_set():
    sets = records.read("protocol")["sets"]
    assert {name: len(rows["images"]) for name, rows in sets.items()} == SETS
    for name, rows in sets.items():
        published = set() if name == "BSD100" else set(protocol.PUBLISHED)
        assert set(rows["methods"]) == set(protocol.ENLARGE) | published
        for numbers in rows["methods"].values():
            assert list(numbers) == list(VARIANTS)
            assert all(len(values) == len(rows["images"]) for values in numbers.values())


def test_the_record_is_the_papers_tables():
    paper = records.read("paper")
    columns = {"nearest": "nearest", "bicubic": "bicubic", "SRResNet-MSE": "SRResNet", "SRGAN-VGG54": "SRGAN"}
    for name, rows in records.read("protocol")["sets"].items():
        for method in set(rows["methods"]) & set(columns):
            printed = paper["table2"][name][columns[method]]
            assert mean(name, method, "psnr") == pytest.approx(printed["psnr"], abs=0.03)
            assert mean(name, method, "ssim") == pytest.approx(printed["ssim"], abs=0.0015)


def test_set5_measured_again(data_folder):
    data_folder("benchmarks/Set5")
    data_folder("published")
    methods = ("nearest", "bicubic", *protocol.PUBLISHED)
    again = protocol.measured_set("Set5", methods)
    stored = records.read("protocol")["sets"]["Set5"]
    assert again["images"] == stored["images"]
    for method, numbers in again["methods"].items():
        for variant, values in numbers.items():
            assert stored["methods"][method][variant] == pytest.approx(values, abs=0.0011), (method, variant)
