"""What all tests share: one thread each, where test data is looked for, and which tests may skip."""

import os
import re
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest runs two workers; also makes sums repeatable
for name in (
    "JPY_SESSION_NAME",
    "VSCODE_PID",
):  # nobody moves a chapter's widgets here (support.progress)
    os.environ.pop(name, None)

import matplotlib
import pytest
from browsing import QUIET, build, installed_browser, served
from filelock import FileLock

matplotlib.use("Agg")  # not through the environment: the notebooks' kernels would inherit it

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_SKIPS = ROOT / "tests" / "allowed_skips.txt"


def allowed_skips():
    """Patterns of the reasons for which a test may skip although the test data is there."""
    lines = ALLOWED_SKIPS.read_text(encoding="utf-8").splitlines()
    return [re.compile(line.strip()) for line in lines if line.strip() and not line.startswith("#")]


def refuse_unlisted_skip(report):
    """Turn a skip into a failure where ``$SRGAN_DATA`` is set and the reason is not on the written list."""
    if not os.environ.get("SRGAN_DATA") or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(pattern.search(reason) for pattern in allowed_skips()):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped although SRGAN_DATA is set, and not listed in {ALLOWED_SKIPS.name}: {reason}"
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return refuse_unlisted_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return refuse_unlisted_skip((yield))


@pytest.fixture(scope="session")
def root():
    """Folder of the project."""
    return ROOT


def find_data(folder):
    """The complete data set at ``FOLDER`` below one of the library's data folders; else the test skips."""
    from srgan_lib.data import downloads

    found = downloads.find(folder.removeprefix("benchmarks/"))
    if found is None:
        looked = ", ".join(str(path) for path in downloads.roots())
        pytest.skip(f"test data missing: {folder} (looked in {looked}; SRGAN_DATA may name another folder)")
    return found


@pytest.fixture(scope="session")
def data_folder():
    """A function: ``data_folder("benchmarks/Set5")`` is its path, or the test skips with the reason."""
    return find_data


@pytest.fixture(scope="session")
def vgg19_file():
    """The original VGG19's weights as safetensors in ``data/``, unpacked once from ``$SRGAN_DATA/vgg19``."""
    path = ROOT / "data" / "vgg19-original.safetensors"
    if not path.exists():
        unpack = find_data("vgg19") / "unpack.py"
        part = path.with_name(f"vgg19-{os.getpid()}.part")
        subprocess.run([sys.executable, str(unpack), str(part)], check=True, stdout=subprocess.DEVNULL)
        part.replace(path)
    return path


@pytest.fixture(scope="session")
def html(tmp_path_factory, worker_id):
    """Folder of the built book: built once, by the first worker that wants it."""
    pytest.importorskip("jupyter_book", reason="Jupyter Book is not installed: pip install -e '.[book]'")
    shared = tmp_path_factory.getbasetemp()
    output = (shared if worker_id == "master" else shared.parent) / "book"
    finished = output / "finished"
    with FileLock(f"{output}.lock"):
        if not finished.exists():
            build(ROOT, output)
            finished.touch()
    return output / "_build" / "html"


@pytest.fixture(scope="module")
def address(html):
    """Address of a server of the built book."""
    with served(html) as address:
        yield address


@pytest.fixture(scope="module")  # playwright's event loop would disturb the other modules of a session
def browser():
    """A headless Chromium: the machine's, else playwright's own."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'"
    )
    with sync_api.sync_playwright() as playwright:
        program = installed_browser() or playwright.chromium.executable_path
        if not Path(program).exists():
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        program = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield program
        program.close()


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A package with models and measurements that the test makes up (see ``recorded.Recorded``)."""
    from recorded import Recorded

    return Recorded(tmp_path, monkeypatch)


@pytest.fixture
def narrow_vgg(tmp_path, monkeypatch):
    """The file of a VGG19 with few channels (see ``narrow``); the discriminators are as small."""
    import narrow

    monkeypatch.setattr("srgan_lib.networks.vgg.CHANNELS", narrow.CHANNELS)
    monkeypatch.setattr("srgan_lib.networks.feature_discriminator.WIDTH", narrow.WIDTH)
    monkeypatch.setattr("srgan_lib.training.step.Discriminator", narrow.SmallDiscriminator)
    folder = tmp_path / "vgg19"  # not in a run's own folder: there it would be a result
    folder.mkdir()
    return narrow.write_vgg(folder / "vgg.safetensors")


@pytest.fixture
def work_with_a_small_model(tmp_path, monkeypatch):
    """An empty working directory, and a small model as the shipped one."""
    import torch  # here: notebooks are collected without it

    from srgan_lib import pretrained
    from srgan_lib.networks.generator import Generator

    torch.manual_seed(0)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    pretrained.ship(Generator(blocks=1, channels=4).eval(), "srgan-vgg54", {})
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
