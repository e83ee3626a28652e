"""Do the notebooks print the same on every processor? Run them under several instruction sets, and compare.

    python book/_tools/compare_processors.py                          # every notebook: hours
    python book/_tools/compare_processors.py book/NAME.ipynb          # these only
    python book/_tools/compare_processors.py --only avx2 --threads 2

Each notebook is run in nbval's strict mode, as the tests do, against its stored outputs: with the
instructions of SSE4.1, AVX2 and AVX-512 (what this processor lacks is left out, with a word), each with one
and with two threads. What differs is named by the number of its code cell, from 0. The exit code says
whether anything did.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
# The names that oneDNN, ATen, MKL and OpenBLAS give to the same instructions, from the oldest on
INSTRUCTIONS = {
    "sse41": ("SSE41", "default", "SSE4_2", "Nehalem"),
    "avx2": ("AVX2", "avx2", "AVX2", "Haswell"),
    "avx512": ("AVX512_CORE", "avx512", "AVX512", "SkylakeX"),
}
VARIABLES = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")
CELL_LIMIT = 1800  # seconds
RAN = (0, 1)  # pytest's exit codes: all as stored, or some not


def available():
    """The names of the instruction sets that this processor has."""
    found = torch.cpu.get_capabilities()
    names = {"sse41": True, "avx2": found.get("avx2"), "avx512": found.get("avx512_f", found.get("avx512f"))}
    return [name for name in INSTRUCTIONS if names[name]]


def environment(instructions, threads):
    """The variables of a process that is to compute with ``instructions`` in so many threads."""
    own = dict(zip(VARIABLES, INSTRUCTIONS[instructions], strict=True))
    return {**os.environ, **own, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def differences(path, instructions, threads):
    """The names of the notebook's cells whose outputs are not the stored ones: ["Cell 4", ...]."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
        command += ["-q", "-n0", "-p", "no:cacheprovider", "--tb=no"]
        command += [f"--nbval-cell-timeout={CELL_LIMIT}", f"--junitxml={report}", str(Path(path).resolve())]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(instructions, threads), capture_output=True, text=True
        )
        if done.returncode not in RAN:
            raise RuntimeError(f"{path}: pytest did not run it\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        cases = ElementTree.parse(report).iter("testcase")
        return [case.get("name") for case in cases if case.find("failure") is not None or case.find("error")]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in book/")
    parser.add_argument("--only", nargs="+", choices=INSTRUCTIONS, default=list(INSTRUCTIONS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    options = parser.parse_args(arguments)
    missing = [name for name in options.only if name not in available()]
    if missing:
        print(f"left out, for this processor lacks them: {', '.join(missing)}")
    failed = 0
    for path in options.notebooks or sorted((ROOT / "book").glob("*.ipynb")):
        for name in (name for name in options.only if name not in missing):
            for threads in options.threads:
                found = differences(path, name, threads)
                failed += bool(found)
                print(
                    f"{path.name:32} {name:7} {threads} thread(s)  {', '.join(found) or 'same'}", flush=True
                )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
