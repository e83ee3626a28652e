"""Sharpness statistics against cases whose answer is known, and generators between two generators."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from scipy.fft import fftfreq, ifft2

import srgan_lib as sr
from srgan_lib import perception, records
from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.degradations import gaussian_blur, imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import luma, open_image, read_rgb, to_signed
from srgan_lib.networks import vgg
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.interpolation import interpolate
from srgan_lib.networks.vgg import VGG19Features, depth

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import perception as benchmark

NOISE = np.random.default_rng(0)


def noise(sigma, side=256, seed=0):
    return 128 + sigma * np.random.default_rng(seed).standard_normal((side, side))


def power_law_picture(fall, side=512):
    """Random phases, power proportional to frequency ** -fall."""
    frequency = np.hypot(fftfreq(side)[:, None], fftfreq(side))
    frequency[0, 0] = np.inf
    phases = np.fft.fft2(np.random.default_rng(1).standard_normal((side, side)))
    return 128 + 5 * ifft2(phases * frequency ** (-fall / 2)).real


def one_spectrum_of(photo):
    return perception.power_spectrum(photo.load())


# ---------------------------------------------------------------------------------- power spectrum


@pytest.mark.parametrize("sigma", [1, 8])
def test_white_noise_is_flat_at_its_variance(sigma):
    spectrum = perception.power_spectrum(noise(sigma))
    assert spectrum.shape == perception.FREQUENCIES.shape == (9,)
    np.testing.assert_allclose(spectrum[4:], 20 * np.log10(sigma), atol=0.25)
    np.testing.assert_allclose(spectrum, 20 * np.log10(sigma), atol=1.6)  # few coefficients in the low bands


@pytest.mark.parametrize("fall", [1, 2, 3])
def test_a_power_law_falls_by_3_dB_an_octave_for_each_power(fall):
    spectrum = perception.power_spectrum(power_law_picture(fall))
    slope, _ = perception.power_law(spectrum, below=0.5)
    assert slope == pytest.approx(-3.01 * fall, abs=0.35)
    assert perception.excess_power(spectrum) == pytest.approx(0, abs=2)


def test_a_sine_has_all_its_power_in_its_band_whatever_its_direction():
    along = np.arange(256)
    for row_cycles, column_cycles in [(0, 0.2), (0.2, 0), (0.12, 0.16)]:  # 0.2 cycles a pixel each
        wave = np.sin(2 * np.pi * (row_cycles * along[:, None] + column_cycles * along))
        spectrum = perception.power_spectrum(128 + 50 * wave, crop=0)
        band = np.searchsorted(perception.EDGES, 0.2) - 1
        assert spectrum.argmax() == band
        assert np.delete(spectrum, band).max() < spectrum[band] - 40


def test_power_adds_up_to_the_variance():
    picture = power_law_picture(1)
    rows = fftfreq(504)
    frequency = np.hypot(rows[:, None], rows)
    power = 10 ** (perception.power_spectrum(picture) / 10)
    areas = np.histogram(frequency, perception.EDGES * (1 + 1e-9))[0] / frequency.size
    lost = 10 * np.log10(picture[4:-4, 4:-4].var() / (power * areas).sum())
    assert 0 < lost < 1.5  # dB: what lies below 1/32, and in the window


def test_a_grid_of_two_pixels_is_in_the_corner():
    """What sub-pixel layers leave behind lies beyond 0.5 cycles a pixel: it must not be cut off."""
    chessboard = np.indices((128, 128)).sum(axis=0) % 2 * 4.0
    before, after = noise(1, 128), noise(1, 128) + chessboard
    rise = perception.power_spectrum(after) - perception.power_spectrum(before)
    assert rise.argmax() == 8 and rise[8] > 10 and np.abs(rise[:7]).max() < 0.1


def test_contrast_shifts_a_spectrum_and_brightness_does_not():
    photo = luma(held_out_photos()[0].load())
    spectrum = perception.power_spectrum(photo)
    np.testing.assert_allclose(perception.power_spectrum(photo + 20), spectrum, atol=1e-6)
    half = perception.power_spectrum(photo / 2)
    np.testing.assert_allclose(half, spectrum - 20 * np.log10(2), atol=1e-6)
    assert perception.spectrum_distance(half, spectrum) == pytest.approx(20 * np.log10(2))
    assert perception.spectrum_distance(spectrum, spectrum) == 0


def test_only_bands_above_count():
    a, b = np.zeros(9), np.array([7.0] * 4 + [3.0] * 5)
    assert perception.spectrum_distance(a, b) == 3
    assert perception.spectrum_distance(a, b, above=0) == pytest.approx(np.sqrt((4 * 49 + 5 * 9) / 9))
    assert perception.spectrum_distance(a, b, above=0.5) == 3


def test_photographs_are_near_their_power_law_and_bicubic_pictures_are_not():
    for photo in held_out_photos():
        hr = photo.load()[:296, :440]
        sharp = perception.power_spectrum(hr)
        blurred = perception.power_spectrum(imresize(imresize(hr, 1 / 4), 4))
        assert -12 < perception.power_law(sharp)[0] < -4
        assert perception.excess_power(blurred) < perception.excess_power(sharp) - 5
        assert perception.spectrum_distance(sharp, blurred) > 5
        np.testing.assert_allclose(blurred[:2], sharp[:2], atol=0.5)  # low frequencies survive shrinking


def test_a_flat_picture_has_a_spectrum_and_a_small_one_an_explanation():
    flat = perception.power_spectrum(np.full((100, 100, 3), 77, np.uint8))
    np.testing.assert_allclose(flat, -30)
    with pytest.raises(SrganError, match="63x63 pixels are left"):
        perception.power_spectrum(np.zeros((71, 71)))


# --------------------------------------------------------------------------------------- gradients


def test_a_ramp_has_the_gradients_it_is_made_of():
    ramp = np.add.outer(3 * np.arange(40), 4 * np.arange(30))  # 4 to the right, 3 downwards; grey
    found = perception.gradients(ramp)
    assert found.shape == (32 * 21 + 31 * 22,)
    assert set(found) == {3.0, 4.0} and (found[: 32 * 21] == 4).all()
    assert perception.gradient_statistics(ramp).rms == pytest.approx(np.sqrt((found**2).mean()))
    shares = perception.gradient_histogram(ramp, [0, 3.5, 5, 9])
    np.testing.assert_allclose(shares, [31 * 22 / len(found), 32 * 21 / len(found), 0])


def test_colours_are_weighed_as_luma_and_pil_images_are_understood():
    step = np.zeros((20, 20, 3), np.uint8)
    step[:, 10:] = (0, 100, 0)
    assert perception.gradients(step).max() == pytest.approx(128.553 / 255 * 100)
    np.testing.assert_array_equal(perception.gradients(Image.fromarray(step)), perception.gradients(step))


@pytest.mark.parametrize(
    ("values", "exponent", "kurtosis"),
    [
        (lambda size: NOISE.standard_normal(size), 2, 3),
        (lambda size: NOISE.laplace(size=size), 1, 6),
        (lambda size: NOISE.uniform(-1, 1, size), 10, 1.8),  # the limit of large exponents
    ],
    ids=["gaussian", "laplace", "uniform"],
)
def test_known_distributions_of_gradients(values, exponent, kurtosis):
    found = values(200_000)
    ratio = np.mean(np.abs(found)) ** 2 / np.mean(found**2)
    assert perception._exponent(ratio) == pytest.approx(exponent, rel=0.05)
    assert np.mean(found**4) / np.mean(found**2) ** 2 == pytest.approx(kurtosis, rel=0.1)


def test_statistics_tell_noise_from_photographs():
    rms, kurtosis, exponent = perception.gradient_statistics(noise(8))
    assert rms == pytest.approx(8 * np.sqrt(2), rel=0.02)  # neighbours differ by two independent noises
    assert kurtosis == pytest.approx(3, abs=0.1) and exponent == pytest.approx(2, abs=0.05)
    for photo in [*bundled_photos()[:3], *held_out_photos()]:
        _, kurtosis, exponent = perception.gradient_statistics(photo.load())
        assert kurtosis > 6 and exponent < 1


def test_blur_makes_gradients_smaller():
    photo = luma(held_out_photos()[1].load())
    blurred = gaussian_blur(photo.round().astype(np.uint8), 2)
    assert perception.gradient_statistics(blurred).rms < 0.6 * perception.gradient_statistics(photo).rms


def test_no_gradient_no_statistics():
    with pytest.raises(SrganError, match="one level"):
        perception.gradient_statistics(np.zeros((20, 20)))
    with pytest.raises(SrganError, match="2x2 are needed"):
        perception.gradients(np.zeros((9, 20)))


# -------------------------------------------------------------------------------- natural photographs


@pytest.fixture(scope="module")
def natural():
    return perception.natural(photo.load() for photo in bundled_photos())


def test_sharpness_is_made_of_the_statistics():
    picture = held_out_photos()[0].load()[:200, :200]
    contrast, exponent, excess = perception.sharpness(picture)
    assert contrast == pytest.approx(20 * np.log10(perception.gradient_statistics(picture).rms))
    assert exponent == perception.gradient_statistics(picture).exponent
    assert excess == perception.excess_power(perception.power_spectrum(picture))
    assert perception.sharpness(luma(picture) / 2).contrast == pytest.approx(contrast - 20 * np.log10(2))


def test_distance_from_photographs_is_in_their_own_standard_deviations(natural):
    own = [natural.distance(perception.sharpness(photo.load())) for photo in bundled_photos()]
    assert np.mean(np.square(own)) == pytest.approx(1)
    assert natural.distance(natural.mean) == 0
    plain = perception.Natural(np.zeros(3), np.diag([4.0, 1, 9]))
    assert plain.distance([2, 0, 0]) == pytest.approx(1 / np.sqrt(3))
    assert plain.distance([4, 2, 6]) == pytest.approx(2)
    together = perception.Natural(np.zeros(3), np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1.0]]))
    assert together.distance([1, -1, 0]) > 4 * together.distance([1, 1, 0])  # what seldom goes together


def test_blur_and_noise_are_further_from_photographs_than_photographs(natural):
    for photo in held_out_photos():
        hr = photo.load()[:296, :440]
        sharp = natural.distance(perception.sharpness(hr))
        blurred = natural.distance(perception.sharpness(imresize(imresize(hr, 1 / 4), 4)))
        noisy = natural.distance(perception.sharpness(luma(hr) + noise(30, 440)[:296]))
        assert blurred > sharp + 0.3 and noisy > sharp + 0.3


def test_too_few_photographs_are_refused():
    with pytest.raises(SrganError, match="3 photographs do not show"):
        perception.natural([noise(1), noise(2), noise(3)])


# -------------------------------------------------------------------------------- VGG19's features


@pytest.fixture(scope="module")
def vgg_distance(vgg19_file):
    return perception.VGGDistance(weights=vgg19_file)


def test_vgg_distance_is_that_of_the_papers_features(vgg_distance, vgg19_file):
    hr = held_out_photos()[0].load()[100:180, 100:170]
    result = imresize(imresize(hr[:80, :68], 1 / 4), 4)
    hr = hr[:, :68]
    found = vgg_distance(result, hr)
    assert list(found) == ["22", "54"] and vgg_distance.weights_name == "vgg19-original.safetensors"
    for layer, distance in found.items():
        network = VGG19Features(layer, vgg19_file)
        with torch.no_grad():
            ours, theirs = (network(to_signed(image[4:-4, 4:-4])[None]) for image in (result, hr))
        expected = ((ours - theirs) ** 2).sum() / (theirs**2).sum()
        assert distance == pytest.approx(expected.item(), rel=1e-4)


def test_vgg_distance_knows_equal_images_borders_grey_and_the_next_original(vgg_distance):
    hr, other = (photo.load()[100:148, 100:164] for photo in held_out_photos())
    bordered = hr.copy()
    bordered[:4], bordered[:, -4:] = 0, 255
    assert vgg_distance(hr, hr) == vgg_distance(bordered, hr) == {"22": 0, "54": 0}
    assert vgg_distance(bordered, hr, crop=3)["22"] > 0.01
    assert vgg_distance(hr, other)["54"] > 0.3  # not compared with the features kept before
    grey = hr[..., 1]
    assert vgg_distance(grey, np.stack([grey] * 3, axis=2)) == {"22": 0, "54": 0}
    nothing = vgg_distance(np.full_like(hr, 124), hr)
    assert 0.3 < nothing["22"] < 1.5


def test_vgg_distance_grows_with_what_is_lost(vgg_distance):
    hr = held_out_photos()[1].load()[60:124, 140:204]
    steps = [vgg_distance(imresize(imresize(hr, 1 / scale), scale), hr) for scale in (2, 4, 8)]
    for layer in ("22", "54"):
        assert steps[0][layer] < steps[1][layer] < steps[2][layer]


def test_vgg_distance_wants_one_size(vgg_distance):
    with pytest.raises(SrganError, match="not 22x12 and 12x22"):
        vgg_distance(np.zeros((20, 30, 3), np.uint8), np.zeros((30, 20, 3), np.uint8))
    with pytest.raises(SrganError, match="16x16 or more"):
        vgg_distance(np.zeros((23, 23, 3), np.uint8), np.zeros((23, 23, 3), np.uint8))


def test_depth_counts_the_modules_of_the_network():
    for layer in ("11", "22", "34", "41", "54"):
        assert depth(layer) == len(vgg._build(layer))


# ------------------------------------------------------------------------------------------- LPIPS


class Distance(torch.nn.Module):
    def __init__(self, **settings):
        super().__init__()
        self.settings = settings

    def forward(self, a, b):
        assert a.shape == b.shape == (1, 3, 12, 22) and a.min() >= -1 and a.max() <= 1
        return (a - b).abs().mean()[None]


@pytest.fixture
def fresh_lpips():
    perception._lpips_network.cache_clear()
    yield
    perception._lpips_network.cache_clear()


def only(package, monkeypatch):
    """Without the other package that computes LPIPS."""
    hidden = {"lpips": "torchmetrics.image.lpip", "torchmetrics": "lpips"}[package]
    monkeypatch.setitem(sys.modules, hidden, None)


@pytest.mark.parametrize("package", ["lpips", "torchmetrics"])
def test_lpips_gets_what_is_inside_the_crop_in_its_range(monkeypatch, fresh_lpips, package):
    only(package, monkeypatch)
    if package == "lpips":
        monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=Distance))
    else:
        found = types.SimpleNamespace(LearnedPerceptualImagePatchSimilarity=Distance)
        for name in ("torchmetrics", "torchmetrics.image"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setitem(sys.modules, "torchmetrics.image.lpip", found)
    black, white = np.zeros((20, 30, 3), np.uint8), np.full((20, 30, 3), 255, np.uint8)
    bordered = black.copy()
    bordered[:4], bordered[-4:], bordered[:, :4], bordered[:, -4:] = 9, 9, 9, 9
    assert perception.lpips(black, white) == 2 and perception.lpips(black, bordered) == 0


def photo_pair():
    hr = held_out_photos()[0].load()[40:136, 80:176]
    return imresize(imresize(hr, 1 / 4), 4), hr


@pytest.mark.filterwarnings("ignore::UserWarning")  # of lpips: it uses an old form of torchvision's call
def test_both_packages_agree_and_their_order_does_not_matter(monkeypatch, fresh_lpips):
    """The real packages, with their own weights for the layers and one random network below them."""
    for package in ("lpips", "torchmetrics.image.lpip"):
        pytest.importorskip(package, reason=f"LPIPS: {package} is not installed")
    torch.manual_seed(0)
    network = torchvision.models.alexnet(weights=None)
    monkeypatch.setattr(torchvision.models, "alexnet", lambda **_: network)
    blurred, hr = photo_pair()
    found = []
    for package in ("lpips", "torchmetrics"):
        with monkeypatch.context() as only_one:
            only(package, only_one)
            perception._lpips_network.cache_clear()
            found.append(perception.lpips(blurred, hr))
            assert perception.lpips(hr, hr) == pytest.approx(0, abs=1e-7)
            assert perception.lpips(hr, blurred) == pytest.approx(found[-1], rel=1e-4)
    assert found[0] == pytest.approx(found[1], rel=1e-4) and found[0] > 1e-6


def test_lpips_itself_where_its_weights_are(fresh_lpips):
    blurred, hr = photo_pair()
    try:
        distance = perception.lpips(blurred, hr)
    except SrganError as error:
        pytest.skip(f"LPIPS: {error}")
    slightly = imresize(imresize(hr, 1 / 2), 2)
    assert 0.15 < distance < 0.8 and 0 < perception.lpips(slightly, hr) < distance
    assert perception.lpips(hr, hr) == pytest.approx(0, abs=1e-6)


def test_lpips_without_a_package_says_which(monkeypatch, fresh_lpips):
    monkeypatch.setitem(sys.modules, "lpips", None)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.lpip", None)
    with pytest.raises(SrganError, match="pip install torchmetrics"):
        perception.lpips(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8))


def test_lpips_without_its_weights_says_so(monkeypatch, fresh_lpips):
    def offline(**_):
        raise OSError("no network")

    monkeypatch.setattr(perception, "_from_a_package", offline)
    with pytest.raises(SrganError, match=r"cannot be fetched \(no network\)"):
        perception.lpips(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8))


# --------------------------------------------------------------------------- between two generators


def generator(seed, **settings):
    torch.manual_seed(seed)
    made = Generator(**{"blocks": 2, "channels": 8, **settings}).eval()
    with torch.no_grad():
        for name, values in made.named_buffers():
            if "running" in name:
                values.uniform_(0.2, 3)
            if "tracked" in name:
                values.fill_(seed)
    return made


def test_the_ends_come_back_bit_for_bit():
    a, b = generator(0), generator(1)
    for end, t in ((a, 0), (b, 1), (b, 1.0)):
        found = interpolate(a, b, t).state_dict()
        assert found.keys() == end.state_dict().keys()
        assert all(torch.equal(found[name], value) for name, value in end.state_dict().items())


def test_every_weight_and_statistic_lies_between_and_nothing_is_shared():
    a, b = generator(0), generator(1)
    kept = {name: value.clone() for name, value in a.state_dict().items()}
    mixture = interpolate(a, b, 0.25)
    assert not mixture.training
    for name, value in mixture.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * kept[name] + 0.25 * b.state_dict()[name])
            value.zero_()
    assert all(torch.equal(a.state_dict()[name], value) for name, value in kept.items())


def test_folding_comes_after_mixing():
    a, b, lr = generator(0), generator(1), torch.rand(1, 3, 9, 9)
    mixture = interpolate(a, b, 0.5)
    with torch.no_grad():
        torch.testing.assert_close(mixture.fold_batch_norm()(lr), mixture(lr), atol=1e-5, rtol=1e-4)
        folded = [network.fold_batch_norm() for network in (a, b)]
        wrong = folded[0].trunk[0].conv1.weight.lerp(folded[1].trunk[0].conv1.weight, 0.5)
        assert (wrong - mixture.fold_batch_norm().trunk[0].conv1.weight).abs().max() > 0.01
    with pytest.raises(SrganError, match="mix first"):
        interpolate(*folded, 0.5)


def test_networks_without_batch_norm_mix_too():
    a, b = (generator(seed, batch_norm=False) for seed in (0, 1))
    torch.testing.assert_close(interpolate(a, b, 0.5).tail.bias, (a.tail.bias + b.tail.bias) / 2)


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
def test_beyond_the_ends_is_refused(t):
    with pytest.raises(SrganError, match="outside of"):
        interpolate(generator(0), generator(1), t)


def test_other_architectures_are_refused_by_name():
    with pytest.raises(SrganError, match="differ in blocks, shared_prelu"):
        interpolate(generator(0), generator(1, blocks=3, shared_prelu=True), 0.5)


# ------------------------------------------------------------------------------------- the record


def natural_of(record):
    return perception.Natural(*(np.array(record["natural"][key]) for key in ("mean", "covariance")))


def test_the_record_can_be_measured_again(data_folder, vgg19_file):
    """One image of the authors and of an interpolation, from the files to the shipped numbers."""
    record = records.read("perception")
    found, place = record["sets"]["Set5"], record["sets"]["Set5"]["images"].index("bird")
    hr, lr = (read_rgb(data_folder("benchmarks/Set5") / kind / "bird.png") for kind in ("HR", "LRx4"))
    published = data_folder("published/Set5") / benchmark.PUBLISHED["SRGAN (authors)"] / "bird.png"
    judge, facts = benchmark.vgg_judge(vgg19_file, 256)
    assert facts == record["vgg"]
    for method, image in (("SRGAN (authors)", read_rgb(published)), ("bicubic", imresize(lr, 4))):
        again = benchmark.beside(image, hr, natural_of(record), [judge])
        assert set(again) == set(found["methods"][method]) - {"lpips"}
        for key, value in again.items():
            stored = found["methods"][method][key][place]
            assert stored == pytest.approx(value, abs=1e-3), (method, key)


def test_natural_photographs_of_the_record_are_those_it_names(data_folder):
    record = records.read("perception")["natural"]
    assert record["photographs"] == "the 100 originals of BSD100"
    folder = data_folder("benchmarks/BSD100") / "HR"
    again = perception.natural(open_image(file) for file in sorted(folder.glob("*.png")))
    np.testing.assert_allclose(again.mean, record["mean"], rtol=1e-6)
    np.testing.assert_allclose(again.covariance, record["covariance"], rtol=1e-5)


def test_the_record_has_every_image_and_both_ends_of_each_path():
    record = records.read("perception")
    sizes = {name: len(found["images"]) for name, found in record["sets"].items()}
    assert sizes == {"Set5": 5, "Set14": 14}
    assert any(found["path"] for found in record["sets"].values())
    for found in record["sets"].values():
        assert set(found["methods"]) == {"HR", "nearest", "bicubic", *benchmark.PUBLISHED, *record["models"]}
        for method, numbers in found["methods"].items():
            assert all(len(values) == len(found["images"]) for values in numbers.values()), method
        for path in found["path"] or ():  # None: left for a later call of the script
            assert [step["t"] for step in found["path"][path]] == benchmark.STEPS
            for step, end in zip((0, -1), benchmark.ENDS, strict=True):
                for key in found["path"][path][step].keys() - {"t"}:
                    of_method = np.mean(found["methods"][end][key])
                    assert found["path"][path][step][key] == pytest.approx(of_method, abs=1e-4)


def test_what_could_not_be_measured_says_why(tmp_path, monkeypatch):
    def without_weights(*_):
        raise SrganError("no weights here")

    monkeypatch.setattr(perception, "lpips", without_weights)
    assert benchmark.lpips_judge() == (None, "not measured: no weights here")
    judge, reason = benchmark.vgg_judge(tmp_path / "vgg.safetensors", 256)
    assert judge is None and reason.startswith("not measured") and "vgg.safetensors" in reason
    record = records.read("perception")
    for key, number in (("vgg", "vgg54"), ("lpips", "lpips")):
        is_measured = number in record["sets"]["Set5"]["methods"]["bicubic"]
        assert is_measured != str(record[key]).startswith("not measured")


def test_only_what_has_changed_is_measured_again(monkeypatch, tmp_path):
    calls, weights = [], {"srresnet-mse": "a", "srgan-vgg54": "b", "other": "c"}
    hr = held_out_photos()[0].load()[40:136, 80:176]
    pair = "cat.png", hr, imresize(hr, 1 / 4)

    def methods(*_):
        def maker(name):
            return lambda lr, file: calls.append(name) or imresize(lr, 4)

        return {name: (maker(name), depends) for name, depends in weights.items()}

    monkeypatch.setattr(benchmark, "pairs_of", lambda name: [pair])
    monkeypatch.setattr(benchmark, "methods_of", methods)
    monkeypatch.setattr(benchmark, "interpolate", lambda first, last, t: None)
    monkeypatch.setattr(benchmark, "load_engine", lambda network: None)
    monkeypatch.setattr(sr, "upscale", lambda lr, engine, **_: calls.append("path") or imresize(lr, 4))
    natural = perception.natural(photo.load()[:200, :200] for photo in bundled_photos()[:5])

    def measure(old, with_path=True):
        calls.clear()
        return benchmark.measure_set("Set", old, tmp_path, natural, [], "common", with_path)

    first = measure({})
    assert set(calls) == {*weights, "path"} and first["images"] == ["cat"]
    assert measure(first) == first and calls == []
    weights["other"] = "d"
    assert measure(first)["path"] == first["path"] and calls == ["other"]
    weights["srgan-vgg54"] = "e"
    measure(first)
    assert set(calls) == {"other", "srgan-vgg54", "path"}
    assert measure(first, with_path=False)["path"] is None and set(calls) == {"other", "srgan-vgg54"}
    again = measure(measure(first, with_path=False))
    assert calls and set(calls) == {"path"} and again["path"] is not None


def test_the_middle_of_an_image():
    image = np.arange(30 * 41).reshape(30, 41)
    assert benchmark.middle(image, 0).shape == (30, 41)
    np.testing.assert_array_equal(benchmark.middle(image, 32), image[:, 4:37])
