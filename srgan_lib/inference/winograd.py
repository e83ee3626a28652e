"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3), for CPUs of few cores.

Four outputs of a 3-tap filter need 12 multiplications the plain way and 6 this way: transform 6 inputs (by
the matrix ``INPUT``) and the 3 weights (``WEIGHTS``), multiply one by one, transform back (``OUTPUT``). In
two dimensions 36 multiplications replace 144, and over all channels they are 36 matrix products (Lavin and
Gray, 2016, arXiv 1509.09308). The transforms take time too (tests/benchmarks/inference.py measures the sum).
The result is that of the plain way to rounding in float32.
"""

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch.nn import functional as F

INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float32,
)
WEIGHTS = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    dtype=torch.float64,
)
OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float32
)
WORKING_SET = 3 << 19  # bytes of the transformed maps; they should stay in a processor core's cache


class WinogradConvolution:
    """A 3x3 convolution with ``weight`` (out, in, 3, 3), then a bias and PReLU where ``slope`` is given."""

    def __init__(self, weight, bias, slope=None):
        transformed = WEIGHTS @ weight.detach().double() @ WEIGHTS.T  # (out, in, 6, 6)
        self.weight = transformed.permute(2, 3, 1, 0).flatten(0, 1).float().contiguous()  # (36, in, out)
        self.bias, self.slope = bias, slope

    @torch.inference_mode()
    def __call__(self, maps, pad_rows):
        """(1, in, h, w) -> (1, out, h, w), zeros around it; without ``pad_rows`` -> (1, out, h - 2, w)."""
        maps = maps[0].permute(1, 2, 0)  # rows, columns, channels
        channels, out = self.weight.shape[1:]
        height, width = maps.shape[0] - 2 + 2 * pad_rows, maps.shape[1]
        down, across = -(-height // 4), -(-width // 4)
        result = maps.new_empty(4 * down, 4 * across, out)
        step = max(1, WORKING_SET // (144 * max(channels, out) * across))

        def strip(top):
            rows = min(step, down - top)
            padded = _padded(maps, 4 * top - pad_rows, 4 * rows + 2, 4 * across + 2)
            target = result[4 * top : 4 * (top + rows)].view(rows, 4, across, 4, out)
            target.copy_(self._tiles(padded, rows, across).permute(2, 0, 3, 1, 4))

        each(strip, range(0, down, step))
        return result[:height, :width].permute(2, 0, 1).unsqueeze(0)

    def _tiles(self, padded, rows, across):
        """(4 * rows + 2, 4 * across + 2, in) -> (4, 4, rows, across, out): the outputs of each 4x4 tile."""
        channels, out = self.weight.shape[1:]
        line, tiles = padded.stride(0), rows * across
        a, b = _space("a", 6, 6, tiles * channels), _space("b", 6, 6, tiles * channels)
        c, d = _space("c", 36, tiles, out), _space("d", 4, 6, tiles * out)
        shape, strides = (6, 6, rows, across, channels), (line, channels, 4 * line, 4 * channels, 1)
        a.view(shape).copy_(padded.as_strided(shape, strides))  # tiles overlap by 2
        torch.bmm(INPUT.expand(6, 6, 6), a, out=b)  # along columns
        torch.mm(INPUT, b.view(6, -1), out=a.view(6, -1))  # along rows
        torch.bmm(a.view(36, tiles, channels), self.weight, out=c)
        torch.mm(OUTPUT, c.view(6, -1), out=d.view(4, -1))
        maps = torch.bmm(OUTPUT.expand(4, 4, 6), d, out=_space("e", 4, 4, tiles * out))
        maps = maps.view(16 * tiles, out).add_(self.bias)
        if self.slope is not None:
            maps = F.prelu(maps, self.slope)
        return maps.view(4, 4, rows, across, out)


_lock = threading.Lock()
_users = []  # the thread count of each thread that is in the block of ``own_threads``
_state = threading.local()  # .workers: among how many threads of ours this one may share work


@contextmanager
def own_threads():
    """Within the block torch computes in one thread; ``each`` shares work among as many threads of ours.

    Torch's own way, all threads in each small product, takes longer than one thread alone. And its threads,
    when they wait for work, keep a core busy for a while: the two kinds must not take turns.
    """
    with _lock:
        threads = _usual_threads()
        if threads > 1:
            _pool(threads)
        _users.append(threads)
        torch.set_num_threads(1)
    _state.workers = threads
    try:
        yield
    finally:
        _state.workers = 1
        with _lock:
            _users.remove(threads)
            torch.set_num_threads(threads)


def _usual_threads():
    """How many threads torch uses here when nobody is in the block.

    A thread that first asks torch while another one is in the block is told that one's 1.
    """
    own = torch.get_num_threads()
    return max(_users) if own == 1 and _users else own


def _forget_threads():
    """A process that forks takes none of its threads along."""
    global _lock
    _lock = threading.Lock()
    _users.clear()
    _state.workers = 1
    _pool.cache_clear()


def each(call, items):
    """The results of ``call`` for ``items``, in order; within ``own_threads`` several are made at a time."""
    threads = getattr(_state, "workers", 1)
    workers = min(threads, len(items))
    if workers < 2:
        return [call(item) for item in items]
    results = [None] * len(items)

    def share(first):
        with torch.inference_mode():  # each thread has its own mode
            for number in range(first, len(items), workers):
                results[number] = call(items[number])

    others = [_pool(threads).submit(share, first) for first in range(1, workers)]
    _state.workers = 1  # what is shared is not shared again
    try:
        share(0)
    finally:
        _state.workers = threads
    for other in others:
        other.result()
    return results


@lru_cache(maxsize=1)
def _pool(threads):
    """Threads of ours, in each of which torch uses only that one."""
    pool = ThreadPoolExecutor(threads, "winograd", torch.set_num_threads, (1,))
    all_started = threading.Barrier(threads)
    list(pool.map(lambda _: all_started.wait(), range(threads)))
    torch.set_num_threads(threads)  # each of them has set what new threads begin with to 1
    return pool


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_threads)


def _padded(maps, first, rows, columns):
    """``rows`` rows of ``maps`` from ``first`` on, zeros where there are none, one column of zeros before."""
    padded = _space("padded", rows, columns, maps.shape[2])
    above = max(0, -first)
    part = maps[first + above : first + rows]
    below, beyond = above + len(part), 1 + maps.shape[1]
    padded[above:below, 1:beyond] = part
    padded[:above] = padded[below:] = 0
    padded[:, 0] = padded[:, beyond:] = 0
    return padded


class _Spaces(threading.local):
    """Memory used again and again, by name, each thread its own: fresh memory costs too much time."""

    def __init__(self):
        self.held = {}

    def __call__(self, name, *shape):
        size = math.prod(shape)
        if name not in self.held or self.held[name].numel() < size:
            self.held[name] = torch.empty(size)
        return self.held[name][:size].view(shape)


_space = _Spaces()
