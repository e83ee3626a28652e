"""Run the book's notebooks, and store their outputs.

    python book/_tools/run_notebooks.py                     # every notebook of the book, in place
    python book/_tools/run_notebooks.py book/NAME.ipynb     # these only
    python book/_tools/run_notebooks.py --fast ...          # the fast variant, into a scratch folder: only a
    check

A run replaces every output, keeps the state of widgets and leaves nothing that changes from run to run: no
times, no machine's name, no papermill traces. Kernels use one thread, as the tests do.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in (
    "JPY_SESSION_NAME",
    "VSCODE_PID",
):  # nobody moves a chapter's widgets here (support.progress)
    os.environ.pop(name, None)

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError

CELL_LIMIT = 600  # seconds; a chapter takes one minute on two idle cores
START_LIMIT = 180
BOOK = Path(__file__).resolve().parents[1]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def clean(notebook):
    """Remove from ``notebook`` (changed in place) what a run writes beside the outputs."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells = [
        cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        for key in ("papermill", "execution", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "outputs" in cell:
            cell.outputs = merge_streams(cell.outputs)
    return notebook


def merge_streams(outputs):
    """Join neighbouring pieces of one stream: where a kernel cuts its output depends on timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def execute(path, result, folder, fast=False, limit=CELL_LIMIT):
    """Run the notebook at ``path``, in ``folder``; returns it, and writes ``result``.

    A cell has ``limit`` seconds. A kernel whose message was lost says nothing for ever (papermill's issue
    711): when the time is up, or the kernel has died, the notebook is run once more.
    """
    settings = {"cwd": folder, "kernel_name": "python3", "progress_bar": False, "execution_timeout": limit}
    parameters = {"fast": True} if fast else {}
    try:
        return papermill.execute_notebook(path, result, parameters, start_timeout=START_LIMIT, **settings)
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        print(f"{path}: {type(error).__name__}, once more", file=sys.stderr)
    return papermill.execute_notebook(path, result, parameters, start_timeout=START_LIMIT, **settings)


def run(path, fast=False, folder=None):
    """Run the notebook at ``path`` in an empty folder; return the path of the result.

    Without ``fast`` the notebook itself is replaced, once the run has succeeded. With it the result goes to
    ``folder``.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as empty:
        result = Path(folder or empty) / path.name
        execute(path, result, empty, fast)
        if fast:
            return result
        notebook = clean(nbformat.read(result, as_version=4))
        nbformat.validate(notebook)
        partial = path.with_suffix(".part")
        nbformat.write(notebook, partial)
        os.replace(partial, path)
    return path


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in book/")
    parser.add_argument("--fast", action="store_true", help="fast variant, into a scratch folder")
    options = parser.parse_args(arguments)
    failed = []
    for path in options.notebooks or sorted(BOOK.glob("*.ipynb")):
        folder = tempfile.mkdtemp(prefix="fast-") if options.fast else None
        start = time.perf_counter()
        try:
            result = run(path, options.fast, folder)
        except papermill.PapermillExecutionError as error:
            failed.append(path)
            print(f"{path}: cell {error.exec_count} failed\n{error}")
            continue
        print(
            f"{path}: {time.perf_counter() - start:.1f} s, {result.stat().st_size / 1e6:.2f} MB, in {result}"
        )
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
