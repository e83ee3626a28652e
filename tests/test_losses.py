"""Each loss term moves the generator and nothing else; each classic mistake would be caught."""

import math

import pytest
import torch
from torch import nn

from srgan_lib.losses import (
    GeneratorLoss,
    VGGLoss,
    adversarial_discriminator,
    adversarial_generator,
    pixel_mse,
    total_variation,
)
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.vgg import VGG19Features


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return Generator(blocks=1, channels=8), Discriminator(16)


class Edges(nn.Module):
    """Stands for a feature network where its weights do not matter: frozen, with a gradient to its input."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Conv2d(3, 4, 3)
        self.requires_grad_(False)

    def forward(self, images):
        return self.kernel(images).relu()


def batch():
    torch.manual_seed(1)
    return torch.rand(2, 3, 4, 4), torch.rand(2, 3, 16, 16) * 2 - 1


def gradient_size(module):
    return sum(p.grad.abs().sum().item() for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("term", ["mse", "vgg", "total_variation", "adversarial"])
def test_each_term_trains_the_generator_and_nothing_else(networks, term):
    generator, discriminator = networks
    lr, hr = batch()
    features = Edges()
    discriminator.requires_grad_(False)  # as the training step does
    sr = generator(lr)
    loss = {
        "mse": lambda: pixel_mse(sr, hr),
        "vgg": lambda: VGGLoss(features)(sr, hr),
        "total_variation": lambda: total_variation(sr),
        "adversarial": lambda: adversarial_generator(discriminator(sr)),
    }[term]()
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for name, p in generator.named_parameters() if name.endswith("weight"))
    assert gradient_size(discriminator) == gradient_size(features) == 0


def test_discriminator_loss_trains_the_discriminator_and_not_the_generator(networks):
    generator, discriminator = networks
    lr, hr = batch()
    adversarial_discriminator(discriminator(hr), discriminator(generator(lr).detach())).backward()
    assert gradient_size(discriminator) > 0
    assert gradient_size(generator) == 0


def test_pixel_mse_is_equation_4_and_a_mean():
    sr, hr = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    assert pixel_mse(sr, hr) == 0.25


def test_total_variation_counts_jumps_of_each_image():
    step = torch.zeros(1, 3, 4, 4)
    step[..., 2:] = 1  # one jump of 1 in each of 4 rows and 3 channels
    assert total_variation(step) == 12
    assert total_variation(step.expand(5, -1, -1, -1)) == 12  # a mean over the batch


def test_adversarial_loss_is_minus_log_d_and_not_one_minus_d():
    logits = torch.tensor([[-4.0], [0.0], [3.0]], requires_grad=True)
    loss = adversarial_generator(logits)
    verdict = torch.sigmoid(logits)
    torch.testing.assert_close(loss, -verdict.log().mean())
    loss.backward()
    gradient = logits.grad.abs().flatten()
    assert (
        gradient[0] > gradient[1] > gradient[2]
    )  # strongest where the imitation is recognised; 1 - D is weakest there


def test_losses_keep_their_gradient_where_a_sigmoid_has_rounded():
    logits = torch.tensor([[-200.0]], requires_grad=True)
    adversarial_generator(logits).backward()
    assert logits.grad.item() == -1
    assert adversarial_discriminator(torch.tensor([[200.0]]), torch.tensor([[-200.0]])) == 0


def test_undecided_discriminator_costs_two_log_two():
    zero = torch.zeros(3, 1)
    assert adversarial_discriminator(zero, zero).item() == pytest.approx(2 * math.log(2))


def test_discriminator_wants_photographs_high_and_generated_samples_low():
    """Exchanged labels would let both networks win together."""
    real, fake = torch.zeros(3, 1, requires_grad=True), torch.zeros(3, 1, requires_grad=True)
    adversarial_discriminator(real, fake).backward()
    assert (real.grad < 0).all() and (fake.grad > 0).all()
    wanted = torch.zeros(3, 1, requires_grad=True)
    adversarial_generator(wanted).backward()
    assert (wanted.grad < 0).all()  # G wants what D does not


def test_vgg_loss_rescales_features_once():
    """12.75 missing, or applied twice: both would change this number."""
    _lr, hr = batch()
    features = Edges()
    sr = torch.zeros_like(hr)
    unscaled = (features(sr) - features(hr)).square().mean()
    torch.testing.assert_close(VGGLoss(features)(sr, hr), unscaled / 12.75**2)


def test_vgg_loss_normalises_for_imagenet(vgg19_file):
    """Grey 0 is not what VGG19 sees as 0: without normalisation this loss would be another number."""
    features = VGG19Features("22", vgg19_file)
    seen = []
    features.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features(torch.zeros(1, 3, 16, 16))
    expected = (0.5 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(seen[0][0, :, 0, 0], expected)


def test_generator_loss_weighs_and_reports_each_term(networks):
    generator, _ = networks
    lr, hr = batch()
    sr, logits = generator(lr), torch.tensor([[0.3], [-0.2]])
    loss = GeneratorLoss(pixel_mse, "mse", adversarial=1e-3, total_variation=2e-8)(sr, hr, logits)
    assert set(loss.terms) == {"mse", "adversarial", "total_variation"}
    expected = pixel_mse(sr, hr) + 1e-3 * adversarial_generator(logits) + 2e-8 * total_variation(sr)
    torch.testing.assert_close(loss.total, expected)


def test_srgan_vgg54_has_no_pixel_loss_and_no_total_variation():
    """An extra pixel loss or an always-on TV term: classic mistakes."""
    from srgan_lib.training.presets import paper

    stage = paper().stages[1]
    assert (stage.content, stage.adversarial, stage.total_variation) == ("vgg54", 1e-3, 0)
    loss = GeneratorLoss(lambda sr, hr: (sr - hr).abs().mean(), stage.content, stage.adversarial)
    terms = loss(*batch()[1:], batch()[1], torch.zeros(2, 1)).terms
    assert set(terms) == {"vgg54", "adversarial"}


def test_losses_are_float32_whatever_the_networks_are():
    sr, hr = (torch.rand(1, 3, 8, 8).bfloat16() for _ in range(2))
    logits = torch.zeros(1, 1).bfloat16()
    losses = [
        pixel_mse(sr, hr),
        total_variation(sr),
        adversarial_generator(logits),
        VGGLoss(Edges().bfloat16())(sr, hr),
    ]
    assert {loss.dtype for loss in losses} == {torch.float32}
