"""The recipe: features for the discriminator and the content loss, balance, consistency, flat crops."""

import copy
import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from narrow import CHANNELS, cut_after, gan_stage, networks_of, recipe, write_vgg
from test_fast_step import taped
from torch import nn
from torch._dynamo.backends.registry import lookup_backend

from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.degradations import Bicubic, BlurSubsample
from srgan_lib.errors import SrganError
from srgan_lib.losses import adversarial_generator, consistency
from srgan_lib.networks import run_folders
from srgan_lib.networks.baselines import ESPCN
from srgan_lib.networks.feature_discriminator import FeatureDiscriminator
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.phases import tie_phases
from srgan_lib.networks.vgg import FeatureMaps, VGG19Features
from srgan_lib.networks.weights import load_generator, save_generator, start_from
from srgan_lib.support import cuda_graph, devices
from srgan_lib.training import checkpoints, fast, presets
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.content import scaled_maps, stage_loss
from srgan_lib.training.deviations import deviations
from srgan_lib.training.loop import resume, train
from srgan_lib.training.step import BALANCE_EVERY, Balance, Method, Networks, learning_rate
from srgan_lib.training.validation import Example, results

LAYERS = ("12", "22", "32")


def logged(folder):
    """The lines of a run's log that hold losses, without the speed."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if key != "updates_per_second"}
        for line in lines
        if "learning_rate" in line
    ]


def leaves(state, name=""):
    """[(path, tensor or number)] of nested dictionaries and lists."""
    if isinstance(state, (dict, list, tuple)):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        return [leaf for key, value in items for leaf in leaves(value, f"{name}/{key}")]
    return [(name, state)]


def assert_same(first, second):
    """Two states are equal bit for bit."""
    first, second = leaves(first), leaves(second)
    assert [name for name, _ in first] == [name for name, _ in second]
    for (name, a), (_, b) in zip(first, second, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, name


def newest(folder):
    return run_folders.latest(folder / "checkpoints")


def weights_of(file):
    return load_generator(file).state_dict()


# ------------------------------------------------------------------------------------ VGG19's maps


def test_one_pass_gives_what_each_layer_alone_gives(narrow_vgg):
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    maps = FeatureMaps(["32", "12", "54", "22"], narrow_vgg)
    maps.scale = {"12": 2.0, "22": 0.5, "32": 3.0, "54": 7.0}
    seen = maps(images)
    assert seen.pop("image") is images
    assert list(seen) == ["12", "22", "32", "54"]
    for layer, values in seen.items():
        expected = VGG19Features(layer, narrow_vgg)(images) / maps.scale[layer]
        torch.testing.assert_close(values, expected, msg=layer)
        assert values.shape[1] == CHANNELS[int(layer[0]) - 1]


def test_the_order_of_layers_does_not_matter(narrow_vgg):
    images = torch.rand(1, 3, 32, 32)
    one, other = (FeatureMaps(layers, narrow_vgg)(images) for layers in (["22", "54"], ["54", "22", "54"]))
    assert_same(one, other)


def test_scaled_maps_have_the_papers_size(narrow_vgg):
    """A mean of 1 / 12.75 on the two photos that the scale is taken from; other photos are near it."""
    maps = scaled_maps(LAYERS, narrow_vgg, "cpu")
    _, hr = PatchBank(bundled_photos(), crop=64).batch(0, 8)
    seen = maps(hr)
    for layer in LAYERS:
        assert 0.3 < seen[layer].mean().item() * 12.75 < 3, layer
        assert isinstance(maps.scale[layer], float)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda file: FeatureMaps(["22", "99"], file),
        lambda file: FeatureDiscriminator(["22", "99"]),
        lambda file: recipe("run", file, discriminator_layers=("12", "99")),
        lambda file: gan_stage(content="vgg99"),
    ],
)
def test_an_unknown_layer_is_named_in_one_line_before_anything_is_trained(narrow_vgg, wrong):
    with pytest.raises(SrganError, match=r"no feature map '99'|'12', '99'|'vgg99'; use mse") as caught:
        wrong(narrow_vgg)
    assert "\n" not in str(caught.value)


# --------------------------------------------------------------------------------- the discriminator


@pytest.mark.parametrize(("crop", "sides"), [(32, (8, 8, 4)), (64, (16, 16, 8))])
def test_logits_are_maps_of_patches(narrow_vgg, crop, sides):
    maps = FeatureMaps(["12", "22", "32", "42", "54"], narrow_vgg)(torch.rand(3, 3, crop, crop))
    logits = FeatureDiscriminator()(maps)
    assert [part.shape for part in logits] == [(3, 1, side, side) for side in sides]
    deep = FeatureDiscriminator(["42", "54"])(maps)
    assert [part.shape for part in deep] == [(3, 1, crop // 8, crop // 8), (3, 1, crop // 16, crop // 16)]


def test_logits_do_not_depend_on_the_size_of_a_map(narrow_vgg):
    """Scaled as in training, each channel of a map varies so much that BatchNorm's epsilon is nothing beside.

    (Measured on crops of the bundled photos: variances from 0.0017 on for the published VGG19's channels of
    phi 1,2 to 3,2; epsilon is 1e-5.) Not scaled, small maps would be seen as others.
    """
    torch.manual_seed(0)
    discriminator = FeatureDiscriminator()
    sizes = torch.logspace(math.log10(0.0017), -1.2, CHANNELS[0]).sqrt().view(1, -1, 1, 1)
    seen = {layer: sizes * torch.randn(4, CHANNELS[0], 16, 16) for layer in LAYERS[:2]}
    seen["32"] = sizes.mean() * torch.randn(4, CHANNELS[2], 8, 8)

    def difference(factor):
        with torch.no_grad():
            logits = discriminator(seen)
            others = discriminator({layer: factor * values for layer, values in seen.items()})
        pairs = zip(logits, others, strict=True)
        return max(((a - b).square().mean().sqrt() / a.std()).item() for a, b in pairs)

    assert difference(1000) < 0.01
    assert difference(0.01) > 0.1


@pytest.mark.parametrize("content", ["vgg22", "vgg54"])
def test_a_run_does_not_depend_on_the_scale_of_vgg19s_features(tmp_path, narrow_vgg, content):
    """phi 1,2 seven times as large and the next layer's weights a seventh: the same run.

    (Without batch normalisation, before which rounding alone moves the generator's biases.)
    """

    def other(state):
        for kind in ("weight", "bias"):
            state[f"features.2.{kind}"] *= 7
        state["features.5.weight"] /= 7

    scaled = write_vgg(tmp_path / "scaled.safetensors", change=other)
    results = []
    for file in (narrow_vgg, scaled):
        settings = {"discriminator_first": 2, "content": content}
        train(recipe(tmp_path / file.stem, file, gan_stage(6, **settings), batch_norm=False))
        results.append((weights_of(tmp_path / file.stem / "gan.safetensors"), logged(tmp_path / file.stem)))
    for name, value in results[0][0].items():
        torch.testing.assert_close(results[1][0][name], value, atol=2e-5, rtol=1e-3, msg=name)
    for one, another in zip(results[0][1], results[1][1], strict=True):
        assert one.keys() == another.keys()
        for name in one.keys() - {"stage"}:
            assert another[name] == pytest.approx(one[name], rel=2e-3, abs=1e-5), name


@pytest.mark.parametrize("content", ["vgg22", "vgg54"])
def test_vgg19_looks_once_at_each_image_of_an_update(tmp_path, narrow_vgg, content):
    networks, bank = networks_of(recipe(tmp_path, narrow_vgg, gan_stage(content=content)))
    seen = []
    networks.loss.maps.features.network[0].register_forward_hook(
        lambda *_: seen.append(torch.is_grad_enabled())
    )
    networks.update(*bank.batch(0, 4))
    assert seen == [False, True], "real images without a gradient, generated ones with one"
    seen.clear()
    networks.update(*bank.batch(1, 4), discriminator_only=True)
    assert seen == [False, False]


@pytest.mark.parametrize(
    ("settings", "in_an_update", "alone"),
    [
        ({}, [8, 8], [8]),
        ({"discriminator": "figure4", "joint_batch": True}, [8, 8], [8]),
        ({"discriminator": "figure4"}, [4, 4, 4], [4, 4]),
    ],
)
def test_real_and_generated_crops_are_in_one_batch(tmp_path, narrow_vgg, settings, in_an_update, alone):
    """In the discriminator's turn (the first) and in the generator's; without it each comes by itself."""
    networks, bank = networks_of(recipe(tmp_path, narrow_vgg, **settings))
    layers = [part for part in networks.discriminator.modules() if isinstance(part, nn.BatchNorm2d)]
    seen = {layer: [] for layer in layers}
    for layer in layers:
        layer.register_forward_pre_hook(lambda layer, inputs: seen[layer].append(len(inputs[0])))
    for only, expected in ((False, in_an_update), (True, alone)):
        networks.update(*bank.batch(0, 4), discriminator_only=only)
        assert layers and all(sizes == expected for sizes in seen.values())
        for sizes in seen.values():
            sizes.clear()


# -------------------------------------------------------------------------------------------- balance


def test_balance_goes_to_its_multiple_and_then_half_way():
    balance = Balance(3.0)
    balance.move(torch.tensor(2.0), torch.tensor(5.0))
    assert balance.weight.item() == pytest.approx(3 * 2 / 5)
    assert balance.share.item() == pytest.approx(3)
    balance.move(torch.tensor(2.0), torch.tensor(10.0))  # asks for half the weight
    assert balance.weight.item() == pytest.approx(3 * 2 / 5 * 0.75)
    assert balance.share.item() == pytest.approx(4.5)


@pytest.mark.parametrize("norms", [(1.0, 0.0), (0.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_balance_stays_where_a_gradient_cannot_be_measured(norms):
    """Nothing there, or beyond float16: no weight follows from it."""
    balance = Balance(3.0)
    balance.move(torch.tensor(2.0), torch.tensor(5.0))
    balance.move(*(torch.tensor(norm) for norm in norms))
    assert (balance.weight.item(), balance.share.item()) == (pytest.approx(1.2), pytest.approx(3))


def test_the_gradients_on_the_image_are_those_of_the_terms(tmp_path, narrow_vgg):
    """Of the terms before weighting, each by itself, and weighted as the balance asks."""
    networks, bank = networks_of(recipe(tmp_path, narrow_vgg))
    lr, hr = bank.batch(0, 4)
    norms, verdicts = networks.measure(lr, hr)
    with torch.no_grad():
        sr = networks.generator(lr)
    sr.requires_grad_()
    real, generated = networks.look(hr), networks.look(sr)
    both = {layer: torch.cat([real[layer], generated[layer]]) for layer in LAYERS}
    logits = [part[4:] for part in networks.discriminator(both)]
    terms = {
        "content": (real["22"] - generated["22"]).square().mean(),
        "adversarial": adversarial_generator(logits),
        "consistency": consistency(sr, lr, Bicubic(4)),
    }
    for name, term in terms.items():
        (gradient,) = torch.autograd.grad(term, sr, retain_graph=True)
        assert norms[name].item() == pytest.approx(gradient.norm().item(), rel=1e-3), name
    expected = torch.stack([part.sigmoid().mean() for part in logits]).mean().item()
    assert verdicts["d_fake"].item() == pytest.approx(expected, rel=1e-4)
    networks.rebalance(lr, hr)
    assert networks.adversarial_weight().item() == pytest.approx(
        (3 * norms["content"] / norms["adversarial"]).item(), rel=1e-4
    )


@pytest.mark.parametrize("discriminator", ["features", "figure4"])
def test_measuring_changes_nothing(tmp_path, narrow_vgg, discriminator):
    networks, bank = networks_of(recipe(tmp_path, narrow_vgg, discriminator=discriminator))
    networks.update(*bank.batch(0, 4))
    trained = (networks.generator, networks.discriminator)
    parameters = [weight for network in trained for weight in network.parameters()]
    before = copy.deepcopy(networks.state())
    gradients = [weight.grad.clone() for weight in parameters if weight.grad is not None]
    assert gradients
    networks.measure(*bank.batch(1, 4))
    assert_same(networks.state(), before)
    assert all(network.training for network in trained)
    after = [weight.grad for weight in parameters if weight.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(gradients, after, strict=True))


def test_a_run_moves_its_adversarial_weight_every_25_updates_and_logs_it(tmp_path, narrow_vgg):
    first = 3
    train(
        recipe(
            tmp_path / "run", narrow_vgg, gan_stage(2 * BALANCE_EVERY + 2 + first, discriminator_first=first)
        )
    )
    lines = logged(tmp_path / "run")[first:]
    weights = [line["adversarial_weight"] for line in lines]
    parts = [set(weights[start : start + BALANCE_EVERY]) for start in (0, 25, 50)]
    assert [len(part) for part in parts] == [1, 1, 1] and len(set(weights)) == 3
    assert lines[0]["adversarial_share"] == pytest.approx(3, abs=1e-5)
    old, new = weights[0], weights[BALANCE_EVERY]
    share = lines[BALANCE_EVERY]["adversarial_share"]
    wanted = 3 * new / share  # the weight at which the share would have been 3
    assert new == pytest.approx((old + wanted) / 2, rel=1e-3)


def test_the_balance_is_the_same_in_float16(tmp_path, narrow_vgg):
    """As on a T4: unscaled, the content loss's gradient is too small for that format.

    VGG19's features as published are thousands; so are these.
    """

    def large(state):
        for kind in ("weight", "bias"):
            state[f"features.0.{kind}"] *= 1000

    weights, file = [], write_vgg(tmp_path / "large.safetensors", change=large)
    for precision in ("float32", "float16"):
        networks, bank = networks_of(recipe(tmp_path / precision, file, precision=precision))
        networks.rebalance(*bank.batch(0, 4))
        weights.append(networks.adversarial_weight().item())
    assert weights[1] == pytest.approx(weights[0], rel=0.05)


def test_the_papers_weight_is_to_the_letter(tmp_path, narrow_vgg):
    config = presets.paper(data="bundled", vgg_weights=str(narrow_vgg), blocks=1, channels=8, crop=32)
    assert (config.adversarial_balance, config.discriminator, config.joint_batch) == (0, "figure4", False)
    assert (config.tied_phases, config.flat_crops, config.ema) == (False, 0, 0)
    assert [(stage.consistency, stage.discriminator_first) for stage in config.stages] == [(0, 0)] * 2
    networks, bank = networks_of(config.but(out=str(tmp_path)))
    assert networks.balance is None and networks.adversarial_weight() == 1e-3
    terms = networks.update(*bank.batch(0, 4))
    expected = terms["vgg54"] + 1e-3 * terms["adversarial"]
    assert terms["generator"].item() == pytest.approx(expected.item(), rel=1e-6)
    assert not {"adversarial_weight", "consistency", "total_variation"} & terms.keys()


# ---------------------------------------------------------------------- the discriminator comes first


def test_the_generator_waits_for_the_discriminator_and_then_warms_up(tmp_path, narrow_vgg, monkeypatch):
    first, updates, rates, moved = 3, 9, [], []
    stage = gan_stage(
        updates,
        discriminator_first=first,
        discriminator_rate=3e-4,
        warm_up=3,
        annealing="cosine",
        drop=0.02,
    )

    def generators(networks):
        average = networks.average
        kept = [network.named_parameters() for network in (networks.generator, average.module)]
        weights = [{name: value.clone() for name, value in part} for part in kept]
        return (
            weights,
            average.n_averaged.clone(),
            copy.deepcopy(networks.generator_adam.state_dict()["state"]),
        )

    def differs(one, other):
        return any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))

    update = Networks.update

    def watched(networks, lr, hr, discriminator_only=False):
        before, d_before = generators(networks), copy.deepcopy(networks.discriminator)
        terms = update(networks, lr, hr, discriminator_only)
        after = generators(networks)
        try:
            assert_same(before, after)
            moved.append(False)
        except AssertionError:
            moved.append(True)
        assert differs(d_before, networks.discriminator)
        adams = networks.generator_adam, networks.discriminator_adam
        rates.append([adam.param_groups[0]["lr"] for adam in adams])
        return terms

    monkeypatch.setattr(Networks, "update", watched)
    train(recipe(tmp_path / "run", narrow_vgg, stage, log_every=2))
    assert moved == [False] * first + [True] * (updates - first)
    own = [rate for rate, _ in rates[first:]]
    top = [1e-3 * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * n / updates))) for n in range(first, updates)]
    assert own == pytest.approx([rate * min(1, (n + 1) / 3) for n, rate in enumerate(top)])
    assert own == [learning_rate(stage, number) for number in range(first, updates)]
    assert {rate for _, rate in rates} == {3e-4}
    lines = logged(tmp_path / "run")
    assert [line["update"] for line in lines] == [2, 3, 4, 6, 8, 9]
    turn = {"discriminator", "discriminator_gradient", "d_real", "d_fake"}
    more = {"generator", "generator_gradient", "vgg22", "adversarial", "consistency"}
    for line in lines:
        assert turn | {"adversarial_weight", "adversarial_share"} <= line.keys()
        assert (more <= line.keys()) == (line["update"] > first)
        assert line["update"] > first or not more & line.keys()
        assert all(math.isfinite(value) for name, value in line.items() if name != "stage")


def test_without_a_rate_of_its_own_the_discriminator_follows_the_generators(tmp_path, narrow_vgg):
    for rate, expected in ((None, 1e-4), (0.0, 0.0), (2e-4, 2e-4)):
        stage = gan_stage(discriminator_rate=rate)
        networks, _ = networks_of(recipe(tmp_path, narrow_vgg, stage))
        networks.set_learning_rate(1e-4)
        assert networks.generator_adam.param_groups[0]["lr"] == 1e-4
        assert networks.discriminator_adam.param_groups[0]["lr"] == expected


def test_something_is_left_for_the_generator():
    with pytest.raises(SrganError, match="leave some for the generator"):
        gan_stage(5, discriminator_first=5)
    assert presets.shortened(gan_stage(600, discriminator_first=60), 4).discriminator_first == 0
    assert presets.shortened(gan_stage(600, discriminator_first=590), 4).discriminator_first == 3


# ----------------------------------------------------------------------------------------- consistency

DEGRADATIONS = [Bicubic(2), Bicubic(4), BlurSubsample(2), BlurSubsample(4)]


def crops(degradation, side=48):
    return PatchBank(bundled_photos(), crop=side, degradation=degradation).batch(0, 4)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=str)
def test_a_photo_is_consistent_with_its_own_lr(degradation):
    """To the rounding of LR: half a level, of which [-1, 1] has 255."""
    lr, hr = crops(degradation)
    rounding = (1 / 255) ** 2
    assert consistency(hr, lr, degradation) < rounding
    shifted = hr + torch.tensor([0.1, -0.05, 0.0]).view(1, 3, 1, 1)
    expected = (0.1**2 + 0.05**2) / 3
    assert consistency(shifted, lr, degradation).item() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=str)
def test_only_pixels_inside_count(degradation):
    """Those whose LR depends on nothing beyond the crop."""
    lr, hr = crops(degradation)
    border = degradation.margin // degradation.scale
    lr.requires_grad_()
    consistency(hr * 0.5, lr, degradation).backward()
    counts = lr.grad.abs().sum((0, 1)) > 0
    expected = torch.zeros_like(counts)
    expected[border:-border, border:-border] = True
    assert torch.equal(counts, expected)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=str)
def test_its_gradient_moves_colours_back(degradation):
    lr, hr = crops(degradation)
    shift = torch.tensor([0.2, -0.1, 0.0]).view(1, 3, 1, 1)
    image = (hr + shift).requires_grad_()
    before = consistency(image, lr, degradation)
    for _ in range(20):
        (gradient,) = torch.autograd.grad(consistency(image, lr, degradation), image)
        image = (image - gradient / gradient.abs().max() * 0.02).detach().requires_grad_()
    inside = slice(2 * degradation.margin, -2 * degradation.margin)
    left = (image - hr)[..., inside, inside].mean((0, 2, 3))
    assert consistency(image, lr, degradation) < before / 4
    assert left[0].abs() < 0.15 and left[1].abs() < 0.08 and left[2].abs() < 0.03


@pytest.mark.parametrize(
    ("scale", "degradation", "crop", "wanted"),
    [(4, "bicubic", 16, 16), (2, "bicubic", 8, 8), (2, "blur", 16, 16), (4, "blur", 16, 16)],
)
def test_crops_too_small_for_it_are_refused_in_one_line(scale, degradation, crop, wanted):
    stage = Stage("s", updates=1, consistency=1.0)
    settings = {"scale": scale, "degradation": degradation}
    with pytest.raises(SrganError, match=f"crop is {crop}; consistency needs more than {wanted}") as caught:
        Config((stage,), crop=crop, **settings)
    assert "\n" not in str(caught.value)
    Config((stage,), crop=crop + 16, **settings)


# ----------------------------------------------------------------------------------------- flat crops


def flat_ones(hr):
    """Which crops are of one colour."""
    return (hr.flatten(2).amax(2) == hr.flatten(2).amin(2)).all(1)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_share_of_the_crops_is_flat(scale):
    settings = {"crop": 16, "degradation": Bicubic(scale), "seed": 5}
    plain, bank = PatchBank(bundled_photos(), **settings), PatchBank(bundled_photos(), flat=0.25, **settings)
    count, colours = 0, []
    for update in range(60):
        (lr, hr), (plain_lr, plain_hr) = bank.batch(update, 16), plain.batch(update, 16)
        flat = flat_ones(hr)
        count += int((flat & ~flat_ones(plain_hr)).sum())
        assert torch.equal(lr[~flat], plain_lr[~flat]) and torch.equal(hr[~flat], plain_hr[~flat])
        assert (flat_ones(lr) >= flat).all()
        torch.testing.assert_close(2 * lr[flat][..., 0, 0] - 1, hr[flat][..., 0, 0])
        colours.append(lr[flat][..., 0, 0])
    drawn = torch.cat(colours)
    assert count == pytest.approx(240, abs=4 * math.sqrt(960 * 0.25 * 0.75))
    grey = ((drawn == drawn[:, :1]).all(1)).float().mean().item()
    assert 0.35 < grey < 0.65
    assert (drawn * 255 - (drawn * 255).round()).abs().max() < 1e-4, "whole levels, as an LR photo has"
    assert drawn.min() < 0.05 and drawn.max() > 0.95


def test_flat_crops_are_repeatable_and_shared_by_processes():
    banks = [PatchBank(bundled_photos(), crop=16, flat=0.5, seed=seed) for seed in (1, 1, 2)]
    for update in range(3):
        one, same, other = (bank.batch(update, 8) for bank in banks)
        assert_same(one, same)
        assert not torch.equal(one[0], other[0])
        parts = [banks[0].batch(update, 8, rank, 2) for rank in range(2)]
        for kind in range(2):
            for rank in range(2):
                assert torch.equal(parts[rank][kind], one[kind][rank::2])
    assert flat_ones(banks[0].batch(0, 64)[1]).float().mean() > 0.3


def test_without_flat_crops_all_are_as_before():
    settings = {"crop": 16, "seed": 3}
    without, with_zero = (
        PatchBank(bundled_photos(), **settings),
        PatchBank(bundled_photos(), flat=0.0, **settings),
    )
    for update in range(3):
        assert_same(without.batch(update, 8), with_zero.batch(update, 8))


# ------------------------------------------------------------------------------ weights of another scale


@pytest.mark.parametrize(("theirs", "ours"), [(4, 2), (2, 4), (4, 4), (8, 2)])
@pytest.mark.parametrize("tied", [False, True])
def test_weights_of_another_scale_are_taken_where_they_fit(tmp_path, theirs, ours, tied):
    torch.manual_seed(0)
    initial, generator = (Generator(scale=scale, blocks=1, channels=8) for scale in (theirs, ours))
    if tied:
        tie_phases(initial)
    file = tmp_path / "initial.safetensors"
    save_generator(initial, file)
    saved, before = weights_of(file), copy.deepcopy(generator.state_dict())
    start_from(generator, file)
    shared = {2: 1, 4: 2, 8: 3}[min(theirs, ours)]
    for name, value in generator.state_dict().items():
        own = name.startswith("upsample.") and int(name.split(".")[1]) >= shared
        assert torch.equal(value, before[name] if own else saved[name]), name
    if theirs == ours:
        assert_same(generator.state_dict(), saved)


def test_networks_that_differ_in_more_than_the_scale_are_refused(tmp_path):
    file = tmp_path / "initial.safetensors"
    save_generator(Generator(blocks=1, channels=8), file)
    for other in (Generator(blocks=1, channels=4), Generator(scale=2, blocks=2, channels=8), ESPCN(4)):
        before = copy.deepcopy(other.state_dict())
        with pytest.raises(SrganError, match=r"not the .* of this run") as caught:
            start_from(other, file)
        assert "\n" not in str(caught.value)
        assert_same(other.state_dict(), before)


def test_a_baseline_takes_what_fits_it(tmp_path):
    """ESPCN's last convolution makes the scale's pixels: it has another shape."""
    file = tmp_path / "espcn.safetensors"
    initial, other = ESPCN(4), ESPCN(2)
    save_generator(initial, file)
    own = copy.deepcopy(other.state_dict())
    start_from(other, file)
    for name, value in other.state_dict().items():
        theirs = initial.state_dict()[name]
        assert torch.equal(value, theirs if theirs.shape == value.shape else own[name]), name


# ---------------------------------------------------------------------------------------- cut and resumed


def two_stages(folder, vgg, **settings):
    """SRResNet for two updates, then the recipe: the discriminator alone for two, both for three."""
    first = Stage("mse", 2, batch=4, learning_rate=1e-3, warm_up=1)
    gan = gan_stage(5, discriminator_first=2, warm_up=2, annealing="cosine")
    return recipe(folder, vgg, first, gan, **{"validate_every": 2, "save_every": 3, **settings})


def test_a_cut_run_equals_the_whole_one_bit_for_bit(tmp_path, narrow_vgg):
    """Cut at the end of the first stage, in the discriminator's phase, and in the middle of both."""
    train(two_stages(tmp_path / "whole", narrow_vgg))
    whole = newest(tmp_path / "whole")
    assert whole["networks"].keys() >= {"discriminator", "discriminator_adam", "balance", "average"}
    assert whole["networks"]["balance"]["weight"] > 0
    for updates in (2, 3, 6):
        folder = tmp_path / f"cut-{updates}"
        cut_after(two_stages(folder, narrow_vgg), updates)
        assert resume(folder).stopped == "finished"
        assert_same(newest(folder)["networks"], whole["networks"])
        assert newest(folder)["record"]["measurements"] == whole["record"]["measurements"]
        assert logged(folder) == logged(tmp_path / "whole")
        for stage in ("mse", "gan"):
            assert_same(
                *(weights_of(where / f"{stage}.safetensors") for where in (folder, tmp_path / "whole"))
            )


def test_a_killed_run_has_each_measurement_once(tmp_path, narrow_vgg):
    """What a killed session measured after its last checkpoint is measured again, and logged once."""

    def measured(folder):
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        return [(line["update"], line["psnr"]) for line in lines if "psnr" in line]

    config = two_stages(tmp_path / "killed", narrow_vgg, save_every=0)
    train(two_stages(tmp_path / "whole", narrow_vgg))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        update = Networks.update

        def killed(networks, *batch, **settings):
            if networks.stage.name == "gan":
                raise KeyboardInterrupt
            return update(networks, *batch, **settings)

        patch.setattr(Networks, "update", killed)
        train(config)
    assert resume(tmp_path / "killed").stopped == "finished"
    assert measured(tmp_path / "killed") == measured(tmp_path / "whole")


@pytest.mark.parametrize(
    "change",
    [
        {"discriminator": "figure4"},
        {"tied_phases": False},
        {"adversarial_balance": 0.0},
        {"flat_crops": 0.0},
        {"discriminator_layers": ("22", "32")},
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused_in_one_line(tmp_path, narrow_vgg, change):
    (name,) = change
    cut_after(two_stages(tmp_path / "run", narrow_vgg), 3)
    with pytest.raises(SrganError, match=f"this run has {name} = ") as caught:
        train(two_stages(tmp_path / "run", narrow_vgg, **change), resume=True)
    assert "\n" not in str(caught.value)


def test_a_discriminator_of_another_kind_is_refused_even_where_the_settings_agree(tmp_path, narrow_vgg):
    saved = []
    for name in ("figure4", "features"):
        cut_after(two_stages(tmp_path / name, narrow_vgg, discriminator=name), 5)
        saved.append(newest(tmp_path / name))
    networks, _ = networks_of(two_stages(tmp_path / "new", narrow_vgg))
    with pytest.raises(SrganError, match="holds as discriminator is not that of this run") as caught:
        checkpoints.restore(networks, saved[0], tmp_path)
    assert "\n" not in str(caught.value)
    checkpoints.restore(networks, saved[1], tmp_path)


NEW_SETTINGS = (
    "tied_phases", "discriminator", "discriminator_layers", "joint_batch", "adversarial_balance",
    "flat_crops",
)  # fmt: skip
NEW_STAGE_SETTINGS = ("consistency", "discriminator_first", "discriminator_rate")


def test_a_run_of_an_older_version_goes_on(tmp_path):
    """Its checkpoint and its configuration do not name the recipe's settings."""
    stages = Stage("mse", 2, batch=4), Stage("gan", 4, batch=4, adversarial=1e-3)
    plain = {"discriminator": "figure4", "tied_phases": False, "adversarial_balance": 0.0, "flat_crops": 0.0}
    config = recipe(tmp_path / "old", "none", *stages, **plain, crop=16, vgg_weights=None)
    train(config.but(out=str(tmp_path / "whole")))
    cut_after(config, 4)

    def older(values):
        for name in NEW_SETTINGS:
            del values[name]
        for stage in values["stages"]:
            for name in NEW_STAGE_SETTINGS:
                del stage[name]
        return values

    path = run_folders.found(tmp_path / "old" / "checkpoints")[-1]
    state = torch.load(path, weights_only=True)
    torch.save(state | {"config": older(state["config"])}, path)
    settings = tmp_path / "old" / "config.json"
    settings.write_text(json.dumps(older(json.loads(settings.read_text()))))
    assert resume(tmp_path / "old").stopped == "finished"
    assert_same(newest(tmp_path / "old")["networks"], newest(tmp_path / "whole")["networks"])


def test_a_checkpoint_of_a_newer_version_is_refused_in_one_line(tmp_path, narrow_vgg):
    cut_after(recipe(tmp_path / "run", narrow_vgg), 2)
    path = run_folders.found(tmp_path / "run" / "checkpoints")[-1]
    state = torch.load(path, weights_only=True)
    torch.save(state | {"config": state["config"] | {"sharpness": 1}}, path)
    with pytest.raises(SrganError, match="sharpness") as caught:
        resume(tmp_path / "run")
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------- the fast step


class Graphs:
    """A backend of ``torch.compile`` that counts the graphs it is given."""

    def __init__(self):
        self.backend, self.count = lookup_backend("aot_eager"), 0

    def __call__(self, graph, inputs):
        self.count += 1
        return self.backend(graph, inputs)


def several(networks, bank, updates=6, first=2, rate=1e-4):
    """Updates as the loop does them: the discriminator alone, then both, balanced anew in the middle."""
    rows = []
    for number in range(updates):
        networks.set_learning_rate(rate)
        batch = bank.batch(number, 4)
        if number >= first and (number - first) % 2 == 0:
            networks.rebalance(*batch)
        rows.append(networks.update(*batch, discriminator_only=number < first))
    return rows


def assert_agree(plain, other, rows, other_rows, tolerance):
    for expected, got in zip(rows, other_rows, strict=True):
        assert expected.keys() == got.keys()
        for name, value in expected.items():
            assert got[name].item() == pytest.approx(value.item(), rel=2e-3, abs=1e-5), name
    for name in ("generator", "average", "discriminator"):
        state = getattr(other, name).state_dict()
        for key, value in getattr(plain, name).state_dict().items():
            if name == "discriminator" and not key.endswith("weight"):
                continue  # rounding alone moves its biases before batch normalisation, which mean nothing
            torch.testing.assert_close(state[key], value, atol=tolerance, rtol=1e-3, msg=f"{name} {key}")


@pytest.fixture
def compiled(monkeypatch):
    torch.compiler.reset()
    fast._trial.cache_clear()
    backend = Graphs()
    monkeypatch.setattr(fast, "BACKEND", backend)
    yield backend
    fast._trial.cache_clear()


def test_the_fast_step_of_the_recipe_does_what_the_plain_one_does(tmp_path, narrow_vgg, compiled):
    """Traced without a break: an untraceable line is an error. Each pass once for each kind of input."""
    stage = gan_stage(discriminator_rate=1e-4)
    made = []
    for how in ("plain", "fast"):
        networks, bank = networks_of(recipe(tmp_path / how, narrow_vgg, stage, step=how, batch_norm=False))
        made.append((networks, several(networks, bank)))
    (plain, rows), (quick, quick_rows) = made
    assert quick.method.compiled and not plain.method.compiled
    assert_agree(plain, quick, rows, quick_rows, 2e-5)
    generate, look, losses = 2, 3, 2  # with and without gradient; look at photographs too
    assert compiled.count - 1 <= generate + look + losses, "one of them was the trial"
    start, _ = networks_of(recipe(tmp_path / "again", narrow_vgg, batch_norm=False))
    moved = quick.generator.head[0].weight - start.generator.head[0].weight
    assert moved.abs().max() > 2e-4


@pytest.mark.parametrize("how", ["plain", "fast"])
def test_the_recipe_in_bfloat16(tmp_path, narrow_vgg, compiled, how):
    networks, bank = networks_of(recipe(tmp_path, narrow_vgg, step=how, precision="bfloat16"))
    rows = several(networks, bank, 5)
    assert networks.method.compiled == (how == "fast")
    assert all(value.isfinite() for row in rows for value in row.values())
    assert networks.generator.head[0].weight.dtype == torch.float32


def test_a_recorded_update_of_the_recipe_does_what_the_plain_one_does(tmp_path, narrow_vgg, monkeypatch):
    """The balance's weight is read anew by each replay, though it was recorded with another."""
    plain, bank = networks_of(recipe(tmp_path / "plain", narrow_vgg, batch_norm=False))
    with monkeypatch.context() as chosen:
        chosen.setattr(fast, "choose", lambda *_: Method(recorded=True))
        made, _ = networks_of(recipe(tmp_path / "recorded", narrow_vgg, batch_norm=False))
    monkeypatch.setattr(cuda_graph, "record", taped(made))
    rows, made_rows = several(plain, bank, 10), several(made, bank, 10)
    assert made.recording._replay is not None
    assert len({row["adversarial_weight"].item() for row in made_rows[6:]}) > 1
    assert_agree(plain, made, rows, made_rows, 3e-5)


# ------------------------------------------------------------------------------------ several processes

SCRIPT = """
import os, sys, torch
torch.set_num_threads(1)
import narrow
from srgan_lib.networks import feature_discriminator, vgg
from srgan_lib.training import loop
from srgan_lib.training.callbacks import Callback
from srgan_lib.training.step import Networks
vgg.CHANNELS, feature_discriminator.WIDTH = narrow.CHANNELS, narrow.WIDTH
seen = {"lr": []}
update = Networks.update

def watched(networks, lr, hr, discriminator_only=False):
    seen["lr"].append(lr)
    return update(networks, lr, hr, discriminator_only)

class Watch(Callback):
    def on_stage_end(self, run):
        torch.save(seen | {"state": run.networks.state()}, sys.argv[2] + os.environ["RANK"])

Networks.update = watched
loop.train(loop.Config.read(sys.argv[1]), callbacks=[Watch()])
"""


def test_two_processes_train_the_recipe_together(tmp_path, narrow_vgg):
    """Each sees its half of the batch; after the updates both have the same weights and the same balance."""
    stage = gan_stage(4, discriminator_first=1)
    config = recipe(tmp_path / "run", narrow_vgg, stage, flat_crops=0.5)
    config.save(tmp_path / "config.json")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        str(tmp_path / "script.py"),
        str(tmp_path / "config.json"),
        str(tmp_path / "rank-"),
    ]
    processes = [
        subprocess.Popen(
            command,
            env={**os.environ, **common, "RANK": rank, "LOCAL_RANK": rank, "PYTHONPATH": paths},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)[-2000:]
    ranks = [torch.load(tmp_path / f"rank-{rank}", weights_only=True) for rank in "01"]
    bank = PatchBank(bundled_photos(), crop=32, flat=0.5, batch=4)
    for number in range(4):
        whole = bank.batch(number, 4)[0]
        for rank in range(2):
            assert torch.equal(ranks[rank]["lr"][number], whole[rank::2])
    own = ("running_mean", "running_var", "num_batches_tracked", "balance/share")  # on GPUs they are common
    first, second = (leaves(found["state"]) for found in ranks)
    for (name, a), (_, b) in zip(first, second, strict=True):
        if not name.endswith(own):
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, name
    assert ranks[0]["state"]["balance"]["weight"] > 0
    start = networks_of(config.but(out=str(tmp_path / "start")))[0]
    moved = ranks[0]["state"]["generator"]["head.0.weight"] - start.generator.head[0].weight
    assert moved.abs().max() > 1e-4
    assert len(logged(tmp_path / "run")) == 4


# ------------------------------------------------------------------------------- what departs from the paper


@pytest.mark.parametrize("preset", [presets.tiny, presets.colab, presets.cpu])
def test_presets_name_every_departure(preset, monkeypatch):
    config = preset(data="bundled")
    named = "\n".join(config.deviations)
    words = {
        "tied_phases": "tied phases",
        "discriminator": "VGG19's features (phi 1,2, 2,2, 3,2) instead of Figure 4's",
        "adversarial_balance": "kept at 3 times the content loss's",
        "flat_crops": "a share of 0.0312 of the crops is one colour",
        "ema": "moving average of the weights (0.997)",
        "crop": f"crop {config.crop} instead of 96",
        "blocks": "blocks 4 instead of 16",
        "channels": "channels 24 instead of 64",
        "batch_norm": "no batch normalisation",
    }
    usual = presets.paper()
    for name, line in words.items():
        assert (line in named) == (getattr(config, name) != getattr(usual, name)), name
    for stage in config.stages:
        assert f"{stage.updates:,} updates instead of" in named
        assert f"learning rate {stage.learning_rate:g} falling along a cosine" in named
        assert not stage.consistency or f"LR consistency with weight {stage.consistency:g}" in named
        assert not stage.is_gan or "the discriminator is trained alone for 60 updates" in named
    assert config.but(deviations=()).deviations == ()


def test_the_paper_departs_from_nothing_but_its_photos():
    assert presets.paper().deviations == ()
    assert deviations(presets.paper()) == ["other photos than 350,000 of ImageNet"]


FREE = {
    "stages", "out", "data", "lr_data", "validation", "held_out", "initial", "vgg_weights", "seed", "device",
    "step", "memory", "log_every", "validate_every", "preview_every", "moments", "save_every", "time_limit",
    "tensorboard", "deviations",
}  # fmt: skip
CHANGED = {
    "degradation": "blur", "network": "espcn", "scale": 2, "crop": 48, "blocks": 4, "channels": 8,
    "batch_norm": False, "long_skip": False, "tied_phases": True, "discriminator": "features",
    "discriminator_layers": ("12", "22"), "joint_batch": True, "adversarial_balance": 2.0,
    "flat_crops": 0.1, "ema": 0.9, "precision": "bfloat16", "stored_statistics": True,
}  # fmt: skip
STAGE_FREE = {"name", "drop"}  # drop means nothing without drop_at
STAGE_CHANGED = {
    "updates": 100, "content": "vgg34", "adversarial": 1e-2, "total_variation": 1e-8, "consistency": 1.0,
    "discriminator_first": 10, "discriminator_rate": 3e-4, "learning_rate": 2e-4, "annealing": "cosine",
    "drop_at": (100,), "warm_up": 10, "batch": 8,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({item.name for item in fields(Config)} - FREE))
def test_each_setting_that_departs_is_named(name):
    """A new setting of ``Config`` belongs into ``FREE``, or into ``CHANGED`` and into ``deviations``."""
    base = presets.paper().but(
        stages=presets.paper().stages[:1] if name == "network" else presets.paper().stages
    )
    if name == "discriminator_layers":
        base = base.but(discriminator="features")
    if name == "stored_statistics":
        base = base.but(initial="srresnet-mse.safetensors")
    assert set(deviations(base.but(**{name: CHANGED[name]}))) - set(deviations(base)), name


@pytest.mark.parametrize("name", sorted({item.name for item in fields(Stage)} - STAGE_FREE))
def test_each_setting_of_a_stage_that_departs_is_named(name):
    base = presets.paper()
    base = base.but(stages=base.stages[1:])
    changed = base.but(stages=[replace(base.stages[0], **{name: STAGE_CHANGED[name]})])
    assert set(deviations(changed)) - set(deviations(base)), name


def test_whether_a_cpu_has_bfloat16_is_asked_without_failing(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert devices.has_bfloat16() is False
    assert presets.cpu(data="bundled").precision == "float32"
    for found, expected in (({"avx2": True}, False), ({"amx_bf16": True}, True), ({"bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found, raising=False)
        assert devices.has_bfloat16() is expected
        assert presets.cpu(data="bundled").precision == ("bfloat16" if expected else "float32")


# --------------------------------------------------------------------------------------- stored statistics


def a_run_from(tmp_path, **settings):
    """Networks of one stage that starts from weights whose statistics are not those of a new network."""
    torch.manual_seed(1)
    first = Generator(blocks=1, channels=4)
    with torch.no_grad():
        for _ in range(20):
            first(torch.rand(2, 3, 12, 12))
    save_generator(first, tmp_path / "first.safetensors")
    stage = Stage("last", updates=4, learning_rate=1e-3, batch=2)
    config = Config(
        (stage,), crop=48, blocks=1, channels=4, initial=str(tmp_path / "first.safetensors"), **settings
    )
    generator = load_generator(config.initial)
    loss, _ = stage_loss(stage, config, torch.device("cpu"), Bicubic(4))
    return Networks(config, stage, generator, loss, torch.device("cpu"))


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_with_stored_statistics_trains_what_is_used(tmp_path, kept):
    networks = a_run_from(tmp_path, stored_statistics=kept)
    lr, hr = torch.rand(2, 3, 12, 12), torch.rand(2, 3, 48, 48) * 2 - 1
    used = copy.deepcopy(networks.generator).eval()
    with torch.no_grad():
        assert torch.allclose(networks.generate(lr), used(lr), atol=1e-5) == kept
    before = {name: value.clone() for name, value in networks.generator.named_buffers()}
    networks.update(lr, hr)
    same = [torch.equal(value, before[name]) for name, value in networks.generator.named_buffers()]
    assert all(same) if kept else not all(same)
    weights = zip(networks.generator.parameters(), used.parameters(), strict=True)
    assert all(not torch.equal(own, other) for own, other in weights)


def test_statistics_must_come_from_somewhere():
    with pytest.raises(SrganError, match="stored_statistics"):
        Config((Stage("last", updates=1),), stored_statistics=True)


def test_stored_statistics_stay_stored_after_a_look_at_the_results(tmp_path):
    networks = a_run_from(tmp_path, stored_statistics=True)
    photo = np.zeros((48, 48, 3), np.uint8)
    results(networks.generator, [Example("grey", photo, photo[::4, ::4])])
    norms = [module for module in networks.generator.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert networks.generator.training
