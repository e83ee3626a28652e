"""``srgan data``: list the data sets, fetch some, or make pairs of photos."""

from srgan_lib.cli import pairs
from srgan_lib.cli.options import add_command, shown_size
from srgan_lib.errors import SrganError

EXAMPLES = """
examples:
  srgan data                                    what there is, and what is on this machine
  srgan data get set5 set14 bsd100              the paper's test sets, 35 MB
  srgan data get div2k                          photos to train on, 3.5 GB
  srgan data pairs my-photos --out pairs --size 256 --scale 2 --degradation gaussian --split 685/170
  srgan data pairs bundled --out pairs          the photos that come with the library, bicubic, 4x

Looked for in data/ here, in $SRGAN_DATA and in the user's cache; downloads go to the first that exists.
"""


def add(parts):
    """Add ``data`` to the subparsers ``parts``."""
    parser = add_command(parts, "data", "list and fetch data sets, make pairs", EXAMPLES, run)
    parser.add_argument("action", nargs="?", choices=("list", "get", "pairs"), default="list",
                        help="(default: list)")  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets to get; photos to make pairs of")
    parser.add_argument("--root", metavar="FOLDER", help="where to put them")
    pairs.add_options(parser)


def run(options):
    """List the data sets, fetch some, or make pairs of photos."""
    if options.action == "pairs":
        return pairs.run(options)
    from srgan_lib.data import downloads

    if options.action == "get":
        if not options.names:
            raise SrganError(f"which data set? there are: {', '.join(downloads.catalogue())}")
        for row in [downloads.dataset(name) for name in options.names]:
            print(f"{row.name}: {downloads.get(row.name, options.root)}")
        return 0
    for row in downloads.catalogue().values():
        print(f"{row.name:<12} {shown_size(row.bytes):>7}  {row.what}")
        print(f"{'':<21} licence: {row.licence}")
        print(f"{'':<21} here: {downloads.find(row.name) or 'no; srgan data get ' + row.name.lower()}")
    return 0
