"""The paper's tables beside ours: nothing typed, no blank, and new weights appear by themselves."""

import json
import math
import re

import pytest

from srgan_lib import pretrained, records
from srgan_lib.errors import SrganError
from srgan_lib.evaluation import record as evaluation_record
from srgan_lib.evaluation import tables
from srgan_lib.evaluation.evaluate import INTERPOLATIONS
from srgan_lib.evaluation.paper import TABLES


def test_every_printed_number_of_both_tables_is_there():
    for name in TABLES:
        rows = tables.table(name).rows
        authors = [row for row in rows if row.method.endswith("(authors' images)")]
        others = [row for row in rows if not row.printed]
        rows = [row for row in rows if row not in (*authors, *others)]
        printed = {(row.set, row.method): row.printed for row in rows}
        paper = records.read("paper")[name]
        assert printed == {
            (group, method): cell for group, row in paper.items() for method, cell in row.items()
        }
        assert len(rows) == {"table1": 10, "table2": 27}[name]
        assert len(authors) == {"table1": 4, "table2": 6}[name]
        assert all(row.printed == printed[row.set, row.method[:-18].strip()] for row in authors)


def test_no_cell_is_blank_and_every_gap_has_a_reason():
    for name in TABLES:
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
            if row.method in INTERPOLATIONS:
                assert abs(row.difference("psnr")) < 0.03 and abs(row.difference("ssim")) < 0.0015
                assert row.source == "interpolation by this library"


def test_the_original_is_infinite_and_has_no_difference_in_psnr():
    (row,) = [row for row in tables.table("table2", ["Set5"]).rows if row.method == "HR"]
    assert (
        row.ours == {"psnr": math.inf, "ssim": 1.0, "ssim-gaussian": 1.0} and row.difference("psnr") is None
    )
    assert row.difference("ssim") == 0 and "| infinite | infinite | - |" in tables.table("table2").markdown()


def test_without_weights_all_variants_are_not_measured(recorded):
    reasons = tables.table("table1").reasons()
    assert len(reasons[tables.NO_VARIANT]) == 5
    reasons = {methods[0]: reason for reason, methods in tables.table("table2").reasons().items()}
    assert "needs a GPU" in reasons["DRCN"] and "--images SelfExSR=FOLDER" in reasons["SelfExSR"]
    assert "reproduce --only srcnn" in reasons["SRCNN"] and "reproduce --only espcn" in reasons["ESPCN"]


def test_a_model_that_is_shipped_later_appears_by_itself(recorded):
    recorded.ship("srgan-vgg22", {"Set5": (29.9, 0.85)})
    rows = {(row.set, row.method): row for row in tables.table("table1").rows}
    mine = rows["Set5", "SRGAN-VGG22"]
    assert mine.ours == pytest.approx({"psnr": 29.9, "ssim": 0.85, "ssim-gaussian": 0.84})
    assert mine.difference("psnr") == pytest.approx(29.9 - 29.84)
    assert "not been measured on this set" in rows["Set14", "SRGAN-VGG22"].source
    assert "29.90 | +0.06" in tables.table("table1").markdown()
    recorded.ship("espcn", {"Set5": (30.0, 0.86)})
    numbers, source = tables.ours("ESPCN", "Set5")
    assert numbers["psnr"] == pytest.approx(30) and "espcn" in source


def test_a_number_of_other_weights_is_not_shown(recorded):
    recorded.ship("srgan-vgg54", {"Set5": (29.9, 0.85)})
    assert tables.ours("SRGAN", "Set5")[0] and tables.per_image("SRGAN", "Set5") is not None
    recorded.ship("srgan-vgg54")  # other random weights under the same name
    numbers, reason = tables.ours("SRGAN", "Set5")
    assert numbers == {} and "of other weights" in reason and "srgan report --measure" in reason
    assert tables.per_image("SRGAN", "Set5") is None
    assert "29.90" not in tables.table("table2").markdown()


def test_weights_that_changed_on_the_disk_alone_are_other_weights(recorded):
    recorded.ship("srgan-vgg54", {"Set5": (29.9, 0.85)})
    file = pretrained.path("srgan-vgg54")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert "of other weights" in tables.ours("SRGAN", "Set5")[1]


def test_numbers_image_by_image_are_those_of_the_means(recorded):
    recorded.ship("srresnet-mse", {"Set5": (20.0, 0.8)})
    assert list(tables.per_image("SRResNet", "Set5")) == [20.0] * 5
    assert list(tables.per_image("SRResNet-MSE", "Set5", "ssim-gaussian")) == [0.79] * 5
    assert tables.per_image("SRResNet", "Set14") is None and tables.per_image("SRGAN", "Set5") is None
    assert len(tables.per_image("bicubic", "BSD100")) == 100


def test_result_images_fill_the_row_of_their_method_and_others_come_last(recorded):
    recorded.add("selfexsr", evaluation_record.IMAGES, {"Set5": (30.0, 0.87)}, folder="f")
    recorded.add("mine", evaluation_record.IMAGES, {"Set5": (31.0, 0.88)}, folder="g")
    rows = [row for row in tables.table("table2", ["Set5"]).rows]
    by_name = {row.method: row for row in rows}
    assert by_name["SelfExSR"].difference("psnr") == pytest.approx(30 - 30.33)
    assert rows[-1].method == "mine (your images)" and rows[-1].ours["psnr"] == pytest.approx(31)
    assert (
        rows[-1].difference("psnr") is None and "not printed | 31.00 | -" in tables.table("table2").markdown()
    )
    assert "has no results of this set" in tables.ours("SelfExSR", "Set14")[1]


def test_the_authors_images_are_found_under_both_of_their_names():
    for name, count in (("Set5", 5), ("Set14", 14)):
        for method in ("SRGAN-VGG54 (authors)", "SRGAN (authors' images)"):
            assert len(tables.per_image(method, name)) == count
    assert "published no images" in tables.ours("SRResNet (authors' images)", "BSD100")[1]


def test_the_record_agrees_with_the_record_of_the_protocol():
    for set_name, facts in records.read("protocol")["sets"].items():
        for method in ("nearest", "bicubic"):
            told = facts["methods"][method]["psnr"]
            assert list(tables.per_image(method, set_name)) == pytest.approx(told, abs=1e-4)


def test_the_record_agrees_with_what_the_models_own_records_say():
    for name in pretrained.names():
        for set_name, means in pretrained.record(name)["test_sets"].items():
            mine = evaluation_record.read().means(name, set_name)  # empty: of other weights
            if mine:
                assert mine["psnr"] == pytest.approx(means["psnr"], abs=0.005), (name, set_name)
                assert mine["ssim"] == pytest.approx(means["ssim"], abs=0.0005), (name, set_name)


def test_numbers_that_secondary_sources_misplace_are_found_where_the_paper_has_them():
    assert tables.find(4.46) == [("table2", "BSD100", "HR", "mos")]
    assert tables.find(27.58, "psnr") == [("table2", "BSD100", "SRResNet", "psnr")]
    assert {place[2] for place in tables.find(3.72, "mos")} == {"SRGAN-VGG54", "SRGAN"}
    assert tables.find(27.58, "mos") == []


def test_stars_are_printed_as_in_the_paper():
    lines = [line for line in tables.table("table1").cells() if line[-1].endswith("*")]
    found = [(line[0], line[-1]) for line in lines if "authors" not in line[0]]
    assert found == [("Set14, SRResNet-VGG22", "3.15*"), ("Set14, SRGAN-VGG54", "3.72*")]
    assert r"3.72\*" in tables.table("table1").markdown()


def test_an_unknown_table_gives_one_line():
    with pytest.raises(SrganError, match="table1"):
        tables.table("table 1")


def test_html_has_every_cell_and_every_reason():
    table = tables.table("table2")
    shown = table._repr_html_()
    for name in table.sets():
        for line in table.cells(of=name):
            assert all(f">{cell}</t" in shown for cell in line), line
    rows = shown.split("<tr>")[1:-1]
    widths = [row.count("<t") - 1 + row.count("colspan=2") for row in rows if 'colspan="8"' not in row]
    assert set(widths) == {7} and shown.count("colspan=2") == len(re.findall(r"not measured \(\w\)", shown))
    assert shown.count("<tr>") == 1 + len(table.sets()) + len(table.rows)
    assert shown.count("<p>") == len(table.notes())


def test_the_text_is_the_table():
    text = repr(tables.table("table1", ["Set5"]))
    assert text.splitlines()[1].split()[0] == "SRResNet-MSE" and "Set14" not in text
    assert json.dumps(text)  # plain characters
