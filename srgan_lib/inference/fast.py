"""The generator rearranged to run fast and in bounded memory; its output is the plain module's, to rounding.

What is changed, and why the result is not:

- Batch normalisation is folded into the convolution before it (``Generator.fold_batch_norm``).
- Everything runs channels last, which this network's convolutions prefer. On CPUs of few cores the wide 3x3
  convolutions are Winograd's (``winograd``), with fewer multiplications.
- The last sub-pixel rearrangement is made on the image, not on the features. A 9x9 convolution of rearranged
  features is a 5x5 convolution of the features before, with four times the channels in and out: an output
  pixel's place in its 2x2 cell decides which weight meets which channel. This spares the largest map, and 12
  output channels fill a processor's vectors where 3 do not.
- The image is cut twice. Tiles of the input, with a margin as wide as the receptive field reaches, bound the
  memory of the residual blocks. The last layers, whose maps are up to 16 times as large but reach only 3
  pixels of the input, work through each tile in small cells. Zeros are padded only where the image ends.

A span is a pair (first, last) of rows or columns, the last one not included.
"""

from contextlib import nullcontext
from functools import partial
from itertools import pairwise, product

import torch
from torch.nn import functional as F

from srgan_lib.inference.winograd import WinogradConvolution, each, own_threads

TAIL_REACH = 3  # pixels of the input that the upsampling part sees to each side, whatever the scale
WINOGRAD_CHANNELS = 32  # with fewer, the transforms cost more than the multiplications they spare
WINOGRAD_THREADS = 4  # more threads share plain convolutions better than its many small products
# The upsampling part's cells: columns of the input, and bytes of the largest map. Small ones stay in a
# processor's cache; a GPU needs large ones to be busy.
CELLS = {"cpu": (128, 8 << 20), "cuda": (512, 256 << 20)}
CELLS_AT_ONCE = WINOGRAD_THREADS  # finished before they are handed on, several at a time by several threads


class FastGenerator:
    """A ``Generator`` for inference on one device: the same function, faster, and piece by piece.

    It takes a copy of the weights when it is made: later training does not reach it.
    """

    def __init__(self, generator, device="cpu"):
        folded = generator.fold_batch_norm().float().to(device)
        self.device = torch.device(device)
        self.scale = generator.config["scale"]
        self.channels = generator.config["channels"]
        self.long_skip = generator.config["long_skip"]
        self.level = len(folded.upsample) - 1  # the last layers see the input 2 ** level times enlarged
        self.head = _Layer(*folded.head)
        self.blocks = [(_Layer(block.conv1, block.activation), _Layer(block.conv2)) for block in folded.trunk]
        self.merge = _Layer(folded.merge[0])
        order = _places_first(self.channels)
        self.upsample = [
            _Layer(block.conv, block.activation, order) for block in folded.upsample[: self.level]
        ]
        self.upsample += [_Layer(folded.upsample[-1].conv, folded.upsample[-1].activation)]
        self.tail = _Layer(before_rearrangement(folded.tail))
        residual = [self.head, *(layer for pair in self.blocks for layer in pair), self.merge]
        self.reach = sum(layer.reach for layer in residual)
        self._residual_work = sum(layer.work for layer in residual)
        self._upsampling_work = sum(layer.work << 2 * level for level, layer in enumerate(self.upsample))
        self._upsampling_work += self.tail.work << 2 * self.level

    @torch.inference_mode()
    def __call__(self, lr, tile=640):
        """(N, 3, h, w) in [0, 1] -> (N, 3, scale * h, scale * w), about [-1, 1], like the generator."""
        n, _, height, width = lr.shape
        sr = torch.empty(n, 3, self.scale * height, self.scale * width, device=self.device)
        for image, target in zip(lr, sr, strict=True):
            for top, left, piece in self.pieces(image.unsqueeze(0), tile):
                target[:, top : top + piece.shape[2], left : left + piece.shape[3]] = piece[0]
        return sr

    def pieces(self, lr, tile, report=lambda work: None):
        """Yield the output in rectangles: (top row, left column, (1, 3, rows, columns)), in output pixels.

        ``lr`` is (1, 3, h, w) in [0, 1], on any device; ``tile`` is the largest side of a tile in input
        pixels, its margin not counted. ``report`` is called with the work done since its last call, in the
        unit of ``work``. Consume it under ``torch.inference_mode()``.
        """
        image = _Map(lr, 0, 0, *lr.shape[2:])
        with own_threads() if self.head.on_small_machine else nullcontext():
            for tile_spans in product(_cut((0, image.height), tile), _cut((0, image.width), tile)):
                needed = image.around(*tile_spans, TAIL_REACH)
                seen = image.around(*needed, self.reach)
                features = image.with_values(self._features(image.crop(*seen), report), seen)
                finish = partial(self._finish, features, report)
                cells = list(self._cells(*tile_spans))
                for first in range(0, len(cells), CELLS_AT_ONCE):
                    yield from each(finish, cells[first : first + CELLS_AT_ONCE])

    def work(self, height, width, tile):
        """Multiplications for an input of that size (those in the cells' margins left out)."""
        area = 1
        for side in (height, width):
            spans = (_grow(span, self.reach + TAIL_REACH, side) for span in _cut((0, side), tile))
            area *= sum(last - first for first, last in spans)
        return self._residual_work * area + self._upsampling_work * height * width

    def _features(self, lr, report):
        """The residual part: (N, 3, h, w) -> (N, channels, h, w)."""
        lr = lr.to(self.device, torch.float32).contiguous(memory_format=torch.channels_last)
        area = lr.shape[2] * lr.shape[3]
        shallow = self.head(lr)
        deep = shallow
        for first, second in self.blocks:
            deep = second(first(deep)).add_(deep)
            report((first.work + second.work) * area)
        deep = self.merge(deep)
        report((self.head.work + self.merge.work) * area)
        return deep.add_(shallow) if self.long_skip else deep

    def _cells(self, rows, columns):
        """Cut a tile for the upsampling part, so that no map is larger than a cell's may be."""
        widest, memory = CELLS.get(self.device.type, CELLS["cpu"])
        for across in _cut(columns, widest):
            row_bytes = (16 * self.channels * (across[1] - across[0])) << 2 * self.level
            for down in _cut(rows, max(1, memory // row_bytes)):
                yield down, across

    def _finish(self, features, report, cell):
        """The upsampling part for one cell (rows, columns), as a rectangle that ``pieces`` yields."""
        rows, columns = cell
        strip = features.columns(features.around(rows, columns, TAIL_REACH)[1])
        height = strip.height << self.level
        wanted = rows[0] << self.level, rows[1] << self.level
        colours = _rows_of(self.tail, lambda span: self._upsampled(strip, self.level, span), wanted, height)
        sr = F.pixel_shuffle(colours, 2)  # (N, 12, rows, columns) -> (N, 3, 2 * rows, 2 * columns)
        left = self.scale * (columns[0] - strip.left)
        report(self._upsampling_work * (rows[1] - rows[0]) * (columns[1] - columns[0]))
        piece = sr[:, :, :, left : left + self.scale * (columns[1] - columns[0])]
        return self.scale * rows[0], self.scale * columns[0], piece

    def _upsampled(self, strip, level, rows):
        """A span of rows of what the upsampling convolution ``level`` gives, not yet rearranged."""

        def read(span):
            if level == 0:
                return strip.rows(span)
            before = self._upsampled(strip, level - 1, (span[0] // 2, (span[1] + 1) // 2))
            skip = span[0] % 2
            return _rearranged(before, self.channels)[:, :, skip : skip + span[1] - span[0]]

        return _rows_of(self.upsample[level], read, rows, strip.height << level)


class _Layer:
    """A convolution and, where there is one, the PReLU after it; ``order`` rearranges its output channels."""

    def __init__(self, convolution, activation=None, order=slice(None)):
        weight, self.bias = convolution.weight.detach()[order], convolution.bias.detach()[order]
        self.slope = None
        if activation is not None:
            slope = activation.weight.detach()  # one for the layer, one a channel, or one for each 2x2 cell
            self.slope = slope.repeat_interleave(len(self.bias) // len(slope))[order]
        self.reach = weight.shape[-1] // 2
        self.work = weight.numel()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self._winograd = None
        self.on_small_machine = weight.device.type == "cpu" and torch.get_num_threads() <= WINOGRAD_THREADS
        if self.on_small_machine and self.reach == 1 and weight.shape[1] >= WINOGRAD_CHANNELS:
            self._winograd = WinogradConvolution(weight, self.bias, self.slope)

    def __call__(self, maps, pad_rows=True):
        if self._winograd:
            return self._winograd(maps, pad_rows)
        maps = maps.contiguous(memory_format=torch.channels_last)
        maps = F.conv2d(maps, self.weight, self.bias, padding=(self.reach if pad_rows else 0, self.reach))
        return maps if self.slope is None else F.prelu(maps, self.slope)


def _rows_of(layer, read, rows, height):
    """A span of rows of a layer's result; ``read`` gives spans of its input, ``height`` rows in all."""
    first, last = max(0, rows[0] - layer.reach), min(height, rows[1] + layer.reach)
    inside = last - first == rows[1] - rows[0] + 2 * layer.reach
    result = layer(read((first, last)), pad_rows=not inside)  # at the image's edges, zeros lie beyond
    return result if inside else result[:, :, rows[0] - first : rows[1] - first]


class _Map:
    """Values for a part of an image of ``height`` x ``width``; they start at row ``top``, column ``left``."""

    def __init__(self, values, top, left, height, width):
        self.values, self.top, self.left = values, top, left
        self.height, self.width = height, width

    def with_values(self, values, spans):
        return _Map(values, spans[0][0], spans[1][0], self.height, self.width)

    def around(self, rows, columns, margin):
        """Both spans with a margin, which ends where the image does."""
        return _grow(rows, margin, self.height), _grow(columns, margin, self.width)

    def rows(self, span):
        return self.values[:, :, span[0] - self.top : span[1] - self.top]

    def columns(self, span):
        values = self.values[:, :, :, span[0] - self.left : span[1] - self.left]
        values = values.contiguous(memory_format=torch.channels_last)
        return _Map(values, self.top, span[0], self.height, self.width)

    def crop(self, rows, columns):
        return self.rows(rows)[:, :, :, columns[0] - self.left : columns[1] - self.left]


def _grow(span, margin, side):
    return max(0, span[0] - margin), min(side, span[1] + margin)


def _cut(span, longest):
    """A span in as few parts as possible of at most ``longest``, and of about equal lengths."""
    first, last = span
    parts = -(-(last - first) // longest)
    edges = [first + (last - first) * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))


def _places_first(channels):
    """The order (place, channel) of what ``pixel_shuffle`` by 2 wants in the order (channel, place)."""
    return torch.arange(4 * channels).view(channels, 4).T.reshape(-1)


def _rearranged(maps, channels):
    """``pixel_shuffle`` by 2 for channels in the order of ``_places_first``: whole runs of memory are copied.

    (N, 4 * channels, h, w) -> (N, channels, 2h, 2w).
    """
    n, _, height, width = maps.shape
    # Channels last in memory: (n, y, x, row in the cell, column in the cell and channel)
    maps = maps.permute(0, 2, 3, 1).reshape(n, height, width, 2, 2 * channels)
    maps = maps.transpose(2, 3).reshape(n, 2 * height, 2 * width, channels)
    return maps.permute(0, 3, 1, 2)


def before_rearrangement(convolution):
    """The convolution that does to a map what ``convolution`` does to its ``pixel_shuffle`` by 2.

    ``convolution`` has a kernel of 2 * reach + 1, reach even, and c channels in and o out; the result has a
    kernel of reach + 1, 4c channels in and 4o out, and its output wants rearranging.
    """
    out, channels, kernel, _ = convolution.weight.shape
    reach = kernel // 2
    old = convolution.weight.detach()
    weight = old.new_zeros(out, 2, 2, channels, 2, 2, reach + 1, reach + 1)
    for to_y, to_x, y, x in product(range(2), range(2), range(kernel), range(kernel)):
        (tap_y, from_y), (tap_x, from_x) = divmod(y + to_y, 2), divmod(x + to_x, 2)
        weight[:, to_y, to_x, :, from_y, from_x, tap_y, tap_x] = old[:, :, y, x]
    small = torch.nn.Conv2d(4 * channels, 4 * out, reach + 1, padding=reach // 2)
    small.weight = torch.nn.Parameter(weight.reshape(4 * out, 4 * channels, reach + 1, reach + 1))
    small.bias = torch.nn.Parameter(convolution.bias.detach().repeat_interleave(4))
    return small
