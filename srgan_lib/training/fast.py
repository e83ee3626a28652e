"""The same update faster: compiled, and on a GPU recorded as one CUDA graph. What it computes stays the same.

``Networks.update`` in ``step`` is the reference, line by line. Here its four passes are translated by
``torch.compile`` and the whole of it is recorded; ``choose`` says when that pays and when it cannot be.
"""

import functools
from contextlib import contextmanager

import torch
from torch import distributed

from srgan_lib.support.cuda_graph import Recorded
from srgan_lib.training.step import PLAIN, Method, Networks, resolve_precision, trainable

BACKEND = "inductor"  # of torch.compile; others trace the same step and need no compiler
WORTH_COMPILING = 5000  # updates: compiling takes a minute or two


def networks_for(config, stage, generator, loss, device, discriminator=None):
    """The ``Networks`` of a stage, their update computed as ``config.step`` asks and this machine allows."""
    step = config.step
    if step == "auto" and config.has_own_parts:
        step = "plain"  # what the library does not know may have parts that cannot be compiled
    method = choose(step, stage.updates, device, resolve_precision(config.precision, device))
    parts = config, stage, generator, loss, device, discriminator
    networks = FastNetworks(method, *parts) if method.fast else Networks(*parts)
    networks.method = method
    return networks


class FastNetworks(Networks):
    """``Networks`` whose update is computed as ``method`` says.

    Compiled, its passes (enlarging, VGG19 where it is needed, both losses) and their backward passes are
    those that ``torch.compile`` makes. Recorded, the whole update is a CUDA graph from its fourth call on.
    """

    def __init__(self, method, *parts):
        self.method = method
        super().__init__(*parts)
        if method.compiled:
            torch.compiler.reset()  # what an earlier stage compiled counts towards a limit
            self.generate = traced(self.generate)
            self.look = traced(self.look) if self.loss.maps else self.look
            self.discriminator_loss = traced(self.discriminator_loss)
            self.generator_loss = traced(self.generator_loss)
        self.recording = Recorded(super().update) if method.recorded else None

    def update(self, lr, hr, discriminator_only=False):
        """As ``Networks.update``."""
        with _fastest_convolutions():
            if self.recording and not discriminator_only:
                return self.recording(lr, hr)
            return super().update(lr, hr, discriminator_only)

    def _adam(self, network, betas):
        """One kernel for all weights, which reads the learning rate from the device."""
        rate = torch.tensor(self.stage.learning_rate, device=self.device)
        kind = {"fused": True, "capturable": self.method.recorded}
        adam = torch.optim.Adam(trainable(network), lr=rate, betas=betas, **kind)
        adam._warned_capturable_if_run_uncaptured = True  # the first updates are not recorded: no warning
        return adam


def choose(step, updates, device, dtype):
    """The ``Method`` for the setting ``step`` and a stage of ``updates`` updates in the format ``dtype``.

    "plain" runs Python line by line and is the reference. "fast" is the fastest that works here. "auto" is
    "fast" where a CUDA graph can be recorded and the stage is long enough to pay for compiling, else "plain":
    on the CPU a resumed run then equals the uninterrupted one bit for bit.
    """
    graph = device.type == "cuda" and dtype is not torch.float16
    if step == "plain" or (step == "auto" and not (graph and updates >= WORTH_COMPILING)):
        return PLAIN
    obstacle = _obstacle(device)
    if obstacle:
        return Method(note=None if step == "auto" else f"step fast: {obstacle}; goes on with the plain step")
    if device.type == "cuda" and not graph:
        waits = "with float16 every update waits to see whether its gradients are finite"
        return Method(compiled=True, note=f"step fast: {waits}; compiled, but no CUDA graph")
    return Method(compiled=True, recorded=graph)


def _obstacle(device):
    """Why the step cannot be compiled here, or None."""
    if distributed.is_initialized():
        return "several processes average their gradients in Python"
    if device.type not in ("cpu", "cuda"):
        return f"nothing is compiled for {device.type}"
    return _trial(device.type, BACKEND)


@functools.cache
def _trial(device, backend):
    """Compile something small: it needs a C++ compiler, on a GPU Triton, and Python's headers."""
    try:
        torch.compile(_double, backend=backend)(torch.ones(2, device=device))
    except Exception as raised:  # its causes have no class in common
        error = getattr(raised, "inner_exception", raised)
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        return f"torch.compile does not work here ({type(error).__name__}: {reason})"
    return None


def _double(values):
    return 2 * values


def traced(function):
    """``function`` as ``torch.compile`` makes it, in one piece: a part left to Python would be an error."""
    return torch.compile(function, backend=BACKEND, fullgraph=True, dynamic=False)


@contextmanager
def _fastest_convolutions():
    """A GPU tries its convolution algorithms once for each shape and keeps the fastest."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
