"""Changes of equal pixel error, maps layer by layer, reconstruction, on random weights; the records."""

import pytest
import torch
from safetensors.torch import save_file

from srgan_lib import records
from srgan_lib.data.sources import held_out_photos
from srgan_lib.networks.vgg import CHANNELS, CONVOLUTIONS, VGG19Features
from srgan_lib.teaching import invariance
from srgan_lib.teaching.invariance import LAYERS


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random VGG19 convolutions up to phi_{3,4}, in torchvision's numbering."""
    torch.manual_seed(0)
    state, place, into = {}, 0, 3
    for count, out in zip(CONVOLUTIONS[:3], CHANNELS[:3], strict=True):
        for _ in range(count):
            state[f"features.{place}.weight"] = torch.randn(out, into, 3, 3) * (2 / (9 * into)) ** 0.5
            state[f"features.{place}.bias"] = torch.zeros(out)
            place, into = place + 2, out
        place += 1
    path = tmp_path_factory.mktemp("vgg") / "random.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def image():
    return invariance.subject(held_out_photos()[0].load(), 64)


def test_every_layer_in_one_pass_equals_the_library_layer_by_layer(weights, image):
    found = invariance.maps(VGG19Features("34", weights), image, ("11", "22", "34"))
    assert list(found) == ["11", "22", "34"]
    for layer, values in found.items():
        torch.testing.assert_close(values, VGG19Features(layer, weights)(image))


def test_before_activation_there_are_negative_values_and_relu_removes_them(weights, image):
    features = VGG19Features("22", weights)
    before = invariance.maps(features, image, ("22",), activated=False)["22"]
    assert (before < 0).any()
    torch.testing.assert_close(before.relu(), features(image))


@pytest.mark.parametrize("name", invariance.CHANGES)
def test_each_change_has_the_pixel_error_of_a_shift(image, name):
    error = invariance.pixel_error(invariance.shifted(image, 1), image)
    other, setting = invariance.changed(image, name, error)
    assert other.shape == image.shape and setting > 0
    assert invariance.pixel_error(other, image) == pytest.approx(error, rel=0.01)


def test_a_shift_moves_the_picture_by_one_pixel(image):
    moved = invariance.inside(invariance.shifted(image, 1))
    edge = invariance.MARGIN
    assert torch.equal(moved, image[..., edge:-edge, edge + 1 : image.shape[-1] - edge + 1])


def test_new_texture_has_the_old_strength_and_the_same_coarse_picture(image):
    other = invariance.retextured(image, 1.5)
    detail, new = (x - invariance.smooth(x, invariance.DETAIL) for x in (image, other))
    assert invariance.inside(new).std() == pytest.approx(invariance.inside(detail).std().item(), rel=0.3)
    assert torch.corrcoef(torch.stack([detail.flatten(), new.flatten()]))[0, 1].abs() < 0.3


def test_distance_is_relative_and_zero_for_the_same_image(weights, image):
    features = VGG19Features("22", weights)
    assert invariance.distances(features, image, image) == {"12": 0, "22": 0}
    maps = features(image), features(-image)
    expected = ((maps[0] - maps[1]).square().sum() / maps[0].square().sum()).item()
    assert invariance.distances(features, image, -image)["22"] == pytest.approx(expected, rel=1e-5)


def test_maps_divided_by_the_factor_cost_as_much_as_the_pixels(weights, image):
    features, other = VGG19Features("22", weights), invariance.blurred(image, 2.0)
    found = invariance.factors(features, image, other, ("22",))["22"]["after"]
    difference = (features(image) - features(other)) / found["mean"]
    assert difference.square().mean() == pytest.approx((image - other).square().mean().item(), rel=1e-4)
    assert found["sum"] == pytest.approx(found["mean"] * 128**0.5, rel=1e-4)
    assert found["literal"] == pytest.approx(found["sum"] / 3**0.5, rel=1e-4)


def test_reconstruction_from_a_shallow_map_finds_the_photo(weights, image):
    target = invariance.inside(image)[..., :32, :32]
    found, history = invariance.reconstruct(VGG19Features("12", weights), target, steps=60)
    assert history[-1] < 0.05 * history[0]
    assert (found - target).square().mean() < 0.1 * target.square().mean()
    assert found.abs().max() <= 1


def test_looking_for_weights_downloads_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(invariance, "roots", lambda: [tmp_path])
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert invariance.weights_here() == {}
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / invariance.TORCHVISION).touch()
    (tmp_path / invariance.ORIGINAL).touch()
    assert invariance.weights_here() == {"original": tmp_path / invariance.ORIGINAL, "torchvision": None}


def test_the_record_of_invariance_is_complete_and_of_equal_error():
    record = records.read("vgg-invariance")
    for rows in record["equal_error"].values():
        for name in invariance.CHANGES:
            assert rows[name]["pixel_mse"] == pytest.approx(rows["pixel_mse"], rel=0.01)
            assert set(LAYERS) <= set(rows[name])


def test_the_record_of_invariance_measured_again(vgg19_file):
    """One row of it, with the weights that made it."""
    record = records.read("vgg-invariance")
    features = VGG19Features("54", vgg19_file)
    if features.weights_sha256 != record["sha256"]:
        pytest.fail(f"the record was made with other weights: {record['weights']}")
    image = invariance.subject(held_out_photos()[0].load(), record["side"])
    pair = invariance.inside(image), invariance.inside(invariance.shifted(image, 1))
    for layer, value in invariance.distances(features, *pair).items():
        assert record["equal_error"]["chelsea"]["shift"][layer] == pytest.approx(value, rel=1e-3)


def test_the_record_of_reconstructions_is_complete():
    record = records.read("vgg-reconstruction")
    found = {(run["photo"], run["layer"], run["smoothness"] > 0): run for run in record["runs"]}
    for photo in ("chelsea", "coffee"):
        rows = [found[photo, layer, True] for layer in LAYERS]
        assert rows[0]["psnr"] > rows[1]["psnr"] > rows[-1]["psnr"]
        for row in rows:
            picture = records.picture(f"vgg-reconstruction-{photo}-{row['layer']}.jpg")
            assert picture.shape == (record["side"], record["side"], 3)
            assert row["distance"][str(record["steps"])] < row["distance"]["1"]
    assert ("chelsea", "54", False) in found
    assert records.picture("vgg-reconstruction-chelsea-54-plain.jpg").shape == picture.shape
