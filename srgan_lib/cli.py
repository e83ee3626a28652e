"""The command ``srgan`` (also ``python -m srgan_lib``): what it understands. ``commands`` does the work.

Exit codes: 0 done, 1 something that the one line on stderr says, 2 wrong usage, 130 interrupted.
"""

import argparse
import os
import sys

from srgan_lib import __version__, commands, examples
from srgan_lib.cli_opinion import add_rate
from srgan_lib.cli_report import add_report
from srgan_lib.errors import SrganError

DONE, FAILED, INTERRUPTED = 0, 1, 130
UNITS = {"s": 1, "m": 60, "h": 3600}
SIZES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def main(arguments=None):
    """Run the command line; returns the exit code. ``arguments`` are those of the process if not given."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except SrganError as error:
        print(f"srgan: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("srgan: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has left; Python would complain when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser():
    parser = argparse.ArgumentParser(
        prog="srgan",
        description="Super-resolution with SRGAN (Ledig et al., 2017): make photos 4 times larger, train the "
        "networks, measure them.",
        epilog="srgan COMMAND --help explains each command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"srgan_lib {__version__}")
    parts = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_train(_command(parts, "train", "train the networks", examples.TRAIN, commands.train))
    _add_upscale(_command(parts, "upscale", "make photos 4 times larger", examples.UPSCALE, commands.upscale))
    _add_evaluate(
        _command(parts, "evaluate", "measure on the test sets", examples.EVALUATE, commands.evaluate)
    )
    _add_data(_command(parts, "data", "list and fetch data sets", examples.DATA, commands.data))
    onnx = "write a network as an ONNX file, to run without PyTorch"
    _add_export(_command(parts, "export", onnx, examples.EXPORT, commands.export))
    add_rate(parts, _command)
    add_report(parts, _command)
    what = "write the chapters for students, or with solutions"
    _add_coursework(_command(parts, "coursework", what, examples.COURSEWORK, commands.coursework))
    split = "cut a run into parts of a chosen size, or join them"
    _add_checkpoint(_command(parts, "checkpoint", split, examples.CHECKPOINT, commands.checkpoint))
    five = "train and measure the five models of the paper's Table 1"
    _add_reproduce(_command(parts, "reproduce", five, examples.REPRODUCE, commands.reproduce))
    return parser


def _command(parts, name, what, epilog, run):
    parser = parts.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def _add_train(parser):
    add = parser.add_argument
    add("--preset", choices=commands.PRESETS, help="settings to start from (default: tiny)")
    add("--config", metavar="FILE", help="instead of a preset: the config.json of an earlier run")
    add("--data", metavar="WHAT", help="'bundled', a folder of photos, or a data set such as DIV2K")
    add(
        "--lr-data",
        metavar="FOLDER",
        help="the same photos in low resolution; else they are made from --data",
    )
    add("--validation", metavar="WHAT", help="photos to measure with, like --data")
    add("--held-out", type=int, metavar="N", help="photos of --data to measure with, never trained on")
    add("--out", metavar="FOLDER", help="where the run's results go (default: runs/PRESET)")
    add("--resume", action="store_true", help="go on with the run in --out, from its last checkpoint")
    add("--time-limit", type=_duration, metavar="TIME", help="save and leave after so long: 90s, 25m, 2h")

    group = parser.add_argument_group("what is trained")
    add = group.add_argument
    add("--updates", type=int, metavar="N", help="updates in all; the stages are shortened in proportion")
    add("--scale", type=int, choices=(2, 4, 8), help="how many times larger")
    add("--degradation", choices=("bicubic", "blur"), help="how low resolution is made from the photos")
    _add_network(group)

    group = parser.add_argument_group("how it runs")
    _add_machine(group)
    add = group.add_argument
    add("--log-every", type=int, metavar="N", help="updates from one log line to the next")
    add("--validate-every", type=int, metavar="N", help="updates from one measurement to the next; 0: never")
    add("--preview-every", type=int, metavar="N", help="updates from one preview to the next; 0: never")
    add("--moments", type=int, metavar="N", help="how often an adversarial stage pictures three photos")
    add("--save-every", type=int, metavar="N", help="updates from one checkpoint to the next")
    add("--no-tensorboard", dest="tensorboard", action="store_false", default=None, help="do not write it")


def _add_network(group):
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


def _add_machine(group):
    add = group.add_argument
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")
    add("--precision", choices=("auto", "float32", "bfloat16", "float16"), help="arithmetic of the networks")
    add("--step", choices=("auto", "plain", "fast"), help="fast: compiled, and one CUDA graph an update")
    add("--memory", type=_gigabytes, metavar="GB", help="for decoded photos; larger sets take turns")


def _add_reproduce(parser):
    add = parser.add_argument
    add("--data", metavar="WHAT", help="'bundled', a folder of photos, or a data set such as DIV2K")
    add("--out", required=True, metavar="FOLDER", help="of all runs; called again, it goes on there")
    budget = parser.add_mutually_exclusive_group()
    minutes = "for all models together: every schedule gets the same share of the paper's"
    budget.add_argument("--minutes", type=_minutes, metavar="M", help=minutes)
    budget.add_argument("--updates", type=int, metavar="N", help="instead: updates of all models together")
    only = "some of Table 1's five (default: all), or Table 2's srcnn, espcn, drcn"
    add("--only", nargs="+", default=[], metavar="MODEL", help=only)
    add("--time-limit", type=_duration, metavar="TIME", help="save and leave after so long: 90s, 9m, 2h")
    annealed = "SRResNet-MSE with 4e-4, falling along a cosine: better where updates are few"
    add("--annealed", action="store_true", help=annealed)
    add("--held-out", type=int, metavar="N", help="photos never trained on (default: a 30th, at most 30)")
    add("--note", action="append", default=[], metavar="TEXT", help="a line for the model cards; repeatable")
    _add_network(parser.add_argument_group("what is trained"))
    _add_machine(parser.add_argument_group("how it runs"))


def _minutes(text):
    return _positive(text, "a number of minutes")


def _add_upscale(parser):
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files or folders of them")
    add("-o", "--out", metavar="PATH", help="a file, or a folder for several (default: NAME_x4.png)")
    add("--overwrite", action="store_true", help="replace results that are there; never a photo that is read")
    add(
        "--model",
        default="srgan-vgg54",
        metavar="NAME",
        help="a shipped model, a weights file or a run's folder",
    )
    add(
        "--tile",
        type=int,
        metavar="PIXELS",
        help="side of the part worked on at a time; lower it to save memory",
    )
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")


def _add_evaluate(parser):
    add = parser.add_argument
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="a model, 'nearest' or 'bicubic'; repeatable",
    )
    add(
        "--images",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder of result images; repeatable",
    )
    add("--sets", nargs="+", metavar="SET", help="set5, set14, bsd100 or folders (default: all three)")
    add(
        "--measures",
        nargs="+",
        default=["psnr", "ssim"],
        metavar="M",
        help="psnr ssim psnr-rgb ssim-gaussian ...",
    )
    add(
        "--paper",
        nargs="+",
        default=[],
        metavar="NAME",
        help="columns of the paper: SRResNet SRGAN-VGG22 ...",
    )
    add("--format", choices=("table", "markdown", "json"), default="table", help="of what is printed")
    add("--save", action="append", default=[], metavar="FILE", help="write it too (.md or .json); repeatable")
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")


def _add_export(parser):
    add = parser.add_argument
    add("format", choices=("onnx",))
    add("model", metavar="MODEL", help="a shipped model, a weights file or a run's folder")
    add("-o", "--out", metavar="FILE", help="the file to write (default: MODEL.onnx)")
    sixteen = "of the convolutions, as stored; float16 halves the file (default: float32)"
    add("--weights", choices=("float32", "float16"), default="float32", help=sixteen)
    add("--towards", metavar="MODEL", help="a second model: write an interpolation of the two")
    add("--t", type=float, metavar="T", help="the second model's share, from 0 to 1")


def _add_data(parser):
    parser.add_argument("action", nargs="?", choices=("list", "get"), default="list", help="(default: list)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets to get")
    parser.add_argument("--root", metavar="FOLDER", help="where to put them")


def _add_checkpoint(parser):
    add = parser.add_argument
    add("action", choices=("split", "join"))
    add("folder", metavar="FOLDER", help="split: a run, or a folder of runs; join: the folder of parts")
    add("--out", required=True, metavar="FOLDER", help="where to write; it must be new or empty")
    add("--size", type=_size, default=15 << 20, metavar="BYTES", help="of a part: 500K, 15M (default), 2G")
    without = "folders of the run to leave out: checkpoints, previews"
    add("--without", nargs="+", default=[], metavar="NAME", help=without)


def _size(text):
    """Bytes in a text such as ``500K``, ``15M`` or ``2G``."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in SIZES else (text, "")
    return max(1, int(_positive(number, "a size such as 500K, 15M or 2G") * SIZES.get(unit, 1)))


def _add_coursework(parser):
    add = parser.add_argument
    add("chapters", nargs="*", metavar="CHAPTER", help="names such as why-mse-blurs (default: all)")
    add("--edition", required=True, choices=("student", "solved"), help="without or with the solutions")
    add(
        "--out",
        required=True,
        metavar="FOLDER",
        help="where to write them; files of these names are replaced",
    )
    add("--book", metavar="FOLDER", help="the book's notebooks (default: book/ here or above)")


def _duration(text):
    """Seconds in a text such as ``90``, ``90s``, ``25m`` or ``2h``."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    return _positive(number, "a time such as 90s, 25m or 2h") * UNITS[unit]


def _gigabytes(text):
    return int(_positive(text, "a number of gigabytes such as 4 or 0.5") * 2**30)


def _positive(text, expected):
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return number
