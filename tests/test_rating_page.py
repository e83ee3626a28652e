"""The rating page in a browser, from ``file://``: what is pressed is kept and read, and nothing is told."""

import base64
import contextlib
import re
import time
from io import BytesIO

import numpy as np
import pytest
from browsing import too_wide
from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.opinion import page as pages
from srgan_lib.opinion.page import embedded, write_page, write_pages
from srgan_lib.opinion.plan import plan
from srgan_lib.opinion.ratings import read_ratings

METHODS = ["nearest", "bicubic", "srgan-vgg54", "SelfExSR", "HR"]
IMAGES = ["Set5/butterfly", "Set14/zebra"]
SIDES = (300, 400)
REFUSED = (
    "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
)


def picture(image, method):
    """Noise that is another one for every version."""
    seed = abs(hash((image, method))) % 1000
    return np.random.default_rng(seed).integers(0, 256, (*SIDES, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def test_plan():
    return plan(IMAGES, METHODS, ["ada", "ben"], seed=1, calibration=["BSD300/boat"], repeats=2)


@pytest.fixture(scope="module")
def path(test_plan, tmp_path_factory):
    return write_page(test_plan, "ada", tmp_path_factory.mktemp("page") / "ada.html", picture)


@contextlib.contextmanager
def rating(browser, path, width=1280, height=800, script=None, context=None):
    """The opened page and what went wrong on it."""
    own = context is None
    context = context or browser.new_context(
        viewport={"width": width, "height": height}, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults = []
    page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: request.url.startswith(("file:", "data:", "blob:")) or faults.append(request.url),
    )
    if script:
        page.add_init_script(script)
    page.goto(path.as_uri())
    yield page, faults
    page.close()
    if own:
        context.close()


def shown(page):
    """Wait for the picture; returns its code."""
    page.wait_for_selector('#stage[aria-busy="false"] img')
    return page.text_content("#code")


def press(page, key):
    shown(page)
    page.keyboard.press(key)


def pass_examples(page, count=2):
    page.click("#start")
    for _ in range(count):
        assert "An example of" in (shown(page) and page.text_content("#question"))
        page.keyboard.press(" ")


def exported(page, selector=".save:visible"):
    with page.expect_download() as download:
        page.click(selector)
    return download.value


def test_examples_come_first_and_a_whole_session_by_keys_is_exported(browser, path, test_plan, tmp_path):
    with rating(browser, path) as (page, faults):
        assert "12 pictures" in page.inner_text("#intro") and "2 examples" in page.inner_text("#intro")
        page.keyboard.press("Enter")  # the button has the focus
        for told in (1, 5):
            shown(page)
            assert page.text_content("#question").startswith(f"An example of {told}")
            page.keyboard.press("3")  # an example is not scored
            page.keyboard.press("Enter")
        typed = {}
        codes = [code for code, told in test_plan.session("ada") if told is None]
        for number, code in enumerate(codes):
            assert shown(page) == code and page.text_content("#place") == f"{number + 3} of 14"
            typed["ada", code] = 1 + number % 5
            page.keyboard.press("7")
            page.keyboard.press(str(1 + number % 5))
        page.wait_for_selector("#end:visible")
        download = exported(page)
        assert download.suggested_filename == "ratings-ada.csv"
        download.save_as(tmp_path / "a.csv")
        assert page.input_value("#text") == (tmp_path / "a.csv").read_text()
        assert not faults
    found = read_ratings(tmp_path / "a.csv", test_plan)
    assert found.scores == typed and not found.problems
    seconds = [float(line.split(",")[3]) for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    assert all(0 <= value < 60 for value in seconds)


def test_buttons_a_reload_in_the_middle_and_the_last_score_taken_back(browser, path, test_plan, tmp_path):
    context = browser.new_context(accept_downloads=True)
    with rating(browser, path, context=context) as (page, faults):
        page.click("#start")
        for _ in range(2):
            shown(page)
            page.click("#seen")
        assert page.get_attribute("#back", "aria-disabled") == "true"
        first = shown(page)
        page.click("#scores button:nth-child(4)")
        second = shown(page)
        page.click("#scores button:nth-child(2)")
        third = shown(page)
        page.reload()
        assert shown(page) == third
        page.keyboard.press("Backspace")
        assert shown(page) == second
        page.keyboard.press("Backspace")  # the last score only
        assert shown(page) == second and page.get_attribute("#back", "aria-disabled") == "true"
        page.click("#scores button:nth-child(5)")
        assert shown(page) == third
        exported(page).save_as(tmp_path / "part.csv")
        assert not faults
    with rating(browser, path, context=context) as (page, faults):  # closed and opened again
        assert shown(page) == third and not faults
    context.close()
    found = read_ratings(tmp_path / "part.csv", test_plan)
    assert found.scores == {("ada", first): 4, ("ada", second): 5} and not found.problems


def test_a_held_key_rates_one_picture_and_a_key_in_the_pause_none(browser, path):
    with rating(browser, path) as (page, _):
        pass_examples(page)
        first = shown(page)
        for _ in range(30):
            page.keyboard.down("3")  # repeats, as a held key does
        page.keyboard.up("3")
        second = shown(page)
        assert second != first and page.text_content("#place") == "4 of 14"
        page.keyboard.press("Control+4")  # the browser's own key
        page.wait_for_timeout(400)
        assert shown(page) == second
        page.evaluate("""() => { for (const key of "555")
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true})) }""")
        shown(page)
        assert page.text_content("#place") == "5 of 14"


def test_two_tests_do_not_mix(browser, path, test_plan, tmp_path):
    """Another rater, another plan of the same codes, other pixels: each starts anew."""
    other = write_page(test_plan, "ada", tmp_path / "a.html", lambda *names: 255 - picture(*names))
    ben = write_page(test_plan, "ben", tmp_path / "b.html", picture)
    context = browser.new_context()
    with rating(browser, path, context=context) as (page, _):
        pass_examples(page)
        press(page, "3")
        shown(page)
    for another in (other, ben):
        with rating(browser, another, context=context) as (page, _):
            page.wait_for_selector("#intro:visible")
    with rating(browser, path, context=context) as (page, _):
        shown(page)
        assert page.text_content("#place") == "4 of 14"
    context.close()


@pytest.mark.parametrize("kept", ["{", "[1]", '[["x",3,1]]', "null", '{"length": 3}', "[[null]]"])
def test_spoilt_storage_starts_anew(browser, path, kept):
    script = f"if (location.protocol === 'file:') localStorage.setItem({key_of(path)!r}, {kept!r})"
    with rating(browser, path, script=script) as (page, faults):
        page.wait_for_selector("#intro:visible")
        assert not page.is_visible("#notice") and not faults


def key_of(path):
    return re.search(r'"key": "(rating-\w+)"', path.read_text())[1]


def test_of_storage_that_somebody_changed_the_fitting_beginning_counts(browser, path, test_plan):
    (one, _), (two, _), (three, _), (four, _) = test_plan.session("ada")[:4]
    kept = f'[["{one}",null,1],["{two}",null,1],["{three}",4,1],["{four}",9,1]]'
    script = f"localStorage.setItem({key_of(path)!r}, {kept!r})"
    with rating(browser, path, script=script) as (page, faults):
        assert shown(page) == four and not faults


@pytest.mark.parametrize(
    "refusal", [REFUSED, "Storage.prototype.setItem = () => { throw new Error('full') }"]
)
def test_without_storage_it_says_so_and_keeps_the_scores_in_memory(
    browser, path, test_plan, tmp_path, refusal
):
    with rating(browser, path, script=refusal) as (page, faults):
        assert "keeps no scores" in page.inner_text("#notice")
        assert "saved in this browser" not in page.inner_text("#intro")
        pass_examples(page)
        code = shown(page)
        page.keyboard.press("2")
        shown(page)
        exported(page).save_as(tmp_path / "a.csv")
        assert not faults
    assert read_ratings(tmp_path / "a.csv", test_plan).scores == {("ada", code): 2}


def test_the_same_page_in_two_windows_loses_nothing(browser, path):
    context = browser.new_context()
    with (
        rating(browser, path, context=context) as (one, _),
        rating(browser, path, context=context) as (two, _),
    ):
        pass_examples(one)
        press(one, "4")
        shown(one)
        two.wait_for_function("document.getElementById('place').textContent === '4 of 14'")
        press(two, "5")
        shown(two)
        one.wait_for_function("document.getElementById('place').textContent === '5 of 14'")
    context.close()


def test_scores_can_be_deleted_from_the_browser_when_all_is_done(browser, tmp_path):
    test = plan(["x"], ["a", "b"], ["ada"], seed=0)
    path = write_page(test, "ada", tmp_path / "ada.html", picture)
    context = browser.new_context()
    with rating(browser, path, context=context) as (page, _):
        page.click("#start")
        press(page, "1")
        press(page, "5")
        page.wait_for_selector("#end:visible")
        page.reload()
        page.wait_for_selector("#end:visible")  # what is done stays done
        page.on("dialog", lambda dialog: dialog.accept())
        page.click("#forget")
        page.reload()
        page.wait_for_selector("#intro:visible")
    context.close()


def test_in_another_page_it_works_and_leaves_the_focus_alone(browser, path, tmp_path):
    host = tmp_path / "host.html"
    host.write_text(f"<title>x</title><input id=own autofocus>{embedded(path, 500).data}")
    with rating(browser, host) as (page, faults):
        frame = page.frame_locator("iframe[title='Rating pictures']")
        frame.locator("#start").wait_for()
        assert page.evaluate("document.activeElement.id") == "own"
        frame.locator("#start").click()
        frame.locator("#seen").click()
        frame.locator("#stage[aria-busy='false'] img").wait_for()
        assert frame.locator("#place").text_content() in ("1 of 14", "2 of 14") and not faults


# ----------------------------------------------------------------------------------------- blind


def chunks(png):
    """Names of a PNG file's chunks."""
    place, names = 8, []
    while place < len(png):
        names.append(png[place + 4 : place + 8])
        place += 12 + int.from_bytes(png[place : place + 4], "big")
    return names


def test_no_method_image_or_key_is_told(path, test_plan):
    text = path.read_text()
    pictures = re.findall(r'<script type="text/plain" id="(\w+)">([A-Za-z0-9+/=]+)</script>', text)
    assert [code for code, _ in pictures] == test_plan.sessions["ada"]
    rest = re.sub(r'(<script type="text/plain" id="\w+">)[^<]*', r"\1", text).lower()
    names = [*METHODS, *IMAGES, "butterfly", "zebra", "boat", "srgan", "seed"]
    for name in names:
        assert not re.search(rf"(?<![a-z]){re.escape(name.lower())}(?![a-z])", rest), name
    assert not set(test_plan.sessions["ben"]) & set(re.findall(r"\w+", text))
    for code, encoded in pictures:
        png = base64.b64decode(encoded)
        assert set(chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}  # pixels, and nothing that describes them
        version = test_plan.key[code]
        assert (np.asarray(Image.open(BytesIO(png))) == picture(version.image, version.method)).all()
    assert path.name == "ada.html"


def test_a_photos_own_metadata_stay_at_home(test_plan, tmp_path):
    def from_file(image, method):
        marked = BytesIO()
        exif = Image.Exif()
        exif[0x010E] = f"{image} by {method}"
        Image.fromarray(picture(image, method)).save(marked, "PNG", exif=exif)
        return np.asarray(Image.open(marked))

    path = write_page(test_plan, "ada", tmp_path / "ada.html", from_file)
    for encoded in re.findall(r'id="\w+">([A-Za-z0-9+/=]{100,})<', path.read_text()):
        assert set(chunks(base64.b64decode(encoded))) == {b"IHDR", b"IDAT", b"IEND"}


def test_nothing_but_the_pages_own_script_may_run_or_load(browser, path):
    text = path.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert not re.search(
        r"https?://|(?:src|href)=(?!\"data:,)", re.sub(r"<script.*?</script>", "", text, flags=re.S)
    )
    with rating(browser, path) as (page, _):
        ran = page.evaluate("""() => { const script = document.createElement("script");
            script.textContent = "window.hacked = 1"; document.body.append(script); return window.hacked }""")
        assert ran is None


# ---------------------------------------------------------------------------------------- layout


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (844, 390)])
def test_pictures_are_shown_pixel_by_pixel_where_they_fit(browser, path, width, height):
    with rating(browser, path, width, height) as (page, _):
        assert not too_wide(page)
        pass_examples(page)
        shown(page)
        assert not too_wide(page)
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight"), (
            "nothing to scroll"
        )
        for button in page.query_selector_all("#scores button"):
            box = button.bounding_box()
            assert box["width"] >= 44 and box["height"] >= 44 and box["y"] + box["height"] <= height
        image = page.query_selector("#stage img").bounding_box()
        fits = image["width"] >= SIDES[1] and image["height"] >= SIDES[0]
        assert fits == (width == 1280) and page.is_visible("#smaller") == (not fits)
        style = page.evaluate("""() => { const s = getComputedStyle(document.querySelector("#stage img"));
            return [s.objectFit, s.imageRendering] }""")
        assert style == ["scale-down", "auto"]
        grey = page.evaluate("getComputedStyle(document.getElementById('stage')).backgroundColor")
        assert len(set(re.findall(r"\d+", grey))) == 1


def test_a_screenshot_of_the_stage_has_the_pictures_own_pixels(browser, path, test_plan):
    with rating(browser, path) as (page, _):
        page.click("#start")
        version = test_plan.key[shown(page)]
        drawn = np.asarray(Image.open(BytesIO(page.locator("#stage").screenshot())).convert("RGB"))
    height, width = SIDES
    top, left = (drawn.shape[0] - height) // 2, (drawn.shape[1] - width) // 2
    expected = picture(version.image, version.method)
    near = [
        (drawn[top + y : top + y + height, left + x : left + x + width] == expected).mean()
        for y in (0, 1)
        for x in (0, 1)
    ]
    assert max(near) > 0.999


def test_by_keyboard_alone_and_said_to_a_screen_reader(browser, path):
    with rating(browser, path) as (page, _):
        page.keyboard.press("Enter")
        press(page, "Enter")
        press(page, "Enter")
        shown(page)
        assert page.get_attribute("#question", "role") == "status"
        assert page.get_attribute("header p", "role") == "status"  # "3 of 14": changes with every picture
        names = [button.text_content() for button in page.query_selector_all("#scores button")]
        assert names == ["1 bad", "2 poor", "3 fair", "4 good", "5 excellent"]
        for _ in range(8):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "4 good":
                break
        page.keyboard.press("Enter")
        shown(page)
        assert page.text_content("#place") == "4 of 14"
        assert page.evaluate("document.activeElement.textContent") == "4 good"  # the focus stays
        assert all(image.get_attribute("alt") for image in page.query_selector_all("img"))


# ------------------------------------------------------------------------------------- large ones


def test_a_large_test_decodes_one_picture_at_a_time(browser, tmp_path):
    test = plan([f"{n}" for n in range(60)], ["a", "b"], ["ada"], seed=0)
    path = write_page(test, "ada", tmp_path / "ada.html", picture)
    assert path.stat().st_size > 50_000_000
    count = "const decode = HTMLImageElement.prototype.decode; window.decoded = 0;"
    count += "HTMLImageElement.prototype.decode = function () { window.decoded++; return decode.call(this) }"
    with rating(browser, path, script=count) as (page, faults):
        page.click("#start")
        started = time.monotonic()
        for number in range(10):
            press(page, "3")
            shown(page)
            assert page.evaluate("window.decoded") <= number + 3
            assert page.evaluate("document.images.length") == 1
        assert time.monotonic() - started < 30 and not faults


def test_above_the_limit_one_line_says_what_to_do_and_beside_the_page_works(
    browser, test_plan, tmp_path, monkeypatch
):
    monkeypatch.setattr(pages, "LARGEST", 1_000_000)
    with pytest.raises(SrganError, match="MB of pictures, over 1 MB browsers stall; write them beside"):
        write_page(test_plan, "ada", tmp_path / "ada.html", picture)
    assert not list(tmp_path.iterdir())
    ada, ben = write_pages(test_plan, tmp_path / "pages", picture, beside=True, progress=False)
    assert ada.stat().st_size < 100_000 and ben.name == "ben.html"
    files = sorted(path.stem for path in (ada.parent / "ada-pictures").iterdir())
    assert files == sorted(test_plan.sessions["ada"])
    with rating(browser, ada) as (page, faults):
        page.click("#start")
        shown(page)
        assert page.evaluate("document.images[0].naturalWidth") == SIDES[1] and not faults
    (ada.parent / "ada-pictures" / f"{test_plan.sessions['ada'][0]}.png").unlink()
    with rating(browser, ada) as (page, _):
        page.click("#start")
        page.wait_for_selector("#notice:visible")
        assert "cannot be shown" in page.inner_text("#notice")


def test_a_rater_with_an_unusual_name(browser, tmp_path):
    test = plan(["x"], ["a", "b"], ["Zoë K-1"], seed=0)
    (path,) = write_pages(test, tmp_path / "pages", picture, beside=True)
    with rating(browser, path) as (page, faults):
        page.click("#start")
        press(page, "1")
        press(page, "5")
        page.wait_for_selector("#end:visible")
        download = exported(page)
        assert download.suggested_filename == "ratings-Zoë K-1.csv" and not faults
        download.save_as(tmp_path / "r.csv")
    found = read_ratings(tmp_path / "r.csv", test)
    assert sorted(found.scores.values()) == [1, 5] and not found.problems


def test_what_is_no_picture_is_refused(test_plan, tmp_path):
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))):
        with pytest.raises(SrganError, match="must be uint8"):
            write_page(test_plan, "ada", tmp_path / "a.html", lambda *_, wrong=wrong: wrong)
    with pytest.raises(SrganError, match="no rater"):
        write_page(test_plan, "eve", tmp_path / "a.html", picture)
    with pytest.raises(SrganError, match="cannot be written"):
        write_page(test_plan, "ada", tmp_path / "none" / "a.html", picture)
