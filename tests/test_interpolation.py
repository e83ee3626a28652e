"""The shipped numbers of nearest and bicubic: they are the paper's, and can be measured again."""

import sys
from pathlib import Path

import numpy as np
import pytest

from srgan_lib import records
from srgan_lib.errors import SrganError

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import interpolation

# PAPER: PSNR and SSIM of nearest, then bicubic, measured by the book's authors with another program.
MEASURED_BEFORE = {
    "Set5": (26.258, 0.7547, 28.430, 0.8211),
    "Set14": (24.646, 0.7098, 25.997, 0.7486),
    "BSD100": (25.038, 0.6607, 25.962, 0.6941),
}


def mean(record, name, method, number):
    return np.mean(record["sets"][name]["methods"][method][number])


@pytest.mark.parametrize("name", MEASURED_BEFORE)
def test_the_record_is_the_papers_table_2(name):
    record, table = records.read("interpolation"), records.read("paper")["table2"][name]
    for method, (level, likeness) in zip(
        ("nearest", "bicubic"), (MEASURED_BEFORE[name][:2], MEASURED_BEFORE[name][2:]), strict=True
    ):
        assert mean(record, name, method, "psnr") == pytest.approx(level, abs=0.005)
        assert mean(record, name, method, "ssim") == pytest.approx(likeness, abs=0.0005)
        assert mean(record, name, method, "psnr") == pytest.approx(table[method]["psnr"], abs=0.03)
        assert mean(record, name, method, "ssim") == pytest.approx(table[method]["ssim"], abs=0.0015)


def test_the_record_has_every_image():
    sets = records.read("interpolation")["sets"]
    assert {name: len(rows["images"]) for name, rows in sets.items()} == {
        "Set5": 5,
        "Set14": 14,
        "BSD100": 100,
    }
    for rows in sets.values():
        for numbers in rows["methods"].values():
            assert all(len(values) == len(rows["images"]) for values in numbers.values())


def test_set5_measured_again(data_folder):
    again = interpolation.measure_set(data_folder("benchmarks/Set5"))
    stored = records.read("interpolation")["sets"]["Set5"]
    assert again["images"] == stored["images"]
    for method, numbers in stored["methods"].items():
        for number, values in numbers.items():
            # another release of Pillow may round elsewhere
            allowed = 0.02 if method == "Pillow's bicubic" else 0.0011
            assert again["methods"][method][number] == pytest.approx(values, abs=allowed), (method, number)


def test_an_unknown_record_suggests_the_nearest():
    with pytest.raises(SrganError, match="did you mean 'interpolation'"):
        records.read("interpolations")
