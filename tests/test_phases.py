"""Tied phases: a constant stays a constant, through training, averaging, resuming and saving."""

import pytest
import torch

from srgan_lib.errors import SrganError
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.phases import tie_phases, with_plain_weights
from srgan_lib.networks.weights import load_generator, save_generator
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.loop import resume, train
from srgan_lib.training.step import MovingAverage


def spread_of_phases(features, period):
    """The largest difference between two of the means of the period x period phases of (N, C, h, w)."""
    border = 4 * period  # which the zeros that pad the convolutions reach
    inner = features[..., border:-border, border:-border]
    phases = inner.unflatten(-1, (-1, period)).unflatten(-3, (-1, period)).mean((-2, -4))
    return (phases.flatten(-2).max(-1).values - phases.flatten(-2).min(-1).values).max().item()


def upsampled(generator):
    """What the sub-pixel layers make of one constant for each feature map."""
    channels = generator.config["channels"]
    constants = torch.randn(1, channels, 1, 1, generator=torch.Generator().manual_seed(1))
    return generator.upsample(constants.expand(1, channels, 24, 24))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_constant_features_give_a_constant_only_when_tied(scale):
    torch.manual_seed(0)
    generator = Generator(scale=scale, blocks=1, channels=8)
    with torch.no_grad():
        assert spread_of_phases(upsampled(generator), scale) > 0.05
        tie_phases(generator)
        assert spread_of_phases(upsampled(generator), scale) < 1e-5


def test_tying_keeps_what_the_four_kernels_have_in_common():
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=8)
    layer = generator.upsample[0].conv
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    tie_phases(generator)
    mean = lambda values: values.unflatten(0, (-1, 4)).mean(1)  # noqa: E731
    torch.testing.assert_close(mean(layer.weight), mean(before[0]))
    torch.testing.assert_close(mean(layer.bias), mean(before[1]))
    sums = layer.weight.sum((2, 3)).unflatten(0, (-1, 4))
    torch.testing.assert_close(sums, sums[:, :1].expand_as(sums))
    assert not torch.allclose(layer.weight[0], layer.weight[1], atol=1e-3)  # the kernels themselves differ


def test_gradients_averages_and_copies_stay_tied():
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=8)
    tie_phases(generator)
    average = MovingAverage(generator, 0.9)
    adam = torch.optim.Adam(generator.parameters(), lr=0.05)
    for _ in range(3):
        adam.zero_grad()
        generator(torch.rand(2, 3, 8, 8)).square().mean().backward()
        adam.step()
        average.update_parameters(generator)
    with torch.no_grad():
        for network in (generator, average.module, with_plain_weights(average.module)):
            assert spread_of_phases(upsampled(network.eval()), 4) < 1e-5


def test_file_holds_plain_tied_weights(tmp_path):
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=8).eval()
    tie_phases(generator)
    save_generator(generator, tmp_path / "tied.safetensors")
    loaded = load_generator(tmp_path / "tied.safetensors")
    assert "upsample.0.conv.weight" in loaded.state_dict()
    image = torch.rand(1, 3, 12, 12)
    torch.testing.assert_close(loaded(image), generator(image))
    assert generator.state_dict().keys() != loaded.state_dict().keys()  # the one in training stays as it is


def config(folder, **settings):
    small = {"blocks": 1, "channels": 8, "crop": 16, "moments": 0, "tensorboard": False}
    every = {"log_every": 2, "validate_every": 0, "preview_every": 0, "save_every": 2}
    stages = (
        Stage("mse", updates=4, learning_rate=1e-2, batch=4),
        Stage("gan", updates=4, learning_rate=1e-2, batch=4, adversarial=1e-3),
    )
    return Config(stages=stages, out=str(folder), tied_phases=True, ema=0.9, **small, **every, **settings)


def test_run_is_tied_from_the_first_update_to_the_last(tmp_path):
    result = train(config(tmp_path / "run"))
    networks = [result.generator]
    networks += [load_generator(tmp_path / "run" / f"{name}.safetensors") for name in ("mse", "gan")]
    with torch.no_grad():
        assert all(spread_of_phases(upsampled(network), 4) < 1e-5 for network in networks)


def test_cut_run_goes_on_bit_for_bit(tmp_path):
    whole = train(config(tmp_path / "whole"))
    train(config(tmp_path / "cut", time_limit=1e-9))
    again = resume(tmp_path / "cut", time_limit=None)
    assert again.updates == whole.updates
    first, second = (
        load_generator(tmp_path / name / "gan.safetensors").state_dict() for name in ("whole", "cut")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_baselines_have_no_phases_to_tie(tmp_path):
    with pytest.raises(SrganError, match="tied_phases is for srresnet, not for espcn"):
        Config(stages=(Stage("luma", updates=1, content="luma"),), network="espcn", tied_phases=True)
