"""One update: the networks, their optimisers, and what happens between a batch and the next.

This is the paper's section 3.2 in code. SRResNet: the generator makes its content loss small. SRGAN: first
the discriminator is shown photos and imitations, then the generator is judged by it.
"""

import math
from contextlib import nullcontext

import torch
from torch.optim.swa_utils import AveragedModel

from srgan_lib.losses import adversarial_discriminator
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.training.distributed import shared

BETAS = (0.9, 0.999)


def resolve_precision(precision, device):
    """The number format of the networks' arithmetic, a ``torch.dtype``.

    "auto" is float32 on the CPU; on a GPU bfloat16 from compute capability 8.0 on and float16 below. (A T4 is
    7.5: torch says it supports bfloat16 there, but only by emulation.)
    """
    if precision != "auto":
        return getattr(torch, precision)
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def learning_rate(stage, update):
    """The learning rate of one update of a stage, counted from 0 (section 3.2)."""
    warm = min(1.0, (update + 1) / stage.warm_up) if stage.warm_up else 1.0
    if stage.annealing == "cosine":
        cosine = 0.5 * (1 + math.cos(math.pi * update / stage.updates))
        return stage.learning_rate * warm * (stage.drop + (1 - stage.drop) * cosine)
    drops = sum(update >= boundary for boundary in stage.drop_at)
    return stage.learning_rate * warm * stage.drop**drops


class MovingAverage(AveragedModel):
    """An exponential moving average of a generator's weights, which follows quickly at first.

    Its batch normalisation statistics are the generator's latest: they are moving averages already.
    """

    def __init__(self, generator, decay):
        super().__init__(generator, multi_avg_fn=self._average)
        self.decay = decay

    def _average(self, averages, values, count):
        decay = min(self.decay, (1 + count.item()) / (10 + count.item()))
        torch._foreach_lerp_(averages, values, 1 - decay)


class Networks:
    """Everything that a stage's updates change: generator, discriminator, optimisers, moving average."""

    def __init__(self, config, stage, generator, loss, device):
        self.device = device
        self.stage = stage
        self.dtype = resolve_precision(config.precision, device)
        self.loss = loss
        self.generator = generator
        self.discriminator = Discriminator(config.crop).to(device) if stage.is_gan else None
        self._prepare(config)
        self.average = MovingAverage(generator, config.ema) if config.ema else None
        self.generator_adam = self._adam(self.generator)
        self.discriminator_adam = self._adam(self.discriminator) if stage.is_gan else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    def _prepare(self, config):
        """What is called in training: the same weights, spread over processes and compiled."""
        compiled = torch.compile if config.compile else (lambda network: network)
        self._generate = compiled(shared(self._last(self.generator), self.device))
        if self.discriminator:
            self._discriminate = compiled(shared(self._last(self.discriminator), self.device))

    @staticmethod
    def _last(network):
        return network.to(memory_format=torch.channels_last).train()

    def _adam(self, network):
        return torch.optim.Adam(network.parameters(), lr=self.stage.learning_rate, betas=BETAS)

    def arithmetic(self):
        """Networks run in the chosen format; weights and losses stay in float32."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def trained(self):
        """The generator to look at, measure and save: the moving average where there is one."""
        return self.average.module if self.average else self.generator

    def set_learning_rate(self, value):
        for adam in (self.generator_adam, self.discriminator_adam):
            if adam:
                adam.param_groups[0]["lr"] = value

    def update(self, lr, hr):
        """One update from LR (N, 3, h, w) in [0, 1] and HR (N, 3, H, W) in [-1, 1].

        Returns each loss term before weighting, the norm of each network's gradient and the discriminator's
        mean verdicts, as detached scalar tensors on the device (reading one would make a GPU wait).
        """
        lr = lr.contiguous(memory_format=torch.channels_last)
        hr = hr.contiguous(memory_format=torch.channels_last)
        with self.arithmetic():
            sr = self._generate(lr)
        terms = self._update_discriminator(sr.detach(), hr) if self.stage.is_gan else {}
        terms |= self._update_generator(sr, hr)
        self.scaler.update()
        if self.average:
            self.average.update_parameters(self.generator)
        return {name: value.detach() for name, value in terms.items()}

    def _update_discriminator(self, sr, hr):
        with self.arithmetic():
            real, fake = self._discriminate(hr), self._discriminate(sr)
        loss = adversarial_discriminator(real, fake)
        norm = self._step(self.discriminator_adam, loss)
        verdicts = {"d_real": real.float().sigmoid().mean(), "d_fake": fake.float().sigmoid().mean()}
        return {"discriminator": loss, "discriminator_gradient": norm, **verdicts}

    def _update_generator(self, sr, hr):
        logits = None
        if self.stage.is_gan:
            self.discriminator.requires_grad_(False)  # its weights' gradients would be computed for nothing
            with self.arithmetic():
                logits = self.discriminator(sr)
        with self.arithmetic():
            loss = self.loss(sr, hr, logits)
        norm = self._step(self.generator_adam, loss.total)
        if self.stage.is_gan:
            self.discriminator.requires_grad_(True)
        return {"generator": loss.total, "generator_gradient": norm, **loss.terms}

    def _step(self, adam, loss):
        """Follow the gradient of ``loss``; returns the gradient's norm before Adam rescales it."""
        adam.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(adam)
        gradients = [weight.grad for group in adam.param_groups for weight in group["params"]]
        norm = torch.nn.utils.get_total_norm(gradients)
        self.scaler.step(adam)
        return norm

    def state(self):
        """All of it as a dictionary of tensors and numbers, for a checkpoint."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state):
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self):
        names = ("generator", "average", "discriminator", "generator_adam", "discriminator_adam", "scaler")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}
