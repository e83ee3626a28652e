"""Networks as they are, such as SRCNN, ESPCN or one's own: tile by tile, with the margin that they see."""

import copy
from itertools import pairwise, product

import torch

from srgan_lib.networks import scale_of_network

LARGEST_TILE = 160  # pixels of the input; SRCNN's 64 maps of such a tile, 4 times enlarged, take 105 MB


class TiledNetwork:
    """A network of ``networks.baselines``, or one's own, for inference on one device.

    It is used as ``fast.FastGenerator`` and takes a copy of the network when it is made. The margin around a
    tile is as wide as the network's ``reach``, so the tiles' size changes nothing but rounding. A network
    without that attribute may look at the whole image: it gets it in one piece, whatever memory that takes.
    """

    def __init__(self, network, device="cpu"):
        self.network = copy.deepcopy(network).eval().float().to(device)
        self.device = torch.device(device)
        self.scale = scale_of_network(network)
        self.reach = getattr(network, "reach", None)

    @torch.inference_mode()
    def __call__(self, lr, tile=LARGEST_TILE):
        """(N, 3, h, w) in [0, 1] -> (N, 3, scale * h, scale * w), about [-1, 1], like the network."""
        n, _, height, width = lr.shape
        sr = torch.empty(n, 3, self.scale * height, self.scale * width, device=self.device)
        for top, left, piece in self.pieces(lr, tile):
            sr[:, :, top : top + piece.shape[2], left : left + piece.shape[3]] = piece
        return sr

    def pieces(self, lr, tile, report=lambda work: None):
        """Yield the output in rectangles: (top row, left column, (N, 3, rows, columns)), in output pixels.

        ``lr``, ``tile`` and ``report`` are as for ``FastGenerator.pieces``.
        """
        height, width = lr.shape[2:]
        if self.reach is None:
            yield 0, 0, self.network(lr.to(self.device, torch.float32))
            report(height * width)
            return
        for rows, columns in product(_spans(height, tile), _spans(width, tile)):
            around = [max(0, rows[0] - self.reach), max(0, columns[0] - self.reach)]
            seen = lr[:, :, around[0] : rows[1] + self.reach, around[1] : columns[1] + self.reach]
            result = self.network(seen.to(self.device, torch.float32))
            wanted = [
                slice(self.scale * (first - start), self.scale * (last - start))
                for (first, last), start in zip((rows, columns), around, strict=True)
            ]
            report((rows[1] - rows[0]) * (columns[1] - columns[0]))
            yield self.scale * rows[0], self.scale * columns[0], result[:, :, wanted[0], wanted[1]]

    def work(self, height, width, tile):
        """The pixels of the input: each costs the same."""
        return height * width


def _spans(side, tile):
    """A side cut into parts of about equal length, at most ``tile`` and ``LARGEST_TILE``."""
    parts = -(-side // min(tile, LARGEST_TILE))
    return list(pairwise(side * part // parts for part in range(parts + 1)))
