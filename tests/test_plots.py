"""Figures that chapters share: plain HTML without an outside address; images that do not fit are refused."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from srgan_lib.errors import SrganError
from srgan_lib.plots import BeforeAfter, Frames, image_row


def photo(level, size=(6, 8)):
    return np.full((*size, 3), level, np.uint8)


@pytest.fixture(params=["slider", "frames"])
def figure(request):
    images = photo(0), photo(255)
    if request.param == "slider":
        return BeforeAfter(*images, labels=("<dark>", "light"), alternative='a "test"')
    return Frames(images, captions=("<dark>", "light"), alternative='a "test"')


def test_html_needs_nothing_from_outside_and_does_not_change(figure):
    page = figure._repr_html_()
    assert page == figure._repr_html_()
    assert not re.search(r"https?:|\bid=", page)
    assert len(re.findall(r'<img src="data:image/png;base64,[^"]+" alt="[^"]{3,}"', page)) == 2
    assert "<dark>" not in page and "&lt;dark&gt;" in page and 'a "test"' not in page


def test_one_frame_is_shown_at_first():
    page = Frames([photo(level) for level in (0, 100, 200)], "abc", "levels")._repr_html_()
    assert page.count("display:none") == 2 and 'max="2"' in page


def test_images_that_do_not_fit_together_are_refused():
    with pytest.raises(SrganError, match="one size"):
        BeforeAfter(photo(0), photo(0, (5, 5)), ("a", "b"), "two")
    with pytest.raises(SrganError, match="one size"):
        Frames([photo(0), photo(0, (5, 5))], "ab", "two")
    with pytest.raises(SrganError, match="1 captions, 2 images"):
        Frames([photo(0), photo(1)], "a", "two")


def test_a_row_shows_pixels_as_they_are():
    figure = image_row([photo(7), photo(9)[..., 0]], ["colour", "grey"])
    shown = [axis.images[0] for axis in figure.axes]
    assert [image.get_interpolation() for image in shown] == ["nearest", "nearest"]
    assert np.array_equal(shown[0].get_array(), photo(7)) and shown[1].get_clim() == (0, 255)
    plt.close(figure)
