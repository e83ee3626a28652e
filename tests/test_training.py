"""The training loop: schedule, both stages, resume, signals, limits, NaN, several processes."""

import inspect
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_lib.errors import SrganError
from srgan_lib.losses import VGGLoss
from srgan_lib.networks import run_folders
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.weights import load_generator, save_generator
from srgan_lib.training import checkpoints
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.content import feature_scale, mean_activation, stage_loss
from srgan_lib.training.loop import Run, resume, train
from srgan_lib.training.presets import colab, paper, tiny
from srgan_lib.training.step import MovingAverage, Networks, learning_rate, resolve_precision


def small(folder, updates=6, **settings):
    """A run that takes a second: one block of 8 channels, 16-pixel crops."""
    stage = Stage("mse", updates=updates, learning_rate=1e-3, batch=4)
    network = {"blocks": 1, "channels": 8, "crop": 16}
    reports = {
        "log_every": 2,
        "validate_every": 0,
        "preview_every": 0,
        "moments": 0,
        "save_every": 2,
        "tensorboard": False,
    }
    return Config(**{"stages": (stage,), "out": str(folder), **network, **reports, **settings})


def gan(folder, vgg=None, **settings):
    """Both stages: three updates of MSE, then three adversarial ones."""
    content = "vgg22" if vgg else "mse"
    stages = (
        Stage("first", updates=3, batch=4),
        Stage("second", updates=3, batch=4, content=content, adversarial=1e-3, drop_at=(2,)),
    )
    return small(folder, stages=stages, vgg_weights=vgg and str(vgg), **settings)


@pytest.fixture(autouse=True)
def quick_validation(monkeypatch):
    """Validation on two small photos instead of the bundled ones: the loop is what is tested here."""
    import numpy as np

    from srgan_lib.degradations import imresize
    from srgan_lib.training import loop
    from srgan_lib.training.validation import Example

    hr = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    noise = lambda _, degradation: [Example("noise", hr, imresize(hr, 1 / degradation.scale))]  # noqa: E731
    monkeypatch.setattr(loop, "examples_from", noise)


def weights_of(folder, name="mse"):
    return load_generator(folder / f"{name}.safetensors").state_dict()


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def log_lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


# -------------------------------------------------------------------------------- settings, schedule


def test_paper_preset_is_the_paper_to_the_letter():
    config = paper()
    first, second = config.stages
    assert (config.scale, config.crop, config.blocks, config.channels) == (4, 96, 16, 64)
    assert (first.batch, second.batch) == (16, 16)
    assert (first.updates, first.content, first.is_gan) == (1_000_000, "mse", False)
    assert {learning_rate(first, update) for update in (0, 500_000, 999_999)} == {1e-4}
    assert second.updates == 200_000
    assert [learning_rate(second, update) for update in (0, 99_999)] == [1e-4, 1e-4]
    assert [learning_rate(second, update) for update in (100_000, 199_999)] == pytest.approx([1e-5, 1e-5])
    assert (config.ema, config.deviations, config.degradation) == (0, (), "bicubic")


@pytest.mark.parametrize("preset", [tiny, colab, paper])
def test_presets_survive_being_saved_and_shortened(preset, tmp_path):
    config = preset(data="bundled", updates=40, batch=4, seed=7)
    config.save(tmp_path / "config.json")
    again = Config.read(tmp_path / "config.json")
    assert again == config
    assert again.sha256() == config.sha256() != config.but(seed=8).sha256()
    assert abs(config.updates - 40) <= 1
    assert {stage.batch for stage in config.stages} == {4}


def test_presets_that_are_not_the_paper_say_how_they_differ():
    assert tiny().deviations
    assert colab().deviations


@settings(max_examples=30, deadline=None)
@given(updates=st.integers(2, 1000), warm_up=st.integers(0, 50), drop=st.floats(0.001, 0.5))
def test_cosine_falls_from_the_learning_rate_to_its_share(updates, warm_up, drop):
    stage = Stage("s", updates=updates, annealing="cosine", warm_up=warm_up, drop=drop, learning_rate=1.0)
    rates = [learning_rate(stage, update) for update in range(updates)]
    after_warm_up = rates[warm_up:]
    assert after_warm_up == sorted(after_warm_up, reverse=True)
    assert all(0 < rate <= 1 for rate in rates)
    assert learning_rate(stage, updates + warm_up) >= 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale": 3}, "scale is 3; use 2, 4 or 8"),
        ({"crop": 30}, "crop is 30"),
        ({"precision": "float8"}, "precision is 'float8'; use auto, float32, bfloat16 or float16"),
        ({"step": "slow"}, "step is 'slow'; use auto, plain or fast"),
        ({"stages": ()}, "at least one stage"),
        ({"colour": 1}, "no setting 'colour'"),
        ({"blocks": 0}, "blocks is 0"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(tmp_path, changes, words):
    with pytest.raises(SrganError, match=words):
        small(tmp_path).but(**changes)


@pytest.mark.parametrize(
    "changes", [{"updates": 0}, {"content": "l1"}, {"annealing": "linear"}, {"batch": -1}]
)
def test_wrong_stages_are_refused(changes):
    with pytest.raises(SrganError):
        replace(Stage("s", updates=1), **changes)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16), ((7, 0), torch.float16)],
)
def test_a_t4_gets_float16_and_newer_gpus_bfloat16(monkeypatch, capability, expected):
    """torch.cuda.is_bf16_supported() says True on a T4: it is not asked."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    assert resolve_precision("auto", torch.device("cuda")) is expected
    assert resolve_precision("auto", torch.device("cpu")) is torch.float32
    assert resolve_precision("bfloat16", torch.device("cpu")) is torch.bfloat16


# ------------------------------------------------------------------------------------- what is learned


def test_a_run_leaves_its_folder_complete(tmp_path):
    result = train(small(tmp_path, validate_every=3, preview_every=3))
    assert (result.stopped, result.updates) == ("finished", 6)
    assert_same(result.generator.state_dict(), weights_of(tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "record.json", "log.jsonl", "checkpoints", "previews", "mse.safetensors"}
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["config"] == json.loads(json.dumps(result.record["config"]))
    assert record["data"]["photos"] == 10
    assert len(record["data"]["sha256"]) == 64
    assert record["stages"]["mse"]["sha256"]
    assert [row["update"] for row in record["measurements"]] == [3, 6]
    assert record["hardware"]["torch"] == torch.__version__
    assert record["seconds"] > 0
    losses = [line for line in log_lines(tmp_path) if "mse" in line]
    assert [line["update"] for line in losses] == [2, 4, 6]
    assert {"stage", "learning_rate", "updates_per_second", "generator"} < set(losses[0])


def test_training_makes_the_loss_smaller(tmp_path):
    train(small(tmp_path, updates=60, log_every=10, save_every=0))
    losses = [line["mse"] for line in log_lines(tmp_path) if "mse" in line]
    assert min(losses[-3:]) < 0.7 * losses[0]


def test_srgan_starts_from_srresnet_and_trains_both_networks(tmp_path):
    result = train(gan(tmp_path))
    assert result.updates == 6
    lines = [line for line in log_lines(tmp_path) if line.get("stage") == "second"]
    assert {"discriminator", "d_real", "d_fake", "adversarial", "mse", "generator"} <= set(lines[-1])
    first, second = weights_of(tmp_path, "first"), weights_of(tmp_path, "second")
    moved = [
        (first[name] - second[name]).abs().max().item() for name in first if name.endswith("conv1.weight")
    ]
    assert all(
        0 < distance <= 1.001 * 3e-4 for distance in moved
    )  # Adam: at most the rate an update, from there


def test_one_srgan_update_moves_each_network_by_its_own_loss(tmp_path):
    """The generator's turn leaves the discriminator as it was, and the other way round."""
    run = Run(gan(tmp_path), False, 0, 1)
    stage = replace(run.config.stages[1], discriminator_rate=0.0)
    loss, _ = stage_loss(stage, run.config, run.device)
    networks = Networks(run.config, stage, run.generator, loss, run.device)
    networks.set_learning_rate(1e-3)
    batch = run.bank.batch(0, 4)
    followed, follow = [], networks.discriminator_adam.step

    def watched(*arguments, **settings):
        followed.extend(p.grad.clone() for p in networks.discriminator.parameters())
        return follow(*arguments, **settings)

    def values(network):
        return [p.detach().clone() for p in network.parameters()]

    def same(one, other):
        return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))

    networks.discriminator_adam.step = watched
    generator, discriminator = values(networks.generator), values(networks.discriminator)
    networks.update(*batch)
    assert same(discriminator, values(networks.discriminator)), "its rate is 0, and G's Adam is not its own"
    assert not same(generator, values(networks.generator))
    assert same(followed, [p.grad for p in networks.discriminator.parameters()]), "G's adds nothing"
    assert all(p.requires_grad for p in networks.discriminator.parameters())
    generator = values(networks.generator)
    networks.set_learning_rate(0.0)
    networks.discriminator_adam.param_groups[0]["lr"] = 1e-3
    networks.update(*batch)
    assert same(generator, values(networks.generator))
    assert not same(discriminator, values(networks.discriminator))


def test_an_update_can_be_read_on_one_page():
    """Section 3.2 beside equations 2, 3 and 6, each turn with what it does to the weights in sight."""
    lines = inspect.getsource(Networks.update).splitlines()
    assert len(lines) <= 30
    for turn in ("discriminator", "generator"):
        place = next(n for n, line in enumerate(lines) if f"self.{turn}_loss(" in line)
        told = "\n".join(lines[place : place + 6])
        assert f"{turn}_adam.zero_grad()" in told and "backward()" in told
        assert f"step(self.{turn}_adam)" in told


def test_vgg_stage_names_its_weights_in_the_record(tmp_path, vgg19_file):
    result = train(gan(tmp_path, vgg=vgg19_file))
    facts = result.record["stages"]["second"]
    assert facts["vgg_weights"] == vgg19_file.name
    assert len(facts["vgg_sha256"]) == 64
    assert facts["vgg_feature_scale"] > 0


@pytest.mark.parametrize("size", [0.5, 8])
def test_feature_scale_follows_the_size_of_the_features(size):
    """Weights with features twice as large give the same loss."""

    class Brightness(torch.nn.Module):
        def __init__(self, size):
            super().__init__()
            self.register_buffer("size", torch.tensor(float(size)))

        def forward(self, images):
            return (images + 1) * self.size

    sr, hr = torch.rand(2, 1, 3, 8, 8)
    losses = [VGGLoss(f, feature_scale(f))(sr, hr) for f in (Brightness(1), Brightness(size))]
    torch.testing.assert_close(*losses)
    assert feature_scale(Brightness(size)) == pytest.approx(12.75 * mean_activation(Brightness(size)))


def test_a_run_can_start_from_given_weights(tmp_path):
    generator = Generator(blocks=1, channels=8)
    save_generator(generator, tmp_path / "g.safetensors")
    stage = Stage("mse", updates=1, learning_rate=1e-9, batch=4)
    train(small(tmp_path / "run", stages=(stage,), initial=str(tmp_path / "g.safetensors")))
    torch.testing.assert_close(weights_of(tmp_path / "run")["tail.weight"], generator.tail.weight.detach())
    with pytest.raises(SrganError, match=r"not the .* of this run"):
        train(small(tmp_path / "other", blocks=2, initial=str(tmp_path / "g.safetensors")))


def test_moving_average_follows_the_weights():
    generator = Generator(blocks=1, channels=4)
    average = MovingAverage(generator, 0.9)
    average.update_parameters(generator)
    start = generator.tail.weight.detach().clone()
    with torch.no_grad():
        generator.tail.weight += 1
    average.update_parameters(generator)
    step = (average.module.tail.weight - start).mean().item()
    assert step == pytest.approx(1 - min(0.9, 2 / 11))
    assert torch.equal(average.module.merge[1].running_mean, generator.merge[1].running_mean)


@pytest.mark.parametrize("degradation", ["bicubic", "blur"])
def test_both_degradations_and_scale_2_train(tmp_path, degradation):
    result = train(small(tmp_path, degradation=degradation, scale=2, updates=2))
    assert result.generator(torch.rand(1, 3, 4, 4)).shape == (1, 3, 8, 8)


# ----------------------------------------------------------------------------------- stopping, resuming

SCRIPT = """
import sys
from srgan_lib.training.config import Config
from srgan_lib.training.loop import train
import torch
torch.set_num_threads(1)
print(train(Config.read(sys.argv[1]), resume=True).stopped)
"""


def start_run(config, path):
    config.save(path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SCRIPT, str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def wait_for_update(folder, update, process):
    """Until the run's log reaches ``update``."""
    for _ in range(1200):
        if (folder / "log.jsonl").exists() and f'"update": {update},' in (folder / "log.jsonl").read_text():
            return
        if process.poll() is not None:
            raise AssertionError(f"the run ended before update {update}")
        time.sleep(0.05)
    raise AssertionError(f"the run never reached update {update}")


def test_resume_after_sigkill_equals_the_uninterrupted_run_bit_for_bit(tmp_path):
    """Both stages, moving average, killed at a random update of either."""
    long = gan(tmp_path / "killed", ema=0.9, log_every=1, save_every=3, validation="held-out")
    long = long.but(stages=[replace(stage, updates=14) for stage in long.stages])
    config_file = tmp_path / "config.json"
    process = start_run(long, config_file)
    wait_for_update(tmp_path / "killed", random.randint(4, 24), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "second.safetensors").exists()
    again = start_run(long, config_file)
    assert again.communicate()[0].strip() == "finished"
    whole = start_run(long.but(out=str(tmp_path / "whole")), config_file)
    assert whole.communicate()[0].strip() == "finished"
    for stage in ("first", "second"):
        assert_same(weights_of(tmp_path / "killed", stage), weights_of(tmp_path / "whole", stage))
    losses = [
        [line for line in log_lines(tmp_path / name) if "generator" in line] for name in ("killed", "whole")
    ]
    without_speed = [
        [{k: v for k, v in line.items() if k != "updates_per_second"} for line in run] for run in losses
    ]
    assert without_speed[0] == without_speed[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_save_and_leave(tmp_path, number):
    config = small(tmp_path / "run", updates=100_000, log_every=1, save_every=0, validation="held-out")
    process = start_run(config, tmp_path / "config.json")
    wait_for_update(tmp_path / "run", 2, process)
    process.send_signal(number)
    assert process.communicate(timeout=60)[0].split() == [signal.Signals(number).name]
    (path,) = run_folders.found(tmp_path / "run" / "checkpoints")
    saved = run_folders.latest(tmp_path / "run" / "checkpoints")
    assert saved["update"] == int(path.stem.removeprefix("update-")) >= 2


def test_a_time_limit_saves_and_leaves_and_the_run_goes_on(tmp_path):
    config = small(tmp_path, updates=8, time_limit=1e-9)
    first = train(config)
    assert (first.stopped, first.updates) == ("time limit", 1)
    second = resume(tmp_path, time_limit=None)
    assert (second.stopped, second.updates) == ("finished", 8)
    assert len(second.record["sessions"]) == 2
    whole = train(small(tmp_path / "whole", updates=8))
    assert_same(second.generator.state_dict(), whole.generator.state_dict())


def test_a_finished_run_resumed_gives_its_generator_again(tmp_path):
    first = train(gan(tmp_path))
    assert_same(resume(tmp_path).generator.state_dict(), first.generator.state_dict())


def test_resuming_where_nothing_is_starts_a_new_run(tmp_path):
    assert train(small(tmp_path / "new", updates=2), resume=True).stopped == "finished"
    with pytest.raises(SrganError, match="no run to resume"):
        resume(tmp_path / "absent")


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    train(small(tmp_path, updates=2))
    with pytest.raises(SrganError, match="holds a run already"):
        train(small(tmp_path, updates=2))


@pytest.mark.parametrize("change", [{"channels": 4}, {"blocks": 2}, {"seed": 1}, {"crop": 32}])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change):
    train(small(tmp_path, updates=2))
    (name,) = change
    with pytest.raises(SrganError, match=f"this run has {name} = "):
        train(small(tmp_path, updates=2, **change), resume=True)


# ------------------------------------------------------------------------------------------ checkpoints


def test_only_the_last_two_checkpoints_are_kept(tmp_path):
    train(small(tmp_path, updates=9))
    assert [path.stem for path in run_folders.found(tmp_path / "checkpoints")] == [
        "update-000000008",
        "update-000000009",
    ]
    assert not list((tmp_path / "checkpoints").glob("*.part"))


def test_a_damaged_checkpoint_is_passed_over(tmp_path, capsys):
    train(small(tmp_path, updates=8))
    newest = run_folders.found(tmp_path / "checkpoints")[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert run_folders.latest(tmp_path / "checkpoints")["update"] == 6
    assert "damaged" in capsys.readouterr().err
    for path in run_folders.found(tmp_path / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(SrganError, match="none of its 2 checkpoints"):
        run_folders.latest(tmp_path / "checkpoints")


def test_a_full_disk_leaves_the_checkpoints_before(tmp_path, monkeypatch):
    train(small(tmp_path, updates=4))
    before = {path.name: path.read_bytes() for path in run_folders.found(tmp_path / "checkpoints")}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(SrganError, match="the disk is full"):
        checkpoints.save(tmp_path / "checkpoints", 99, {})
    assert {path.name: path.read_bytes() for path in run_folders.found(tmp_path / "checkpoints")} == before
    assert not list((tmp_path / "checkpoints").glob(".*"))


# ------------------------------------------------------------------------------ what can go wrong inside


def test_a_nan_stops_with_update_term_and_last_good_checkpoint(tmp_path, monkeypatch):
    from srgan_lib.training import content

    calls = []

    def breaks(sr, hr):
        calls.append(1)
        return (sr - hr).square().mean() * (float("nan") if len(calls) == 5 else 1)

    monkeypatch.setattr(content, "pixel_mse", breaks)
    with pytest.raises(
        SrganError, match=r"update 5: the generator loss is nan.*update-000000004\.pt"
    ) as caught:
        train(small(tmp_path, updates=8, log_every=4))
    assert "\n" not in str(caught.value)
    saved = run_folders.latest(tmp_path / "checkpoints")
    assert all(value.isfinite().all() for value in saved["networks"]["trained"].values())


def test_out_of_memory_says_what_to_lower(tmp_path, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Networks, "update", full)
    with pytest.raises(SrganError, match=r"out of memory: lower batch \(now 4\) or crop \(now 16\)"):
        train(small(tmp_path))


def test_a_gpu_asked_for_and_absent_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    with pytest.raises(SrganError, match="no CUDA GPU"):
        train(small(tmp_path, device="cuda"))


# ------------------------------------------------------------------------------------ several processes


def test_two_processes_equal_one(tmp_path):
    """Gradients and parameters of two gloo processes are those of one with the whole batch."""
    config = small(tmp_path / "one", updates=4, batch_norm=False, seed=5)
    train(config)
    config.but(out=str(tmp_path / "two")).save(tmp_path / "config.json")
    (tmp_path / "script.py").write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    command = [*torchrun, str(tmp_path / "script.py"), str(tmp_path / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-6, rtol=1e-5)
    losses = [
        [line["mse"] for line in log_lines(tmp_path / name) if "mse" in line] for name in ("one", "two")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert json.loads((tmp_path / "two" / "record.json").read_text())["hardware"]["processes"] == 2


def test_a_batch_that_processes_cannot_share_is_refused():
    from srgan_lib.training.distributed import check_batch

    with pytest.raises(SrganError, match="batch 15 cannot be shared equally by 2"):
        check_batch(15, 2)
