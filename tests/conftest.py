"""What all tests share: one thread each, where test data is looked for, and which tests may skip."""

import os
import re
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest runs two workers; also makes sums repeatable
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

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
        report.longrepr = f"skipped although SRGAN_DATA is set, and not listed in {ALLOWED_SKIPS.name}: {reason}"
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
