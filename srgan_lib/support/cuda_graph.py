"""A function recorded as one CUDA graph: all its kernels are started by a single call.

A GPU like the H200 finishes a small layer sooner than Python can ask for the next. Recorded once, the whole
list of kernels is handed over at once, and Python is no longer in the way.
"""

import sys

import torch

from srgan_lib.support.devices import is_out_of_memory

WARM_UP = 3  # calls before the recording: they compile, choose algorithms and fill caches


class Recorded:
    """``function``, called with tensors that keep their shapes, as a CUDA graph from its fourth call on.

    The first calls run as they are. The next one is recorded; then and later a call copies its inputs to
    where the recording reads them, starts the graph, and returns copies of what it wrote: a tensor, a tuple
    of tensors or a dictionary of scalar ones. So ``function`` may not wait for the GPU, use Python numbers
    that change from call to call, or look at tensors that are replaced by others: all that changes has to be
    in tensors that stay.

    Where the recording fails, one line on stderr says so and the function goes on running as it is.
    """

    def __init__(self, function):
        self.function = function
        self._calls = 0
        self._inputs = self._outputs = self._replay = None

    def __call__(self, *inputs):
        self._calls += 1
        if self._calls > WARM_UP and self._inputs is None:
            self._record(inputs)
        if self._replay is None:
            return aside(self.function, inputs)
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given, non_blocking=True)
        self._replay()
        return _copied(self._outputs)

    def _record(self, inputs):
        self._inputs = tuple(value.clone() for value in inputs)
        try:
            self._replay, self._outputs = record(self.function, self._inputs)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().partition("\n")[0]
            print(f"no CUDA graph ({reason}); goes on without it, more slowly", file=sys.stderr)


def _copied(outputs):
    if isinstance(outputs, torch.Tensor):
        return outputs.clone()
    if isinstance(outputs, dict):  # one kernel for all
        return dict(zip(outputs, torch.stack(list(outputs.values())).unbind(), strict=True))
    return tuple(output.clone() for output in outputs)


def record(function, inputs):
    """(a function that starts the graph, the tensors that it then writes). Nothing is computed yet."""
    graph = torch.cuda.CUDAGraph()
    # Other threads may use the GPU meanwhile: the patch bank loads its next photos in one.
    with torch.cuda.graph(graph, stream=_side_stream(inputs[0].device), capture_error_mode="thread_local"):
        outputs = function(*inputs)
    return graph.replay, outputs


def aside(function, inputs):
    """Call ``function`` on the stream on which it will be recorded: what it caches belongs to a stream."""
    if inputs[0].device.type != "cuda":
        return function(*inputs)
    stream, current = _side_stream(inputs[0].device), torch.cuda.current_stream(inputs[0].device)
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        outputs = function(*inputs)
    current.wait_stream(stream)
    return outputs


_STREAMS = {}


def _side_stream(device):
    if device not in _STREAMS:
        _STREAMS[device] = torch.cuda.Stream(device)
    return _STREAMS[device]
