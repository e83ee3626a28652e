"""Figures that chapters share: plain HTML without an outside address, which a reader moves in a browser;
images that do not fit are refused.
"""

import contextlib
import re
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.plots import BeforeAfter, Frames, figures_script, image_row


def photo(level, size=(6, 8)):
    return np.full((*size, 3), level, np.uint8)


@pytest.fixture(params=["compare", "frames"])
def figure(request):
    images = photo(0), photo(255)
    if request.param == "compare":
        return BeforeAfter(*images, labels=("<dark>", "light"), alternative='a "test"')
    return Frames(images, captions=("<dark>", "light"), alternative='a "test"')


def test_html_needs_nothing_from_outside_and_does_not_change(figure):
    page = figure._repr_html_()
    assert page == figure._repr_html_()
    assert not re.search(r"https?:|\bid=", page)
    assert len(re.findall(r'<img src="data:image/png;base64,[^"]+" alt="[^"]{3,}"', page)) == 2
    assert "<dark>" not in page and "&lt;dark&gt;" in page and 'a "test"' not in page


def test_script_of_a_figure_is_small_and_has_no_comments():
    script = figures_script()
    assert len(script) < 5000 and "\n//" not in script and "</script" not in script


@contextlib.contextmanager
def shown(browser, *figures, **context):
    """A page of ``figures`` as a notebook's outputs have them, and what went wrong on it."""
    context = browser.new_context(viewport={"width": 600, "height": 900}, **context)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_content("<!doctype html>" + "".join(figure._repr_html_() for figure in figures))
    yield page
    context.close()
    assert faults == []


def dark_and_light():
    return BeforeAfter(photo(0), photo(255), ("dark", "light"), "two levels", width=400)


def greys():
    return Frames([photo(level) for level in (0, 100, 200)], ["black", "grey", "white"], "levels", width=400)


def levels_along(locator, at=(0.1, 0.4, 0.6, 0.9)):
    """Grey levels of what is seen of a picture, at these parts of its width, a quarter from the top."""
    seen = np.asarray(Image.open(BytesIO(locator.screenshot())).convert("L"))
    return [int(seen[seen.shape[0] // 4, int(part * seen.shape[1])]) for part in at]


def test_border_follows_slider_keys_mouse_and_tap(browser):
    with shown(browser, dark_and_light()) as page:
        picture, slider = page.locator(".srgan-border"), page.get_by_role("slider")
        assert levels_along(picture) == [0, 0, 255, 255]
        slider.fill("20")
        assert levels_along(picture) == [0, 255, 255, 255]
        assert slider.get_attribute("aria-valuetext") == "20 % dark, 80 % light"
        slider.press("End")
        assert levels_along(picture) == [0, 0, 0, 0]
        box = picture.bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 10, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, middle)
        assert levels_along(picture) == [0, 0, 0, 255]
        page.mouse.up()
        assert slider.input_value() == "80"
        page.mouse.move(box["x"], middle)
        assert slider.input_value() == "80", "moved by a pointer that is not pressed"
        page.keyboard.press("ArrowLeft")
        assert slider.input_value() == "79", "arrow keys move it after a drag"
        picture.click(position={"x": box["width"] * 0.3, "y": 5})
        assert slider.input_value() == "30"


def test_border_follows_a_finger(browser):
    with shown(browser, dark_and_light(), has_touch=True) as page:
        picture, slider = page.locator(".srgan-border"), page.get_by_role("slider")
        box = picture.bounding_box()
        x, y, width = box["x"], box["y"] + 20, box["width"]
        page.touchscreen.tap(x + 0.25 * width, y)
        assert slider.input_value() == "25"
        finger = page.context.new_cdp_session(page)
        for kind, points in (
            ("touchStart", [(0.3, 0)]),
            ("touchMove", [(0.5, 0)]),
            ("touchMove", [(0.75, 0)]),
            ("touchEnd", []),
        ):
            touched = [{"x": x + part * width, "y": y + down} for part, down in points]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
        assert slider.input_value() == "75"
        assert levels_along(picture) == [0, 0, 0, 255]
        assert picture.evaluate("element => getComputedStyle(element).touchAction") == "pan-y"


def test_slider_shows_one_frame_with_its_caption(browser):
    with shown(browser, greys()) as page:
        slider = page.get_by_role("slider", name="levels")
        for key, level, caption in (("Home", 0, "black"), ("ArrowRight", 100, "grey"), ("End", 200, "white")):
            slider.press(key)
            visible = page.locator("img").locator("visible=true")
            assert visible.count() == 1 and levels_along(visible, [0.5]) == [level]
            assert page.get_by_text(caption, exact=True).is_visible()
            assert slider.get_attribute("aria-valuetext") == caption
            assert page.locator("small").locator("visible=true").all_inner_texts() == [caption]


def test_figures_of_a_page_move_alone(browser):
    with shown(browser, dark_and_light(), greys(), dark_and_light(), greys()) as page:
        sliders = page.get_by_role("slider")
        assert sliders.count() == 4 and page.locator("style[data-srgan-figures]").count() == 1
        sliders.nth(2).fill("90")
        sliders.nth(3).fill("1")
        assert [slider.input_value() for slider in sliders.all()] == ["50", "0", "90", "1"]
        borders = page.locator(".srgan-border")
        assert levels_along(borders.nth(0)) != levels_along(borders.nth(1))


def test_a_figure_of_canvases_is_started_later_and_only_once(browser):
    """What a page draws itself: any kind of picture, and captions that change."""
    with shown(browser, greys()) as page:
        page.evaluate(
            """() => {
                const figure = document.createElement("figure");
                figure.id = "late";
                figure.innerHTML = "<div><canvas></canvas><small>a</small></div>".repeat(2);
                document.body.append(figure);
                const right = figure.querySelectorAll("small")[1];
                srganFigures.compare(figure);
                srganFigures.compare(figure);
                srganFigures.start();
                right.textContent = "b";
            }"""
        )
        figure = page.locator("#late")
        assert figure.locator("input").count() == 1 and figure.locator("canvas").count() == 2
        figure.locator("input").fill("40")
        assert figure.locator("input").get_attribute("aria-valuetext") == "40 % a, 60 % b"


def test_without_scripts_all_pictures_and_captions_are_seen(browser):
    with shown(browser, dark_and_light(), greys(), java_script_enabled=False) as page:
        pictures = page.locator("img")
        assert pictures.count() == 5 and all(picture.is_visible() for picture in pictures.all())
        assert page.locator("small").all_inner_texts() == ["dark", "light", "black", "grey", "white"]
        first, second = pictures.nth(0).bounding_box(), pictures.nth(1).bounding_box()
        assert first["y"] == second["y"] and first["x"] + first["width"] <= second["x"]


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
