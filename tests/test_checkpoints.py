"""Runs that are cut, split into parts, joined elsewhere; and that nothing is put where it does not belong."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.images import save_image
from srgan_lib.networks import run_folders
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.weights import load_generator
from srgan_lib.training import checkpoints, transport
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.loop import resume, train


def photos(folder, count=6, seed=0):
    """A folder of small photos, all different."""
    random = torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True)
    for index in range(count):
        image = torch.randint(0, 256, (24, 28, 3), generator=random, dtype=torch.uint8)
        save_image(image.numpy(), folder / f"{index}.png")
    return folder


def both_stages(tmp_path, **settings):
    """Three updates of MSE, then three adversarial ones, on photos in a folder, validated on two of them."""
    stages = (
        Stage("first", updates=3, batch=2, learning_rate=1e-3),
        Stage("second", updates=3, batch=2, adversarial=1e-3),
    )
    data = tmp_path / "photos"
    defaults = {
        "data": str(data if data.exists() else photos(data)),
        "out": str(tmp_path / "run"),
        "stages": stages,
        "held_out": 2,
        **{"blocks": 1, "channels": 4, "crop": 16},
        **{"log_every": 1, "validate_every": 0, "preview_every": 0, "moments": 0, "tensorboard": False},
    }
    return Config(**defaults | settings)


def cut_after(config, updates):
    """``train(config)`` as a time limit after that many updates would leave it."""
    from srgan_lib.training import loop

    class Limit(loop.Stop):
        def reason(self, at_log):
            self.count = getattr(self, "count", 0) + 1
            return "time limit" if self.count == updates else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "Stop", Limit)
        result = train(config)
    assert (result.stopped, result.updates) == ("time limit", updates)
    return result


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same_weights(first, second):
    first, second = load_generator(first).state_dict(), load_generator(second).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


# ------------------------------------------------------------------------------------ parts and whole


@pytest.mark.parametrize("updates", [2, 3, 5])
def test_a_run_cut_split_and_joined_elsewhere_is_the_same_run(tmp_path, updates):
    """Cut within the first stage, at its end, and within the second; the photos lie elsewhere too."""
    config = both_stages(tmp_path)
    whole = train(config.but(out=str(tmp_path / "whole")))
    cut_after(config, updates)
    size = sum(map(len, files_of(tmp_path / "run").values())) // 5
    manifest = transport.split(tmp_path / "run", tmp_path / "parts", size)
    assert len(manifest["parts"]) > 3
    assert max(path.stat().st_size for path in (tmp_path / "parts").glob("part-*")) == size
    other = tmp_path / "other machine"
    shutil.move(tmp_path / "photos", other / "data")
    shutil.move(tmp_path / "run", tmp_path / "gone")
    transport.join(tmp_path / "parts", other / "run")
    settings = {"data": str(other / "data"), "device": "cpu", "memory": config.memory, "log_every": 2}
    result = resume(other / "run", **settings)
    assert (result.stopped, result.updates) == ("finished", 6)
    for stage in ("first", "second"):
        assert_same_weights(
            tmp_path / "whole" / f"{stage}.safetensors", other / "run" / f"{stage}.safetensors"
        )
    assert result.record["measurements"] == whole.record["measurements"]
    assert len(result.record["sessions"]) == 2
    assert result.record["stages"] == whole.record["stages"]


def test_what_is_joined_is_what_was_split_bit_for_bit(tmp_path):
    train(both_stages(tmp_path, moments=2, save_every=1))
    transport.split(tmp_path / "run", tmp_path / "parts", 7_777_777)
    transport.join(tmp_path / "parts", tmp_path / "again")
    before, after = files_of(tmp_path / "run"), files_of(tmp_path / "again")
    dropped = before.keys() - after.keys()
    assert [path.as_posix() for path in dropped] == ["checkpoints/update-000000005.pt"], "only the newest"
    assert all(after[path] == before[path] for path in after)
    names = {path.name for path in after}
    assert {"config.json", "record.json", "log.jsonl", "first.safetensors", "second.safetensors"} < names
    assert sum(path.parts[0] == "previews" for path in after) > 0


def test_folders_can_be_left_out_and_runs_split_together(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "runs" / name / "checkpoints").mkdir(parents=True)
        (tmp_path / "runs" / name / "config.json").write_text("{}")
        (tmp_path / "runs" / name / "checkpoints" / "update-000000001.pt").write_bytes(b"x" * 100)
    manifest = transport.split(tmp_path / "runs", tmp_path / "parts", 1000, without=["checkpoints"])
    assert [file["path"] for file in manifest["files"]] == ["a/config.json", "b/config.json"]


@pytest.fixture
def split_run(tmp_path):
    """The parts of a made-up run."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.json").write_text("{}")
    (run / "checkpoints" / "update-000000001.pt").write_bytes(bytes(range(250)))
    transport.split(run, tmp_path / "parts", 100)
    return tmp_path / "parts"


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "part-002").unlink(), r"part-002: missing \(1 of 3 parts in all\)"),
        (lambda folder: spoil(folder / "part-002"), "part-002: damaged, or a part of another run"),
        (lambda folder: (folder / "part-003").write_bytes(b""), "part-003: damaged"),
        (
            lambda folder: shutil.copy(folder / "part-001", folder / "part-004"),
            "part-004: belongs to another run",
        ),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "not a manifest of parts"),
        (lambda folder: rename(folder, "../../outside"), "not a manifest of parts"),
        (lambda folder: rename(folder, "/outside"), "not a manifest of parts"),
    ],
)
def test_missing_damaged_and_foreign_parts_are_refused(split_run, tmp_path, harm, words):
    harm(split_run)
    with pytest.raises(SrganError, match=words) as caught:
        transport.join(split_run, tmp_path / "again")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "run"], "nothing half-written"


def rename(folder, path):
    """A manifest that would write outside its folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_parts_in_another_order_are_refused(split_run, tmp_path):
    manifest = json.loads((split_run / "manifest.json").read_text())
    manifest["parts"][:2] = manifest["parts"][1::-1]
    (split_run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SrganError, match="does not fit its parts"):
        transport.join(split_run, tmp_path / "again")


def test_nothing_is_overwritten_and_a_full_disk_leaves_nothing(split_run, tmp_path, monkeypatch):
    with pytest.raises(SrganError, match="exists already"):
        transport.join(split_run, tmp_path / "run")
    with pytest.raises(SrganError, match="exists already"):
        transport.split(tmp_path / "run", split_run, 100)
    with pytest.raises(SrganError, match="no run in it"):
        transport.split(split_run, tmp_path / "new", 100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srgan_lib.support.folders.os.replace", full)
    with pytest.raises(SrganError, match="No space left"):
        transport.join(split_run, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "run"]


def test_the_command_splits_and_joins(split_run, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["checkpoint", "split", run, "--size", "0.1K", "--out", str(tmp_path / "new")]) == 0
    assert f"3 parts, 0 MB; to join them: srgan checkpoint join {tmp_path / 'new'}" in capsys.readouterr().out
    assert main(["checkpoint", "join", str(tmp_path / "new"), "--out", str(tmp_path / "again")]) == 0
    assert files_of(tmp_path / "again") == files_of(tmp_path / "run")
    assert main(["checkpoint", "join", str(tmp_path / "new"), "--out", run]) == 1
    assert capsys.readouterr().err.startswith("srgan: ")


# --------------------------------------------------------------------------- what belongs to what


def test_photos_may_move_but_not_change(tmp_path):
    config = both_stages(tmp_path)
    cut_after(config, 1)
    photos(tmp_path / "others", seed=1)
    with pytest.raises(SrganError, match="this run saw other photos"):
        resume(tmp_path / "run", data=str(tmp_path / "others"))
    assert resume(tmp_path / "run").stopped == "finished"


def change_newest(folder, change):
    """Apply ``change`` to the newest checkpoint's state."""
    path = run_folders.found(folder / "checkpoints")[-1]
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def swap(state, one, other):
    networks = state["networks"]
    networks[one], networks[other] = networks[other], networks[one]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: swap(state, "generator", "discriminator"), "holds as generator is not"),
        (lambda state: swap(state, "generator_adam", "discriminator_adam"), "holds as generator_adam is not"),
        (lambda state: swap(state, "trained", "discriminator"), "trained weights are not a generator"),
        (lambda state: state["networks"].pop("discriminator"), "holds as discriminator is not"),
    ],
)
def test_generator_and_discriminator_are_never_confused(tmp_path, change, words):
    cut_after(both_stages(tmp_path), 5)
    change_newest(tmp_path / "run", change)
    with pytest.raises(SrganError, match=words) as caught:
        resume(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_discriminators_file_is_no_generator(tmp_path):
    save_file(Discriminator(16).state_dict(), tmp_path / "d.safetensors")
    with pytest.raises(SrganError, match="not a generator"):
        train(both_stages(tmp_path, initial=str(tmp_path / "d.safetensors")))


def test_each_stage_has_its_own_optimisers(tmp_path):
    """Stage 2's Adam starts anew, also in a run that is resumed between the stages; stage 1's is refused."""
    from srgan_lib.training.loop import Run

    cut_after(both_stages(tmp_path), 3)  # all of stage 1
    saved = run_folders.latest(tmp_path / "run" / "checkpoints")
    assert saved["stage"] == "first" and "discriminator" not in saved["networks"]
    steps = [int(state["step"]) for state in saved["networks"]["generator_adam"]["state"].values()]
    assert set(steps) == {3}
    resume(tmp_path / "run")
    saved_later = run_folders.latest(tmp_path / "run" / "checkpoints")
    for adam in ("generator_adam", "discriminator_adam"):
        steps = {int(state["step"]) for state in saved_later["networks"][adam]["state"].values()}
        assert steps == {3}, "three updates of its own stage"
    run = Run(both_stages(tmp_path), True, 0, 1)
    networks = type("Networks", (), {"stage": run.config.stages[1]})
    with pytest.raises(SrganError, match="a checkpoint of stage first, not of second"):
        checkpoints.restore(networks, saved, tmp_path / "run")


def test_a_checkpoint_holds_each_weight_once(tmp_path):
    """The trained generator is the generator: its weights are not stored a second time."""
    cut_after(both_stages(tmp_path), 2)
    (path,) = run_folders.found(tmp_path / "run" / "checkpoints")
    state = run_folders.latest(tmp_path / "run" / "checkpoints")["networks"]
    size = sum(value.numel() * value.element_size() for value in state["generator"].values())
    assert path.stat().st_size < 3 * size + 40_000


def test_a_run_saved_in_bfloat16_goes_on_in_float16(tmp_path):
    """As on a T4 after a newer GPU: only float16 has a scaler of gradients, which the checkpoint lacks."""
    cut_after(both_stages(tmp_path, precision="bfloat16"), 5)
    assert resume(tmp_path / "run", precision="float16").stopped == "finished"
