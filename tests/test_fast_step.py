"""The fast step against the plain one: traced in one piece, recorded, resumed from each other's checkpoints.

None of these tests needs a C++ compiler or a GPU. What is traced is run by the backend "aot_eager" or "eager"
of ``torch.compile``: the same graphs that a compiler would get. What a CUDA graph would record is recorded
by ``Tape``, which repeats the same operations on the same tensors with the same numbers, as a CUDA graph does.
"""

import pytest
import torch
from torch import nn
from torch._dynamo.backends.registry import lookup_backend
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srgan_lib import graphs
from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.losses import GeneratorLoss, VGGLoss, pixel_mse
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.training import checkpoints, method, step
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.loop import resume, train
from srgan_lib.training.method import PLAIN, Method, choose

CPU = torch.device("cpu")
RATE = 1e-4
UPDATES = 20
# A weight moves by at most RATE an update. Rounding may differ; the distance travelled may not, by more than 1 %.
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
    method._trial.cache_clear()
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
    return step.Networks(config, stage, made.to(device), loss.to(device), device)


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
    monkeypatch.setattr(method, "BACKEND", backend)
    plain, fast = networks(content, gan), networks(content, gan, "fast")
    assert fast.method == Method(compiled=True)
    backend.graphs = backend.calls = 0
    start = generator().state_dict()
    for expected, got in zip(updates(plain, bank), updates(fast, bank), strict=True):
        assert expected.keys() == got.keys()
        for name, value in expected.items():
            assert got[name].item() == pytest.approx(value.item(), rel=1e-3, abs=1e-5), name
    passes = 3 if gan else 2
    assert (backend.graphs, backend.calls) == (passes, passes * UPDATES)
    assert_agree(plain, fast)
    moved = (plain.generator.head[0].weight - start["head.0.weight"]).abs().max()
    assert moved > 20 * TOLERANCE
