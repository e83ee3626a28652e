"""The five models of Table 1 in a given budget: the plan, going on, what is made ready, model cards."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.data.sources import Photo
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation import model_cards, reproduce
from srgan_lib.evaluation.model_cards import card, licences
from srgan_lib.evaluation.reproduce import Request, config_of, make_plan
from srgan_lib.evaluation.reproduce import reproduce as run
from srgan_lib.evaluation.schedules import BASELINES, CPU, PAPER
from srgan_lib.images import save_image
from srgan_lib.networks.weights import load_generator

MODELS = {name: entry.stage for name, entry in PAPER.items() if name not in BASELINES}
SMALL = {"crop": 16, "batch": 2, "blocks": 1, "channels": 4, "device": "cpu", "moments": 2}


@pytest.fixture
def photos(tmp_path):
    """Forty small photos: one of them is held out."""
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for index in range(40):
        image = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        save_image(image, tmp_path / "photos" / f"{'bsds' if index < 30 else 'mine'}_{index}.png")
    return str(tmp_path / "photos")


@pytest.fixture
def test_set(tmp_path, monkeypatch):
    """A test set of one image where ``data/`` is looked for; the others are not on this machine."""
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for folder, pixels in (("HR", image), ("LRx4", imresize(image, 1 / 4))):
        (tmp_path / "Set5" / folder).mkdir(parents=True)
        save_image(pixels, tmp_path / "Set5" / folder / "a.png")
    monkeypatch.setattr(model_cards.downloads, "find", lambda name: name == "Set5" or None)
    monkeypatch.setattr("srgan_lib.evaluation.evaluate.get", lambda name: tmp_path / name)


def request(out, photos, **changes):
    return Request(str(out), {**SMALL, "data": photos}, **{"updates": 90, **changes})


def test_the_order_and_the_schedules_are_the_papers():
    order = ["srresnet-mse", "srgan-vgg54", "srgan-vgg22", "srgan-mse", "srresnet-vgg22"]
    assert list(MODELS) == order
    assert [MODELS[name].updates for name in order] == [1_000_000] + 4 * [200_000]
    assert [MODELS[name].adversarial for name in order] == [0, 1e-3, 1e-3, 1e-3, 0]
    assert [MODELS[name].content for name in order] == ["mse", "vgg54", "vgg22", "mse", "vgg22"]
    assert MODELS["srresnet-vgg22"].total_variation == 2e-8
    assert all(MODELS[name].drop_at == (100_000,) for name in order[1:])


def test_a_budget_of_updates_is_shared_in_proportion(photos):
    plan = make_plan(request("out", photos, updates=540_000), list(MODELS))
    assert plan["updates"]["srresnet-mse"] == 300_000
    assert {plan["updates"][name] for name in list(MODELS)[1:]} == {60_000}
    assert plan["held_out"] == 1
    asked = request("out", photos, updates=540_000, annealed=True)
    first, second = (config_of(asked, plan, name) for name in ("srresnet-mse", "srgan-mse"))
    assert (first.stages[0].annealing, first.stages[0].learning_rate) == ("cosine", 4e-4)
    assert (second.stages[0].drop_at, second.stages[0].annealing) == ((30_000,), "steps")
    assert "300,000 updates instead of 1,000,000" in first.deviations
    assert second.initial == str(pretrained.path("srresnet-mse")), "the shipped one while there is no other"


def test_a_budget_of_minutes_is_shared_by_what_updates_take_here(photos, monkeypatch):
    seconds = {"srresnet-mse": 0.001, "srgan-mse": 0.005}
    monkeypatch.setattr(reproduce, "seconds_per_update", lambda request, name, photos: seconds[name])
    plan = make_plan(request("out", photos, updates=None, minutes=20), list(seconds))
    assert plan["updates"] == {"srresnet-mse": 600_000, "srgan-mse": 120_000}  # 600 s each
    assert sum(plan["updates"][name] * seconds[name] for name in seconds) == pytest.approx(20 * 60)
    plan = make_plan(request("out", photos, updates=None, minutes=2000), list(seconds))
    assert plan["share"] == 1, "never more than the paper's"


def test_updates_are_timed_here(photos, monkeypatch):
    for name in ("srresnet-mse", "srgan-mse"):
        assert (
            0 < reproduce.seconds_per_update(request("out", photos), name, reproduce.photos_of(photos)) < 60
        )


def test_models_are_trained_measured_and_made_ready(tmp_path, photos, test_set, capsys):
    asked = request(tmp_path / "all", photos, only=("srgan-mse", "srresnet-mse"), notes=("a note",))
    assert run(asked)
    models = tmp_path / "all" / "models"
    assert sorted(path.name for path in models.iterdir()) == [
        f"{name}.{kind}" for name in ("srgan-mse", "srresnet-mse") for kind in ("json", "md", "safetensors")
    ]
    record = json.loads((models / "srgan-mse.json").read_text())
    assert (record["updates"], record["starts_from"]) == (15, "srresnet-mse")
    assert list(record["test_sets"]) == ["Set5"]
    assert [run["config"]["stages"][0]["name"] for run in record["runs"]] == ["srresnet-mse", "srgan-mse"]
    assert str(tmp_path) not in json.dumps(record), "no folder of this machine"
    assert "a note" in record["deviations"]
    assert record["runs"][1]["data"]["photos"] == 39 and len(record["runs"][1]["data"]["held_out"]) == 1
    initial = json.loads((tmp_path / "all/srgan-mse/config.json").read_text())["initial"]
    assert initial == str(tmp_path / "all" / "srresnet-mse" / "srresnet-mse.safetensors")
    text = (models / "srgan-mse.md").read_text()
    psnr = record["test_sets"]["Set5"]["psnr"]
    for words in (
        f"| Set5 | {psnr:.2f} |",
        "30.64 / 0.8701",
        "15 updates instead of 200,000",
        "30 photos, BSDS500",
    ):
        assert words in text, words
    assert "10 photos, licence not known" in text and record["sha256"] in text
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "all").rglob("*")}
    assert run(asked) and {path: path.stat().st_mtime_ns for path in before} == before, "nothing done twice"


def test_called_again_it_goes_on_with_its_own_settings(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(model_cards.downloads, "find", lambda name: None)
    out = tmp_path / "all"
    first = request(out, photos, only=("srresnet-mse",), time_limit=1e-3)
    assert not run(first)
    assert not (out / "models").exists()
    assert run(Request(str(out), {}, only=("srresnet-mse",)))
    whole = request(tmp_path / "whole", photos, only=("srresnet-mse",))
    assert run(whole)
    one, other = (
        load_generator(folder / "models" / "srresnet-mse.safetensors").state_dict()
        for folder in (out, tmp_path / "whole")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    with pytest.raises(SrganError, match="does not plan srgan-mse; choose another --out"):
        run(Request(str(out), {}, only=("srgan-mse",)))


def test_mistakes_are_named(tmp_path, photos):
    with pytest.raises(SrganError, match="did you mean 'srgan-vgg54'"):
        run(request(tmp_path, photos, only=("srgan-vgg5",)))
    with pytest.raises(SrganError, match="give the budget"):
        run(request(tmp_path / "new", photos, updates=None))


def test_the_command(tmp_path, photos, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(reproduce, "reproduce", lambda request: asked.append(request) or True)
    given = ["--data", photos, "--out", "all", "--minutes", "25", "--time-limit", "9m", "--crop", "48"]
    assert main(["reproduce", *given, "--only", "srresnet-mse", "--annealed", "--note", "a"]) == 0
    assert asked == [
        Request("all", {"data": photos, "crop": 48}, 25, None, ("srresnet-mse",), True, 540, ("a",))
    ]
    assert capsys.readouterr().out == "done: all/models\n"


def test_licences_are_counted_by_collection():
    photos = [Photo(Path(name)) for name in ("bsds_1.jpg", "bsds_2.jpg", "cid22_1.png", "holiday.jpg")]
    assert licences(photos, "folder") == [
        "2 photos, BSDS500 (Berkeley): for research",
        "1 photos, CID22: CC BY-SA 4.0",
        "1 photos, licence not known to this program",
    ]


def test_a_card_is_made_of_the_record_alone(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(model_cards.downloads, "find", lambda name: None)
    run(request(tmp_path / "all", photos, only=("srresnet-mse",)))
    record = json.loads((tmp_path / "all/models/srresnet-mse.json").read_text())
    assert card(record) == (tmp_path / "all/models/srresnet-mse.md").read_text()
    record["test_sets"] = {"BSD100": {"psnr": 12.3456, "ssim": 0.5}}
    assert "| BSD100 | 12.35 | 0.5000 | 27.58 / 0.7620 |" in card(record)


def test_weights_are_stored_in_16_bits_only_where_no_pixel_moves_by_half_a_level(
    tmp_path, photos, monkeypatch
):
    monkeypatch.setattr(model_cards.downloads, "find", lambda name: None)
    run(request(tmp_path / "all", photos, only=("srresnet-mse",)))
    trained = load_generator(tmp_path / "all/srresnet-mse/srresnet-mse.safetensors")
    stored = load_generator(tmp_path / "all/models/srresnet-mse.safetensors")
    record = json.loads((tmp_path / "all/models/srresnet-mse.json").read_text())
    assert 0 < record["float16_changes_levels"] < 0.5
    assert torch.equal(stored.tail.weight, trained.tail.weight.half().float())
    assert "float16, sha256" in (tmp_path / "all/models/srresnet-mse.md").read_text()
    monkeypatch.setattr(model_cards, "HALF_A_LEVEL", 0.0)
    (tmp_path / "all/models/srresnet-mse.json").unlink()
    run(request(tmp_path / "all", photos, only=("srresnet-mse",)))
    stored = load_generator(tmp_path / "all/models/srresnet-mse.safetensors")
    assert torch.equal(stored.tail.weight, trained.tail.weight)


# ------------------------------------------------------------------------------------- without a GPU


@pytest.fixture
def larger_photos(tmp_path):
    """Forty photos of 48x40 pixels: crops of 32 fit."""
    random = np.random.default_rng(0)
    (tmp_path / "larger").mkdir()
    for index in range(40):
        image = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        save_image(image, tmp_path / "larger" / f"mine_{index}.png")
    return str(tmp_path / "larger")


def cpu_request(out, photos, vgg, **changes):
    settings = {**SMALL, "crop": 32, "moments": 0, "data": photos, "vgg_weights": str(vgg)}
    return Request(str(out), settings, **{"updates": 60, "schedule": "cpu", **changes})


STARTS = {
    "srresnet-mse": None,
    "srgan-vgg22": "srresnet-mse",
    "srgan-vgg54": "srgan-vgg22",
    "srresnet-vgg22": "srresnet-mse",
    "srgan-mse": "srresnet-mse",
    "srresnet-mse-x2": "srresnet-mse",
    "srgan-vgg54-x2": "srresnet-mse-x2",
}


def test_the_cpu_schedule_is_the_one_that_was_set():
    """Updates, content loss, crop and scale of each model, in the order in which they are trained."""
    crops = {name: (entry.settings["crop"], entry.settings.get("scale", 4)) for name, entry in CPU.items()}
    found = {
        name: (entry.stage.updates, entry.stage.content, *crops[name], entry.start)
        for name, entry in CPU.items()
    }
    assert found == {
        "srresnet-mse": (20_000, "mse", 64, 4, None),
        "srgan-vgg22": (6_000, "vgg22", 64, 4, "srresnet-mse"),
        "srgan-vgg54": (4_000, "vgg54", 64, 4, "srgan-vgg22"),
        "srresnet-vgg22": (1_500, "vgg22", 64, 4, "srresnet-mse"),
        "srgan-mse": (1_500, "mse", 64, 4, "srresnet-mse"),
        "srresnet-mse-x2": (3_000, "mse", 48, 2, "srresnet-mse"),
        "srgan-vgg54-x2": (1_500, "vgg54", 48, 2, "srresnet-mse-x2"),
    }
    assert {name: entry.start for name, entry in CPU.items()} == STARTS
    assert all(entry.stage.annealing == "cosine" for entry in CPU.values())
    assert all(entry.settings["tied_phases"] and entry.settings["ema"] for entry in CPU.values())


def test_times_are_in_minutes_and_above_two_hours_in_hours():
    plan = {"seconds_per_update": {"a": 1.0, "b": 2.0}}
    assert reproduce._takes(plan, {"a": 60, "b": 60}) == ", about 3 minutes"
    assert reproduce._takes(plan, {"a": 7200, "b": 7200}) == ", about 6.0 hours"
    assert reproduce._takes({}, {"a": 60}) == ""


def test_the_cpu_schedule_trains_seven_models_each_from_the_one_it_names(
    tmp_path, larger_photos, narrow_vgg, test_set, monkeypatch
):
    """Cut in the second model: called again, it says what is done and what is left, and goes on."""
    timed = dict.fromkeys(STARTS, 2.0)
    monkeypatch.setattr(reproduce, "seconds_per_update", lambda request, name, photos: timed[name])
    asked, said = cpu_request(tmp_path / "all", larger_photos, narrow_vgg), []
    train, names = reproduce.loop.train, []

    def watched(config, resume):
        names.append(config.stages[0].name)
        return train(config.but(time_limit=1e-9 if len(names) == 2 else None), resume)

    monkeypatch.setattr(reproduce.loop, "train", watched)
    assert not run(asked, said.append)
    assert names == list(STARTS)[:2]
    plan = json.loads((tmp_path / "all" / "plan.json").read_text())
    rest = sum(updates for name, updates in plan["updates"].items() if name != "srresnet-mse")
    said.clear()
    assert run(Request(str(tmp_path / "all"), {}), said.append)
    assert names[2:] == list(STARTS)[1:]
    assert said[0] == "srresnet-mse: done"
    assert said[1].startswith("srgan-vgg22: ") and "updates left, about" in said[1]
    (now,) = [line for line in said if line.startswith("srgan-vgg22: runs now")]
    done = plan["updates"]["srgan-vgg22"] - int(said[1].split()[1])
    assert f"in all {rest - done} are left, about {2 * (rest - done) / 60:.0f} minutes" in now
    (last,) = [line for line in said if line.startswith("srgan-vgg54-x2: runs now")]
    assert f"in all {plan['updates']['srgan-vgg54-x2']} are left" in last
    for name, start in STARTS.items():
        config = json.loads((tmp_path / "all" / name / "config.json").read_text())
        initial = start and str(tmp_path / "all" / start / f"{start}.safetensors")
        assert config["initial"] == initial, name
        generator = load_generator(tmp_path / "all" / "models" / f"{name}.safetensors")
        scale = 2 if name.endswith("x2") else 4
        assert generator.config["scale"] == scale
        record = json.loads((tmp_path / "all" / "models" / f"{name}.json").read_text())
        assert list(record["test_sets"]) == ["Set5"] and f"{scale} pixels removed" in record["protocol"]
        card_ = (tmp_path / "all" / "models" / f"{name}.md").read_text()
        assert "tied phases" in card_ and "moving average" in card_
        assert ("networks computed in bfloat16" in card_) == (config["precision"] == "bfloat16")
        if name.startswith("srgan"):
            for words in ("VGG19's features", "kept at 3 times", "LR consistency", "is one colour"):
                assert words in card_, (name, words)
        assert ("scale 2 instead of 4" in card_) == (scale == 2)
        assert f"| Set5 | {record['test_sets']['Set5']['psnr']:.2f} |" in card_


def test_updates_of_the_recipe_are_timed_too(tmp_path, larger_photos, narrow_vgg):
    asked = cpu_request(tmp_path / "all", larger_photos, narrow_vgg)
    photos = reproduce.photos_of(larger_photos)
    assert 0 < reproduce.seconds_per_update(asked, "srgan-vgg54-x2", photos) < 60


def test_the_cpu_schedule_by_the_command_needs_no_budget(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(reproduce, "reproduce", lambda request: asked.append(request) or False)
    assert main(["reproduce", "--schedule", "cpu", "--data", "DIV2K", "--out", "all"]) == 0
    assert asked == [Request("all", {"data": "DIV2K"}, schedule="cpu")]
    assert capsys.readouterr().out == "to go on: srgan reproduce --out all ...\n"


def test_a_model_that_is_trained_further_keeps_its_earlier_runs(tmp_path, monkeypatch):
    first = {"config": {"initial": None}, "seed": 1}
    monkeypatch.setattr(pretrained, "names", lambda: ["srresnet-mse"])
    monkeypatch.setattr(pretrained, "record", lambda name: {"runs": [first]})
    own = {
        "out": None,
        "data": None,
        "lr_data": None,
        "vgg_weights": None,
        "initial": "srresnet-mse.safetensors",
    }
    further = {"config": own, "seed": 2}
    (tmp_path / "srresnet-mse").mkdir()
    (tmp_path / "srresnet-mse" / "record.json").write_text(json.dumps(further))
    runs = model_cards._earlier_runs(tmp_path, "srresnet-mse", further)
    assert [run["seed"] for run in runs] == [1]
    after = {"config": {**own, "initial": "there/srresnet-mse.safetensors"}}
    runs = model_cards._earlier_runs(tmp_path, "srgan-vgg54", after)
    assert [run["seed"] for run in runs] == [1, 2]
