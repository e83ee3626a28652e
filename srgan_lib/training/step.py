"""One update: the networks, their optimisers, and what happens between a batch and the next.

This is the paper's section 3.2 in code. SRResNet: the generator makes its content loss small. SRGAN: first
the discriminator is shown photos and imitations, then the generator is judged by it.
"""

import copy
import math
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from srgan_lib.losses import adversarial_discriminator
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.support.cuda_graph import Recorded
from srgan_lib.training.distributed import shared
from srgan_lib.training.method import choose, traced

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


class MovingAverage(nn.Module):
    """An exponential moving average of a generator's weights, which follows quickly at first.

    Its batch normalisation statistics are the generator's latest: they are moving averages already. The decay
    is computed where the weights are, so that a GPU need not wait for it.
    """

    def __init__(self, generator, decay):
        super().__init__()
        self.module = copy.deepcopy(generator)
        self.decay = decay
        device = next(generator.parameters()).device
        self.register_buffer("n_averaged", torch.zeros((), dtype=torch.long, device=device))

    @torch.no_grad()
    def update_parameters(self, generator):
        count = self.n_averaged.float()
        decay = ((1 + count) / (10 + count)).clamp(max=self.decay) * count.sign()  # the first time: a copy
        averages, values = list(self.module.parameters()), list(generator.parameters())
        steps = torch._foreach_sub(values, averages)
        torch._foreach_mul_(steps, 1 - decay)
        torch._foreach_add_(averages, steps)
        for kept, latest in zip(self.module.buffers(), generator.buffers(), strict=True):
            kept.copy_(latest)
        self.n_averaged += 1


class Networks:
    """Everything that a stage's updates change: generator, discriminator, optimisers, moving average.

    ``method`` says how an update is computed. A compiled update is the plain one whose three forward passes
    (generator, discriminator, generator's loss) and their backward passes ``torch.compile`` has translated.
    A recorded one is the compiled one as a CUDA graph. State can be restored from one into another.
    """

    def __init__(self, config, stage, generator, loss, device):
        self.device = device
        self.stage = stage
        self.dtype = resolve_precision(config.precision, device)
        self.method = choose(config.step, stage.updates, device, self.dtype)
        self.loss = loss
        self.generator = generator
        self.discriminator = Discriminator(config.crop).to(device) if stage.is_gan else None
        self._prepare()
        self.average = MovingAverage(generator, config.ema) if config.ema else None
        self.generator_adam = self._adam(self.generator)
        self.discriminator_adam = self._adam(self.discriminator) if stage.is_gan else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    def _prepare(self):
        """The networks as they are called in training: spread over processes, the passes compiled."""
        self._generator = shared(self._last(self.generator), self.device)
        self._discriminator = self.discriminator and shared(self._last(self.discriminator), self.device)
        if self.method.compiled:
            torch.compiler.reset()  # what an earlier stage compiled counts towards a limit
            self._generate, self._judge = traced(self._generate), traced(self._judge)
            self._perceive = traced(self._perceive)
        self._names = []
        self._update = Recorded(self._follow) if self.method.recorded else self._follow

    @staticmethod
    def _last(network):
        return network.to(memory_format=torch.channels_last).train()

    def _adam(self, network):
        rate, kind = self.stage.learning_rate, {}
        if self.method.fast:  # one kernel, which reads the learning rate from the device
            rate = torch.tensor(rate, device=self.device)
            kind = {"fused": True, "capturable": self.method.recorded}
        adam = torch.optim.Adam(network.parameters(), lr=rate, betas=BETAS, **kind)
        adam._warned_capturable_if_run_uncaptured = True  # the first updates are not recorded: no warning
        return adam

    def arithmetic(self):
        """Networks run in the chosen format; weights, the generator's output and losses stay in float32."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def trained(self):
        """The generator to look at, measure and save: the moving average where there is one."""
        return self.average.module if self.average else self.generator

    def set_learning_rate(self, value):
        for adam in filter(None, (self.generator_adam, self.discriminator_adam)):
            group = adam.param_groups[0]
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def update(self, lr, hr):
        """One update from LR (N, 3, h, w) in [0, 1] and HR (N, 3, H, W) in [-1, 1].

        Returns each loss term before weighting, the norm of each network's gradient and the discriminator's
        mean verdicts, as detached scalar tensors on the device (reading one would make a GPU wait).
        """
        with _fastest_convolutions(self.method.fast):
            values = self._update(lr, hr)
        return dict(zip(self._names, values.unbind(), strict=True))

    def _follow(self, lr, hr):
        """The update itself. Returns the values of ``_names`` in one tensor."""
        lr = lr.contiguous(memory_format=torch.channels_last)
        hr = hr.contiguous(memory_format=torch.channels_last)
        sr = self._generate(lr)
        terms = self._update_discriminator(sr.detach(), hr) if self.stage.is_gan else {}
        terms |= self._update_generator(sr, hr)
        self.scaler.update()
        if self.average:
            self.average.update_parameters(self.generator)
        self._names = list(terms)
        return torch.stack([value.detach().float() for value in terms.values()])

    def _generate(self, lr):
        with self.arithmetic():
            return self._generator(lr)

    def _judge(self, sr, hr):
        """The discriminator's loss and its mean verdicts."""
        with self.arithmetic():
            real, fake = self._discriminator(hr), self._discriminator(sr)
        verdicts = {"d_real": real.float().sigmoid().mean(), "d_fake": fake.float().sigmoid().mean()}
        return adversarial_discriminator(real, fake), verdicts

    def _perceive(self, sr, hr):
        """The generator's loss and its terms before weighting."""
        with self.arithmetic():
            logits = self.discriminator(sr) if self.stage.is_gan else None
            loss = self.loss(sr, hr, logits)
        return loss.total, loss.terms

    def _update_discriminator(self, sr, hr):
        loss, verdicts = self._judge(sr, hr)
        norm = self._step(self.discriminator_adam, loss)
        return {"discriminator": loss, "discriminator_gradient": norm, **verdicts}

    def _update_generator(self, sr, hr):
        if self.stage.is_gan:
            self.discriminator.requires_grad_(False)  # its weights' gradients would be computed for nothing
        loss, terms = self._perceive(sr, hr)
        norm = self._step(self.generator_adam, loss)
        if self.stage.is_gan:
            self.discriminator.requires_grad_(True)
        return {"generator": loss, "generator_gradient": norm, **terms}

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
        """All of it as a dictionary of tensors and numbers, for a checkpoint: the same for every method."""
        state = {name: part.state_dict() for name, part in self.parts().items()}
        for adam in state.keys() & {"generator_adam", "discriminator_adam"}:
            for group in state[adam]["param_groups"]:
                group["lr"] = float(group["lr"])
        return state

    def restore(self, state):
        for name, part in self.parts().items():
            part.load_state_dict(_for_adam(part, state[name]) if name.endswith("adam") else state[name])

    def parts(self):
        """The networks, their optimisers and what goes with them, by name."""
        names = ("generator", "average", "discriminator", "generator_adam", "discriminator_adam", "scaler")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@contextmanager
def _fastest_convolutions(wanted):
    """A GPU tries its convolution algorithms once for each shape and keeps the fastest."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = before or wanted
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _for_adam(adam, state):
    """A saved state of Adam for ``adam``, which keeps its own way of computing the same."""
    own = {name: adam.param_groups[0][name] for name in ("lr", "fused", "foreach", "capturable")}
    return {"state": state["state"], "param_groups": [saved | own for saved in state["param_groups"]]}
