"""The reproduction report is what its program writes from the records; its commands and chapters exist."""

import re
from pathlib import Path

import pytest
import write_map
import write_reproduction as report

from srgan_lib import measured, pretrained
from srgan_lib.networks.generator import Generator

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = [claim for *_, make in report.SECTIONS for claim in make()]


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A function that ships a tiny model with these means, into a folder of its own."""
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)

    def ship(name, means, updates=1):
        record = {"what": f"a test's {name}", "updates": updates, "test_sets": means}
        pretrained.ship(Generator(blocks=1, channels=4), name, record, tmp_path)

    return ship


def by_what(make):
    return {claim.what: claim for claim in make()}


def test_the_report_is_current():
    kept = report.PAGE.read_text(encoding="utf-8")
    assert kept == report.page(), "run: python book/_tools/write_reproduction.py"


def test_every_number_of_both_tables_has_a_row():
    paper = measured.read("paper")
    page = report.page()
    for name in ("table1", "table2"):
        for row in paper[name].values():
            for method, printed in row.items():
                assert method == "HR" or report.level(printed) in page, (name, method)


def test_every_command_names_what_is_there():
    for claim in CLAIMS:
        for script in re.findall(r"(?:tests|book)/[\w/-]+\.(?:py|ipynb)", claim.command):
            assert (ROOT / script).is_file(), claim.command
        assert claim.status in report.MEANINGS
        assert claim.command != "-" or claim.status == report.NO


def test_every_chapter_is_on_the_map():
    files = {file for _, file, *_ in write_map.source()["chapters"]} | {"deviations"}
    assert {claim.chapter for claim in CLAIMS} <= files


def test_our_ruler_is_the_papers():
    ruler = report.ruler()
    assert sum(claim.status == report.YES for claim in ruler) == 10
    assert {claim.status for claim in ruler} == {report.YES, report.NO}


def test_without_models_nothing_is_claimed(shipped):
    rows = [*report.table_rows("table1", "3.4"), *report.table_rows("table2", "3.5"), *report.orders()]
    assert {claim.status for claim in rows} == {report.NO}
    assert "none is shipped" in report.page()


def test_better_models_change_the_report(shipped):
    means = {name: {"psnr": 32.1, "ssim": 0.902} for name in report.SETS}
    shipped("srresnet-mse", means, updates=1_000_000)
    rows = by_what(lambda: report.table_rows("table1", "3.4"))
    first = rows["SRResNet-MSE, Set5"]
    assert (first.status, first.ours) == (report.YES, report.level(means["Set5"]))
    assert rows["SRGAN-VGG54, Set5"].status == report.NO
    assert by_what(report.training)["Updates of srresnet-mse"].status == report.YES
    assert by_what(report.training)["Updates of srgan-vgg54"].status == report.LESS


@pytest.mark.parametrize(
    ("psnr", "ssim", "status"),
    [(29.5, 0.84, "reproduced"), (30.5, 0.84, "differs"), (28.9, 0.84, "differs"), (29.4, 0.87, "differs")],
)
def test_for_a_gan_a_higher_psnr_is_no_merit(shipped, psnr, ssim, status):
    shipped("srgan-vgg54", {"Set5": {"psnr": psnr, "ssim": ssim}})
    assert by_what(lambda: report.table_rows("table1", "3.4"))["SRGAN-VGG54, Set5"].status == status


def test_the_order_of_the_losses_counts_when_all_five_are_there(shipped):
    printed = measured.read("paper")["table1"]["Set14"]
    for method, row in printed.items():
        assert report.order_of_the_losses().status != report.YES
        shipped(method.lower(), {"Set14": {"psnr": row["psnr"] - 1, "ssim": 0.7}})
    assert report.order_of_the_losses().status == report.YES
    shipped("srgan-mse", {"Set14": {"psnr": 20.0, "ssim": 0.7}})
    assert report.order_of_the_losses().status == report.LESS
