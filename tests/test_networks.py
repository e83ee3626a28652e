"""Generator, discriminator and VGG19 features against Figure 4, section 2.2.1 and the classic mistakes."""

import inspect
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from srgan_lib.errors import SrganError
from srgan_lib.networks.discriminator import LAYERS, Discriminator
from srgan_lib.networks.generator import Generator, count_parameters
from srgan_lib.networks.vgg import CHANNELS, CONVOLUTIONS, VGG19Features
from srgan_lib.networks.weights import load_generator, save_generator


def small(**settings):
    return Generator(**{"blocks": 2, "channels": 8, **settings})


@pytest.fixture(scope="module")
def random_vgg(tmp_path_factory):
    """A file of VGG19's shapes with random weights: what the layers are does not depend on them."""
    torch.manual_seed(0)
    state, before, index = {}, 3, 0
    for block, count in enumerate(CONVOLUTIONS):
        for _ in range(count):
            state[f"features.{index}.weight"] = torch.randn(CHANNELS[block], before, 3, 3) / (3 * before**0.5)
            state[f"features.{index}.bias"] = torch.randn(CHANNELS[block]) / 10
            before, index = CHANNELS[block], index + 2
        index += 1
    path = tmp_path_factory.mktemp("vgg") / "random.safetensors"
    save_file(state, path)
    return path


# ------------------------------------------------------------------------------------------ generator


@pytest.mark.parametrize(
    ("bias", "shared", "count"),
    [(True, False, 1_550_659), (True, True, 1_549_462), (False, False, 1_548_547), (False, True, 1_547_350)],
)
def test_generator_has_the_papers_number_of_weights_in_each_convention(bias, shared, count):
    assert count_parameters(Generator(bias_before_norm=bias, shared_prelu=shared)) == count


def test_generator_is_figure_4_layer_by_layer():
    generator = Generator()
    convolutions = [m for m in generator.modules() if isinstance(m, nn.Conv2d)]
    kernels = [(c.kernel_size[0], c.out_channels, c.stride[0]) for c in convolutions]
    assert kernels == [(9, 64, 1)] + 33 * [(3, 64, 1)] + 2 * [(3, 256, 1)] + [(9, 3, 1)]
    assert len(generator.trunk) == 16  # not 5
    assert not any(isinstance(m, (nn.Tanh, nn.Sigmoid, nn.Hardtanh)) for m in generator.modules())


def test_batch_norm_has_the_default_epsilon():
    """``BatchNorm2d(n, 0.8)`` sets epsilon, not momentum: a classic mistake."""
    norms = [m for m in [*Generator().modules(), *Discriminator().modules()] if isinstance(m, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {1e-5}


@settings(max_examples=20, deadline=None)
@given(
    scale=st.sampled_from([2, 4, 8]),
    blocks=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_output_has_scale_times_the_sides(scale, blocks, height, width):
    generator = small(scale=scale, blocks=blocks).eval()
    assert generator(torch.rand(1, 3, height, width)).shape == (1, 3, scale * height, scale * width)


def test_output_is_not_clamped_and_gradients_flow_beyond_the_range():
    generator = small()
    with torch.no_grad():
        generator.tail.bias.fill_(5)
    sr = generator(torch.rand(2, 3, 8, 8))
    sr.sum().backward()
    assert sr.max() > 1
    assert generator.tail.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "settings", [{"batch_norm": False}, {"long_skip": False}, {"scale": 2}, {"shared_prelu": True}]
)
def test_config_rebuilds_the_same_network(settings):
    generator = small(**settings)
    again = Generator(**generator.config)
    again.load_state_dict(generator.state_dict())
    lr = torch.rand(1, 3, 6, 5)
    assert torch.equal(generator.eval()(lr), again.eval()(lr))


def test_without_long_skip_the_first_features_are_not_added():
    with_skip, without = small(), small(long_skip=False)
    without.load_state_dict(with_skip.state_dict())
    lr = torch.rand(1, 3, 6, 5)
    difference = with_skip.eval().features(lr) - without.eval().features(lr)
    torch.testing.assert_close(difference, with_skip.head(lr))


def test_without_batch_norm_convolutions_keep_their_biases():
    generator = small(batch_norm=False, bias_before_norm=False)
    assert all(m.bias is not None for m in generator.modules() if isinstance(m, nn.Conv2d))


def test_folded_network_gives_the_same_output():
    torch.manual_seed(0)
    generator = small()
    for _ in range(3):
        generator(torch.rand(4, 3, 8, 8))  # moves the running statistics away from 0 and 1
    lr = torch.rand(2, 3, 7, 9)
    folded = generator.fold_batch_norm()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    torch.testing.assert_close(folded(lr), generator.eval()(lr), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("settings", [{"scale": 3}, {"blocks": 0}, {"channels": 0}, {"blocks": 1.5}])
def test_impossible_generators_are_refused(settings):
    with pytest.raises(SrganError, match="generator"):
        Generator(**settings)


# -------------------------------------------------------------------------------------- discriminator


@pytest.mark.parametrize(("bias", "count"), [(True, 23_565_505), (False, 23_563_649)])
def test_discriminator_has_the_papers_number_of_weights(bias, count):
    assert count_parameters(Discriminator(bias_before_norm=bias)) == count


def test_discriminator_is_figure_4_layer_by_layer():
    discriminator = Discriminator()
    convolutions = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    plan = [(64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)]
    assert [(c.out_channels, c.stride[0]) for c in convolutions] == plan
    assert not isinstance(discriminator.features[1], nn.BatchNorm2d)
    assert {m.negative_slope for m in discriminator.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def test_last_map_is_6x6x512_and_not_pooled():
    discriminator = Discriminator().eval()
    assert discriminator.features(torch.zeros(1, 3, 96, 96)).shape == (1, 512, 6, 6)
    dense = [m for m in discriminator.classifier if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in dense] == [(512 * 6 * 6, 1024), (1024, 1)]


def test_discriminator_gives_logits():
    torch.manual_seed(0)
    discriminator = Discriminator(16)
    with torch.no_grad():
        discriminator.classifier[-1].bias.fill_(7)
    assert discriminator(torch.rand(4, 3, 16, 16)).mean() > 1  # a sigmoid could not


def test_discriminator_says_which_crop_it_was_built_for():
    with pytest.raises(SrganError, match="64x64 crops, got 96x96"):
        Discriminator(64)(torch.zeros(1, 3, 96, 96))
    with pytest.raises(SrganError, match="multiple of 16"):
        Discriminator(40)


# ---------------------------------------------------------------------------------------------- VGG19


@pytest.mark.parametrize(("layer", "channels", "side"), [("22", 128, 16), ("54", 512, 2), ("12", 64, 32)])
def test_feature_maps_are_after_activation_and_before_pooling(random_vgg, layer, channels, side):
    features = VGG19Features(layer, random_vgg)
    maps = features(torch.rand(1, 3, 32, 32) * 2 - 1)
    assert maps.shape == (1, channels, side, side)  # pooling would halve the side
    assert maps.min() == 0  # ReLU; before activation there are negative values
    assert isinstance(features.network[-1], nn.ReLU)


def test_layer_54_is_the_sixteenth_convolution_of_torchvisions_network(random_vgg):
    from torchvision.models import vgg19

    reference = vgg19(weights=None).features
    from safetensors.torch import load_file

    reference.load_state_dict({k.removeprefix("features."): v for k, v in load_file(random_vgg).items()})
    images = torch.rand(1, 3, 32, 32)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (images - mean[:, None, None]) / deviation[:, None, None]
    expected = reference[:36](normalised)  # up to relu5_4, torchvision's index 35
    torch.testing.assert_close(
        VGG19Features("54", random_vgg)(images * 2 - 1), expected, atol=1e-4, rtol=1e-4
    )


def test_weights_are_frozen_but_gradients_reach_the_image(random_vgg):
    features = VGG19Features("22", random_vgg)
    images = torch.rand(1, 3, 16, 16, requires_grad=True)
    features(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in features.parameters())


def test_weights_are_named_and_hashed(random_vgg, tmp_path):
    features = VGG19Features("22", random_vgg)
    assert features.weights_name == "random.safetensors"
    assert features.weights_sha256 == VGG19Features("54", random_vgg).weights_sha256


@pytest.mark.parametrize("layer", ["13", "60", "conv5_4", ""])
def test_unknown_feature_maps_are_refused(random_vgg, layer):
    with pytest.raises(SrganError, match="no feature map"):
        VGG19Features(layer, random_vgg)


def test_files_that_are_not_vgg19_are_refused(tmp_path):
    with pytest.raises(SrganError, match="no such file"):
        VGG19Features("22", tmp_path / "absent.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not safetensors at all")
    with pytest.raises(SrganError, match="not a readable safetensors"):
        VGG19Features("22", broken)
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, other)
    with pytest.raises(SrganError, match="not VGG19's convolutions"):
        VGG19Features("22", other)


def test_original_vgg19_recognises_a_real_photo(vgg19_file):
    """On the astronaut, features of the real network differ from those of the photo's noise-like shuffle."""
    from srgan_lib.data.sources import held_out_photos
    from srgan_lib.images import to_signed

    image = to_signed(held_out_photos()[0].load()[:96, :96]).unsqueeze(0)
    shuffled = image.flatten(2)[:, :, torch.randperm(96 * 96, generator=torch.manual_seed(0))].view_as(image)
    features = VGG19Features("54", vgg19_file)
    assert features(image).count_nonzero() < features(image).numel() / 2  # sparse, as trained networks are
    assert (features(image) - features(shuffled)).square().mean() > features(image).square().mean() / 4


# -------------------------------------------------------------------------------------------- on disk


def test_a_saved_generator_loads_as_the_same_network(tmp_path):
    generator = small(scale=2, long_skip=False).eval()
    sha256 = save_generator(generator, tmp_path / "g.safetensors")
    again = load_generator(tmp_path / "g.safetensors")
    lr = torch.rand(1, 3, 5, 6)
    assert len(sha256) == 64
    assert not again.training
    assert torch.equal(generator(lr), again(lr))


def test_corrupt_and_foreign_weights_are_refused(tmp_path):
    path = tmp_path / "g.safetensors"
    save_generator(small(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SrganError, match="not a readable safetensors"):
        load_generator(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(SrganError, match="not a generator"):
        load_generator(path)
    with pytest.raises(SrganError, match="no such file"):
        load_generator(tmp_path / "absent.safetensors")


def test_the_discriminators_lines_are_figure_4_and_their_sizes_those_in_the_comments():
    network = Discriminator(96)
    convolutions = [layer for layer in network.features if isinstance(layer, nn.Conv2d)]
    assert tuple((layer.out_channels, layer.stride[0]) for layer in convolutions) == LAYERS
    written = re.findall(r"#\s+\(N, ([\d, ]+)\)$", inspect.getsource(Discriminator.__init__), re.MULTILINE)
    seen = []
    for layer in (*network.features, *network.classifier):
        layer.register_forward_hook(lambda layer, _, maps: seen.append((layer, tuple(maps.shape[1:]))))
    with torch.no_grad():
        network(torch.zeros(2, 3, 96, 96))
    kept = [shape for layer, shape in seen if isinstance(layer, (nn.LeakyReLU, nn.Flatten))]
    assert [tuple(map(int, sizes.split(","))) for sizes in written] == [*kept, (1,)]
