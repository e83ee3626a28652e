"""When a run leaves before its end: a signal, or its time limit."""

import math
import signal
import threading
import time
from contextlib import contextmanager

import torch

from srgan_lib.training import distributed


class Stop:
    """Whether to save and leave now, decided by all processes together."""

    def __init__(self, caught, time_limit, device):
        self.caught, self.device = caught, device
        self.deadline = time.monotonic() + time_limit if time_limit else math.inf

    def reason(self, at_log):
        """Why to stop, or None. Several processes ask each other only when they log: asking costs time."""
        mine = self.caught[0] if self.caught else "time limit" if time.monotonic() > self.deadline else None
        if not torch.distributed.is_initialized():
            return mine
        if not at_log or not distributed.anyone(bool(mine), self.device):
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
