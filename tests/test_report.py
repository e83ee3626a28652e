"""The report: formats that agree with each other and with the record, nothing blank, nothing believed."""

import csv
import io
import json
import math
import re
from html import unescape

import numpy as np
import pytest
import write_measured
from test_evaluate import bicubic_images, smooth, tiny, written  # noqa: F401

from srgan_lib import pretrained, records, report
from srgan_lib.cli import main
from srgan_lib.cli import report as command
from srgan_lib.cli.main import _parser
from srgan_lib.errors import SrganError
from srgan_lib.evaluation import measure as measuring
from srgan_lib.evaluation import record as evaluation_record
from srgan_lib.evaluation import tables
from srgan_lib.evaluation.evaluate import INTERPOLATIONS, evaluate
from srgan_lib.evaluation.paper import TABLES
from srgan_lib.evaluation.results import digits
from srgan_lib.images import save_image
from srgan_lib.networks.generator import Generator
from srgan_lib.opinion import saved
from srgan_lib.report import content, text
from srgan_lib.report import csv as sheets
from srgan_lib.report import html as page
from srgan_lib.support import markup

SETS = content.SETS
HOSTILE = '=cmd|"/c calc"!A1<script>alert(1)</script>*_`|'


@pytest.fixture
def made(recorded):
    """A report of a package with three models, the authors' images and a folder with a hostile name."""
    recorded.ship("srresnet-mse", dict.fromkeys(SETS, (30.0, 0.9)))
    recorded.ship("srgan-vgg54", {"Set5": (29.0, 0.8)})
    recorded.ship("espcn", dict.fromkeys(SETS, (28.0, 0.7)))
    recorded.ship("srgan-mse")
    recorded.add("SRGAN-VGG54 (authors)", evaluation_record.AUTHORS, {"Set5": (29.4, 0.848)})
    recorded.add(HOSTILE, evaluation_record.IMAGES, {"Set5": (31.0, 0.91)}, folder="mine")
    return content.make()


def opinion_file(tmp_path, **changes):
    """A file as ``srgan rate analyse --save`` writes it, with some of its parts changed."""
    scores = {"mos": 3.4, "low": 3.1, "high": 3.7, "ratings": 10}
    result = {
        "format": saved.FORMAT,
        "simulated": False,
        "raters": 2,
        "images": ["Set5/baby", "Set5/bird", "Set5/butterfly", "Set5/head", "Set5/woman"],
        "methods": {"SRResNet-MSE": scores, "bicubic": {**scores, "mos": 3.2}},
        "sets": {"Set5": {"SRResNet-MSE": scores, "bicubic": {**scores, "mos": 3.2}}},
    }
    file = tmp_path / "opinions.json"
    file.write_text(json.dumps({**result, **changes}))
    return file


def sheet(text_of_it):
    return list(csv.DictReader(io.StringIO(text_of_it)))


# -------------------------------------------------------------------------------------------- formats


def test_all_formats_have_the_same_numbers(made):
    html, told = unescape(page.page(made)), text.markdown(made)
    terminal = text.text(made)
    for name in TABLES:
        rows = sheet(sheets.table_sheet(made, name))
        table = made.table(name)
        assert len(rows) == len(table.rows)
        for row, line in zip(table.rows, rows, strict=True):
            shown = next(cell for cell in table.cells(row.set) if cell[0] == row.method)
            assert line["set"] == row.set and line["method"].lstrip("'") == row.method
            for place, key in ((2, "psnr"), (5, "ssim")):
                places = digits(key)
                if row.ours:
                    assert float(line[f"{key}_ours"]) == row.ours[key]
                    assert shown[place] == tables.number(float(line[f"{key}_ours"]), places)
                else:
                    assert line[f"{key}_ours"] == line[f"{key}_difference"] == "not measured"
                    assert shown[place].startswith("not measured (")
            assert markup.markdown_table([[], shown]).splitlines()[2] in told
            for cell in shown[1:]:
                assert cell.removeprefix("not measured ") in terminal
                assert cell.split(" (")[0].replace("-", "\u2212", 1) in html or cell == "-"


def test_a_difference_is_ours_less_the_papers(made):
    rows = {(row["set"], row["method"]): row for row in sheet(sheets.table_sheet(made, "table2"))}
    assert float(rows["Set5", "SRResNet"]["psnr_difference"]) == pytest.approx(30 - 32.05)
    assert float(rows["Set14", "ESPCN"]["psnr_difference"]) == pytest.approx(28 - 27.66)
    assert rows["Set5", "HR"]["psnr_difference"] == "not defined"
    assert rows["Set5", "HR"]["psnr_ours"] == "inf" and math.isinf(float(rows["Set5", "HR"]["psnr_paper"]))
    shown = {line[0]: line for line in made.table("table2").cells("Set14")}
    assert shown["ESPCN"][3] == "+0.34" and shown["SRResNet"][6] == "+0.0816"


def test_nothing_is_blank_and_what_is_not_measured_has_its_reason(made):
    for sheet_of_it in (
        sheets.table_sheet(made, "table1"),
        sheets.table_sheet(made, "table2"),
        sheets.image_sheet(made),
    ):
        for row in sheet(sheet_of_it):
            assert None not in row and all(value.strip() for value in row.values()), row
    rows = {(row["set"], row["method"]): row["source"] for row in sheet(sheets.table_sheet(made, "table2"))}
    assert "another group's method" in rows["Set5", "SelfExSR"] and "needs a GPU" in rows["Set5", "DRCN"]
    assert "not been measured on this set" in rows["Set14", "SRGAN"]
    assert "published no images" in rows["BSD100", "SRGAN (authors' images)"]
    assert "not been measured yet" in rows["Set5", "SRResNet (authors' images)"]
    rows = {(row["set"], row["method"]): row["source"] for row in sheet(sheets.table_sheet(made, "table1"))}
    assert "not been measured yet" in rows["Set5", "SRGAN-MSE"]
    assert rows["Set5", "SRGAN-VGG22"] == tables.NO_VARIANT
    told, html = text.markdown(made), page.page(made)
    for reason in set(rows.values()):
        assert markup.marked(reason) in told and markup.html(reason) in html


def test_every_image_is_there_and_their_mean_is_in_the_table(made):
    rows = sheet(sheets.image_sheet(made))
    methods = made.methods()
    assert len(methods) == len(set(methods))
    assert len(rows) == 119 * len(methods)
    mine = [float(row["psnr"]) for row in rows if row["set"] == "Set14" and row["method"] == "ESPCN"]
    assert len(mine) == 14 and np.mean(mine) == pytest.approx(tables.ours("ESPCN", "Set14")[0]["psnr"])
    assert {row["psnr"] for row in rows if row["method"] == "SelfExSR"} == {"not measured"}
    assert text.markdown(made).count("<details>") == page.page(made).count("<details>") == 9
    lines = made.images("Set5", "ssim-gaussian")
    assert [len(line) for line in lines] == [len(lines[0])] * 7 and lines[-1][0] == "mean"


def test_baselines_are_said_to_be_trained_by_us(made):
    assert content.BASELINES_NOTE in text.text(made).split("Table 2")[1]
    for form in (text.markdown(made), unescape(page.page(made))):
        assert f"ESPCN: {content.BASELINES_NOTE}" in form.replace("\\", "")
        assert "trained by us with this library's loop" in form and "a test's espcn" in form.replace("\\", "")


def test_names_can_do_no_harm(made):
    html = page.page(made)
    assert "<script" not in html and "alert(1)" in html
    assert "<script" not in text.markdown(made).replace("\\<script", "")
    for table in (sheets.table_sheet(made, "table2"), sheets.image_sheet(made)):
        names = {row["method"] for row in sheet(table)}
        assert f"'{HOSTILE}" in {name.removesuffix(" (your images)") for name in names}
        assert not any(
            cell.startswith(sheets.FORMULA)
            for row in sheet(table)
            for cell in row.values()
            if not _is_number(cell)
        )


def _is_number(cell):
    try:
        return bool(float(cell)) or True
    except ValueError:
        return False


def test_the_page_asks_for_nothing_and_says_so(made):
    html = page.page(made)
    assert "default-src 'none'" in html and 'name="viewport"' in html and 'lang="en"' in html
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import|<script|<link|https?://", html)
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_the_screen(made, recorded, browser, tmp_path, width):
    with_images_of_set5(recorded)
    opinions = saved.read(opinion_file(tmp_path, simulated=True))
    written = report.write(content.make(opinions=opinions), tmp_path / "out")
    (path,) = [path for path in written if path.suffix == ".html"]
    view = browser.new_page(viewport={"width": width, "height": 800})
    asked, said = [], []
    view.on("request", lambda request: asked.append(request.url))
    view.on("console", lambda message: said.append(message.text))
    view.goto(path.as_uri())
    view.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [path.as_uri()] and not said
    view.close()


def test_without_any_measurement_everything_says_so(recorded):
    report = content.make(evaluation_record.Evaluation(evaluation_record.empty()))
    rows = sheet(sheets.table_sheet(report, "table2"))
    assert {row["psnr_ours"] for row in rows if row["method"] != "HR"} == {"not measured"}
    assert "was not on the machine that measured" in text.markdown(report)
    assert "Nothing was measured" in text.markdown(report) and "nothing was measured" in page.page(report)
    assert {row["image"] for row in sheet(sheets.image_sheet(report))} == {"every image"}


def test_equal_images_have_an_infinite_psnr_in_each_format(recorded):
    recorded.ship("srresnet-mse", {"Set5": (30.0, 0.9)})
    recorded.record["methods"]["srresnet-mse"]["values"]["Set5"]["psnr"] = [None] * 5
    evaluation_record.write(recorded.record)
    report = content.make()
    (row,) = [
        r
        for r in sheet(sheets.table_sheet(report, "table2"))
        if (r["set"], r["method"]) == ("Set5", "SRResNet")
    ]
    assert row["psnr_ours"] == "inf" and row["psnr_difference"] == "not defined"
    assert "infinite" in text.text(report) and page.page(report)


# -------------------------------------------------------------------------------------------- scale 2


def test_models_of_another_scale_stand_in_a_table_of_their_own(recorded, tmp_path):
    recorded.ship("srresnet-mse", dict.fromkeys(SETS, (30.0, 0.9)))
    recorded.ship("srresnet-mse-x2", {"Set5": (36.5, 0.95)}, scale=2)
    recorded.add("bicubic-x2", evaluation_record.INTERPOLATION, {"Set5": (33.66, 0.93)}, scale=2)
    report_ = content.make()
    for name in TABLES:
        assert "x2" not in str(report_.table(name).cells()), "the paper's tables are of scale 4"
    assert report_.other_scales() == [2]
    head, *lines = report_.scale_lines(2)
    assert head == ["", "PSNR (dB)", "SSIM (daala)", "SSIM (Gaussian)"]
    assert ["Set5, srresnet-mse-x2", "36.50", "0.9500", "0.9400"] in lines
    assert ["Set14, bicubic-x2", *["not measured"] * 3] in lines and len(lines) == 9
    rows = {(row["set"], row["method"]): row for row in sheet(sheets.scale_sheet(report_, 2))}
    assert float(rows["Set5", "bicubic-x2"]["psnr"]) == 33.66
    assert "not been measured on this set" in rows["Set14", "srresnet-mse-x2"]["source"]
    for form in (text.text(report_), text.markdown(report_), page.page(report_)):
        assert "Scale 2: not in the paper" in form and "36.50" in form and "33.66" in form
        assert "2 pixels removed from each border" in form and "nearest-x2 on Set5" in form
    assert "a test's srresnet-mse-x2" in text.markdown(report_).replace("\\", "")
    written_ = report.write(report_, tmp_path / "out")
    assert "scale2.csv" in {path.name for path in written_}


def test_without_such_models_no_other_scale_is_mentioned(made):
    assert made.other_scales() == [] and "Scale" not in text.text(made) + page.page(made)


# -------------------------------------------------------------------------------------------- opinions


def with_images_of_set5(recorded):
    recorded.record["sets"]["Set5"]["images"] = ["baby", "bird", "butterfly", "head", "woman"]
    evaluation_record.write(recorded.record)


def test_opinions_stand_beside_the_papers(recorded, tmp_path):
    with_images_of_set5(recorded)
    report = content.make(opinions=saved.read(opinion_file(tmp_path)))
    rows = {(row["set"], row["method"]): row for row in sheet(sheets.table_sheet(report, "table2"))}
    mine = rows["Set5", "SRResNet"]
    assert (mine["mos_paper"], mine["mos_ours"], mine["mos_low"], mine["ratings"]) == (
        "3.37",
        "3.4",
        "3.1",
        "10",
    )
    assert mine["simulated"] == "no" and rows["Set5", "SRGAN"]["mos_ours"] == "not measured"
    assert rows["Set5", "SRGAN"]["source_of_opinions"] == "it was not among what was rated"
    assert "not of this set's images" in rows["Set14", "bicubic"]["source_of_opinions"]
    for form in (text.text(report), text.markdown(report), page.page(report)):
        assert "3.40 (3.10 to 3.70)" in form and "imulated" not in form
        assert "5 of the 5 images of Set5" in form


def test_simulated_opinions_are_called_simulated_wherever_they_stand(recorded, tmp_path):
    with_images_of_set5(recorded)
    report = content.make(opinions=saved.read(opinion_file(tmp_path, simulated=True)))
    for form in (text.text(report), text.markdown(report), page.page(report)):
        assert form.count("3.40 (3.10 to 3.70)") == form.count("3.40 (3.10 to 3.70) simulated") > 1
        assert "simulated raters, a program and no people" in form
    row = next(row for row in sheet(sheets.table_sheet(report, "table1")) if row["mos_ours"] == "3.4")
    assert row["simulated"] == "yes"


def test_opinions_of_other_photos_are_not_put_beside_the_papers(recorded, tmp_path):
    for images in (["chelsea", "coffee"], ["baby", "chelsea"]):
        with_images_of_set5(recorded)
        report = content.make(opinions=saved.read(opinion_file(tmp_path, images=images, sets={})))
        assert {row["mos_ours"] for row in sheet(sheets.table_sheet(report, "table2"))} == {"not measured"}
        assert "3.40 (3.10 to 3.70)" in text.text(report).split("Opinions")[1]


def test_names_of_images_without_their_set_are_understood(recorded, tmp_path):
    with_images_of_set5(recorded)
    opinions = saved.read(opinion_file(tmp_path, images=["baby", "bird"], sets={}))
    assert opinions.of(["bicubic"], "Set5", ["baby", "bird", "head"])["mos"] == 3.2
    assert opinions.of(["bicubic"], "Set14", ["baboon"]) is None


SCORES = {"mos": 3.0, "low": 2.0, "high": 4.0, "ratings": 3}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "another"}, "is no opinion result"),
        ({"raters": 0}, "number of raters"),
        ({"raters": True}, "number of raters"),
        ({"simulated": None}, "whether its raters were simulated"),
        ({"images": []}, "no list of images"),
        ({"images": [3]}, "no list of images"),
        ({"images": ["."]}, "no list of images"),
        ({"images": ["/"]}, "no list of images"),
        ({"methods": {"a": {**SCORES, "mos": 10**400}}}, "not from 1 to 5"),
        ({"methods": {}}, "no methods by name"),
        ({"methods": []}, "no methods by name"),
        ({"methods": {"a\nb": SCORES}}, "no methods by name"),
        ({"methods": {"x" * 500: SCORES}}, "no methods by name"),
        ({"methods": {"a": SCORES, "A": SCORES}}, "names a method twice"),
        ({"methods": {"a": 3}}, "a: has not all of mos"),
        ({"methods": {"a": {**SCORES, "mos": "3"}}}, "not from 1 to 5"),
        ({"methods": {"a": {**SCORES, "mos": True}}}, "not from 1 to 5"),
        ({"methods": {"a": {**SCORES, "mos": 5.5, "high": 5.6}}}, "not from 1 to 5"),
        ({"methods": {"a": {**SCORES, "mos": 1e999}}}, "is no number"),
        ({"methods": {"a": {**SCORES, "low": 3.5}}}, "not inside its interval"),
        ({"methods": {"a": {**SCORES, "low": None}}}, "not inside its interval"),
        ({"methods": {"a": {**SCORES, "ratings": -1}}}, "number of ratings"),
        ({"sets": {"Set5": {"a": {**SCORES, "mos": 9}}}}, "not from 1 to 5"),
        ({"sets": [1]}, "no test sets by name"),
    ],
    ids=str,
)
def test_a_wrong_opinion_file_is_one_line(tmp_path, changes, said):
    with pytest.raises(SrganError, match=said) as caught:
        saved.read(opinion_file(tmp_path, **changes))
    assert "opinions.json" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content_of_it", [b"", b"\xff\xfe", b"[" * 100_000, b"null", b"{" * 3, b"x" * (11 << 20)], ids=len
)
def test_a_file_that_is_no_json_is_one_line(tmp_path, content_of_it):
    file = tmp_path / "opinions.json"
    file.write_bytes(content_of_it)
    with pytest.raises(SrganError, match=r"opinions\.json") as caught:
        saved.read(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(SrganError, match=r"none\.json"):
        saved.read(tmp_path / "none.json")


# -------------------------------------------------------------------------------------------- measuring


@pytest.fixture
def small_package(tmp_path, monkeypatch):
    """A package with one tiny model and no record."""
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(evaluation_record, "RECORD", tmp_path / "evaluation.json")
    monkeypatch.setattr(measuring.downloads, "find", lambda name: None)
    pretrained.ship(Generator(blocks=1, channels=4), "srgan-vgg54", {})
    return tmp_path


def test_measuring_gives_what_evaluate_gives(small_package, tiny):  # noqa: F811
    lines = []
    record = measuring.measure(sets=[tiny], say=lines.append)
    assert list(record["methods"]) == ["nearest", "bicubic", "srgan-vgg54"] and len(lines) == 3
    kept = evaluation_record.Evaluation(record)
    result = evaluate("bicubic", "srgan-vgg54", sets=[tiny], measures=evaluation_record.MEASURES)
    for column in result.columns:
        for measure in evaluation_record.MEASURES:
            of_images = [values[measure] for values in column.values["Tiny"].values()]
            assert list(kept.values(column.label, "Tiny", measure)) == pytest.approx(of_images, abs=1e-6)
            assert kept.means(column.label, "Tiny")[measure] == pytest.approx(
                column.mean("Tiny", measure), abs=1e-6
            )
    assert kept.images("Tiny") == ["cat", "cat2", "dog"]
    evaluation_record.write(record)
    assert evaluation_record.read().record == record


def test_only_what_is_missing_or_of_other_weights_is_measured_again(small_package, tiny):  # noqa: F811
    record = measuring.measure(sets=[tiny])
    lines = []
    assert (
        measuring.measure(record, sets=[tiny], say=lines.append)["methods"] == record["methods"] and not lines
    )
    pretrained.ship(Generator(blocks=1, channels=4), "srgan-vgg54", {})  # other random weights
    pretrained.ship(Generator(blocks=1, channels=4), "srgan-mse", {})
    assert "of other weights" in evaluation_record.Evaluation(record).why_not("srgan-vgg54", "Tiny")
    again = measuring.measure(record, sets=[tiny], say=lines.append)
    assert [line.split(",")[0] for line in lines] == ["srgan-mse", "srgan-vgg54"]
    assert again["methods"]["srgan-vgg54"]["values"] != record["methods"]["srgan-vgg54"]["values"]
    assert evaluation_record.Evaluation(again).why_not("srgan-vgg54", "Tiny") is None
    measuring.measure(again, sets=[tiny], again=True, say=lines.append)
    assert len(lines) == 6


def test_a_model_of_scale_2_is_measured_beside_interpolation_at_its_scale(small_package, tiny):  # noqa: F811
    pretrained.ship(Generator(scale=2, blocks=1, channels=4), "srgan-vgg54-x2", {})
    record = measuring.measure(sets=[tiny], say=lambda line: None)
    scales = {name: facts["scale"] for name, facts in record["methods"].items()}
    four = dict.fromkeys(("nearest", "bicubic", "srgan-vgg54"), 4)
    assert scales == four | dict.fromkeys(("nearest-x2", "bicubic-x2", "srgan-vgg54-x2"), 2)
    result = evaluate("srgan-vgg54-x2", "bicubic", sets=[tiny])
    shown = evaluation_record.Evaluation(record)
    for ours, name in (("srgan-vgg54-x2", "srgan-vgg54-x2"), ("bicubic", "bicubic-x2")):
        assert shown.means(name, "Tiny")["psnr"] == pytest.approx(result.mean(ours, "Tiny"), abs=1e-5)
    with pytest.raises(SrganError, match="bicubic-x2 is the name of a method"):
        measuring.measure_images(record, {"bicubic-x2": small_package}, [tiny])


def test_a_record_that_names_no_scale_is_of_scale_4(small_package, tiny):  # noqa: F811
    record, lines = measuring.measure(sets=[tiny]), []
    for facts in record["methods"].values():
        del facts["scale"]  # as version 0.1 wrote it
    assert measuring.measure(record, sets=[tiny], say=lines.append)["methods"] == record["methods"]
    assert lines == []


def test_numbers_of_other_test_images_are_dropped(small_package, tiny, tmp_path):  # noqa: F811
    record = measuring.measure(sets=[tiny])
    other = tmp_path / "other" / "Tiny"
    for part in ("HR", "LRx4"):
        (other / part).mkdir(parents=True)
        for file in (tiny / part).iterdir():
            (other / part / file.name).write_bytes(file.read_bytes())
    save_image(smooth(9), other / "HR" / "cat.png")
    lines = []
    measuring.measure(record, sets=[other], say=lines.append)
    assert len(lines) == 3
    with pytest.raises(SrganError, match="not the test images"):
        measuring.measure_images(record, {"mine": tmp_path}, [other])


def test_result_images_are_measured_for_one_report_and_kept_with_measure(small_package, tiny, bicubic_images):  # noqa: F811
    folder = written(small_package / "results" / "Tiny", bicubic_images).parent
    record = measuring.measure(sets=[tiny])
    shown = evaluation_record.Evaluation(measuring.measure_images(record, {"mine": folder}, [tiny]))
    assert shown.means("mine", "Tiny") == pytest.approx(shown.means("bicubic", "Tiny"), abs=1e-6)
    assert "mine" not in record["methods"]
    kept = measuring.measure(record, sets=[tiny], images={"mine": folder})
    assert "mine" in kept["methods"] and str(small_package) not in json.dumps(kept)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bicubic", "measured anyway"),
        ("HR", "measured anyway"),
        ("a\nb", "no name"),
        (" ", "no name"),
        ("x" * 61, "no name"),
    ],
)
def test_names_of_result_images_are_checked(small_package, tiny, name, said):  # noqa: F811
    with pytest.raises(SrganError, match=said) as caught:
        measuring.measure_images(evaluation_record.empty(), {name: small_package}, [tiny])
    assert "\n" not in str(caught.value)


def test_a_folder_without_results_and_a_machine_without_sets_are_one_line(small_package, tiny):  # noqa: F811
    with pytest.raises(SrganError, match="no result of Tiny"):
        measuring.measure_images(evaluation_record.empty(), {"mine": small_package}, [tiny])
    with pytest.raises(SrganError, match="srgan data get set5"):
        measuring.measure()


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: {},
        lambda record: [],
        lambda record: {**record, "format": "another"},
        lambda record: {**record, "methods": {"a": {"kind": "model", "values": {}}}},
        lambda record: {**record, "methods": {"a": {"kind": "magic", "values": {}}}},
        lambda record: {**record, "methods": {"a": {"kind": "interpolation", "values": {"Set5": {}}}}},
        lambda record: {**record, "sets": {"Set5": {"images": ["one"]}}},
    ],
)
def test_a_damaged_record_is_one_line(recorded, tmp_path, damage):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(damage(recorded.record)))
    with pytest.raises(SrganError, match=r"mine\.json") as caught:
        evaluation_record.read(file)
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------- the command


def test_the_command_measures_writes_and_prints(small_package, tiny, capsys):  # noqa: F811
    out = small_package / "out"
    assert main(["report", "--measure", "--sets", str(tiny), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "Table 1" in printed and "not measured (" in printed and str(out / "report.html") in printed
    assert sorted(path.name for path in out.iterdir()) == [
        "per-image.csv",
        "report.html",
        "report.md",
        "table1.csv",
        "table2.csv",
    ]
    assert evaluation_record.RECORD.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--again"], "add --measure"),
        (["--sets", "set5"], "add --measure"),
        (["--images", "a=none"], "none: no such folder"),
        (["--opinions", "none.json"], "none.json"),
        (["--record", "none.json"], "none.json: no such file"),
        (["--images", "a=.", "--images", "A=."], "given twice"),
    ],
    ids=str,
)
def test_mistakes_of_the_command_are_one_line(recorded, capsys, arguments, said):
    assert main(["report", *arguments]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and said in error[0]


def test_the_examples_of_the_help_parse(capsys):
    with pytest.raises(SystemExit) as left:
        main(["report", "--help"])
    found = re.findall(r"^  srgan (report.*?)(?:  .*)?$", capsys.readouterr().out, re.MULTILINE)
    assert left.value.code == 0 and len(found) == 5
    for example in found:
        assert _parser().parse_args(example.split()).run is command.run


def test_a_name_without_a_folder_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as left:
        main(["report", "--images", "SelfExSR"])
    assert left.value.code == 2 and "NAME=FOLDER" in capsys.readouterr().err


# -------------------------------------------------------------------------------------------- the book


def test_the_page_of_the_book_is_current():
    kept = write_measured.PAGE.read_text(encoding="utf-8")
    assert kept == write_measured.page(), "run: python book/_tools/write_measured.py"


def test_the_shipped_record_is_of_whole_sets():
    record = evaluation_record.read()
    assert [len(record.images(name)) for name in SETS] == [5, 14, 100]
    for method in (*INTERPOLATIONS, *record.methods(evaluation_record.MODEL)):
        assert set(record.record["methods"][method]["values"]) == set(SETS), method
    assert not record.methods(evaluation_record.IMAGES), "somebody's result images are no part of the library"
    paper = records.read("paper")["table2"]
    for name in ("Set5", "Set14"):
        for method in ("SRResNet", "SRGAN"):
            mine = tables.ours(f"{method} (authors' images)", name)[0]
            assert mine["psnr"] == pytest.approx(paper[name][method]["psnr"], abs=0.03)
            assert mine["ssim"] == pytest.approx(paper[name][method]["ssim"], abs=0.0015)


def test_the_record_is_of_the_real_test_sets(data_folder):
    for name in SETS:
        folder = data_folder(f"benchmarks/{name}")
        assert measuring._facts_of_set(folder) == evaluation_record.read().record["sets"][name]
