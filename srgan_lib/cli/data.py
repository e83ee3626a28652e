"""``srgan data``: list the data sets, fetch some, make pairs or low-resolution versions of photos."""

from srgan_lib.cli import pairs
from srgan_lib.cli.options import add_command, shown_size
from srgan_lib.errors import SrganError
from srgan_lib.support.notices import say

EXAMPLES = """
examples:
  srgan data                                    what there is, and what is on this machine
  srgan data get set5 set14 bsd100              the paper's test sets, 35 MB
  srgan data get div2k                          photos to train on, 3.5 GB
  srgan data pairs my-photos --out pairs --size 256 --scale 2 --degradation gaussian --split 685/170
  srgan data pairs bundled --out pairs          the photos that come with the library, bicubic, 4x

  srgan data lr my-set                          LRx2, LRx4 and LRx8 beside my-set's photos
  srgan data lr my-set --scales 4 --out pairs

Looked for in data/ here, in $SRGAN_DATA and in the user's cache; downloads go to the first that exists.
lr works as the paper's test sets were made: sides cropped to multiples of the scale, then MATLAB's bicubic
resize. The photos are those in my-set/HR, or in my-set; srgan evaluate and --lr-data read the results.
"""


def add(parts):
    """Add ``data`` to the subparsers ``parts``."""
    what = "list and fetch data sets, make pairs or low-resolution versions"
    parser = add_command(parts, "data", what, EXAMPLES, run)
    add = parser.add_argument
    add("action", nargs="?", choices=tuple(ACTIONS), default="list", help="(default: list)")
    add("names", nargs="*", metavar="NAME", help="get: data sets; pairs, lr: a folder of photos")
    add("--root", metavar="FOLDER", help="get: where to put them")
    add("--out", metavar="FOLDER", help="pairs, lr: where to put them (lr, by default: the folder itself)")
    add("--scales", type=int, nargs="+", choices=(2, 4, 8), default=(2, 4, 8), help="lr: (default: all)")
    add("--overwrite", action="store_true", help="lr: replace files that are there")
    pairs.add_options(parser)


def run(options):
    """List the data sets, fetch some, make pairs or low-resolution versions of photos."""
    return ACTIONS[options.action](options)


def _list(_):
    from srgan_lib.data import downloads

    for row in downloads.catalogue().values():
        print(f"{row.name:<12} {shown_size(row.bytes):>7}  {row.what}")
        print(f"{'':<21} licence: {row.licence}")
        print(f"{'':<21} here: {downloads.find(row.name) or 'no; srgan data get ' + row.name.lower()}")
    return 0


def _get(options):
    from srgan_lib.data import downloads

    if not options.names:
        raise SrganError(f"which data set? there are: {', '.join(downloads.catalogue())}")
    for row in [downloads.dataset(name) for name in options.names]:
        print(f"{row.name}: {downloads.get(row.name, options.root)}")
    return 0


def _make_low_resolution(options):
    from srgan_lib.data.low_resolution import write_low_resolution

    if len(options.names) != 1:
        raise SrganError("which folder of photos? name one: srgan data lr my-set")
    count = failed = 0
    for _, made in write_low_resolution(options.names[0], options.out, options.scales, options.overwrite):
        count += 1
        if isinstance(made, SrganError):
            say(made)
            failed += 1
            continue
        for path in made:
            print(path)
    if failed:
        raise SrganError(f"{failed} of {count} images were left out; the others are done")
    return 0


ACTIONS = {"list": _list, "get": _get, "pairs": pairs.run, "lr": _make_low_resolution}
