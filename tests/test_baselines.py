"""SRCNN, ESPCN and DRCN: their papers' architectures, Y and colour, training, files, tiles."""

import numpy as np
import pytest
import torch
from torch import nn

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.reproduce import Request, config_of, make_plan
from srgan_lib.images import from_signed, luma, to_signed, to_unit
from srgan_lib.inference.tiled import TiledNetwork
from srgan_lib.inference.upscale import load_engine
from srgan_lib.losses import luma_mse
from srgan_lib.networks import build
from srgan_lib.networks.baselines import DRCN, ESPCN, SRCNN, BicubicEnlargement
from srgan_lib.networks.generator import Generator, count_parameters
from srgan_lib.networks.weights import load_generator, save_generator
from srgan_lib.training.config import Config, Stage

NAMES = ("srcnn", "espcn", "drcn")


def small(name, scale=4):
    torch.manual_seed(0)
    return (DRCN(scale, recursions=3, channels=4) if name == "drcn" else build(name, scale=scale)).eval()


def convolutions(network):
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0])
        for m in network.modules()
        if isinstance(m, nn.Conv2d)
    ]


@pytest.fixture(scope="module")
def photo():
    """A part of a photo the networks could be shown, LR: uint8 (40, 52, 3)."""
    return imresize(held_out_photos()[0].load()[:160, :208], 1 / 4)


# -------------------------------------------------------------------------------------- architectures


def test_srcnn_is_9_5_5():
    assert convolutions(SRCNN()) == [(1, 64, 9), (64, 32, 5), (32, 1, 5)]
    assert count_parameters(SRCNN()) == 57_281  # 57,184 without the 97 biases


def test_espcn_is_5_3_3_and_a_shuffle():
    assert convolutions(ESPCN()) == [(1, 64, 5), (64, 32, 3), (32, 16, 3)]
    assert count_parameters(ESPCN()) == 24_752
    assert convolutions(ESPCN(scale=2))[-1] == (32, 4, 3)


def test_drcn_has_five_convolutions_however_deep():
    assert convolutions(DRCN()) == [(1, 256, 3), *3 * [(256, 256, 3)], (256, 1, 3)]
    assert count_parameters(DRCN()) - count_parameters(DRCN(recursions=1)) == 15  # the weights of the mean
    assert count_parameters(DRCN()) == 1_775_121


def test_drcn_averages_its_answers_and_each_adds_to_the_enlargement():
    network = small("drcn")
    large = torch.rand(1, 1, 16, 16)
    answers = network.answers(large)
    mean = torch.stack(answers).mean(0)
    assert len(answers) == 3 and torch.allclose(network.sharper(None, large), mean, atol=1e-6)
    nn.init.zeros_(network.answer[-1].weight), nn.init.zeros_(network.answer[-1].bias)
    assert all(torch.equal(answer, large) for answer in network.answers(large))


@pytest.mark.parametrize(("name", "largest"), [("srcnn", True), ("espcn", False)])
def test_where_the_arithmetic_is_done(name, largest):
    """SRCNN works on the enlarged image, ESPCN on the small one: its paper's point."""
    sides = []
    network = small(name)
    network.extract.register_forward_hook(lambda _, inputs, __: sides.append(inputs[0].shape[2]))
    network(torch.rand(1, 3, 12, 12))
    assert sides == [48 if largest else 12]


# ------------------------------------------------------------------------------------- Y and colour


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_bicubic_as_sub_pixel_convolution_is_imresize(photo, scale):
    small_photo = photo[:11, :13] // 2 + 64  # nothing to clamp
    enlarged = 255 * BicubicEnlargement(scale)(to_unit(small_photo)[None])[0].movedim(0, -1)
    assert np.abs(enlarged.numpy() - imresize(small_photo, scale)).max() < 1.2  # rounded twice there


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [2, 4])
def test_only_y_is_changed(name, scale, photo):
    """The network's answer is Y of the result, and its colour is the bicubic enlargement's."""
    network, lr = small(name, scale), to_unit(photo[:12, :12])[None]
    answers = []
    sharper = network.sharper
    network.sharper = lambda y, large: answers.append(sharper(y, large)) or answers[0]
    sr_levels = (network(lr)[0].movedim(0, -1).detach().double().numpy() + 1) * 127.5
    enlarged = 255 * network.enlarge(lr)[0].movedim(0, -1).double().numpy()
    assert sr_levels.shape == (12 * scale, 12 * scale, 3)
    assert np.allclose(luma(sr_levels), 255 * answers[0][0, 0].detach().numpy(), atol=2e-3)
    change = sr_levels - enlarged
    assert np.ptp(change, axis=2).max() < 1e-3, "the same for R, G and B"
    assert np.abs(change).max() > 1


def test_luma_mse_is_the_error_of_y(photo):
    other = photo[::-1].copy()
    a, b = (to_signed(image)[None] for image in (photo, other))
    expected = np.square((luma(photo) - luma(other)) * 2 / 219).mean()
    assert luma_mse(a, b).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_trained(name):
    network = small(name).train()
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32) * 2 - 1
    luma_mse(network(lr), hr).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_unknown_networks_and_scales_are_refused():
    with pytest.raises(SrganError, match="did you mean 'srcnn'"):
        build("srcn")
    with pytest.raises(SrganError, match="scale 3"):
        build("espcn", scale=3)
    with pytest.raises(SrganError, match="network is 'espn'; use srresnet, srcnn, espcn, drcn or own"):
        Config(stages=(Stage("a", 1),), network="espn")


# ---------------------------------------------------------------------------------- tiles and files


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tile", "scale"), [(7, 4), (16, 4), (100, 4), (9, 2)])
def test_tiles_change_nothing(name, tile, scale, photo):
    network, lr = small(name, scale), to_unit(photo[:31, :37])[None]
    with torch.no_grad():
        whole = network(lr)
    assert torch.allclose(TiledNetwork(network)(lr, tile), whole, atol=2e-5)


@pytest.mark.parametrize(("name", "less"), [("srcnn", 1), ("espcn", 1), ("drcn", 3)])
def test_a_narrower_margin_would_be_seen(name, less):
    network, lr = small(name), torch.rand(1, 3, 31, 37)
    engine = TiledNetwork(network)
    engine.reach -= less
    with torch.no_grad():
        assert (engine(lr, 8) - network(lr)).abs().max() > 3e-5


@pytest.mark.parametrize("name", NAMES)
def test_file_keeps_the_network(name, tmp_path, photo):
    network = small(name)
    save_generator(network, tmp_path / "a.safetensors")
    again = load_generator(tmp_path / "a.safetensors")
    assert type(again) is type(network) and again.config == network.config
    large = sr.upscale(photo, model=again, progress=False)
    assert np.array_equal(large, sr.upscale(photo, model=tmp_path / "a.safetensors", progress=False))
    with torch.no_grad():
        expected = from_signed(network(to_unit(photo)[None]))[0]
    assert (np.abs(large.astype(int) - expected) <= 1).all() and (large == expected).mean() > 0.999
    assert isinstance(load_engine(again), TiledNetwork)


def test_files_of_generators_are_read_as_before(tmp_path):
    save_generator(Generator(blocks=1, channels=4), tmp_path / "a.safetensors")
    assert isinstance(load_generator(tmp_path / "a.safetensors"), Generator)


# ----------------------------------------------------------------------------------------- training


def config(name, out, **changes):
    stage = Stage(name, updates=4, content="luma", batch=2)
    settings = {"crop": 32, "device": "cpu", "tensorboard": False, "validate_every": 0, "preview_every": 0}
    return Config(stages=(stage,), network=name, out=str(out), **{**settings, **changes})


@pytest.mark.parametrize("name", ["srcnn", "espcn"])
def test_our_loop_trains_it_and_resumes_bit_for_bit(name, tmp_path):
    whole = sr.train(config(name, tmp_path / "whole"))
    sr.train(config(name, tmp_path / "cut", save_every=2, time_limit=1e-6))
    cut = sr.train(config(name, tmp_path / "cut", save_every=2), resume=True)
    assert cut.updates == whole.updates == 4
    for ours, theirs in zip(whole.generator.parameters(), cut.generator.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert type(pretrained.load(tmp_path / "whole")) is type(build(name))
    assert whole.record["config"]["network"] == name


@pytest.mark.parametrize("name", ["srcnn", "espcn"])
def test_the_compiled_step_is_the_plain_one(name, tmp_path, monkeypatch):
    monkeypatch.setattr("srgan_lib.training.fast.BACKEND", "aot_eager")  # traces the same, in one piece
    plain = sr.train(config(name, tmp_path / "plain", step="plain"))
    fast = sr.train(config(name, tmp_path / "fast", step="fast"))
    assert fast.record["stages"][name]["step"].startswith("compiled")
    for ours, theirs in zip(plain.generator.parameters(), fast.generator.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=2e-5)


def test_reproduce_plans_a_baseline_with_srresnets_schedule(tmp_path):
    asked = Request(str(tmp_path), {"data": "bundled", "crop": 32, "device": "cpu"}, updates=1000)
    plan = make_plan(asked, ["srcnn"])
    made = config_of(asked, plan, "srcnn")
    (stage,) = made.stages
    assert (made.network, stage.content, stage.learning_rate, stage.updates) == ("srcnn", "luma", 1e-4, 1000)
    assert made.initial is None and any("instead of its own paper's" in line for line in made.deviations)
