"""How an update is computed: plainly, or compiled and as one CUDA graph. What it computes stays the same."""

import functools
from dataclasses import dataclass

import torch
from torch import distributed

BACKEND = "inductor"  # of torch.compile; others trace the same step and need no compiler
WORTH_COMPILING = 5000  # updates: compiling takes a minute or two


@dataclass(frozen=True)
class Method:
    """``compiled``: all passes by ``torch.compile``; ``recorded``: each update is one CUDA graph, and the
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
