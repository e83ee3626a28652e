"""``srgan evaluate``: measure models and folders of results on the test sets, side by side."""

from pathlib import Path

from srgan_lib.cli.options import add_command
from srgan_lib.errors import SrganError

EXAMPLES = """
examples:
  srgan evaluate                                nearest, bicubic and the shipped models of scale 4
  srgan evaluate --scale 2                      the same at scale 2
  srgan evaluate --model srgan-vgg54 --sets set5 set14 --paper SRGAN-VGG54
  srgan evaluate --model runs/tiny --model bicubic --sets set5
  srgan evaluate --images my-results            FOLDER/Set5/NAME.png or FOLDER/NAME.png
  srgan evaluate --save table.md --save table.json

Measured as in the paper: Y channel, 4 pixels removed from each border (2 at scale 2), daala's SSIM.
"""


def add(parts):
    """Add ``evaluate`` to the subparsers ``parts``."""
    parser = add_command(parts, "evaluate", "measure on the test sets", EXAMPLES, run)
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
    scale = "of interpolation and result images; models have their own (default: theirs, or 4)"
    add("--scale", type=int, choices=(2, 4, 8), help=scale)
    add("--format", choices=("table", "markdown", "json"), default="table", help="of what is printed")
    add("--save", action="append", default=[], metavar="FILE", help="write it too (.md or .json); repeatable")
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")


def run(options):
    """Measure models and folders of results, side by side."""
    from srgan_lib import pretrained
    from srgan_lib.evaluation.evaluate import INTERPOLATIONS, evaluate
    from srgan_lib.evaluation.results import SCALE

    models = [*options.model, *options.images]
    if not models:
        models = [*INTERPOLATIONS, *pretrained.names(options.scale or SCALE)]
    for folder in options.images:
        if "{set}" not in folder and not Path(folder).is_dir():
            raise SrganError(f"{folder}: no such folder; name the folder of your result images")
    names = ("sets", "measures", "paper", "scale", "device")
    result = evaluate(*models, **{name: getattr(options, name) for name in names})
    print({"table": result.table, "markdown": result.markdown, "json": result.to_json}[options.format]())
    for path in options.save:
        result.save(path)
    return 0
