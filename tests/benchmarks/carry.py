"""Sort files into folders that are small enough to be carried to another machine, one folder a call.

    python tests/benchmarks/carry.py OUT FOLDER [FOLDER ...] [--size 40M]

Each file of the folders is copied to ``OUT/1``, ``OUT/2``, ... under its folder's name; none of these holds
more than ``--size``. Put together again (``cp -r OUT/*/. THERE``), they are the folders that they came from.
"""

import argparse
import shutil
from pathlib import Path

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def sort(out, folders, size):
    """Copy the files; returns [(number of files, bytes)] of each folder of ``out``."""
    loads = [[0, 0]]
    for folder in map(Path, folders):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            length = path.stat().st_size
            if length > size:
                raise SystemExit(f"{path}: {length} bytes, more than --size; cut it first")
            if loads[-1][1] + length > size:
                loads.append([0, 0])
            target = Path(out) / str(len(loads)) / folder.name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            loads[-1] = [loads[-1][0] + 1, loads[-1][1] + length]
    return loads


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--size", default="40M")
    options = parser.parse_args()
    size = int(options.size[:-1]) * UNITS[options.size[-1]]
    for number, (files, length) in enumerate(sort(options.out, options.folders, size), start=1):
        print(f"{options.out}/{number}: {files} files, {length / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
