"""What several commands of ``srgan`` share: options, and the texts that options understand."""

import argparse
from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "weights"
UNITS = {"s": 1, "m": 60, "h": 3600}
SIZES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def add_command(parts, name, what, examples, run):
    """A parser for the command ``name`` among the subparsers ``parts``; ``run(options)`` does its work."""
    parser = parts.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def shipped():
    """The names of the shipped models, for a help text; ``pretrained`` would load PyTorch first."""
    return ", ".join(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def add_network(group):
    """What ``train`` and ``reproduce`` can both change of the networks and their training."""
    add = group.add_argument
    add("--batch", type=int, metavar="N", help="crops an update; lower it when memory runs out")
    add("--crop", type=int, metavar="PIXELS", help="side of a high-resolution crop (the paper's: 96)")
    add("--blocks", type=int, metavar="N", help="residual blocks of the generator (the paper's: 16)")
    add("--channels", type=int, metavar="N", help="channels of the generator (the paper's: 64)")
    add("--initial", metavar="FILE", help="generator weights (.safetensors) to start from")
    add("--vgg-weights", metavar="FILE", help="VGG19 weights (.safetensors) instead of torchvision's")
    add("--ema", type=float, metavar="DECAY", help="also average the weights over updates, such as 0.999")
    add("--seed", type=int, metavar="N", help="another seed, another run")


def add_machine(group):
    """What ``train`` and ``reproduce`` can both choose of how training runs."""
    add = group.add_argument
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")
    add("--precision", choices=("auto", "float32", "bfloat16", "float16"), help="arithmetic of the networks")
    add("--step", choices=("auto", "plain", "fast"), help="fast: compiled, and one CUDA graph an update")
    add("--memory", type=gigabytes, metavar="GB", help="for decoded photos; larger sets take turns")


def duration(text):
    """Seconds in a text such as ``90``, ``90s``, ``25m`` or ``2h``."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    return positive(number, "a time such as 90s, 25m or 2h") * UNITS[unit]


def minutes(text):
    """Minutes in a text, a number above 0."""
    return positive(text, "a number of minutes")


def gigabytes(text):
    """Bytes in a text that is a number of gigabytes."""
    return int(positive(text, "a number of gigabytes such as 4 or 0.5") * 2**30)


def size(text):
    """Bytes in a text such as ``500K``, ``15M`` or ``2G``."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in SIZES else (text, "")
    return max(1, int(positive(number, "a size such as 500K, 15M or 2G") * SIZES.get(unit, 1)))


def positive(text, expected):
    """The number in ``text``, above 0 and finite; else argparse says that it is not ``expected``."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return number


def shown_size(count):
    """Bytes as text: megabytes, or gigabytes from one on."""
    return f"{count / 1e9:.1f} GB" if count > 1e9 else f"{count / 1e6:.0f} MB"
