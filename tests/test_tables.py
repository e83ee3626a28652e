"""The paper's tables beside ours: nothing typed, no blank, and new weights appear by themselves."""

import json
import math
import re

import pytest

from srgan_lib import measured, pretrained, tables
from srgan_lib.errors import SrganError
from srgan_lib.networks.generator import Generator


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A function that ships a tiny model under a name, with a record, into a folder of its own."""
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)

    def ship(name, record):
        return pretrained.ship(Generator(blocks=1, channels=4), name, record, tmp_path)

    return ship


def test_every_printed_number_of_both_tables_is_there():
    for name in tables.TABLES:
        rows = tables.table(name).rows
        printed = {(row.set, row.method): row.printed for row in rows}
        paper = measured.read("paper")[name]
        assert printed == {
            (group, method): cell for group, row in paper.items() for method, cell in row.items()
        }
        assert len(rows) == {"table1": 10, "table2": 27}[name]


def test_no_cell_is_blank_and_every_gap_has_a_reason():
    for name in tables.TABLES:
        table = tables.table(name)
        for line in table.cells()[1:]:
            assert all(cell.strip() for cell in line), line
        letters = set(re.findall(r"not measured \((\w)\)", table.markdown()))
        assert letters == {note[1] for note in table.notes()}
        for row in table.rows:
            assert row.ours or row.source in table.reasons()


def test_interpolation_is_ours_and_near_the_papers():
    for name in ("Set5", "Set14", "BSD100"):
        for row in tables.table("table2", [name]).rows:
            if row.method in tables.INTERPOLATIONS:
                assert abs(row.difference("psnr")) < 0.03 and abs(row.difference("ssim")) < 0.0015
                assert row.source == "record protocol"


def test_the_original_is_infinite_and_has_no_difference_in_psnr():
    (row,) = [row for row in tables.table("table2", ["Set5"]).rows if row.method == "HR"]
    assert row.ours == {"psnr": math.inf, "ssim": 1.0} and row.difference("psnr") is None
    assert row.difference("ssim") == 0 and "| infinite | infinite | - |" in tables.table("table2").markdown()


def test_without_weights_all_variants_are_not_measured(shipped):
    reasons = tables.table("table1").reasons()
    assert list(reasons) == [tables.NO_WEIGHTS] and len(reasons[tables.NO_WEIGHTS]) == 5
    reasons = tables.table("table2").reasons()
    assert reasons[tables.OTHERS] == ["SRCNN", "SelfExSR", "DRCN", "ESPCN"]


def test_a_model_that_is_shipped_later_appears_by_itself(shipped):
    means = {"Set5": {"psnr": 29.9, "ssim": 0.85}}
    shipped("srgan-vgg22", {"test_sets": means})
    rows = {(row.set, row.method): row for row in tables.table("table1").rows}
    assert rows["Set5", "SRGAN-VGG22"].ours == means["Set5"]
    assert rows["Set5", "SRGAN-VGG22"].difference("psnr") == pytest.approx(29.9 - 29.84)
    assert "no numbers for Set14" in rows["Set14", "SRGAN-VGG22"].source
    assert "29.90 | +0.06" in tables.table("table1").markdown()
    shipped("espcn", {"test_sets": means})
    assert tables.ours("ESPCN", "Set5") == (means["Set5"], "record of espcn")


def test_images_of_a_models_record_are_found(shipped):
    images = {"Set5": {"b": {"psnr": 30.0, "ssim": 0.9}, "a": {"psnr": 20.0, "ssim": 0.8}}}
    shipped("srresnet-mse", {"images": images})
    assert list(tables.per_image("SRResNet", "Set5")) == [20.0, 30.0]
    assert tables.per_image("SRResNet", "Set14") is None and tables.per_image("SRGAN", "Set5") is None
    assert len(tables.per_image("bicubic", "BSD100")) == 100
    assert tables.per_image("SRGAN-VGG54 (authors)", "BSD100") is None
    assert len(tables.per_image("SRGAN-VGG54 (authors)", "Set14")) == 14


def test_numbers_that_secondary_sources_misplace_are_found_where_the_paper_has_them():
    assert tables.find(4.46) == [("table2", "BSD100", "HR", "mos")]
    assert tables.find(27.58, "psnr") == [("table2", "BSD100", "SRResNet", "psnr")]
    assert {place[2] for place in tables.find(3.72, "mos")} == {"SRGAN-VGG54", "SRGAN"}
    assert tables.find(27.58, "mos") == []


def test_stars_are_printed_as_in_the_paper():
    stars = re.findall(r"(\S+), (\S+) \|.*\| ([\d.]+)\* \|", tables.table("table1").markdown())
    assert stars == [("Set14", "SRResNet-VGG22", "3.15"), ("Set14", "SRGAN-VGG54", "3.72")]


def test_an_unknown_table_gives_one_line():
    with pytest.raises(SrganError, match="table1"):
        tables.table("table 1")


def test_html_has_every_cell_and_every_reason():
    table = tables.table("table2")
    shown = table._repr_html_()
    for line in table.cells():
        assert all(f">{cell}</t" in shown for cell in line), line
    widths = [row.count("<t") - 1 + row.count("colspan=2") for row in shown.split("<tr>")[1:-1]]
    assert set(widths) == {7} and shown.count("colspan=2") == shown.count("not measured (a)")
    assert shown.count("<tr>") == 28 and all(note in shown for note in table.notes())


def test_the_text_is_the_table():
    text = repr(tables.table("table1", ["Set5"]))
    assert text.splitlines()[1].split()[0] == "SRResNet-MSE" and "Set14" not in text
    assert json.dumps(text)  # plain characters
