"""Chapters on their own: a copy of one notebook in an empty folder, against an installed library; and
Colab's first cell.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
import run_notebooks
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
PACKAGED = ("srgan_lib", "pyproject.toml", "README.md", "LICENSE")


def copy_of_the_project(folder):
    """What an installation needs, in ``folder``: pip writes into the folder that it installs from."""
    folder.mkdir(parents=True)
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def pip(python, *arguments):
    """What ``pip`` says, whatever the settings of the one who tests."""
    environment = {name: value for name, value in os.environ.items() if name != "PIP_QUIET"}
    return subprocess.run(
        [python, "-m", "pip", *arguments],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    ).stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds the installed library: not editable, without this project's own folder."""
    folder = tmp_path_factory.mktemp("installed")
    source = copy_of_the_project(tmp_path_factory.mktemp("source") / "project")
    pip(sys.executable, "install", "--quiet", "--no-deps", "--target", str(folder / "packages"), str(source))
    shutil.rmtree(source)
    return folder / "packages"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_fast_variant_runs_alone(path, installed, tmp_path, monkeypatch):
    """papermill, ``fast=True``, in a folder with nothing but the notebook, on the installed library.

    As before a reader: each widget that computes is built, and its function called.
    """
    monkeypatch.setenv("JPY_SESSION_NAME", path.name)
    shutil.copyfile(path, tmp_path / path.name)
    notebook = nbformat.read(tmp_path / path.name, as_version=4)
    probe = "import pathlib, srgan_lib\nprint('LIBRARY', pathlib.Path(srgan_lib.__file__).resolve())"
    notebook.cells.append(nbformat.v4.new_code_cell(probe))
    nbformat.write(notebook, tmp_path / path.name)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    result = run_notebooks.execute(tmp_path / path.name, tmp_path / "result.ipynb", tmp_path, fast=True)
    library = result.cells[-1].outputs[0].text.split("LIBRARY ")[1].strip()
    assert Path(library).is_relative_to(installed.resolve())
    assert {item.name for item in tmp_path.iterdir()} == {path.name, "result.ipynb"}, (
        "a chapter writes no files"
    )


ONE_CELL = "from pathlib import Path\nimport time\nPath('runs').open('a').write('x')\n{rest}"


@pytest.mark.parametrize(
    ("rest", "runs", "error"),
    [
        ("print(1)", 1, None),
        ("time.sleep(60 if Path('runs').read_text() == 'x' else 0)", 2, None),
        ("time.sleep(60)", 2, CellTimeoutError),
        ("import os; os._exit(1)", 2, DeadKernelError),
        ("1 / 0", 1, PapermillExecutionError),
    ],
    ids=["well", "silent once", "silent twice", "dead", "wrong"],
)
def test_a_notebook_whose_kernel_is_silent_is_run_once_more(rest, runs, error, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ONE_CELL.format(rest=rest))])
    notebook.metadata["kernelspec"] = run_notebooks.KERNEL
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, tmp_path / "one.ipynb")
    expected = pytest.raises(error) if error else contextlib.nullcontext()
    with expected:
        run_notebooks.execute(tmp_path / "one.ipynb", tmp_path / "result.ipynb", tmp_path, limit=15)
    assert (tmp_path / "runs").read_text() == "x" * runs


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A Python with torch and everything that is installed here, but without ``srgan_lib``: as on Colab."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    ours = Path(subprocess.check_output([sys.executable, "-c", ask], text=True).strip())
    theirs = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    mirror = folder / "preinstalled"
    mirror.mkdir()
    for item in ours.iterdir():
        if "srgan_lib" not in item.name and item.name != "__pycache__":
            os.symlink(item, mirror / item.name, target_is_directory=item.is_dir())
    (theirs / "preinstalled.pth").write_text(str(mirror), encoding="utf-8")
    return python


def run_in_kernel(python, source, folder, **environment):
    """Run a cell in a kernel of ``python`` with ``folder`` as the working directory; return the cell with
    its outputs.
    """
    kernel = folder / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    arguments = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": arguments, "display_name": "colab", "language": "python"})
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, folder / "first.ipynb")
    script = textwrap.dedent(
        """
        import nbformat, nbclient
        notebook = nbformat.read("first.ipynb", as_version=4)
        nbclient.NotebookClient(notebook, kernel_name="colab", timeout=600).execute()
        nbformat.write(notebook, "first.ipynb")
        """
    )
    environment = {**os.environ, "JUPYTER_PATH": str(folder / "jupyter"), **environment}
    environment.pop("PYTHONPATH", None)
    subprocess.run([sys.executable, "-c", script], check=True, cwd=folder, env=environment)
    return nbformat.read(folder / "first.ipynb", as_version=4).cells[0]


@pytest.mark.skipif(not NOTEBOOKS, reason="the book has no chapter yet")
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_first_cell_installs_the_library_and_leaves_torch_alone(colab, tmp_path):
    project = copy_of_the_project(tmp_path / "project")
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message", "all"],
    ):
        subprocess.run(["git", *command], check=True, cwd=project)
    first = next(
        cell for cell in nbformat.read(NOTEBOOKS[0], as_version=4).cells if cell.cell_type == "code"
    ).source
    address = first.split("git+")[1].split('"')[0]
    source = first.replace(
        f"git+{address}", "git+" + project.as_uri().replace("file:///", "file://localhost/")
    )
    source += "\nimport pathlib, torch\nprint('LIBRARY', pathlib.Path(sr.__file__).resolve())"
    before = pip(str(colab), "list", "--format=freeze")
    assert "srgan" not in before and "torch==" in before

    (tmp_path / "empty").mkdir()
    cell = run_in_kernel(colab, source, tmp_path / "empty", PIP_REPORT=str(tmp_path / "report.json"))

    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    installed = {item["metadata"]["name"].lower().replace("_", "-") for item in report["install"]}
    assert installed == {"srgan-lib"}, "nothing else is installed or replaced"
    after = pip(str(colab), "list", "--format=freeze")
    versions = [line for line in after.splitlines() if not line.startswith("srgan")]
    assert versions == before.splitlines()
    shown = "".join(output.get("text", "") for output in cell.outputs)
    assert str(colab.parent.parent) in shown.split("LIBRARY ")[1]
    assert "older" not in shown, "what it installs is what the notebook was written for"


def test_installation_carries_weights_and_records(installed):
    def carried(folder):
        files = (path.relative_to(folder) for path in (folder / "srgan_lib").rglob("*"))
        return {path for path in files if path.suffix in {".safetensors", ".json", ".csv"}}

    assert carried(ROOT) and carried(installed) == carried(ROOT)
