"""The patch bank: photographs in memory as bytes, random crops cut from them as tensor operations.

Decoding a photo takes many times longer than cutting a crop from it. So each photo is decoded once, into
one long row of pixels on the training device, and a batch is one indexed read from that row. Where a crop
lies and how it is turned depends only on the seed and the number of the update: a resumed run, or one of
several processes, sees the very crops that an uninterrupted single process would have seen. These few numbers
are drawn on the CPU; all that is done with pixels, the degradation too, happens where the pixels are.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from srgan_lib.data.sources import pair_scale
from srgan_lib.degradations import Bicubic
from srgan_lib.errors import SrganError
from srgan_lib.support.cuda_graph import Recorded
from srgan_lib.support.notices import inform

# While one part of a large set is in use, each photo of it gives about this many crops before the next part.
CROPS_PER_VISIT = 64
DECODERS = 4


@dataclass(frozen=True)
class CropPlan:
    """Which crops to cut: one entry a crop, in units of HR pixels (of LR pixels for pairs)."""

    photo: torch.Tensor  # index into the part that is in memory
    top: torch.Tensor
    left: torch.Tensor
    flip_vertical: torch.Tensor
    flip_horizontal: torch.Tensor
    transpose: torch.Tensor

    def rows(self, keep):
        """The same plan for some of its crops (a slice)."""
        return CropPlan(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def packed(self):
        """All its numbers in one tensor, (6, N) int64: one transfer to a GPU."""
        return torch.stack([getattr(self, name).long() for name in self.__dataclass_fields__])

    @classmethod
    def unpacked(cls, numbers):
        photo, top, left, *turns = numbers
        return cls(photo, top, left, *(turn.bool() for turn in turns))


class PixelStore:
    """Decoded photos of different sizes, end to end in one (pixels, 3) uint8 tensor."""

    def __init__(self, images, device):
        self.sides = np.array([image.shape[:2] for image in images])  # here: to draw without asking a GPU
        sides = torch.from_numpy(self.sides)
        self.heights, self.widths = sides[:, 0].to(device), sides[:, 1].to(device)
        areas = sides.prod(dim=1)
        self.starts = (areas.cumsum(0) - areas).to(device)
        self.pixels = torch.empty((int(areas.sum()), 3), dtype=torch.uint8, device=device)
        position = 0
        for image in images:
            area = image.shape[0] * image.shape[1]
            self.pixels[position : position + area] = torch.from_numpy(image.reshape(area, 3))
            position += area

    def cut(self, plan, side, margin=0, step=1):
        """Square crops, (N, 3, side + 2 * margin, side + 2 * margin) uint8.

        ``plan``'s corner is multiplied by ``step``. Pixels beyond a photo's border repeat its last row or
        column, which is how MATLAB's imresize sees the border too.
        """
        along = torch.arange(-margin, side + margin, device=self.pixels.device)
        rows = _flipped(along, side, plan.flip_vertical) + step * plan.top[:, None]
        columns = _flipped(along, side, plan.flip_horizontal) + step * plan.left[:, None]
        rows = _clamped(rows, self.heights[plan.photo])
        columns = _clamped(columns, self.widths[plan.photo])
        width, start = self.widths[plan.photo], self.starts[plan.photo]
        where = (start[:, None] + rows * width[:, None])[:, :, None] + columns[:, None, :]  # (N, side, side)
        where = torch.where(plan.transpose[:, None, None], where.transpose(1, 2), where)
        return self.pixels[where].permute(0, 3, 1, 2)


def _flipped(along, side, flip):
    return torch.where(flip[:, None], side - 1 - along, along)


def _clamped(positions, sizes):
    return torch.minimum(positions.clamp(min=0), sizes[:, None] - 1)


class PatchBank:
    """Random aligned crops of photographs: low resolution in [0, 1] and high resolution in [-1, 1].

    ``photos`` is a list of ``Photo``, all with or all without a stored low-resolution version. Where there is
    none, ``degradation`` makes it from each crop together with the pixels around it, so that it equals a crop
    of the whole degraded photo. A crop's corner is any pixel, its turn any of the eight, and the photos of a
    batch are distinct when there are enough.

    ``memory`` (bytes) bounds the decoded pixels. A larger set is split into parts that take turns; while one
    is in use the next is decoded in the background. Photos that cannot be read or are smaller than the crop
    are skipped and named in ``skipped`` (and once on stderr). Raises ``SrganError`` when none is left, or
    when pairs do not match ``degradation.scale``.

    ``flat`` is the share of crops that one random colour replaces, in LR and HR.

    ``recorded`` may be set at any time: on a GPU the crops are then cut by a CUDA graph (``cuda_graph``).
    """

    def __init__(
        self,
        photos,
        *,
        crop=96,
        degradation=None,
        memory=4 << 30,
        device="cpu",
        seed=0,
        batch=16,
        flat=0.0,
    ):
        self.recorded = False
        self.flat = flat
        self.crop = crop
        self.degradation = degradation or Bicubic(4)
        self.scale = self.degradation.scale
        self.device = torch.device(device)
        self.seed = seed
        self.skipped = []
        if crop % self.scale:
            raise SrganError(f"crop {crop} is not a multiple of the scale {self.scale}; choose one that is")
        self.paired = any(photo.lr_path for photo in photos)
        usable = [(photo, area) for photo in photos if (area := self._usable_area(photo))]
        if not usable:
            reason = f" ({self.skipped[0]})" if self.skipped else ""
            raise SrganError(
                f"none of the {len(photos)} photos can be used{reason}; give photos of {crop}x{crop} or more"
            )
        self.parts = _parts(usable, memory, seed)
        self.updates_per_part = max(1, len(usable) * CROPS_PER_VISIT // (len(self.parts) * batch))
        self._loader = ThreadPoolExecutor(1)
        self._coming = {}
        self._current = (None, None)
        self._graphs = {}  # of the part that is in use, by the shape of the plan

    def __len__(self):
        """The number of photographs, whether in memory now or not."""
        return sum(len(part) for part in self.parts)

    def batch(self, update, size, rank=0, world=1):
        """The crops of an update: LR (n, 3, crop / scale, ...) in [0, 1], HR (n, 3, crop, crop) in [-1, 1].

        The same ``update`` and ``size`` always give the same crops. With ``world`` processes, each takes
        every ``world``-th one, n = size / world.
        """
        lr, hr = self._photographed(update, size, rank, world)
        if not self.flat:
            return lr, hr
        plan = self._flat_plan(update, size)
        is_flat, colours = (self._sent(values[rank::world].contiguous()) for values in plan)
        return torch.where(is_flat, colours, lr), torch.where(is_flat, 2 * colours - 1, hr)

    def _flat_plan(self, update, size):
        """Which crops are flat, (size, 1, 1, 1), and the colours in [0, 1]; about every other one is grey."""
        random = np.random.default_rng([self.seed, update, 1])
        is_flat = random.random(size) < self.flat
        colours = random.integers(0, 256, (size, 3)) / 255
        is_grey = random.random(size) < 0.5
        colours[is_grey] = colours[is_grey, :1]
        colours = torch.from_numpy(colours).float()[:, :, None, None]
        return torch.from_numpy(is_flat)[:, None, None, None], colours

    def _photographed(self, update, size, rank, world):
        self._stores(update)
        numbers = self.plan(update, size).rows(slice(rank, None, world)).packed()
        numbers = self._sent(numbers)
        if not self.recorded:
            return self._cut(numbers)
        if numbers.shape not in self._graphs:
            self._graphs[numbers.shape] = Recorded(self._cut)
        return self._graphs[numbers.shape](numbers)

    def _sent(self, values):
        """Values drawn here, on the device."""
        if self.device.type == "cuda":
            values = values.pin_memory()  # or the transfer would wait for the work before it
        return values.to(self.device, non_blocking=True)

    def _cut(self, numbers):
        """The crops of a packed plan, from the part that is in use, without waiting for the device."""
        stores, plan = self._current[1], CropPlan.unpacked(numbers)
        if self.paired:
            hr_store, lr_store = stores
            low_side = self.crop // self.scale
            hr = hr_store.cut(plan, self.crop, step=self.scale).float()
            return lr_store.cut(plan, low_side).float() / 255, hr / 127.5 - 1
        margin = self.degradation.margin
        wide = stores[0].cut(plan, self.crop, margin).float()
        hr = wide[:, :, margin:-margin, margin:-margin] if margin else wide
        return self.degradation(wide) / 255, hr / 127.5 - 1

    def plan(self, update, size):
        """Photo, corner and turn of each crop of an update (drawn on the CPU, a few numbers a crop)."""
        store = self._stores(update)[-1]
        side = self.crop // self.scale if self.paired else self.crop
        random = np.random.default_rng([self.seed, update])
        count = len(store.sides)
        rounds = [random.choice(count, min(count, size), replace=False) for _ in range(-(-size // count))]
        photo = np.concatenate(rounds)[:size]
        top, left = (random.integers(0, room + 1) for room in (store.sides[photo] - side).T)
        turns = random.integers(0, 2, (3, size)).astype(bool)
        return CropPlan(*(torch.from_numpy(values) for values in (photo, top, left, *turns)))

    def _usable_area(self, photo):
        try:
            height, width = photo.sides()
            if min(height, width) < self.crop:
                raise SrganError(
                    f"{photo.path}: {width}x{height} is smaller than the {self.crop}x{self.crop} crop"
                )
            if photo.lr_path and pair_scale(photo) != self.scale:
                raise SrganError(
                    f"{photo.lr_path}: a {pair_scale(photo)}x pair, but scale is {self.scale}; set scale"
                )
        except SrganError as error:
            if self.paired:
                raise
            self._skip(str(error))
            return 0
        return height * width

    def _skip(self, reason):
        self.skipped.append(reason)
        inform(f"skipped ({len(self.skipped)} so far): {reason}")

    def _stores(self, update):
        """The pixels of the part that is in use at ``update``; the next part starts loading behind it."""
        part = update // self.updates_per_part % len(self.parts)
        if self._current[0] != part:
            waiting = self._coming.pop(part, None) or self._loader.submit(self._load, part)
            self._coming.clear()
            self._current = (None, None)  # lets go of the part before
            self._graphs.clear()
            self._current = (part, waiting.result())
            following = (part + 1) % len(self.parts)
            if following != part:
                self._coming[following] = self._loader.submit(self._load, following)
        return self._current[1]

    def _load(self, part):
        photos = self.parts[part]
        with ThreadPoolExecutor(DECODERS) as decoders:
            decoded = [pair for pair in decoders.map(self._decode, photos) if pair]
        if not decoded:
            raise SrganError(
                f"{photos[0].path} and the {len(photos) - 1} photos after it: none can be decoded"
            )
        kinds = range(2) if self.paired else range(1)
        return [PixelStore([pair[kind] for pair in decoded], self.device) for kind in kinds]

    def _decode(self, photo):
        try:
            return photo.load(), photo.load_lr() if self.paired else None
        except SrganError as error:
            self._skip(str(error))
            return None


def _parts(usable, memory, seed):
    """Photos in a random order, split so that two parts (one in use, one loading) fit into ``memory``."""
    total = sum(3 * area for _, area in usable)
    if total <= memory:
        return [[photo for photo, _ in usable]]
    order = np.random.default_rng(seed).permutation(len(usable))
    parts, room = [[]], memory // 2
    for index in order:
        photo, area = usable[index]
        if parts[-1] and 3 * area > room:
            parts.append([])
            room = memory // 2
        parts[-1].append(photo)
        room -= 3 * area
    return parts
