"""Is this run healthy? Measures that PSNR and losses do not show, and what they mean in words."""

import numpy as np
import torch

from srgan_lib.images import to_signed
from srgan_lib.perception import SMALLEST_SIDE, fine_power_ratio, grid

SIDE = 128  # pixels of the middle of a photo on which the content loss is taken
# Limits of ``verdict``. The SRGAN images that the paper's authors published have a grid of 0.3 levels,
# photographs 0.1; results of a weak SRResNet, made small again, differ from their input by 4 levels.
GRID = 0.6  # levels
EXCESS = 1.0  # dB above the originals' power
TILT = 5.0  # dB that the highest band may have more of than the middle one
DRIFT = 8.0  # levels
COLLAPSE = 3.0  # dB below bicubic
WEIGHTLESS = 0.1  # of the content loss's gradient
WON, BLIND = 0.95, 0.05  # D(real) - D(generated)


def seen(images, examples, degradation):
    """What can be seen of a generator's results ``images`` (uint8) on ``examples``, a dictionary of numbers.

    "grid" is the mean of ``perception.grid`` in levels, "power" the three
    ``perception.fine_power_ratio`` in dB, "drift" the root mean square difference between LR and the result
    made small again, in levels.
    """
    drifts = [_drift(image, item, degradation) for image, item in zip(images, examples, strict=True)]
    found = {"drift": round(float(np.mean(drifts)), 3)}
    pairs = [(image, item.hr) for image, item in zip(images, examples, strict=True)]
    large = [pair for pair in pairs if min(pair[1].shape[:2]) >= SMALLEST_SIDE + 8]
    if large:
        found["grid"] = round(float(np.mean([grid(image) for image, _ in large])), 4)
        found["power"] = [round(float(value), 2) for value in fine_power_ratio(*zip(*large, strict=True))]
    return found


def _drift(image, example, degradation):
    small = degradation.whole(image)
    return np.sqrt(np.mean((small.astype(float) - example.lr) ** 2))


@torch.no_grad()
def held_out_content(networks, images, examples):
    """The stage's content loss between results and originals, on the middle of each; their mean."""
    values = []
    for image, item in zip(images, examples, strict=True):
        pictures = [_middle(picture).to(networks.device) for picture in (image, item.hr)]
        with networks.arithmetic():
            views = [networks.loss.view(picture)[networks.loss.sees] for picture in pictures]
        values.append(networks.loss.content(*views).item())
    return float(np.mean(values))


def _middle(image):
    top, left = (max(0, (side - SIDE) // 2) for side in image.shape[:2])
    return to_signed(image[top : top + SIDE, left : left + SIDE]).unsqueeze(0)


def game(networks, lr, hr):
    """How the adversarial game stands on a batch: D's mean verdicts, and each gradient's share.

    "adversarial_share" and "consistency_share" are norms of the terms' gradients on the image, weighted,
    against the content loss's. All processes must call it.
    """
    norms, verdicts = networks.measure(lr, hr)
    weights = {"adversarial": networks.adversarial_weight(), "consistency": networks.loss.consistency}
    found = {name: round(float(value), 4) for name, value in verdicts.items()}
    for name in norms.keys() & weights.keys():
        found[f"{name}_share"] = round(float(weights[name] * norms[name] / norms["content"]), 4)
    return found


def verdict(health, gain=None):
    """What is wrong with a run, a list of sentences; empty when nothing is.

    ``health`` is a measurement's "health" in a run's record or log, ``gain`` its mean PSNR less bicubic's, in
    dB. What was not measured is not judged.
    """
    checks = (_grid, _weave, _drifted, _weightless, _game_over)
    found = [check(health) for check in checks]
    if gain is not None and gain < -COLLAPSE:
        found.append(f"collapse: {-gain:.1f} dB below bicubic; lower the learning rate or adversarial weight")
    return [sentence for sentence in found if sentence]


def _grid(health):
    if health.get("grid", 0) > GRID:
        return (
            f"grid: a pattern of period 4, {health['grid']:.1f} levels strong (photographs: 0.1);"
            " train with tied_phases"
        )
    return None


def _weave(health):
    low, middle, high = health.get("power", (0, 0, 0))
    if max(low, middle, high) > EXCESS:
        return (
            f"weave: up to {max(low, middle, high):.1f} dB more fine detail than the originals have;"
            " lower the adversarial weight"
        )
    if high - middle > TILT:
        return (
            f"weave: the finest detail is {high - middle:.1f} dB ahead of what is coarser; if it stays so,"
            " let the discriminator see features"
        )
    return None


def _drifted(health):
    if health.get("drift", 0) > DRIFT:
        return (
            f"colour drift: made small again, results differ from their input by {health['drift']:.1f}"
            " levels; raise consistency"
        )
    return None


def _weightless(health):
    share = health.get("adversarial_share")
    if share is not None and share < WEIGHTLESS:
        return (
            f"adversarial term without weight: its gradient is {share:.2g} times the content loss's; raise"
            " the adversarial weight, or set adversarial_balance"
        )
    return None


def _game_over(health):
    if "d_real" not in health:
        return None
    lead = health["d_real"] - health["d_fake"]
    if lead > WON:
        return (
            f"the discriminator has won: D(real) {health['d_real']:.2f}, D(generated)"
            f" {health['d_fake']:.2f}; its gradient says nothing more"
        )
    if abs(lead) < BLIND:
        return (
            f"the discriminator is blind: D(real) {health['d_real']:.2f}, D(generated)"
            f" {health['d_fake']:.2f}; train it alone first, or show it both in one batch"
        )
    return None
