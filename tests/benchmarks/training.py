"""Updates a second of a training: our plain step, our fast step, a typical implementation; all in turns.

    python tests/benchmarks/training.py --out result.json                   on a GPU: below 8 minutes
    python tests/benchmarks/training.py --batch 4 --crop 48 --updates 1 --rounds 3      on two CPU cores

At the paper's batch (16 crops of 96x96), for both of its stages. All loops take turns, round by round, so
that a machine that slows down slows all alike; what counts is ratios. *Typical* is eager float32 in NCHW (on
a GPU with cuDNN's benchmark mode and TF32 convolutions), its photos decoded from PNG and resized by Pillow
for each crop in 4 worker processes (the bundled photos, about 0.25 megapixels each: whole 2K photos take
longer); once so, and once with a batch that is there already.

FLOPs are those of one plain update (``torch.utils.flop_counter``: multiplications and additions, convolutions
and dense layers, forward and backward). The ceiling is a large matrix product in the format of the loop (on a
GPU, TF32 for float32), measured in every round. Memory is what one loop needs at its peak, on a GPU.

Needs torch, torchvision, numpy, pillow, scipy, scikit-image, scikit-learn and safetensors, and no download.
VGG19 has random weights where none are found (``--vgg-weights``, data/vgg19-original.safetensors, what
torchvision has downloaded): that changes no time.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # a lent machine has the sources, but nothing installed

from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import bundled_photos
from srgan_lib.losses import VGGLoss
from srgan_lib.networks.discriminator import Discriminator
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.support.devices import pick_device
from srgan_lib.training.content import feature_scale, stage_loss
from srgan_lib.training.fast import networks_for
from srgan_lib.training.presets import paper
from srgan_lib.training.records import hardware_facts

WORKERS = 4
SCHEDULE = {"SRResNet-MSE": 1_000_000, "SRGAN-VGG54": 200_000}  # section 3.2
CEILING_SIDE = {"cuda": 8192, "cpu": 1024}


class OurLoop:
    """What ``srgan_lib.train`` does between two log lines."""

    def __init__(self, stage, step, options):
        device = options.device
        config = paper(
            data="bundled", device=str(device), crop=options.crop, step=step, vgg_weights=options.vgg
        )
        loss, _ = stage_loss(stage, config, device)
        self.networks = networks_for(config, stage, Generator().to(device), loss, device)
        if self.networks.method.note:
            print(self.networks.method.note, flush=True)
        self.bank = PatchBank(bundled_photos(), crop=options.crop, device=device)
        self.bank.recorded = self.networks.method.recorded
        self.batch, self.number = stage.batch, 0
        self.method, self.dtype = str(self.networks.method), self.networks.dtype

    def run(self, updates):
        for _ in range(updates):
            self.networks.set_learning_rate(1e-4)
            self.networks.update(*self.bank.batch(self.number, self.batch))
            self.number += 1

    def flops(self):
        """Floating-point operations of one update."""
        with FlopCounterMode(display=False) as counter:
            self.networks.update(*self.bank.batch(self.number, self.batch))
        return counter.get_total_flops()


class Crops(Dataset):
    """A random crop of a photo, decoded from its file each time."""

    def __init__(self, files, crop):
        self.files, self.crop = files, crop

    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        image = Image.open(self.files[index % len(self.files)]).convert("RGB")
        random = np.random.default_rng(index)
        left, top = (int(random.integers(side - self.crop + 1)) for side in image.size)
        hr = image.crop((left, top, left + self.crop, top + self.crop))
        lr = hr.resize((self.crop // 4, self.crop // 4), Image.BICUBIC)
        lr, hr = (torch.from_numpy(np.array(part)).permute(2, 0, 1).float() for part in (lr, hr))
        return lr / 255, hr / 127.5 - 1


class TypicalLoop:
    """Eager, float32, NCHW. ``loading`` or the same batch again and again."""

    method, dtype = "eager NCHW", torch.float32

    def __init__(self, stage, loading, options):
        self.device, self.loading, self.gan = options.device, loading, stage.is_gan
        self.generator = Generator().to(self.device)
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), lr=1e-4)
        if self.gan:
            self.discriminator = Discriminator(options.crop).to(self.device)
            self.discriminator_adam = torch.optim.Adam(self.discriminator.parameters(), lr=1e-4)
            features = VGG19Features("54", options.vgg).to(self.device)
            self.vgg = VGGLoss(features, feature_scale(features))
        cuda = self.device.type == "cuda"
        crops, workers = Crops(options.files, options.crop), WORKERS if loading else 0
        self.loader = DataLoader(crops, stage.batch, num_workers=workers, pin_memory=cuda)
        self.batches = iter(self.loader)
        self.fixed = self._next()
        if not loading:
            self.batches = None

    def _next(self):
        return [part.to(self.device, non_blocking=True) for part in next(self.batches)]

    def drain(self):
        """Throw away what the workers had time to prepare while the other loops ran."""
        for _ in range(WORKERS * self.loader.prefetch_factor if self.loading else 0):
            next(self.batches)

    def run(self, updates):
        for _ in range(updates):
            self._update(*(self._next() if self.loading else self.fixed))

    def _update(self, lr, hr):
        sr = self.generator(lr)
        if not self.gan:
            self._follow(self.generator_adam, functional.mse_loss(sr, hr))
            return
        real, fake = self.discriminator(hr), self.discriminator(sr.detach())
        self._follow(self.discriminator_adam, _judged(real, 1) + _judged(fake, 0))
        adversarial = _judged(self.discriminator(sr), 1)
        self._follow(self.generator_adam, self.vgg(sr, hr) + 1e-3 * adversarial)

    @staticmethod
    def _follow(adam, loss):
        adam.zero_grad()
        loss.backward()
        adam.step()


def _judged(logits, label):
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def loops_of(stage, options):
    """Name -> a function that builds the loop."""
    return {
        "typical": lambda: TypicalLoop(stage, True, options),
        "typical, no loading": lambda: TypicalLoop(stage, False, options),
        "ours, plain": lambda: OurLoop(stage, "plain", options),
        "ours, fast": lambda: OurLoop(stage, "fast", options),
    }


def timed(function, device):
    """Seconds of one call: by the GPU's own clock where there is one."""
    if device.type != "cuda":
        start = time.perf_counter()
        function()
        return time.perf_counter() - start
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    start.record()
    function()
    end.record()
    torch.cuda.synchronize(device)
    return start.elapsed_time(end) / 1000


def built(make, device, warm_up):
    """(a loop that has compiled and recorded what it needs, the bytes it holds at its peak, seconds)."""
    cuda, start = device.type == "cuda", time.perf_counter()
    before = torch.cuda.memory_allocated(device) if cuda else 0
    loop = make()
    loop.run(2)  # cuDNN tries its algorithms here, some of which take much memory
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    loop.run(warm_up - 2)
    if cuda:
        torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device) - before if cuda else None
    return loop, peak, time.perf_counter() - start


def ceiling(dtype, device):
    """FLOP/s of a large matrix product."""
    side = CEILING_SIDE.get(device.type, 1024)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    torch.mm(a, b)
    return 2 * side**3 * 5 / timed(lambda: [torch.mm(a, b) for _ in range(5)], device)


def measure(name, stage, options):
    """All loops of one stage in turns. A dictionary of numbers."""
    device, loops, facts = options.device, {}, {}
    for title, make in loops_of(stage, options).items():
        loops[title], peak, seconds = built(make, device, options.warm_up)
        facts[title] = {"method": loops[title].method, "format": str(loops[title].dtype)[6:]}
        facts[title] |= {"peak_bytes": peak, "warm_up_seconds": round(seconds, 1)}
        print(f"{name}: {title}: ready after {seconds:.0f} s", flush=True)
    flops = loops["ours, plain"].flops()
    times = {title: [] for title in loops}
    formats = {loop.dtype for loop in loops.values()}
    ceilings = {dtype: [] for dtype in formats}
    for _ in range(options.rounds):
        for dtype in formats:
            ceilings[dtype].append(ceiling(dtype, device))
        for title, loop in loops.items():
            if isinstance(loop, TypicalLoop):
                loop.drain()
            seconds = timed(lambda loop=loop: loop.run(options.updates), device)
            times[title].append(seconds / options.updates)
    for title, loop in loops.items():
        rate = 1 / statistics.median(times[title])
        limit = statistics.median(ceilings[loop.dtype])
        facts[title] |= {
            "updates_per_second": rate,
            "rounds_seconds_per_update": times[title],
            "tflops": flops * rate / 1e12,
            "ceiling_tflops": limit / 1e12,
            "of_ceiling": flops * rate / limit,
            "paper_minutes": SCHEDULE[name] / rate / 60,
        }
    typical = facts["typical"]["updates_per_second"]
    for row in facts.values():
        row["to_typical"] = row["updates_per_second"] / typical
    return {"gflop_per_update": flops / 1e9, "loops": facts}


def bank_facts(options):
    """Seconds of one batch of crops by itself, and whether many photos cost more than two."""
    seconds = {}
    for name, photos in {"2 photos": bundled_photos()[:2], "400 photos": bundled_photos() * 40}.items():
        bank = PatchBank(photos, crop=options.crop, device=options.device)
        bank.recorded = options.device.type == "cuda"
        for number in range(5):
            bank.batch(number, options.batch)
        cut = lambda bank=bank: [bank.batch(number, options.batch) for number in range(20)]  # noqa: E731
        seconds[name] = timed(cut, options.device) / 20
    return {"seconds_per_batch": seconds, "400_to_2": seconds["400 photos"] / seconds["2 photos"]}


def find_vgg(given, folder):
    """A file of VGG19 weights, or None for torchvision's where they have been downloaded already."""
    kept = ROOT / "data" / "vgg19-original.safetensors"
    cached = Path(torch.hub.get_dir()) / "checkpoints" / "vgg19-dcbb9e9d.pth"
    if given or kept.exists():
        return given or str(kept)
    if cached.exists():
        return None
    print("no VGG19 weights found: random ones, which take the same time", flush=True)
    from torchvision.models import vgg19

    state = vgg19(init_weights=False).features.state_dict()
    save_file({f"features.{name}": value for name, value in state.items()}, folder / "random.safetensors")
    return str(folder / "random.safetensors")


def as_png(folder):
    files = []
    for photo in bundled_photos():
        files.append(folder / f"{photo.name}.png")
        Image.fromarray(photo.load()).save(files[-1])
    return files


def table(result):
    """What is printed: a line a loop."""
    lines = []
    for name, stage in result["stages"].items():
        lines.append(f"\n{name}, {stage['gflop_per_update']:.1f} GFLOP an update")
        lines.append(
            f"{'':21}updates/s  to typical   TFLOP/s of ceiling      memory   the paper's  how it is computed"
        )
        for title, row in stage["loops"].items():
            memory = f"{row['peak_bytes'] / 2**20:8.0f} MiB" if row["peak_bytes"] else f"{'-':>12}"
            lines.append(
                f"{title:21}{row['updates_per_second']:9.3f}  {row['to_typical']:9.2f}x  {row['tflops']:8.3g}"
                f"  {row['of_ceiling']:9.1%}{memory}  {row['paper_minutes']:9.1f} min  {row['method']},"
                f" {row['format']}"
            )
    lines.append("\nthe paper's whole schedule, minutes (projected from the updates/s above):")
    lines += [f"{title:21}{minutes:9.1f}" for title, minutes in result["paper_minutes"].items()]
    lines.append(f"crops: {json.dumps(result['bank'])}")
    return "\n".join(lines)


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--updates", type=int, help="a loop's updates in a round (default: 200 on a GPU, 1 on a CPU)")
    add("--rounds", type=int, default=5)
    add("--batch", type=int, default=16)
    add("--crop", type=int, default=96)
    add("--stages", nargs="+", choices=list(SCHEDULE), default=list(SCHEDULE))
    add("--vgg-weights", help="a safetensors file")
    add("--device", default="auto")
    add("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "This DataLoader will create 4")  # as many as the comparison asks for
    options.device = pick_device(options.device)
    cuda = options.device.type == "cuda"
    options.updates = options.updates or (200 if cuda else 1)
    options.warm_up = 20 if cuda else 3
    torch.backends.cudnn.benchmark = cuda
    torch.backends.cuda.matmul.allow_tf32 = True
    return options


def main():
    options = read_options()
    stages = dict(zip(SCHEDULE, paper(batch=options.batch).stages, strict=True))
    start = time.perf_counter()
    result = {"hardware": hardware_facts(options.device, 1), "batch": options.batch, "crop": options.crop}
    with tempfile.TemporaryDirectory() as folder:
        options.files = as_png(Path(folder))
        options.vgg = find_vgg(options.vgg_weights, Path(folder))
        result["stages"] = {name: measure(name, stages[name], options) for name in options.stages}
    result["bank"] = bank_facts(options)
    titles = next(iter(result["stages"].values()))["loops"]
    result["paper_minutes"] = {
        title: sum(stage["loops"][title]["paper_minutes"] for stage in result["stages"].values())
        for title in titles
    }
    result["minutes"] = round((time.perf_counter() - start) / 60, 1)
    print(table(result))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
