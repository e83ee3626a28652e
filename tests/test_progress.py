"""A bar is drawn for a reader, on a terminal or in a notebook, and not in a notebook that a program runs."""

import io
import sys
from types import SimpleNamespace

import pytest

from srgan_lib.support import progress
from srgan_lib.support.progress import progress_bar


@pytest.fixture
def nobody(monkeypatch):
    for name in progress.READERS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def notebook(monkeypatch):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None))
    monkeypatch.setitem(sys.modules, "IPython", kernel)


def drawn(**settings):
    with progress_bar(range(3), **settings) as bar:
        return not bar.disable


class Stream(io.StringIO):
    """What a program writes errors to: a terminal or not."""

    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


def test_on_a_terminal_unless_refused(nobody, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Stream(terminal=True))
    assert drawn() and drawn(progress=True) and not drawn(progress=False)


def closed():
    stream = Stream(terminal=True)
    stream.close()
    stream.isatty = io.StringIO.isatty.__get__(stream)  # which raises, as a closed file's does
    return stream


@pytest.mark.parametrize("stream", [Stream(terminal=False), None, closed()], ids=["file", "none", "closed"])
@pytest.mark.parametrize("progress", [None, True, False])
def test_nothing_where_nobody_sees_it(progress, stream, nobody, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    assert not drawn(progress=progress)
    if isinstance(stream, Stream) and not stream.closed:
        assert stream.getvalue() == "", "not one carriage return"


def test_in_a_notebook_for_a_reader_or_on_demand(nobody, notebook, monkeypatch):
    assert not drawn() and drawn(progress=True)
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook")
    assert drawn() and not drawn(progress=False)


def test_a_hidden_bar_still_counts_what_it_is_given(nobody, notebook):
    assert list(progress_bar("abc")) == ["a", "b", "c"]
