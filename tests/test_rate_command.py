"""``srgan rate``: from photos to pages, from the raters' files to a result, every mistake one line."""

import csv
import json
import re
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.cli import opinion as command
from srgan_lib.cli.main import _parser
from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import read_rgb, save_image
from srgan_lib.networks.generator import Generator
from srgan_lib.opinion import saved
from srgan_lib.opinion.plan import load_plan
from srgan_lib.opinion.versions import TWELVE, Versions, methods_here, photos_to_rate, read_methods

METHODS = ["nearest", "bicubic", "mine=model.safetensors", "SelfExSR=results", "HR"]
NAMES = ["nearest", "bicubic", "mine", "SelfExSR", "HR"]


def photo(seed, height=40, width=52):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working directory with photos, results of another program, a model; and one shipped model."""
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=4).eval()
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    file = pretrained.ship(generator, "srgan-vgg54", {})
    work = tmp_path / "work"
    for folder in ("photos", "results"):
        (work / folder).mkdir(parents=True)
    for seed, name in enumerate(["cat", "cup", "dog"]):
        save_image(photo(seed), work / "photos" / f"{name}.png")
        save_image(photo(100 + seed), work / "results" / f"{name}_x4.png")
    (work / "model.safetensors").write_bytes(file.read_bytes())
    monkeypatch.chdir(work)
    return work


def rate(*arguments):
    return main(["rate", *map(str, arguments)])


def planned(*more, out="test", raters=("ada", "ben")):
    arguments = ["plan", "photos", "--out", out, "--raters", *raters, "--seed", 4, "--examples", 1]
    assert rate(*arguments, "--methods", *METHODS, *more) == 0
    return load_plan(f"{out}/plan.json")


def write(test, rater, path, score=lambda version: 3, columns="rater,code,score,seconds"):
    lines = [columns]
    for code, told in test.session(rater):
        if told is None:
            lines.append(f"{rater},{code},{score(test.key[code])},1.5")
    path.write_text("\n".join(lines) + "\n")


def fails(capsys, *arguments):
    assert rate(*arguments) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("srgan: ") and len(last) < 400
    return last


# -------------------------------------------------------------------------------------------- plan


def test_a_test_is_planned_with_pages_key_and_instructions(place, capsys):
    test = planned("--repeats", 4)
    assert test.raters == ("ada", "ben") and test.images == ("cat", "cup", "dog") and test.seed == 4
    assert test.methods == tuple(NAMES)
    kinds = Counter(version.kind for version in test.key.values())
    assert kinds == {"anchor": 2 * 2, "rated": 2 * 15, "repeat": 2 * 4}
    assert {path.name for path in (place / "test").iterdir()} == {
        "plan.json",
        "pages",
        "ratings",
        "README.txt",
    }
    assert {path.name for path in (place / "test/pages").iterdir()} == {"ada.html", "ben.html"}
    text = (place / "test/README.txt").read_text()
    assert "19 pictures to rate by each of 2 raters" in text and "Seed: 4." in text
    assert "keep it from the raters" in capsys.readouterr().out
    for rater in test.raters:
        page = (place / f"test/pages/{rater}.html").read_text()
        rest = re.sub(r'(<script type="text/plain" id="\w+">)[^<]*', r"\1", page).lower()
        for name in [*NAMES, "cat", "cup", "dog", "results", "model", "safetensors", "astronaut"]:
            assert not re.search(rf"(?<![a-z]){name.lower()}(?![a-z])", rest), name


def test_the_seed_is_a_new_one_and_noted(place):
    seeds = set()
    for out in ("one", "two"):
        assert rate("plan", "photos", "--out", out, "--methods", "bicubic", "HR") == 0
        seeds.add(load_plan(f"{out}/plan.json").seed)
    assert (
        len(seeds) == 2
        and f"Seed: {load_plan('two/plan.json').seed}." in (place / "two/README.txt").read_text()
    )


def test_versions_are_what_their_names_say(place):
    methods = read_methods(METHODS)
    make = Versions(photos_to_rate("photos"), methods)
    hr = photo(0)
    lr = imresize(hr, 1 / 4)
    assert (make("cat", "HR") == hr).all() and (make("cat", "bicubic") == imresize(lr, 4)).all()
    assert (make("cat", "nearest") == lr.repeat(4, 0).repeat(4, 1)).all()
    assert (make("cat", "SelfExSR") == photo(100)).all()
    assert make("cat", "mine").shape == hr.shape
    middle = Versions(make.photos, methods, crop=18)
    assert (middle("cat", "HR") == hr[12:28, 16:32]).all()  # 16 pixels of 40 and of 52, in steps of 4
    assert (middle("cat", "SelfExSR") == photo(100)[12:28, 16:32]).all()
    assert middle("cat", "mine").shape == (16, 16, 3)


def test_the_papers_twelve_as_far_as_they_are_here():
    assert len(TWELVE) == 12 and methods_here() == ["nearest", "bicubic", "SRGAN-VGG54", "HR"]
    assert read_methods(["srgan-vgg54", "hr"]) == {"SRGAN-VGG54": "srgan-vgg54", "HR": None}


def test_a_model_of_another_scale_is_no_version_of_a_quarter(tmp_path):
    file = pretrained.ship(Generator(scale=2, blocks=1, channels=4), "mine-x2", {}, tmp_path / "x2")
    pretrained.ship(Generator(scale=2, blocks=1, channels=4), "srgan-vgg54-x2", {})
    for word in (f"mine={file}", "srgan-vgg54-x2"):
        with pytest.raises(SrganError, match="enlarges 2x; versions are made from a quarter"):
            read_methods([word])


def test_the_default_is_what_no_model_has_seen():
    assert [photo.path for photo in photos_to_rate("held-out").values()] == [
        photo.path for photo in held_out_photos()
    ]
    assert rate("plan", "--out", "test", "--methods", "bicubic", "HR", "--crop", "32") == 0
    test = load_plan("test/plan.json")
    assert test.images == ("chelsea", "coffee")
    examples = {version.image for version in test.key.values() if version.kind == "anchor"}
    assert len(examples) == 3 and examples <= {f"example/{photo.name}" for photo in bundled_photos()}


def test_what_is_not_here_and_what_was_trained_on_is_said(capsys):
    assert rate("plan", "bundled", "--out", "test", "--crop", "16", "--examples", "1") == 0
    said = capsys.readouterr().err
    assert "not here: SRCNN, SelfExSR, DRCN, ESPCN, SRResNet-MSE" in said and "in training" in said
    assert rate("plan", "photos", "--out", "other", "--methods", "bicubic", "HR") == 0
    said = capsys.readouterr().err
    assert "not here" not in said and "training" not in said


def test_sets_have_names_and_a_method_may_be_missing_in_one(place):
    for name in ("Set5", "BSD100"):
        for image in ("a", "b"):
            for folder in ("HR", "LRx4"):
                (place / name / folder).mkdir(parents=True, exist_ok=True)
                save_image(photo(5), place / name / folder / f"{image}.png")
    (place / "drcn/Set5").mkdir(parents=True)
    for image in ("a", "b"):
        save_image(photo(6), place / "drcn/Set5" / f"{image}.png")
    photos = photos_to_rate("Set5", "BSD100")
    assert list(photos) == ["Set5/a", "Set5/b", "BSD100/a", "BSD100/b"]
    make = Versions(photos, read_methods(["bicubic", "DRCN=drcn"]))
    assert make.of("Set5/b") == ["bicubic", "DRCN"] and make.of("BSD100/b") == ["bicubic"]
    pattern = Versions(photos, read_methods(["bicubic", "DRCN=drcn/{set}"]))
    assert pattern.of("Set5/b") == ["bicubic", "DRCN"] and pattern.of("BSD100/b") == ["bicubic"]
    assert (pattern("Set5/b", "DRCN") == photo(6)).all()
    with pytest.raises(SrganError, match=r"no result of DRCN for Set5/a"):
        Versions(photos, read_methods(["DRCN=none/{set}"])).of("Set5/a")
    (place / "drcn/Set5/b.png").unlink()
    with pytest.raises(SrganError, match=r"no result of DRCN for Set5/b; name it b\.png"):
        make.of("Set5/b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "nowhere", "--out", "t"], "nowhere"),
        (["plan", "photos", "--out", "t", "--methods", "srgan-vgg5"], "did you mean 'srgan-vgg54'"),
        (["plan", "photos", "--out", "t", "--methods", "SelfExSR"], "give its result images: NAME=FOLDER"),
        (["plan", "photos", "--out", "t", "--methods", "x=nowhere"], "no such folder or file"),
        (["plan", "photos", "--out", "t", "--methods", "HR=results"], "made here"),
        (["plan", "photos", "--out", "t", "--methods", "HR", "hr"], "comes twice"),
        (["plan", "photos", "--out", "t", "--raters", "../ada"], "begin with a letter"),
        (["plan", "photos", "--out", "t", "--raters", "ada", "Ada"], "capitals"),
        (["plan", "photos", "--out", "t", "--raters", "0"], "one of each"),
        (["plan", "photos", "--out", "t", "--repeats", "99"], "a third"),
        (["plan", "photos", "--out", "t", "--calibration", "photos"], "use other photos"),
        (["plan", "photos", "--out", "model.safetensors"], "cannot make the folder"),
        (["plan", "photos", "photos", "--out", "t"], "rename one"),
        (["plan", "bundled", "held-out", "--out", "t"], "0 bundled photos are left for 3 examples"),
        (["analyse", "nowhere"], "cannot be read"),
        (["simulate", "nowhere"], "cannot be read"),
    ],
    ids=lambda value: "-".join(value[1:3]) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(capsys, arguments, message):
    assert message in fails(capsys, *arguments)


def test_results_that_do_not_fit_are_one_line(place, capsys):
    save_image(photo(0, 20, 20), place / "results/dog_x4.png")
    assert "is 20x20, its original 52x40" in fails(
        capsys, "plan", "photos", "--out", "t", "--methods", "SelfExSR=results"
    )
    assert not (place / "t/plan.json").exists()
    (place / "results/dog_x4.png").unlink()
    assert "no result of SelfExSR for dog" in fails(
        capsys, "plan", "photos", "--out", "t", "--methods", "SelfExSR=results"
    )
    (place / "photos/dog.png").write_bytes(b"no image")
    assert "dog.png" in fails(capsys, "plan", "photos", "--out", "t", "--methods", "HR")


def test_a_test_that_was_begun_is_not_overwritten(place, capsys):
    planned()
    before = (place / "test/plan.json").read_bytes()
    assert "choose another --out" in fails(capsys, "plan", "photos", "--out", "test")
    assert (place / "test/plan.json").read_bytes() == before


@pytest.mark.parametrize("action", ["", "plan", "analyse", "simulate"])
def test_help_has_examples_that_parse(action, capsys):
    with pytest.raises(SystemExit) as left:
        rate(*action.split(), "--help")
    text = capsys.readouterr().out
    examples = re.findall(r"^  srgan (rate (\w+).*?)(?:  .*)?$", text, re.MULTILINE)
    assert left.value.code == 0 and len(examples) >= 3
    for example, name in examples:
        assert _parser().parse_args(example.split()).run is getattr(command, name)


@pytest.mark.parametrize(
    "wrong",
    ["", "plan", "analyse", "plan --out t --crop 3", "plan --out t --repeats -1", "analyse t --least 0",
     "analyse t --level 100", "analyse t --unit x", "simulate t --quality HR", "simulate t --quality HR=9"],
)  # fmt: skip
def test_wrong_usage_is_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        rate(*wrong.split())
    assert left.value.code == 2 and "usage: srgan rate" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------- analyse

SCORES = {"nearest": 1, "bicubic": 2, "mine": 3, "SelfExSR": 4, "HR": 5}


def test_from_the_raters_files_to_a_result_in_every_form(place, capsys):
    test = planned("--repeats", 3, raters=["ada", "ben", "eve"])
    for rater in ("ada", "ben"):
        write(test, rater, place / f"test/ratings/{rater}.csv", lambda version: SCORES[version.method])
    part = (place / "test/ratings/ben.csv").read_text().replace("ben,", "eve,").splitlines()[:5]
    (place / "test/ratings/eve.csv").write_text("\n".join(part) + "\n")  # of another rater's codes
    capsys.readouterr()
    files = [f"result.{kind}" for kind in ("json", "md", "txt", "png", "svg")]
    assert rate("analyse", "test", *(word for name in files for word in ("--save", name))) == 0
    out, problems = capsys.readouterr()
    out = " ".join(out.split())  # lines are wrapped
    assert problems.count("belongs to ben, not to eve") == 4
    assert "2 raters, 3 images, 5 methods, 30 ratings." in out and "eve (0% rated)" in out
    assert "zeros are left out" in out and "ties share" in out and "p (Holm) is corrected for 10 pairs" in out
    assert "With 3 images no p can be below 0.25" in out and "SIMULATED" not in out
    result = json.loads((place / "result.json").read_text())
    assert result["format"] == "srgan_lib opinion result, version 1" and result["simulated"] is False
    assert result["raters"] == 2 and result["images"] == ["cat", "cup", "dog"]
    for method, score in SCORES.items():
        found = result["methods"][method]
        assert (found["mos"], found["low"], found["high"], found["ratings"]) == (score, score, score, 6)
        assert found["distribution"][score - 1] == 6
    assert len(result["tests"]) == 10 and result["tests"][0]["pairs"] == 3
    assert result["reliability"]["pairs"] == 6 and result["reliability"]["equal"] == 1
    assert (place / "result.md").read_text().count("| SelfExSR | 4.00 | 4.00 to 4.00 | 6 |") == 1
    assert Image.open(place / "result.png").size[0] > 400 and "<svg" in (place / "result.svg").read_text()
    read = saved.read(place / "result.json")
    assert read.raters == 2 and read.methods["SelfExSR"]["mos"] == 4 and not read.simulated
    assert rate("analyse", "test/plan.json", "test/ratings/ada.csv", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["raters"] == 1


def test_means_of_each_set(place, capsys):
    for name in ("Set5", "Set14"):
        (place / name / "HR").mkdir(parents=True)
        save_image(photo(5), place / name / "HR/a.png")
    assert rate("plan", "Set5", "Set14", "--out", "t", "--methods", "bicubic", "HR") == 0
    test = load_plan("t/plan.json")
    score = {("Set5/a", "HR"): 5, ("Set14/a", "HR"): 4}
    write(test, "rater-01", place / "t/ratings/r.csv", lambda one: score.get((one.image, one.method), 2))
    assert rate("analyse", "t", "--save", "r.json") == 0
    assert re.search(r"Set14 +2\.00  4\.00", capsys.readouterr().out)
    assert json.loads((place / "r.json").read_text())["sets"]["Set5"]["HR"]["mos"] == 5
    head, *lines = (place / "t/ratings/r.csv").read_text().splitlines()
    of_set5 = [line for line in lines if test.key[line.split(",")[1]].image == "Set5/a"]
    (place / "t/ratings/r.csv").write_text("\n".join([head, *of_set5]))
    assert rate("analyse", "t", "--least", "50", "--save", "r.json") == 0, "nobody has come to Set14 yet"
    assert list(json.loads((place / "r.json").read_text())["sets"]) == ["Set5"]


def test_a_column_simulated_that_says_no_is_of_people(place, capsys):
    test = planned(raters=("ada",))
    write(test, "ada", place / "ada.csv")
    head, *lines = (place / "ada.csv").read_text().splitlines()
    for mark, people in (("no", True), ("", True), ("perhaps", False)):
        (place / "ada.csv").write_text(
            "\n".join([head + ",simulated", *(f"{line},{mark}" for line in lines)])
        )
        assert rate("analyse", "test", "ada.csv") == (0 if people else 1)
        said = capsys.readouterr()
        assert "SIMULATED" not in said.out + said.err


def test_analyse_says_in_one_line_what_is_missing(place, capsys):
    test = planned()
    assert "no CSV files in it" in fails(capsys, "analyse", "test")
    assert "check the path" in fails(capsys, "analyse", "test", "none.csv")
    write(test, "ada", place / "a.csv")
    assert "cannot be written; use .md, .txt, .json" in fails(
        capsys, "analyse", "test", "a.csv", "--save", "r.xlsx"
    )
    half = (place / "a.csv").read_text().splitlines()[:6]
    (place / "a.csv").write_text("\n".join(half))
    assert "no rater has rated 100%" in fails(capsys, "analyse", "test", "a.csv")
    assert rate("analyse", "test", "a.csv", "--least", "20") == 0


def test_many_problems_are_counted_and_named_on_demand(place, capsys):
    test = planned("--repeats", 5)
    write(test, "ada", place / "a.csv")
    (place / "b.csv").write_bytes((place / "a.csv").read_bytes())
    capsys.readouterr()  # a slow machine shows how far the plan is
    assert rate("analyse", "test", "a.csv", "b.csv") == 0
    said = capsys.readouterr().err.splitlines()
    count = len(test.session("ada")) - 2
    assert len(said) == min(count, 20) + (count > 20)
    assert rate("analyse", "test", "a.csv", "b.csv", "--problems") == 0
    assert len(capsys.readouterr().err.splitlines()) == count


# ---------------------------------------------------------------------------------------- simulate


def test_simulated_raters_never_go_without_their_name(place, capsys):
    planned("--repeats", 3)
    assert rate("simulate", "test", "--quality", "nearest=1.2", "hr=4.6", "--seed", "2") == 0
    assert "simulated raters, no opinions" in capsys.readouterr().out
    with open(place / "test/simulated/ada.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18 and all(row["simulated"] == "yes" for row in rows)
    assert (
        rate("analyse", "test", "test/simulated", "--save", "r.json", "--save", "r.md", "--save", "r.svg")
        == 0
    )
    assert capsys.readouterr().out.startswith("SIMULATED RATERS")
    result = json.loads((place / "r.json").read_text())
    assert (
        result["simulated"] is True and result["methods"]["HR"]["mos"] > result["methods"]["nearest"]["mos"]
    )
    assert (place / "r.md").read_text().startswith("SIMULATED RATERS")
    assert saved.read(place / "r.json").simulated


def test_people_and_simulated_raters_do_not_mix(place, capsys):
    test = planned()
    assert rate("simulate", "test") == 0
    write(test, "ben", place / "ben.csv")
    line = fails(capsys, "analyse", "test", "test/simulated/ada.csv", "ben.csv")
    assert "ada.csv holds simulated scores" in line and "ben.csv those of people" in line
    assert "method in this test" in fails(capsys, "simulate", "test", "--quality", "SRCNN=3")


def test_a_result_of_another_photo_with_a_longer_name_is_not_taken(place):
    for folder in ("photos", "results"):
        save_image(photo(9), place / folder / "cat_2.png")
    (place / "results/cat_x4.png").unlink()
    make = Versions(photos_to_rate("photos"), read_methods(["SelfExSR=results"]))
    assert make.of("cat_2") == ["SelfExSR"]
    with pytest.raises(SrganError, match="no result of SelfExSR for cat;"):
        make.of("cat")


def test_a_photo_is_never_read_from_its_thumbnail(place):
    """Photos of any mode: grey, with transparency, odd sides."""
    Image.fromarray(photo(1, 41, 43)).convert("LA").save(place / "photos/odd.png")
    make = Versions(photos_to_rate("photos"))
    assert make("odd", "HR").shape == (40, 40, 3) and make("odd", "nearest").shape == (40, 40, 3)
    assert (make("odd", "HR") == read_rgb(place / "photos/odd.png")[:40, 0:40]).all()
