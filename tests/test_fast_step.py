"""The fast step against the plain one: traced in one piece, recorded, resumed from each other's checkpoints.

None of these tests needs a C++ compiler or a GPU. What is traced is run by the backend "aot_eager" or "eager"
of ``torch.compile``: the same graphs that a compiler would get. What a CUDA graph would record is recorded
by ``Tape``, which repeats the same operations on the same tensors with the same numbers, as the graph does.
"""

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch._dynamo.backends.registry import lookup_backend
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.losses import GeneratorLoss, VGGLoss, pixel_mse
from srgan_lib.networks import run_folders
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.support import cuda_graph
from srgan_lib.training import fast, step
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.fast import choose, networks_for
from srgan_lib.training.loop import resume, train
from srgan_lib.training.step import PLAIN, Method

CPU = torch.device("cpu")
RATE = 1e-4
UPDATES = 20
# A weight moves by at most RATE an update; rounding may change where it arrives by 1 % of the distance.
TOLERANCE = 0.01 * UPDATES * RATE
WITH_AND_WITHOUT_GAN = [("mse", False), ("mse", True), ("vgg54", True)]


class SmallDiscriminator(nn.Sequential):
    """Convolutions, batch normalisation and a dense layer, as the real one, but quick."""

    def __init__(self, crop):
        before, after = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False)
        layers = [before, nn.LeakyReLU(0.2), after, nn.BatchNorm2d(8), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(8 * (crop // 2) ** 2, 1))


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """No compiled code of another test, a discriminator that is trained in milliseconds, a narrow VGG19."""
    torch.compiler.reset()
    fast._trial.cache_clear()
    monkeypatch.setattr(step, "Discriminator", SmallDiscriminator)
    monkeypatch.setattr("srgan_lib.networks.vgg.CHANNELS", (4, 4, 8, 8, 8))


@pytest.fixture(scope="module")
def bank():
    return PatchBank(bundled_photos(), crop=32)


def generator():
    """No biases before batch normalisation: they change nothing, and rounding alone moves them."""
    torch.manual_seed(0)
    return Generator(blocks=1, channels=8, bias_before_norm=False)


def narrow_vgg():
    """VGG54 with few channels and random weights, scaled so that its features have ordinary sizes."""
    features = object.__new__(VGG19Features)
    nn.Module.__init__(features)
    torch.manual_seed(3)
    from srgan_lib.networks.vgg import DEVIATION, MEAN, _build

    features.network = _build("54")
    for layer in features.network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    features.requires_grad_(False)
    features.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
    features.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))
    return VGGLoss(features, 1.0)


def networks(content="mse", gan=False, how="plain", device=CPU, **settings):
    """Networks at the start of a stage, always with the same weights."""
    stage = Stage("s", updates=100, batch=4, content=content, adversarial=1e-3 if gan else 0.0)
    config = Config(stages=(stage,), crop=32, step=how, ema=0.9, **settings)
    loss = GeneratorLoss(narrow_vgg() if content == "vgg54" else pixel_mse, content, stage.adversarial)
    made = generator()
    return networks_for(config, stage, made.to(device), loss.to(device), device)


def updates(made, bank, numbers=range(UPDATES)):
    """Train with a learning rate that changes; all the terms of all updates."""
    rows = []
    for number in numbers:
        made.set_learning_rate(RATE / (1 + number % 3))
        rows.append(made.update(*bank.batch(number, 4)))
    return rows


def assert_agree(first, second, tolerance=TOLERANCE):
    for name in ("generator", "average", "discriminator"):
        a, b = getattr(first, name), getattr(second, name)
        if a is not None:
            for key, value in a.state_dict().items():
                other = b.state_dict()[key]
                torch.testing.assert_close(value, other, atol=tolerance, rtol=1e-3, msg=f"{name} {key}")


def run(folder, updates=6, **settings):
    """A run of two short stages on one small photo: SRResNet, then SRGAN."""
    stages = (
        Stage("mse", updates=updates, batch=4),
        Stage("gan", updates=updates, batch=4, adversarial=1e-3),
    )
    reports = {"log_every": 2, "validate_every": 0, "preview_every": 0, "moments": 0, "tensorboard": False}
    return Config(
        stages, out=str(folder), blocks=1, channels=8, crop=16, batch_norm=False, **reports, **settings
    )


class CountingBackend:
    """Of ``torch.compile``: how many graphs it was given, and how often they ran."""

    def __init__(self, backend="aot_eager"):
        self.backend = lookup_backend(backend)
        self.graphs = self.calls = 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        ready = self.backend(graph, inputs)

        def counted(*arguments):
            self.calls += 1
            return ready(*arguments)

        return counted


# --------------------------------------------------------------------------------------- compiled


@pytest.mark.parametrize(("content", "gan"), WITH_AND_WITHOUT_GAN)
def test_the_fast_step_does_what_the_plain_one_does(bank, monkeypatch, content, gan):
    """All weights after 20 updates, and every term on the way. Each pass is one graph, traced once."""
    backend = CountingBackend()
    monkeypatch.setattr(fast, "BACKEND", backend)
    plain, quick = networks(content, gan), networks(content, gan, "fast")
    assert quick.method == Method(compiled=True)
    backend.graphs = backend.calls = 0
    start = generator().state_dict()
    for expected, got in zip(updates(plain, bank), updates(quick, bank), strict=True):
        assert expected.keys() == got.keys()
        for name, value in expected.items():
            assert got[name].item() == pytest.approx(value.item(), rel=1e-3, abs=1e-5), name
    passes = 3 if gan else 2
    assert (backend.graphs, backend.calls) == (passes, passes * UPDATES)
    assert_agree(plain, quick)
    moved = (plain.generator.head[0].weight - start["head.0.weight"]).abs().max()
    assert moved > 20 * TOLERANCE


@pytest.mark.parametrize(("content", "gan"), [("mse", False), ("vgg54", True)])
def test_the_real_networks_are_traced_without_a_break(monkeypatch, content, gan):
    """SRResNet with its biases, the real discriminator, autocast to bfloat16: still one graph a pass."""
    from srgan_lib.networks.discriminator import Discriminator

    backend = CountingBackend("eager")
    monkeypatch.setattr(fast, "BACKEND", backend)
    monkeypatch.setattr(step, "Discriminator", Discriminator)
    made = networks(content, gan, "fast", precision="bfloat16")
    backend.graphs = 0
    rows = updates(made, PatchBank(bundled_photos(), crop=32), range(2))
    assert backend.graphs == (3 if gan else 2)
    assert all(value.isfinite() for value in rows[-1].values())


def test_a_part_that_stays_in_python_is_an_error(bank, monkeypatch):
    """So that the tests above can fail."""
    monkeypatch.setattr(fast, "BACKEND", "eager")
    made = networks(how="fast")
    made.loss.content = lambda sr, hr: pixel_mse(sr, hr) if sr.mean() > -9 else sr.mean()
    with pytest.raises(Exception, match=r"(?i)data.dependent|graph break|unsupported"):
        updates(made, bank, range(1))


def test_without_a_compiler_one_line_says_so_and_the_plain_step_goes_on(tmp_path, monkeypatch, capsys):
    def no_compiler(*_):
        raise RuntimeError("No working C++ compiler found\nwith more lines")

    monkeypatch.setattr(fast, "BACKEND", no_compiler)
    result = train(run(tmp_path / "fast", step="fast"))
    said = [line for line in capsys.readouterr().err.splitlines() if "step fast" in line]  # one a stage
    assert len(said) == 2 and "No working C++ compiler found" in said[0]
    assert said[0].strip().endswith("goes on with the plain step")
    assert result.record["stages"]["mse"]["step"] == "plain"
    expected = train(run(tmp_path / "plain", step="plain")).generator.state_dict()
    for name, value in result.generator.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize(
    ("step_setting", "updates_", "device", "dtype", "expected"),
    [
        ("plain", 10**6, "cuda", torch.bfloat16, PLAIN),
        ("auto", 10**6, "cpu", torch.float32, PLAIN),
        ("auto", 10**6, "cuda", torch.float16, PLAIN),
        ("auto", 100, "cuda", torch.bfloat16, PLAIN),
        ("auto", 10**6, "cuda", torch.bfloat16, Method(compiled=True, recorded=True)),
        ("fast", 100, "cuda", torch.bfloat16, Method(compiled=True, recorded=True)),
        ("fast", 100, "cuda", torch.float32, Method(compiled=True, recorded=True)),
        ("fast", 100, "cpu", torch.float32, Method(compiled=True)),
    ],
)
def test_which_step_is_chosen(monkeypatch, step_setting, updates_, device, dtype, expected):
    monkeypatch.setattr(fast, "_trial", lambda *_: None)
    assert choose(step_setting, updates_, torch.device(device), dtype) == expected


def test_float16_is_compiled_but_not_recorded_and_says_why(monkeypatch):
    monkeypatch.setattr(fast, "_trial", lambda *_: None)
    chosen = choose("fast", 100, torch.device("cuda"), torch.float16)
    assert (chosen.compiled, chosen.recorded) == (True, False)
    assert "float16" in chosen.note and "no CUDA graph" in chosen.note


def test_several_processes_and_other_devices_use_the_plain_step(monkeypatch):
    assert "nothing is compiled for mps" in choose("fast", 100, torch.device("mps"), torch.float32).note
    monkeypatch.setattr(fast.distributed, "is_initialized", lambda: True)
    chosen = choose("fast", 100, CPU, torch.float32)
    assert not chosen.compiled and "several processes" in chosen.note


# --------------------------------------------------------------------------------------- recorded

WAITING = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}


class Tape(TorchDispatchMode):
    """Notes every operation; ``play`` does them again, each into the memory that it wrote the first time."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, operation, types, arguments=(), settings=None):
        assert operation not in WAITING, f"{operation} makes a GPU wait"
        results = operation(*arguments, **(settings or {}))
        self.operations.append((operation, arguments, settings or {}, results))
        return results

    @torch.no_grad()
    def play(self):
        for operation, arguments, settings, results in self.operations:
            again = operation(*arguments, **settings)
            for kept, new in zip(tensors(results), tensors(again), strict=True):
                if kept.data_ptr() != new.data_ptr():
                    kept.copy_(new)


def tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def taped(*keepers):
    """In place of ``cuda_graph.record``, which computes nothing: what ``keepers`` hold is put back."""

    def record(function, inputs):
        before = [(value, value.clone()) for value in tensors([keeper.state() for keeper in keepers])]
        with Tape() as tape:
            outputs = function(*inputs)
        with torch.no_grad():
            for value, kept in before:
                value.copy_(kept)
        return tape.play, outputs

    return record


def recorded(monkeypatch, *arguments):
    """Networks whose update is recorded, but not compiled; they use the fused Adam."""
    with monkeypatch.context() as chosen:
        chosen.setattr(fast, "choose", lambda *_: Method(recorded=True))
        made = networks(*arguments)
    monkeypatch.setattr(cuda_graph, "record", taped(made))
    return made


@pytest.mark.parametrize(("content", "gan"), WITH_AND_WITHOUT_GAN)
def test_a_recorded_update_does_what_the_plain_one_does(bank, monkeypatch, content, gan):
    """No waiting, no Python number that should have changed, no tensor that was replaced by another."""
    plain = networks(content, gan)
    made = recorded(monkeypatch, content, gan)
    expected, got = updates(plain, bank), updates(made, bank)
    assert made.recording._replay is not None
    for number, (a, b) in enumerate(zip(expected, got, strict=True)):
        for name in a:  # rows of earlier updates too: they must be copies
            assert b[name].item() == pytest.approx(a[name].item(), rel=1e-3, abs=1e-5), (number, name)
    assert_agree(plain, made)


def test_recorded_terms_are_copies(bank, monkeypatch):
    """The log reads them many updates later."""
    made = recorded(monkeypatch)
    rows = updates(made, bank, range(8))
    assert len({row["mse"].item() for row in rows}) == 8


def test_recorded_crops_are_the_same_through_every_part(monkeypatch):
    """A set larger than its memory: each part of it has other pixels, and needs another recording."""

    class Nothing:
        state = dict

    monkeypatch.setattr(cuda_graph, "record", taped(Nothing()))
    settings = {"crop": 32, "memory": 1_500_000, "batch": 8}
    plain, quick = PatchBank(bundled_photos()[:4], **settings), PatchBank(bundled_photos()[:4], **settings)
    quick.recorded = True
    length = plain.updates_per_part
    assert len(plain.parts) > 1 and length >= 5
    used = []
    for part in (0, 1, 0):
        for update in range(part * length, part * length + 5):
            numbers = plain.batch(update, 4), quick.batch(update, 4)
            assert all(torch.equal(a, b) for a, b in zip(*numbers, strict=True)), update
        (graph,) = quick._graphs.values()
        assert graph._replay is not None
        used.append(graph)
    assert len(set(used)) == 3


def test_a_recording_that_fails_says_so_once_and_goes_on(monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("operation not permitted\nwith details")

    monkeypatch.setattr(cuda_graph, "record", fails)
    double = cuda_graph.Recorded(lambda values: 2 * values)
    results = [double(torch.tensor([float(n)])).item() for n in range(8)]
    assert results == [2.0 * n for n in range(8)]
    said = capsys.readouterr().err.splitlines()
    assert said == ["no CUDA graph (operation not permitted); goes on without it, more slowly"]


@pytest.mark.parametrize(("content", "gan"), WITH_AND_WITHOUT_GAN)
def test_nothing_waits_for_the_device(monkeypatch, content, gan):
    """On the device "meta" there are no values: asking for one, or for a copy on the CPU, is an error."""
    nowhere = torch.device("meta")
    monkeypatch.setattr(
        "srgan_lib.degradations.torch.autocast", lambda *_, **__: nullcontext()
    )  # has no meta
    made = networks(content, gan, device=nowhere)
    rows = updates(made, PatchBank(bundled_photos(), crop=32, device=nowhere), range(2))
    assert rows[-1]["generator"].device == nowhere
    with pytest.raises((RuntimeError, NotImplementedError)):
        rows[-1]["generator"].item()


# ------------------------------------------------------------------------------- what stays the same


@pytest.mark.parametrize(("first", "then"), [("plain", "fast"), ("fast", "plain")])
def test_a_run_goes_on_with_the_other_step(tmp_path, monkeypatch, first, then):
    """Stopped within the adversarial stage: generator, discriminator and both Adams go over."""
    monkeypatch.setattr(fast, "BACKEND", "eager")
    whole = train(run(tmp_path / "whole", step="plain", ema=0.9))
    short = run(tmp_path / "run", step=first, ema=0.9, save_every=9)
    train(short)
    newest = run_folders.found(tmp_path / "run" / "checkpoints")[-1]
    newest.unlink()  # as if killed after update 9 of 12
    again = resume(tmp_path / "run", step=then)
    assert again.record["stages"]["gan"]["step"] == ("compiled" if then == "fast" else "plain")
    for name, value in again.generator.state_dict().items():
        torch.testing.assert_close(value, whole.generator.state_dict()[name], atol=1e-5, rtol=1e-3, msg=name)


def test_states_are_the_same_for_both_steps(bank, monkeypatch):
    monkeypatch.setattr(fast, "BACKEND", "eager")
    plain, quick = networks("mse", True), networks("mse", True, "fast")
    for made in (plain, quick):
        updates(made, bank, range(3))
    a, b = plain.state(), quick.state()
    assert a.keys() == b.keys()
    assert [type(x) for x in tree_leaves(a["generator_adam"]["state"])] == [
        type(x) for x in tree_leaves(b["generator_adam"]["state"])
    ]
    for adam in ("generator_adam", "discriminator_adam"):
        assert a[adam]["param_groups"][0]["lr"] == pytest.approx(b[adam]["param_groups"][0]["lr"])
        assert isinstance(b[adam]["param_groups"][0]["lr"], float)
    plain.restore(b)
    quick.restore(a)
    assert plain.generator_adam.param_groups[0]["fused"] is None
    assert quick.generator_adam.param_groups[0]["fused"] is True
    assert isinstance(quick.generator_adam.param_groups[0]["lr"], torch.Tensor)
    for made in (plain, quick):
        updates(made, bank, range(3, 6))
    assert_agree(plain, quick)


def test_in_16_bits_the_last_convolution_and_the_losses_are_float32(bank):
    made = networks("vgg54", True, precision="bfloat16")
    seen = []
    made.generator.upsample.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    lr, hr = bank.batch(0, 4)
    sr = made.generate(lr)
    real, generated = made.look(hr), made.look(sr)
    loss, terms = made.generator_loss(sr, lr, real, generated)
    judged, verdicts = made.discriminator_loss(real, generated)
    assert seen == [torch.bfloat16]
    values = [sr, loss, judged, *terms.values(), *verdicts.values()]
    assert {value.dtype for value in values} == {torch.float32}
    assert sr.unique().numel() > 0.9 * sr.numel()  # bfloat16 has only a few thousand values there
    with torch.no_grad():
        wide = made.generator.upsample(made.generator.features(lr))
    assert torch.equal(made.generator(lr), made.generator.tail(wide))


# ----------------------------------------------------------------------------------------- on a GPU

needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


@needs_a_gpu
@pytest.mark.parametrize(("content", "gan"), WITH_AND_WITHOUT_GAN)
def test_on_a_gpu_the_fast_step_does_what_the_plain_one_does(content, gan):
    """Compiled by Inductor and replayed as a CUDA graph, in float32 without TF32."""
    gpu = torch.device("cuda")
    photos = PatchBank(bundled_photos(), crop=32, device=gpu)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        plain = networks(content, gan, device=gpu, precision="float32")
        expected = updates(plain, photos)
        quick = networks(content, gan, "fast", device=gpu, precision="float32")
        photos.recorded = True
        got = updates(quick, photos)
    assert quick.method == Method(compiled=True, recorded=True)
    assert quick.recording._replay is not None
    for a, b in zip(expected, got, strict=True):
        for name in a:
            assert b[name].item() == pytest.approx(a[name].item(), rel=1e-2, abs=1e-4), name
    assert_agree(plain, quick, 5 * TOLERANCE)


@needs_a_gpu
def test_on_a_gpu_an_update_never_waits():
    gpu = torch.device("cuda")
    photos = PatchBank(bundled_photos(), crop=32, device=gpu)
    photos.recorded = True
    made = networks("mse", True, "fast", device=gpu)
    updates(made, photos, range(6))
    torch.cuda.set_sync_debug_mode("error")
    try:
        updates(made, photos, range(6, 12))
    finally:
        torch.cuda.set_sync_debug_mode("default")


@needs_a_gpu
def test_on_a_gpu_a_run_is_resumed_with_either_step(tmp_path):
    for number, how in enumerate(("fast", "plain", "fast")):
        train(run(tmp_path, step=how, time_limit=1e-9 if number < 2 else None), resume=True)
    assert resume(tmp_path).stopped == "finished"


@needs_a_gpu
def test_on_a_gpu_crops_are_those_of_the_cpu():
    for recorded_ in (False, True):
        here, there = (PatchBank(bundled_photos(), crop=32, device=name) for name in ("cpu", "cuda"))
        there.recorded = recorded_
        for update in range(6):
            for a, b in zip(here.batch(update, 4), there.batch(update, 4), strict=True):
                assert (a - b.cpu()).abs().max() <= 1.01 / 255
