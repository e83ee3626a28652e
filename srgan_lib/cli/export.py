"""``srgan export``: write a network as an ONNX file."""

from pathlib import Path

from srgan_lib.cli.options import add_command, shown_size

EXAMPLES = """
examples:
  srgan export onnx srgan-vgg54                 writes srgan-vgg54.onnx
  srgan export onnx runs/tiny -o tiny.onnx --weights float16
  srgan export onnx srresnet-mse --towards srgan-vgg54 --t 0.5 -o half.onnx

The file takes images of any size: input "lr", (1, 3, h, w) in [0, 1]; output "sr", (1, 3, 4h, 4w) in about
[-1, 1]. Needs two packages: pip install onnx onnxscript
"""


def add(parts):
    """Add ``export`` to the subparsers ``parts``."""
    what = "write a network as an ONNX file, to run without PyTorch"
    parser = add_command(parts, "export", what, EXAMPLES, run)
    add = parser.add_argument
    add("format", choices=("onnx",))
    add("model", metavar="MODEL", help="a shipped model, a weights file or a run's folder")
    add("-o", "--out", metavar="FILE", help="the file to write (default: MODEL.onnx)")
    sixteen = "of the convolutions, as stored; float16 halves the file (default: float32)"
    add("--weights", choices=("float32", "float16"), default="float32", help=sixteen)
    add("--towards", metavar="MODEL", help="a second model: write an interpolation of the two")
    add("--t", type=float, metavar="T", help="the second model's share, from 0 to 1")


def run(options):
    """Write a network as an ONNX file."""
    from srgan_lib.inference.onnx import export_onnx

    target = Path(options.out or f"{Path(options.model).stem}.onnx")
    export_onnx(options.model, target, options.weights, options.towards, options.t)
    print(f"{target}: {shown_size(target.stat().st_size)}")
    return 0
