"""One update: the networks, their optimisers, and what happens between a batch and the next.

This is the paper's section 3.2 in code. SRResNet: the generator makes its content loss small. SRGAN: first
the discriminator is shown photos and imitations, then the generator is judged by it.
"""

import copy
import math
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from srgan_lib.losses import adversarial_discriminator, adversarial_generator, consistency
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.feature_discriminator import FeatureDiscriminator
from srgan_lib.support.cuda_graph import Recorded
from srgan_lib.training.distributed import mean as mean_over_processes
from srgan_lib.training.distributed import shared
from srgan_lib.training.method import choose, traced

BETAS = (0.9, 0.999)
FEATURE_BETAS = (0.5, 0.99)  # of the discriminator on features: it has to follow the generator quickly
BALANCE_EVERY = 25  # updates


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
    """The generator's learning rate in one update of a stage, counted from 0 (section 3.2)."""
    own = max(0, update - stage.discriminator_first)  # counted from its first one
    warm = min(1.0, (own + 1) / stage.warm_up) if stage.warm_up else 1.0
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


class Balance(nn.Module):
    """A weight of the adversarial term that follows the sizes of two gradients (not in the paper).

    At ``weight`` the adversarial term's gradient on the image is ``multiple`` times the content loss's: the
    losses themselves say nothing of how strongly they pull. ``share`` is the ratio when it was last measured.
    Both are tensors on the device, so that a recorded update reads them anew. Esser et al. (*Taming
    transformers for high-resolution image synthesis*, CVPR 2021) do the same at the generator's last layer.
    """

    def __init__(self, multiple):
        super().__init__()
        self.multiple = multiple
        self.register_buffer("weight", torch.zeros(()))
        self.register_buffer("share", torch.zeros(()))

    def move(self, content, adversarial):
        """Go half way to the weight that two gradients' norms (tensors) ask for; the first time, all."""
        wanted = self.multiple * content / adversarial
        usable = wanted.isfinite() & (wanted > 0)  # not where a gradient vanished or left the format's range
        moved = torch.where(self.weight > 0, (self.weight + wanted) / 2, wanted)
        self.weight.copy_(torch.where(usable, moved, self.weight))
        self.share.copy_(torch.where(usable, self.weight * adversarial / content, self.share))


def discriminator_of(config):
    """A new discriminator of the kind that the configuration names."""
    if config.discriminator == "features":
        return FeatureDiscriminator(config.discriminator_layers)
    return Discriminator(config.crop)


class Networks:
    """Everything that a stage's updates change: generator, discriminator, optimisers, moving average.

    ``method`` says how an update is computed. A compiled update is the plain one whose forward passes
    (generator, VGG19 where it is needed, discriminator, generator's loss) and their backward passes
    ``torch.compile`` has translated. A recorded one is the compiled one as a CUDA graph. State can be
    restored from one into another.

    A *view* is what losses and discriminator look at of an image: {"image": the image, layer: feature map}.
    """

    def __init__(self, config, stage, generator, loss, device):
        self.device = device
        self.stage = stage
        self.dtype = resolve_precision(config.precision, device)
        self.method = choose(config.step, stage.updates, device, self.dtype)
        self.loss = loss
        self.generator = generator
        self.on_features = config.discriminator == "features"
        self.joint = config.joint_batch or self.on_features
        self.discriminator = discriminator_of(config).to(device) if stage.is_gan else None
        self.balance = None
        if stage.is_gan and config.adversarial_balance:
            self.balance = Balance(config.adversarial_balance).to(device)
        self._prepare()
        self.average = MovingAverage(generator, config.ema) if config.ema else None
        self.generator_adam = self._adam(self.generator, BETAS)
        betas = FEATURE_BETAS if self.on_features else BETAS
        self.discriminator_adam = self._adam(self.discriminator, betas) if stage.is_gan else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    def _prepare(self):
        """The networks as they are called in training: spread over processes, the passes compiled."""
        self._generator = shared(self._last(self.generator), self.device)
        self._discriminator = self.discriminator and shared(self._last(self.discriminator), self.device)
        self._generate, self._judge, self._perceive = self.generate, self.judge, self.perceive
        self._look = self.look
        if self.method.compiled:
            torch.compiler.reset()  # what an earlier stage compiled counts towards a limit
            self._generate, self._judge = traced(self.generate), traced(self.judge)
            self._perceive = traced(self.perceive)
            self._look = traced(self.look) if self.loss.maps else self.look
        self._names = []
        self._update = Recorded(self._follow) if self.method.recorded else self._follow

    @staticmethod
    def _last(network):
        return network.to(memory_format=torch.channels_last).train()

    def _adam(self, network, betas):
        rate, kind = self.stage.learning_rate, {}
        if self.method.fast:  # one kernel, which reads the learning rate from the device
            rate = torch.tensor(rate, device=self.device)
            kind = {"fused": True, "capturable": self.method.recorded}
        adam = torch.optim.Adam(network.parameters(), lr=rate, betas=betas, **kind)
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

    def adversarial_weight(self):
        """The weight of the adversarial term now."""
        return self.balance.weight if self.balance else self.loss.adversarial

    def set_learning_rate(self, value):
        """The generator's learning rate; the discriminator's too, unless the stage gives it its own."""
        own = self.stage.discriminator_rate
        own = value if own is None else own
        for adam, rate in ((self.generator_adam, value), (self.discriminator_adam, own)):
            for group in adam.param_groups if adam else ():
                if isinstance(group["lr"], torch.Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate

    def update(self, lr, hr, discriminator_only=False):
        """One update from LR (N, 3, h, w) in [0, 1] and HR (N, 3, H, W) in [-1, 1].

        Returns each loss term before weighting, the norm of each network's gradient and the discriminator's
        mean verdicts, as detached scalar tensors on the device (reading one would make a GPU wait).
        """
        follow = self._follow_discriminator if discriminator_only else self._update
        with _fastest_convolutions(self.method.fast):
            values = follow(lr, hr)
        return dict(zip(self._names, values.unbind(), strict=True))

    def _follow(self, lr, hr):
        """The update itself. Returns the values of ``_names`` in one tensor."""
        lr, hr = (images.contiguous(memory_format=torch.channels_last) for images in (lr, hr))
        sr = self._generate(lr)
        with torch.no_grad():
            real = self._look(hr)
        generated = self._look(sr)
        terms = self._update_discriminator(real, _detached(generated)) if self.stage.is_gan else {}
        terms |= self._update_generator(sr, lr, real, generated)
        self.scaler.update()
        if self.average:
            self.average.update_parameters(self.generator)
        return self._named(terms)

    def _follow_discriminator(self, lr, hr):
        """An update of the discriminator alone."""
        lr, hr = (images.contiguous(memory_format=torch.channels_last) for images in (lr, hr))
        with torch.no_grad():
            real, generated = self._look(hr), self._look(self._generate(lr))
        terms = self._update_discriminator(real, generated)
        self.scaler.update()
        return self._named(terms)

    def _named(self, terms):
        if self.balance:
            terms = terms | {
                "adversarial_weight": self.balance.weight,
                "adversarial_share": self.balance.share,
            }
        self._names = list(terms)
        return torch.stack([value.detach().float() for value in terms.values()])

    # The passes, as they are compiled ----------------------------------------------------------------

    def generate(self, lr):
        with self.arithmetic():
            return self._generator(lr)

    def look(self, images):
        """The view of a batch of images."""
        with self.arithmetic():
            return self.loss.view(images)

    def judge(self, real, generated):
        """The discriminator's loss and its mean verdicts, from two views."""
        with self.arithmetic():
            on_real, on_generated = self._verdicts(self._discriminator, real, generated)
        verdicts = {"d_real": _mean_probability(on_real), "d_fake": _mean_probability(on_generated)}
        return adversarial_discriminator(on_real, on_generated), verdicts

    def perceive(self, sr, lr, real, generated):
        """The generator's loss and its terms before weighting."""
        with self.arithmetic():
            content = self.loss.content(generated[self.loss.sees], real[self.loss.sees])
            logits = self._verdict(real, generated) if self.stage.is_gan else None
            loss = self.loss.weighed(content, sr, logits, lr, self.adversarial_weight())
        return loss.total, loss.terms

    def _verdicts(self, discriminator, real, generated):
        """The discriminator's logits on two views, a list each: from one batch, or one after the other."""
        if not self.joint:
            return self._ask(discriminator, real), self._ask(discriminator, generated)
        names = self.discriminator.layers if self.on_features else ("image",)
        both = {name: torch.cat([real[name], generated[name]]) for name in names}
        pairs = [logits.chunk(2) for logits in self._ask(discriminator, both)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def _verdict(self, real, generated):
        """The discriminator's logits on generated images, in whose batch the real ones may have to be."""
        if self.joint:
            return self._verdicts(self.discriminator, real, generated)[1]
        return self._ask(self.discriminator, generated)

    def _ask(self, discriminator, view):
        return discriminator(view) if self.on_features else [discriminator(view["image"])]

    # The turns ----------------------------------------------------------------------------------------

    def _update_discriminator(self, real, generated):
        loss, verdicts = self._judge(real, generated)
        norm = self._step(self.discriminator_adam, loss)
        return {"discriminator": loss, "discriminator_gradient": norm, **verdicts}

    def _update_generator(self, sr, lr, real, generated):
        if self.stage.is_gan:
            self.discriminator.requires_grad_(False)  # its weights' gradients would be computed for nothing
        loss, terms = self._perceive(sr, lr, real, generated)
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

    # Measuring the game ---------------------------------------------------------------------------------

    def rebalance(self, lr, hr):
        """Let the adversarial weight follow the gradients on this batch."""
        norms, _ = self.measure(lr, hr)
        self.balance.move(norms["content"], norms["adversarial"])

    def measure(self, lr, hr):
        """(norms of the gradients on the image, D's mean verdicts) of a batch. Nothing is changed by it.

        The norms, before weighting, are those of "content", "adversarial" and, where it is weighed,
        "consistency"; all are tensors, means over all processes.
        """
        lr, hr = (images.contiguous(memory_format=torch.channels_last) for images in (lr, hr))
        with _kept_statistics(self.generator, self.discriminator):
            with torch.no_grad(), self.arithmetic():
                sr = self.generator(lr)
            sr = sr.detach().requires_grad_()
            with self.arithmetic():
                with torch.no_grad():
                    real = self.loss.view(hr)
                generated = self.loss.view(sr)
                on_real, on_generated = self._verdicts(self.discriminator, real, generated)
                content = self.loss.content(generated[self.loss.sees], real[self.loss.sees])
                terms = {"content": content, "adversarial": adversarial_generator(on_generated)}
                if self.loss.consistency:
                    terms["consistency"] = consistency(sr, lr, self.loss.degradation)
            norms = {name: mean_over_processes(self._norm_on(sr, term)) for name, term in terms.items()}
        return norms, {"d_real": _mean_probability(on_real), "d_fake": _mean_probability(on_generated)}

    def _norm_on(self, image, term):
        """The norm of a term's gradient on an image; in float16 made larger on the way, as for Adam."""
        (gradient,) = torch.autograd.grad(self.scaler.scale(term), image, retain_graph=True)
        return gradient.norm() / (self.scaler.get_scale() if self.scaler.is_enabled() else 1.0)

    # Checkpoints ------------------------------------------------------------------------------------------

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
        names = ("generator", "average", "discriminator", "generator_adam", "discriminator_adam")
        names += ("scaler", "balance")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def _detached(view):
    return {name: values.detach() for name, values in view.items()}


def _mean_probability(logits):
    """The mean of D(image) over all patches, and over the tensors of logits."""
    return torch.stack([part.float().sigmoid().mean() for part in logits]).mean().detach()


@contextmanager
def _kept_statistics(*networks):
    """What batch normalisation has gathered is afterwards as it was before."""
    buffers = [buffer for network in networks for buffer in network.buffers()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)


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
