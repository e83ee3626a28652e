"""``srgan checkpoint``: cut a run into parts, or join them."""

from srgan_lib.cli.options import add_command, shown_size, size

EXAMPLES = """
examples:
  srgan checkpoint split runs/paper --size 15M --out parts
  srgan checkpoint join parts --out runs/paper
  srgan checkpoint split runs/paper --out parts --without checkpoints

A run in parts passes where large files cannot. The parts and the whole are checked by their hashes; what is
joined goes on as the run that was split: srgan train --out runs/paper --resume
"""


def add(parts):
    """Add ``checkpoint`` to the subparsers ``parts``."""
    what = "cut a run into parts of a chosen size, or join them"
    parser = add_command(parts, "checkpoint", what, EXAMPLES, run)
    add = parser.add_argument
    add("action", choices=("split", "join"))
    add("folder", metavar="FOLDER", help="split: a run, or a folder of runs; join: the folder of parts")
    add("--out", required=True, metavar="FOLDER", help="where to write; it must be new or empty")
    add("--size", type=size, default=15 << 20, metavar="BYTES", help="of a part: 500K, 15M (default), 2G")
    without = "folders of the run to leave out: checkpoints, previews"
    add("--without", nargs="+", default=[], metavar="NAME", help=without)


def run(options):
    """Cut a run into parts, or join them."""
    from srgan_lib.training import transport

    if options.action == "join":
        joined = transport.join(options.folder, options.out)
        print(f"{joined}: whole again; to go on: srgan train --out {joined} --resume")
        return 0
    manifest = transport.split(options.folder, options.out, options.size, options.without)
    count = f"{len(manifest['parts'])} parts, {shown_size(manifest['bytes'])}"
    print(f"{count}; to join them: srgan checkpoint join {options.out} --out {options.folder}")
    return 0
