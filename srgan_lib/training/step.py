"""One update: the networks, their optimisers, and what happens between a batch and the next.

This is the paper's section 3.2 in code, and ``Networks.update`` is its heart. SRResNet: the generator makes
its content loss small. SRGAN: first the discriminator is shown photos and imitations, then the generator is
judged by it.
"""

import copy
import math
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from srgan_lib.losses import adversarial_discriminator, adversarial_generator, consistency
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.feature_discriminator import FeatureDiscriminator
from srgan_lib.training.distributed import mean as mean_over_processes
from srgan_lib.training.distributed import shared

BETAS = (0.9, 0.999)
FEATURE_BETAS = (0.5, 0.99)  # of the discriminator on features: it has to follow the generator quickly
BALANCE_EVERY = 25  # updates


@dataclass(frozen=True)
class Method:
    """How an update is computed; what it computes stays the same (``fast`` chooses).

    ``compiled``: all passes by ``torch.compile``; ``recorded``: each update is one CUDA graph, and the
    cutting of its crops another. ``note`` is a line for the user where what was asked for cannot be.
    """

    compiled: bool = False
    recorded: bool = False
    note: str | None = None

    @property
    def fast(self):
        return self.compiled or self.recorded

    def __str__(self):
        names = ("compiled", self.compiled), ("one CUDA graph", self.recorded)
        return ", ".join(name for name, used in names if used) or "plain"


PLAIN = Method()


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

    ``generator`` is trained in place. ``discriminator`` is one to start from, of which a copy is trained; by
    default a new one of the configuration's kind. ``loss`` is a ``GeneratorLoss``. ``fast.FastNetworks``
    computes the same update compiled; state can be restored from one into the other.

    A *view* is what losses and discriminator look at of an image: {"image": the image, layer: feature map}.
    """

    method = PLAIN

    def __init__(self, config, stage, generator, loss, device, discriminator=None):
        self.device, self.stage, self.loss = device, stage, loss
        self.dtype = resolve_precision(config.precision, device)
        self.generator = generator
        self.discriminator = self.balance = self.discriminator_adam = None
        if stage.is_gan:
            given = copy.deepcopy(discriminator) if discriminator else discriminator_of(config)
            self.discriminator = given.to(device)
        self.on_features = isinstance(self.discriminator, FeatureDiscriminator)
        self.joint = config.joint_batch or self.on_features
        if stage.is_gan and config.adversarial_balance:
            self.balance = Balance(config.adversarial_balance).to(device)
        self._generator = self._prepared(self.generator)
        if config.stored_statistics:
            _keep_statistics(self.generator)
        self._discriminator = self.discriminator and self._prepared(self.discriminator)
        self.average = MovingAverage(generator, config.ema) if config.ema else None
        self.generator_adam = self._adam(self.generator, BETAS)
        if stage.is_gan:
            self.discriminator_adam = self._adam(
                self.discriminator, FEATURE_BETAS if self.on_features else BETAS
            )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    def _prepared(self, network):
        """A network as it is called in training: spread over processes, its maps channels last."""
        return shared(network.to(memory_format=torch.channels_last).train(), self.device)

    def _adam(self, network, betas):
        return torch.optim.Adam(trainable(network), lr=self.stage.learning_rate, betas=betas)

    # One update ---------------------------------------------------------------------------------------

    def update(self, lr, hr, discriminator_only=False):
        """One update (section 3.2) from LR (N, 3, h, w) in [0, 1] and HR (N, 3, H, W) in [-1, 1].

        Returns the values that ``_noted`` names, as scalar tensors on the device: reading one makes it wait.
        """
        values = {}
        with torch.no_grad():
            real = self.look(hr)
        with torch.set_grad_enabled(not discriminator_only):
            sr = self.generate(lr)
            generated = self.look(sr)

        if self.stage.is_gan:  # the discriminator's turn: its half of equation 2
            loss, verdicts = self.discriminator_loss(real, _detached(generated))
            self.discriminator_adam.zero_grad()
            self.scaler.scale(loss).backward()
            values |= self._noted("discriminator", loss, verdicts, self.discriminator_adam)
            self.scaler.step(self.discriminator_adam)

        if not discriminator_only:  # the generator's turn: equation 3, which weighs equation 6
            with _frozen(self.discriminator):
                loss, terms = self.generator_loss(sr, lr, real, generated)
                self.generator_adam.zero_grad()
                self.scaler.scale(loss).backward()
            values |= self._noted("generator", loss, terms, self.generator_adam)
            self.scaler.step(self.generator_adam)
            self._move_average()

        self.scaler.update()
        return values | self._balance_now()

    def generate(self, lr):
        """SR of LR, with the gradient's way back to the generator."""
        with self.arithmetic():
            return self._generator(lr).float()

    def look(self, images):
        """The view of a batch of images."""
        with self.arithmetic():
            return self.loss.view(images)

    def discriminator_loss(self, real, generated):
        """(the discriminator's loss, equation 2's, its mean verdicts by name) on two views."""
        with self.arithmetic():
            on_real, on_generated = self._verdicts(self._discriminator, real, generated)
        verdicts = {"d_real": _mean_probability(on_real), "d_fake": _mean_probability(on_generated)}
        return adversarial_discriminator(on_real, on_generated), verdicts

    def generator_loss(self, sr, lr, real, generated):
        """(the generator's loss, equation 3's, its terms before weighting by name)."""
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
        logits = discriminator(view if self.on_features else view["image"])
        return [logits] if isinstance(logits, torch.Tensor) else logits

    def _noted(self, name, loss, parts, adam):
        """What an update returns of a turn: the loss, the norm of its gradient before Adam, its parts."""
        self.scaler.unscale_(adam)
        values = {name: loss, f"{name}_gradient": torch.nn.utils.get_total_norm(_gradients(adam)), **parts}
        return {name: value.detach().float() for name, value in values.items()}

    def _move_average(self):
        if self.average:
            self.average.update_parameters(self.generator)

    def _balance_now(self):
        if not self.balance:
            return {}
        now = {"adversarial_weight": self.balance.weight, "adversarial_share": self.balance.share}
        return {name: value.clone() for name, value in now.items()}  # they change in place

    # What it needs to know ------------------------------------------------------------------------------

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
        with _kept_statistics(self.generator, self.discriminator):
            with self.arithmetic():
                with torch.no_grad():
                    sr, real = self.generator(lr).float(), self.loss.view(hr)
                generated = self.loss.view(sr.requires_grad_())
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


def trainable(network):
    """The weights that training may move: those that are not frozen."""
    return [weight for weight in network.parameters() if weight.requires_grad]


def _detached(view):
    return {name: values.detach() for name, values in view.items()}


def _gradients(adam):
    """Those that there are: a network of one's own may have weights that its output does not depend on."""
    weights = [weight for group in adam.param_groups for weight in group["params"]]
    return [weight.grad for weight in weights if weight.grad is not None]


def _mean_probability(logits):
    """The mean of D(image) over all patches, and over the tensors of logits."""
    return torch.stack([part.float().sigmoid().mean() for part in logits]).mean().detach()


@contextmanager
def _frozen(network):
    """Within the block no gradient is computed of the weights of ``network`` (which may be None)."""
    weights = trainable(network) if network else []
    try:
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _keep_statistics(network):
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


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


def _for_adam(adam, state):
    """A saved state of Adam for ``adam``, which keeps its own way of computing the same."""
    own = {name: adam.param_groups[0][name] for name in ("lr", "fused", "foreach", "capturable")}
    return {"state": state["state"], "param_groups": [saved | own for saved in state["param_groups"]]}
