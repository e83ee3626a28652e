"""A run's health on pictures with known answers, and its verdict on runs spoilt on purpose."""

import json

import numpy as np
import pytest
from narrow import gan_stage, interpolating, recipe
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from srgan_lib.data.sources import held_out_photos
from srgan_lib.errors import SrganError
from srgan_lib.images import read_rgb
from srgan_lib.perception import fine_power, fine_power_ratio, grid
from srgan_lib.training import content, health
from srgan_lib.training.config import Stage
from srgan_lib.training.loop import train

Y_PER_LEVEL = 219 / 255  # how much Y, from 16 to 235, a level of grey is
LEFT = 24 / 25  # of a pattern when its 5x5 mean is taken away


def photo(index=0):
    """A bundled photo, 256x256, its levels far enough from 0 and 255 to add a pattern."""
    return held_out_photos()[index].load()[20:276, 100:356].clip(30, 225)


def pattern(period, shape=(256, 256)):
    """A checkerboard of plus and minus one whose squares are half a period wide."""
    rows, columns = (np.arange(side) // (period // 2) % 2 for side in shape)
    return 1 - 2 * (rows[:, None] ^ columns)[..., None]


def grey(levels):
    return np.broadcast_to(np.round(levels).astype(np.uint8), (256, 256, 3))


# ----------------------------------------------------------------------------------------- the grid


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("amplitude", [1, 5])
def test_a_checkerboard_is_as_strong_as_it_is(period, amplitude):
    expected = amplitude * Y_PER_LEVEL * LEFT
    assert grid(grey(128 + amplitude * pattern(period))) == pytest.approx(expected, rel=0.01)
    with_pattern = (photo() + amplitude * pattern(period)).astype(np.uint8)
    assert grid(photo()) < 0.2
    assert grid(with_pattern) == pytest.approx(expected, rel=0.15, abs=0.1)


def test_edges_count_for_at_most_15_levels():
    strong = grid(grey(128 + 100 * pattern(2)))
    assert strong == pytest.approx(15, rel=1e-3)


def test_only_what_repeats_in_the_period_counts():
    five = np.zeros((256, 256, 1))
    five[::5, ::5] = 50  # the same mean in each of the 4x4 phases
    assert grid(grey(128 + five)) < 0.1
    assert grid(grey(128 + five), period=5) > 1
    noise = np.random.default_rng(0).normal(128, 20, (256, 256, 1))
    assert grid(grey(noise)) < 20 / 256 * 4 * 2  # a phase has 64x64 pixels; twice what chance gives


def test_a_picture_too_small_for_a_grid_is_refused():
    with pytest.raises(SrganError, match="16x16 are needed"):
        grid(photo()[:20, :20])


def test_grids_of_photographs_and_of_the_authors_results(data_folder):
    """Set14: as measured for the recipe. A published result of SRGAN has more than any photograph."""
    folder = data_folder("benchmarks/Set14")
    originals = [grid(read_rgb(path)) for path in sorted((folder / "HR").glob("*.png"))]
    assert len(originals) == 14
    assert np.mean(originals) == pytest.approx(0.08, abs=0.01)
    assert max(originals) == pytest.approx(0.21, abs=0.02)
    assert max(originals) < health.GRID / 2
    published = sorted((folder.parents[1] / "published/Set14/SRGAN-VGG54").glob("*.png"))
    if len(published) != 14:
        pytest.skip("test data missing: the authors' results on Set14")
    results = [grid(read_rgb(path)) for path in published]
    assert np.mean(results) == pytest.approx(0.31, abs=0.04)
    assert np.mean(results) < health.GRID


# ------------------------------------------------------------------------------------- fine detail


def test_equal_pictures_have_equal_power():
    assert np.array_equal(fine_power_ratio([photo(), photo(1)], [photo(), photo(1)]), [0, 0, 0])


def test_noise_has_the_power_of_its_deviation():
    random = np.random.default_rng(0)
    weak, strong = (random.normal(128, sigma, (256, 256, 1)) for sigma in (10, 20))
    np.testing.assert_allclose(fine_power_ratio([grey(strong)], [grey(weak)]), [6.02] * 3, atol=0.3)
    share = fine_power(grey(strong)) / (256 - 8) ** 2 / (20 * Y_PER_LEVEL) ** 2
    areas = [np.pi * (high**2 - low**2) for low, high in ((0.15, 0.25), (0.25, 0.38), (0.38, 0.5))]
    np.testing.assert_allclose(share, areas, rtol=0.05)


def test_blur_takes_the_finest_detail_first():
    blurred = gaussian_filter(photo().astype(float), (1, 1, 0)).round().astype(np.uint8)
    low, middle, high = fine_power_ratio([blurred], [photo()])
    assert 0 > low > middle > high > -60


def test_a_wave_is_in_the_band_of_its_frequency():
    wave = 25 * np.cos(2 * np.pi * 0.3 * np.arange(256))[:, None, None]
    low, middle, high = fine_power_ratio([(photo() + wave).astype(np.uint8)], [photo()])
    assert middle > 8 and abs(low) < 0.5 and abs(high) < 0.5


def test_pictures_are_summed_before_they_are_compared():
    random = np.random.default_rng(1)
    fine, faint = (grey(random.normal(128, sigma, (256, 256, 1))) for sigma in (40, 2))
    flat = grey(np.full((256, 256, 1), 128))
    np.testing.assert_allclose(fine_power_ratio([fine, flat], [fine, faint]), 0, atol=0.05)


# ---------------------------------------------------------------------------------------- the verdict


@pytest.fixture
def spoilt(tmp_path, narrow_vgg):
    """A function that trains a short run from a linear enlargement; ``spoilt(stage)`` gives its verdict.

    What it measured is checked on the way: written to the record and the log alike, and said on screen.
    """

    def run(stage, capsys, **settings):
        start = interpolating(tmp_path / "start.safetensors")
        given = {"batch_norm": False, "ema": 0.0, "log_every": 100, "initial": str(start), **settings}
        record = train(recipe(tmp_path / "run", narrow_vgg, stage, **given)).record
        measured = record["measurements"][-1]
        lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
        assert [line["health"] for line in lines if "health" in line] == [
            row["health"] for row in record["measurements"]
        ]
        written = json.loads((tmp_path / "run" / "record.json").read_text())
        assert written["measurements"] == record["measurements"]
        gain = np.mean([measured["psnr"][name] - record["bicubic_psnr"][name] for name in measured["psnr"]])
        said = capsys.readouterr().err
        found = health.verdict(measured["health"], gain)
        assert f"update {measured['update']}: {gain:+.2f} dB against bicubic" in said
        assert all(sentence in said for sentence in found)
        print(f"{gain:.2f} dB", measured["health"], found)
        return [sentence.partition(":")[0] for sentence in found], measured["health"]

    return run


def test_a_healthy_run_is_left_in_peace(spoilt, capsys):
    stage = gan_stage(40, discriminator_first=20, discriminator_rate=5e-3, learning_rate=2e-4, warm_up=10)
    faults, measured = spoilt(stage, capsys)
    assert faults == []
    assert measured.keys() >= {"grid", "power", "drift", "content", "d_real", "d_fake", "adversarial_share"}
    assert measured["adversarial_share"] > 0.5 and measured["d_real"] > measured["d_fake"]


def reward(strength, of):
    """A content loss that is the mean squared error less something that it should not reward."""
    error = content.pixel_mse
    return lambda sr, hr: error(sr, hr) - strength * of(sr)


def phases(sr):
    """How much the means of the 4x4 phases differ."""
    fine = sr - functional.avg_pool2d(sr, 5, 1, 2)
    return fine.unflatten(-1, (-1, 4)).unflatten(-3, (-1, 4)).mean((-2, -4)).std((-1, -2)).mean()


def ripples(sr):
    """How much there is of what changes from pixel to pixel."""
    return (sr[..., 1:-1, :] - 0.5 * (sr[..., 2:, :] + sr[..., :-2, :])).abs().mean()


def test_a_grid_is_named_and_tied_phases_prevent_it(spoilt, capsys, monkeypatch):
    monkeypatch.setattr(content, "pixel_mse", reward(0.1, phases))
    stage = Stage("s", 30, learning_rate=2e-3, batch=4)
    faults, measured = spoilt(stage, capsys, tied_phases=False)
    assert "grid" in faults and measured["grid"] > 1


def test_tied_phases_prevent_a_grid(spoilt, capsys, monkeypatch):
    monkeypatch.setattr(content, "pixel_mse", reward(0.1, phases))
    faults, measured = spoilt(Stage("s", 30, learning_rate=2e-3, batch=4), capsys)
    assert "grid" not in faults and measured["grid"] < health.GRID / 2


def test_a_weave_is_named(spoilt, capsys, monkeypatch):
    monkeypatch.setattr(content, "pixel_mse", reward(0.5, ripples))
    stage = Stage("s", 100, learning_rate=2e-3, batch=4, consistency=3.0)
    faults, measured = spoilt(stage, capsys)
    assert faults == ["weave"]
    assert measured["power"][2] - measured["power"][1] > health.TILT


def test_a_blind_discriminator_is_named(spoilt, capsys):
    faults, _ = spoilt(gan_stage(4, discriminator_rate=0.0, learning_rate=1e-4), capsys)
    assert faults == ["the discriminator is blind"]


def test_a_discriminator_that_has_won_is_named(spoilt, capsys):
    """The generator stands still at its random weights, and the discriminator learns to see that."""
    stage = gan_stage(60, learning_rate=0.0, discriminator_rate=1e-2, consistency=0.0)
    faults, _ = spoilt(stage, capsys, discriminator="figure4", joint_batch=True, initial=None)
    assert "the discriminator has won" in faults


def test_an_adversarial_term_without_weight_is_named(spoilt, capsys):
    stage = gan_stage(
        20, discriminator_first=15, discriminator_rate=5e-3, learning_rate=1e-4, adversarial=1e-9
    )
    faults, _ = spoilt(stage, capsys, adversarial_balance=0.0)
    assert faults == ["adversarial term without weight"]


@pytest.mark.parametrize(
    ("balance", "adversarial", "loss"),
    [(1000.0, 1e-3, "vgg22"), (0.0, 1.0, "mse")],
    ids=["balance", "weight"],
)
def test_drift_and_collapse_are_named(spoilt, capsys, balance, adversarial, loss):
    settings = {"consistency": 0.0, "learning_rate": 1e-2, "discriminator_rate": 2e-3}
    stage = gan_stage(30, content=loss, adversarial=adversarial, **settings)
    faults, _ = spoilt(stage, capsys, adversarial_balance=balance)
    assert {"colour drift", "collapse"} <= set(faults)
