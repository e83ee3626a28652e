"""Widgets that compute: nothing in a stored page, and their first mistake is an error."""

import numpy as np
import pytest

from srgan_lib.support import progress
from srgan_lib.teaching import widgets


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook")


@pytest.fixture
def nobody(monkeypatch):
    for name in progress.READERS:
        monkeypatch.delenv(name, raising=False)


def test_without_a_reader_nothing_is_computed_and_nothing_shown(nobody, capsys):
    def never(level):
        raise AssertionError("called")

    assert widgets.live(never, level=(0, 10, 1)) is None
    assert capsys.readouterr().out == ""


def test_with_a_reader_the_function_is_called_with_the_sliders_first_value(reader):
    seen = []
    widgets.live(lambda level, kind: seen.append((level, kind)), level=(0, 10, 2), kind=["a", "b"])
    assert seen and set(seen) == {(4, "a")}


def test_an_array_is_shown_as_an_image(reader, monkeypatch):
    import ipywidgets

    kept = []
    monkeypatch.setattr(ipywidgets, "interact", lambda function, **_: kept.append(function(level=1)))
    widgets.live(lambda level: np.zeros((4, 6, 3), np.uint8), level=(0, 2, 1))
    assert kept[0].size == (6, 4)


def test_a_mistake_is_an_error_and_not_a_line_in_a_widget(reader):
    with pytest.raises(ZeroDivisionError):
        widgets.live(lambda level: 1 / 0, level=(0, 2, 1))
