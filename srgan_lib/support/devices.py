"""Which device computes, and what to say when it is absent or its memory is too small."""

from contextlib import contextmanager

import torch

from srgan_lib.errors import SrganError

COMPUTING = ("cpu", "cuda", "mps", "xpu")


def pick_device(device=None):
    """The ``torch.device`` to compute on: the one asked for, else a CUDA GPU where there is one, else CPU.

    ``device`` is None, ``"auto"``, a name such as ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``, or a
    ``torch.device``. Raises ``SrganError`` if the device does not exist on this machine.
    """
    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if found is None or found.type not in COMPUTING:
        raise SrganError(f"no device is called {device!r:.40}: use cpu, cuda, cuda:1 or mps") from None
    if found.type == "xpu" and not torch.xpu.is_available():
        raise SrganError(f"{device} was asked for, but torch finds no Intel GPU here: use --device cpu")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise SrganError(f"{device} was asked for, but torch finds no CUDA GPU here: use --device cpu")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise SrganError(f"{device} was asked for, but there are only {torch.cuda.device_count()} GPUs here")
    if found.type == "mps" and not torch.backends.mps.is_available():
        raise SrganError(f"{device} was asked for, but torch finds no Apple GPU here: use --device cpu")
    return found


def has_bfloat16():
    """Whether this CPU multiplies in bfloat16: then it is the faster format, else it is only emulated."""
    if not hasattr(torch.cpu, "get_capabilities"):  # older versions of torch
        return False
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@contextmanager
def out_of_memory_says(cure):
    """Turn the out-of-memory errors of CPU and GPU inside the block into one line that ends in ``cure``.

    ``cure`` says which setting to lower, for example ``"lower --tile (now 256)"``.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise SrganError(f"out of memory: {cure}") from error


def is_out_of_memory(error):
    """Whether ``error`` means that memory ran out: numpy's, torch's on the CPU, or torch's on a GPU."""
    said = str(error)  # torch on the CPU raises a plain RuntimeError: Linux and Windows word it differently
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        words in said for words in ("can't allocate memory", "not enough memory")
    )
