"""What the shipped weights must show: on the bundled photos everywhere, on Set5 and Set14 where they are.

The limits are those that the project set itself; a comment stands where the weights do not reach them yet.
"""

from functools import cache

import numpy as np
import pytest

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.evaluation.own_sets import pairs_of
from srgan_lib.images import crop_to_multiple
from srgan_lib.perception import fine_power_ratio, gradient_statistics, grid

GANS = [name for name in pretrained.names(4) if name.startswith("srgan")]
FULL = [name for name in pretrained.names() if name.startswith("sr") and name != "srcnn"]
LEAST_PSNR = {"srresnet-mse": 30.9, "srgan-vgg54": 27.5, "srgan-vgg22": 27.5}  # Set5, dB
LEAST_PSNR |= {"srresnet-mse-x2": 36.16}  # 2.5 above bicubic
MEAN_GRID, WORST_GRID = 0.35, 0.8  # levels; originals of Set14 0.08 and 0.22
SHARPEST, LEAST_SHARP = 1.0, 0.6  # of the originals' gradients


@cache
def bundled(model):
    """[(result, original)] of the two photos that no training of ours sees."""
    scale = pretrained.scale_of(model)
    originals = [crop_to_multiple(photo.load(), scale) for photo in held_out_photos()]
    return [(sr.upscale(imresize(image, 1 / scale), model=model), image) for image in originals]


@cache
def of_set(model, folder):
    """[(result, original)] of a test set in ``folder``."""
    return [
        (sr.upscale(small, model=model), original)
        for original, small in pairs_of(folder, pretrained.scale_of(model))
    ]


@pytest.mark.parametrize("model", FULL)
def test_no_grid_on_the_bundled_photos(model):
    found = [grid(result) for result, _ in bundled(model)]
    assert np.mean(found) < MEAN_GRID
    assert max(found) < WORST_GRID


@pytest.mark.parametrize("model", GANS)
def test_a_gan_is_sharper_than_srresnet_and_not_beyond_the_photographs(model):
    for (result, photo), (smooth, _) in zip(bundled(model), bundled("srresnet-mse"), strict=True):
        sharp, flat, own = (gradient_statistics(image).rms for image in (result, smooth, photo))
        assert 1.1 * flat < sharp < 1.1 * own
    results, photos = zip(*bundled(model), strict=True)
    smooth = [result for result, _ in bundled("srresnet-mse")]
    ratio = fine_power_ratio(results, photos)
    assert ratio.max() < 1, "no band has more than a photograph's, which a grid or a weave would show"
    assert (ratio - fine_power_ratio(smooth, photos)).min() > 0.5


@pytest.mark.parametrize("model", FULL)
def test_no_grid_on_set14(model, data_folder):
    found = [grid(result) for result, _ in of_set(model, data_folder("benchmarks/Set14"))]
    assert np.mean(found) < MEAN_GRID
    assert max(found) < WORST_GRID


@pytest.mark.parametrize("model", GANS)
def test_detail_on_set14_is_between_srresnets_and_the_originals(model, data_folder):
    pairs = of_set(model, data_folder("benchmarks/Set14"))
    ratios = [gradient_statistics(ours).rms / gradient_statistics(theirs).rms for ours, theirs in pairs]
    assert LEAST_SHARP < np.mean(ratios) < SHARPEST
    assert fine_power_ratio(*zip(*pairs, strict=True)).max() < 1


@pytest.mark.parametrize("model", sorted(LEAST_PSNR.keys() & set(FULL)))
def test_psnr_on_set5(model, data_folder):
    pairs = of_set(model, data_folder("benchmarks/Set5"))
    border = pretrained.scale_of(model)
    assert np.mean([sr.psnr(ours, theirs, crop=border) for ours, theirs in pairs]) > LEAST_PSNR[model]


@pytest.mark.xfail(
    strict=True, reason="off by up to 9 levels in the middle and 25 in the corners: not reached yet"
)
@pytest.mark.parametrize("model", GANS)
def test_a_constant_stays_a_constant(model):
    """Inputs of one grey, its corners included: how far the worst pixel of the result is from it."""
    worst = {}
    for level in range(0, 256, 15):
        result = sr.upscale(np.full((64, 64, 3), level, np.uint8), model=model)
        worst[level] = int(np.abs(result.astype(int) - level).max())
    assert max(worst.values()) <= 2, worst
