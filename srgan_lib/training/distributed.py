"""One process (``python``) or several (``torchrun``): what they do together, and when they stop."""

import inspect
import math
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from srgan_lib.errors import SrganError

# D runs twice before one backward pass, which may not find its buffers changed in between. A later torch
# renamed the setting that keeps each process's buffers its own.
_SETTINGS = inspect.signature(DistributedDataParallel.__init__).parameters
OWN_BUFFERS = {"forward_sync_buffers" if "forward_sync_buffers" in _SETTINGS else "broadcast_buffers": False}


LONGEST_WAIT = timedelta(hours=2)  # for the first process, which may have gigabytes to download


def start():
    """Join the other processes if ``torchrun`` started this one. Returns (rank, world)."""
    if "RANK" not in os.environ:
        return 0, 1
    if not distributed.is_initialized():
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=LONGEST_WAIT)
    return distributed.get_rank(), distributed.get_world_size()


@contextmanager
def first_alone():
    """Within the block the first process of a machine is alone; the others follow when it is done.

    What it downloads there is downloaded once. When it fails the others do not try.
    """
    if not distributed.is_initialized():
        yield
    elif _is_first():
        try:
            yield
        except BaseException:
            _all_went_well(False)
            raise
        _all_went_well(True)
    elif _all_went_well(True):
        yield
    else:
        raise SrganError("the first process could not get the data; its own line says why")


def _is_first():
    return os.environ.get("LOCAL_RANK", "0") == "0"


def _all_went_well(mine):
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    flag = torch.tensor(float(mine), device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MIN)
    return bool(flag.item())


def finish():
    """Leave the group, if there is one."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def own_device(device):
    """Each process takes a GPU of its own; a device other than "cuda" stays as it is."""
    if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    return device


def check_batch(batch, world):
    """Every process must get equally many crops, or a mean over processes is not the mean over the batch."""
    if batch % world:
        raise SrganError(
            f"batch {batch} cannot be shared equally by {world} processes; choose a multiple of {world}"
        )


def shared(network, device):
    """``network`` with gradients averaged over all processes: the gradients of the whole batch.

    On GPUs batch normalisation also takes its statistics over the whole batch.
    """
    if not distributed.is_initialized():
        return network
    if device.type == "cuda":
        network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return DistributedDataParallel(network, device_ids=[device.index], **OWN_BUFFERS)
    return DistributedDataParallel(network, **OWN_BUFFERS)


def mean(values):
    """The mean of a tensor over all processes."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
    return values


def anyone(flag, device):
    """Whether any process raised ``flag``: all must leave the loop at the same update."""
    if not distributed.is_initialized():
        return flag
    raised = torch.tensor(float(flag), device=device)
    distributed.all_reduce(raised)
    return bool(raised.item())


def wait():
    """Until every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()


class Stop:
    """Whether to save and leave now, decided by all processes together."""

    def __init__(self, caught, time_limit, device):
        self.caught, self.device = caught, device
        self.deadline = time.monotonic() + time_limit if time_limit else math.inf

    def reason(self, at_log):
        """Why to stop, or None. Several processes ask each other only when they log: asking costs time."""
        mine = self.caught[0] if self.caught else "time limit" if time.monotonic() > self.deadline else None
        if not distributed.is_initialized():
            return mine
        if not at_log or not anyone(bool(mine), self.device):
            return None
        return mine or "another process stopped"


@contextmanager
def caught_signals():
    """Within the block SIGINT and SIGTERM are noted in a list; a second SIGINT interrupts at once."""
    caught = []
    if threading.current_thread() is not threading.main_thread():
        yield caught  # Python delivers signals to the main thread only
        return

    def note(number, _):
        caught.append(signal.Signals(number).name)
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
