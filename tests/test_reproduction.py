"""The reproduction report is what its program writes from the records; its commands and chapters exist."""

import re
from pathlib import Path

import pytest
import write_map
import write_reproduction as report

from srgan_lib import records

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = [claim for *_, make in report.SECTIONS for claim in make()]


def by_what(make):
    return {claim.what: claim for claim in make()}


def test_the_report_is_current():
    kept = report.PAGE.read_text(encoding="utf-8")
    assert kept == report.page(), "run: python book/_tools/write_reproduction.py"


def test_every_method_of_both_tables_has_a_row():
    paper = records.read("paper")
    ruler = {claim.what for claim in report.ruler()}
    for name in ("table1", "table2"):
        rows = {claim.what for claim in report.networks_of(name, "3")}
        assert rows | ruler >= set(paper[name]["Set5"]) - {"HR"} and not rows & ruler


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
    statuses = {claim.what: claim.status for claim in report.ruler()}
    assert statuses["nearest"] == statuses["bicubic"] == report.YES
    for method in ("SRResNet", "SRGAN"):  # of BSD100 nothing was published
        assert statuses[f"{method} (authors' images)"] == report.PART


def test_without_models_nothing_is_claimed(recorded):
    rows = [*report.networks_of("table1", "3.4"), *report.networks_of("table2", "3.5"), *report.orders()]
    assert {claim.status for claim in rows} == {report.NO}
    assert "none is shipped" in report.page()


def test_better_models_change_the_report(recorded):
    recorded.ship("srresnet-mse", dict.fromkeys(report.SETS, (32.1, 0.902)), updates=1_000_000)
    rows = by_what(lambda: report.networks_of("table1", "3.4"))
    first = rows["SRResNet-MSE"]
    assert first.status == report.YES and first.ours.startswith("Set5 +0.05 / +0.0001; Set14 +3.61")
    assert rows["SRGAN-VGG54"].status == report.NO
    assert by_what(report.training)["Updates of srresnet-mse"].status == report.YES
    assert by_what(report.training)["Updates of srgan-vgg54"].status == report.LESS


@pytest.mark.parametrize(
    ("psnr", "ssim", "status"),
    [(29.5, 0.84, "in part"), (30.5, 0.84, "differs"), (28.9, 0.84, "differs"), (29.4, 0.87, "differs")],
)
def test_for_a_gan_a_higher_psnr_is_no_merit(recorded, psnr, ssim, status):
    recorded.ship("srgan-vgg54", {"Set5": (psnr, ssim)})
    assert by_what(lambda: report.networks_of("table1", "3.4"))["SRGAN-VGG54"].status == status


def test_the_order_of_the_losses_counts_when_all_five_are_there(recorded):
    printed = records.read("paper")["table1"]["Set14"]
    for method, row in printed.items():
        assert report.order_of_the_losses().status != report.YES
        recorded.ship(method.lower(), {"Set14": (row["psnr"] - 1, 0.7)})
    assert report.order_of_the_losses().status == report.YES
    recorded.ship("srgan-mse", {"Set14": (20.0, 0.7)})
    assert report.order_of_the_losses().status == report.LESS


def test_a_broken_srgan_is_not_below_srresnet_as_in_the_paper(recorded):
    paper = records.read("paper")["table2"]
    resnet = {name: (paper[name]["SRResNet"]["psnr"], 0.9) for name in report.SETS}
    recorded.ship("srresnet-mse", resnet)
    for loss, status in ((2.5, report.YES), (9.0, report.LESS), (0.5, report.LESS)):
        recorded.ship("srgan-vgg54", {name: (psnr - loss, 0.7) for name, (psnr, _) in resnet.items()})
        rows = [claim for claim in report.orders() if claim.what.startswith("SRGAN-VGG54 is below")]
        assert [claim.status for claim in rows] == [status]
