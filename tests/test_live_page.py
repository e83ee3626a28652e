"""The live model of *Your own photos*, end to end in a browser: with the real engine against PyTorch, and,
where only the page is looked at, with a stand-in that answers at once.
"""

import base64
import contextlib
import json
import re
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browsing import opened, too_wide
from PIL import Image

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.networks.interpolation import interpolate

live_examples = pytest.importorskip("live_examples", reason="the book's extensions are not there")

CHAPTER = "your-own-photos"
STAND_IN = Path(__file__).with_name("live_stand_in.js").read_text(encoding="utf-8")
MODELS = {"SRResNet": "srresnet-mse", "SRGAN": "srgan-vgg54"}
SLOW = 300_000  # milliseconds; a busy machine is no fault of the page

upscale = partial(sr.upscale, progress=False)
rng = np.random.default_rng(0)


def noise(*shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def smooth(height, width):
    """A photo-like picture of any size, uint8 (height, width, 3)."""
    return sr.imresize(noise(height // 8 + 1, width // 8 + 1, 3), size=(height, width))


def encoded(image, kind="png", **options):
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format=kind, **options)
    return buffer.getvalue()


# --------------------------------------------------------------------------------------- what a reader does


def part(page, name):
    return page.locator(f"#srgan-live [data-part={name}]")


def give(page, contents, name="photo.png", kind="image/png"):
    """Choose a file with these contents, bytes."""
    part(page, "file").set_input_files({"name": name, "mimeType": kind, "buffer": contents})


def take_example(page, label):
    part(page, "examples").get_by_role("button", name=label, exact=True).click()


def wait_until_told(page, word):
    """Until a screen reader is told something that begins with ``word``."""
    page.wait_for_function(
        "word => document.querySelector('#srgan-live [role=status]').textContent.startsWith(word)",
        arg=word,
        timeout=SLOW,
    )


wait_until_done = partial(wait_until_told, word="Done")


def begin_if_asked(page):
    """On a slow or busy machine the page asks before it begins with a small photo, too."""
    part(page, "go").or_(part(page, "cancel")).or_(part(page, "took")).filter(visible=True).wait_for(
        timeout=SLOW
    )
    if part(page, "go").is_visible():
        part(page, "go").click()


def downloaded(page, label):
    """The PNG behind the download button that begins with ``label``."""
    with page.expect_download() as download:
        part(page, "downloads").get_by_role("button", name=re.compile(f"^{label}")).click()
    assert download.value.suggested_filename.endswith(".png")
    return Image.open(download.value.path())


def shown(page):
    """The pixels of the stage, uint8 (height, width, 4)."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    address = page.evaluate("document.querySelector('#srgan-live .live-stage canvas').toDataURL()")
    return np.array(Image.open(BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))


def levels_apart(image, expected):
    got = np.array(image)
    assert got.shape == expected.shape
    return np.abs(got.astype(int) - expected).max()


@contextlib.contextmanager
def with_stand_in(browser, address, width=1280, scales=(4,)):
    """The chapter with the stand-in for the engine; yields the page and what went wrong."""
    with opened(browser, f"{address}/genindex.html", width) as (page, faults):
        page.add_init_script(f"window.standInScales = {list(scales)}")
        page.route(
            "**/live/engine.js*", lambda route: route.fulfill(body=STAND_IN, content_type="text/javascript")
        )
        page.goto(f"{address}/{CHAPTER}.html", wait_until="load")
        part(page, "choose").wait_for()
        yield page, faults


@pytest.fixture(scope="module")
def stand_in(browser, address):
    with with_stand_in(browser, address) as page_and_faults:
        yield page_and_faults


@pytest.fixture
def page(stand_in):
    """The chapter with the stand-in, as it is at the beginning; nothing may go wrong during a test."""
    page, faults = stand_in
    faults.clear()
    page.evaluate(BEGINNING)
    yield page
    assert faults == []


BEGINNING = """() => {
    const parts = (name) => document.querySelector(`#srgan-live [data-part=${name}]`);
    parts("another").click();
    parts("mix").value = 50;
    parts("status").textContent = "";
    document.querySelector("[name=live-view][value=slider]").click();
    window.standIn = { seconds: 0, estimate: 1 };
}"""


@pytest.fixture(scope="module")
def real(browser, address):
    """The chapter with the real engine, over http; yields the page and what went wrong."""
    with opened(browser, f"{address}/{CHAPTER}.html") as page_and_faults:
        yield page_and_faults


# --------------------------------------------------------------------- the real engine, against PyTorch


@pytest.mark.parametrize("way", ["http", "file"])
def test_enlarged_example_equals_pytorch(browser, html, request, way):
    """A photo with transparency: colours and opacity in the PNG, also where nothing is to be seen."""
    example = next(image for name, _, image in live_examples.small_examples() if name == "cup")
    assert example.shape[2] == 4 and (example[..., 3] == 0).any()
    with contextlib.ExitStack() as stack:
        at = (html / f"{CHAPTER}.html").as_uri()
        page, faults = (
            request.getfixturevalue("real") if way == "http" else stack.enter_context(opened(browser, at))
        )
        take_example(page, "Cut out")
        begin_if_asked(page)
        wait_until_done(page)
        results = {label: downloaded(page, label) for label in ("Bicubic", *MODELS, "Results mixed")}
        assert faults == []
    assert np.array_equal(np.array(results["Bicubic"]), sr.imresize(example, scale=4))
    for label, model in MODELS.items():
        assert results[label].mode == "RGBA"
        assert levels_apart(results[label], upscale(example, model=model)) <= 1
    half = np.mean([results[label] for label in MODELS], axis=0)
    assert np.abs(np.array(results["Results mixed"]) - half).max() <= 0.5


LATENESS = """() => new Promise((done) => {
    const late = [];
    let last = performance.now();
    const clock = setInterval(() => {
        late.push(performance.now() - last - 50);
        last = performance.now();
        if (late.length === 60) { clearInterval(clock); done(late); }
    }, 50);
})"""  # milliseconds by which a clock of the page's was late, for three seconds


def test_a_tenth_of_a_megapixel_while_the_page_answers(real):
    """Both networks, a grey photo of several tiles."""
    page, faults = real
    photo = smooth(250, 400)[..., 0]
    give(page, encoded(photo))
    begin_if_asked(page)
    part(page, "cancel").wait_for()
    late = page.evaluate(LATENESS)
    assert part(page, "cancel").is_visible(), "still computing"
    wait_until_done(page)
    grey = downloaded(page, "SRGAN")
    assert faults == []
    assert np.median(late) < 100, "the page stood still while the networks computed"
    assert grey.mode == "L"
    assert levels_apart(grey, upscale(photo)) <= 1


def test_mixed_networks_equal_pytorch(real):
    page, faults = real
    photo = noise(16, 20, 3)
    give(page, encoded(photo))
    wait_until_done(page)
    part(page, "weights").get_by_role("button", name="50 %").click()
    part(page, "downloads").get_by_role("button", name=re.compile("^Networks")).wait_for(timeout=SLOW)
    between = interpolate(*(pretrained.load(name) for name in MODELS.values()), 0.5)
    assert levels_apart(downloaded(page, "Networks mixed"), upscale(photo, model=between)) <= 1
    assert faults == []


def test_larger_photo_states_its_time_and_can_be_cancelled(real):
    page, faults = real
    give(page, encoded(smooth(300, 400)))
    part(page, "go").wait_for(timeout=SLOW)
    assert re.search(r"about .*(second|minute|hour)", part(page, "question").inner_text())
    assert part(page, "results").is_hidden(), "it asks before it begins"
    part(page, "go").click()
    part(page, "cancel").click(timeout=SLOW)
    wait_until_told(page, "Cancelled")
    assert part(page, "running").is_hidden()
    part(page, "another").click()
    give(page, encoded(noise(8, 8, 3)))
    wait_until_done(page)
    assert downloaded(page, "SRGAN").size == (32, 32)
    assert faults == []


# ----------------------------------------------------------------------------- what photos it takes, and how


def drop_or_paste(page, event, contents):
    page.evaluate(
        """([event, contents]) => {
            const bytes = Uint8Array.from(atob(contents), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "given.png", { type: "image/png" }));
            const target = event === "paste" ? document.body : document.getElementById("srgan-live");
            const options = { bubbles: true, cancelable: true };
            target.dispatchEvent(event === "paste"
                ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
                : new DragEvent("drop", { ...options, dataTransfer: transfer }));
        }""",
        [event, base64.b64encode(contents).decode()],
    )


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_photo_is_dropped_or_pasted(page, event):
    photo = noise(12, 20, 3)
    drop_or_paste(page, event, encoded(photo))
    wait_until_done(page)
    assert "given.png" in part(page, "work").inner_text()
    assert np.array_equal(np.array(downloaded(page, "Bicubic")), photo.repeat(4, 0).repeat(4, 1))


KINDS = {
    "L": noise(5, 7),
    "LA": noise(5, 7, 2),
    "RGB": noise(5, 7, 3),
    "RGBA": noise(5, 7, 4),
}


@pytest.mark.parametrize("mode", KINDS)
def test_every_pixel_is_kept(page, mode):
    """Grey stays grey, and colours are kept even where a pixel is nearly transparent."""
    photo = KINDS[mode]
    give(page, encoded(photo))
    wait_until_done(page)
    result = downloaded(page, "Bicubic")
    assert result.mode == mode
    assert np.array_equal(np.array(result), photo.repeat(4, 0).repeat(4, 1))


def test_camera_rotation_is_obeyed(page):
    photo = Image.fromarray(smooth(16, 24))
    note = photo.getexif()
    note[0x0112] = 6  # the camera was turned by 90 degrees
    give(page, encoded(np.array(photo), "jpeg", exif=note, quality=95), "lying.jpg", "image/jpeg")
    wait_until_done(page)
    result = np.array(downloaded(page, "Bicubic"))[::4, ::4].astype(float)
    assert result.shape == (24, 16, 3)
    upright = np.array(photo.rotate(-90, expand=True))
    assert np.abs(result - upright).mean() < 8  # JPEG


BAD = {
    "notes.txt": (b"no picture", "text/plain", "is not a photo"),
    "notes.png": (b"no picture", "image/png", "is damaged"),
    "half.jpg": (encoded(smooth(64, 64), "jpeg")[:-300], "image/jpeg", "is damaged"),
    "half.png": (encoded(noise(64, 64, 4))[:3000], "image/png", "is damaged"),
    "empty.png": (b"", "image/png", "is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_gets_a_friendly_line(page, name):
    contents, kind, reason = BAD[name]
    give(page, contents, name, kind)
    problem = part(page, "problem")
    problem.wait_for()
    assert name in problem.inner_text() and reason in problem.inner_text()
    give(page, encoded(noise(4, 4, 3)))
    wait_until_done(page)
    assert problem.is_hidden()


def test_bad_file_leaves_what_is_there(page):
    give(page, encoded(noise(4, 6, 3)), "good.png")
    wait_until_done(page)
    give(page, b"no picture", "notes.png")
    part(page, "problem").wait_for()
    assert downloaded(page, "SRGAN").size == (24, 16)


def test_too_large_photo_is_shrunk(page):
    """The stand-in takes 40,000 pixels."""
    give(page, encoded(smooth(300, 400)))
    part(page, "go").wait_for()
    assert "0.12 megapixels" in part(page, "question").inner_text()
    part(page, "go").click()
    wait_until_done(page)
    width, height = (side // 4 for side in downloaded(page, "Bicubic").size)
    assert 0.98 * 40_000 < width * height <= 40_000 and width / height == pytest.approx(4 / 3, rel=0.01)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_scale_can_be_chosen_where_there_are_two(browser, address, width):
    with with_stand_in(browser, address, width, scales=(4, 2)) as (page, faults):
        four, two = (page.get_by_text(f"{scale} times larger", exact=True) for scale in (4, 2))
        assert page.locator("[name=live-scale]:checked").input_value() == "4"
        assert "0.04 megapixels" in part(page, "promise").inner_text()
        give(page, encoded(smooth(60, 80)))
        wait_until_done(page)
        assert downloaded(page, "Bicubic").size == (320, 240) and too_wide(page) == []
        two.click()
        wait_until_done(page)
        for label in ("Bicubic", "SRGAN"):
            assert downloaded(page, label).size == (160, 120)
        assert "160\u00a0×\u00a0120" in part(page, "facts").inner_text()
        assert "0.16 megapixels" in part(page, "promise").inner_text()
        give(page, encoded(smooth(300, 400)))
        part(page, "go").wait_for()
        assert "This will take" in part(page, "question").inner_text(), "0.12 megapixels fit at this scale"
        part(page, "part").click()
        part(page, "size").fill("0")
        part(page, "go").click()
        begin_if_asked(page)
        wait_until_done(page)
        size = downloaded(page, "SRGAN").size
        four.click()
        wait_until_done(page)
        assert downloaded(page, "SRGAN").size == (2 * size[0], 2 * size[1]), "the part stays chosen"
        assert faults == []


def test_one_scale_is_no_choice(page):
    assert not part(page, "scales").is_visible()


def test_long_photo_is_shrunk(page):
    """Few pixels, but the result's side would be longer than browsers show."""
    give(page, encoded(smooth(4, 6000)))
    part(page, "go").wait_for()
    part(page, "go").click()
    wait_until_done(page)
    assert downloaded(page, "Bicubic").size[0] == 4 * 4096


def test_slow_picture_of_an_earlier_photo_does_not_arrive_in_a_later_one(page):
    page.evaluate("""() => {
        const read = window.createImageBitmap;
        window.createImageBitmap = async (...all) => {
            if (all.length > 1) await new Promise((resolve) => setTimeout(resolve, 600)); // shrinking is slow
            return read(...all);
        };
    }""")
    give(page, encoded(smooth(300, 400)), "large.png")
    part(page, "go").click()
    small = np.concatenate([noise(5, 6, 3), np.full((5, 6, 1), 200, np.uint8)], axis=2)
    give(page, encoded(small), "small.png")  # with opacity: its pixels need no createImageBitmap
    wait_until_done(page)
    page.wait_for_timeout(900)
    assert downloaded(page, "Bicubic").size == downloaded(page, "SRGAN").size == (24, 20)
    assert "6\u00a0×\u00a05" in part(page, "facts").inner_text()


def test_png_with_bytes_behind_its_end_is_read(page):
    photo = np.concatenate([noise(5, 6, 3), noise(5, 6, 1)], axis=2)
    give(page, encoded(photo) + b"written by another program")
    wait_until_done(page)
    assert np.array_equal(np.array(downloaded(page, "Bicubic"))[::4, ::4], photo)


def test_part_of_a_photo_is_chosen_by_keys_alone(page):
    photo = noise(300, 400, 3)
    give(page, encoded(photo))
    part(page, "part").wait_for()
    part(page, "part").press("Enter")
    for key in ("ArrowLeft",) * 30 + ("ArrowUp",) * 30:
        part(page, "board").press(key)
    page.keyboard.press("Tab")
    page.keyboard.press("Home")  # the smallest part
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until_done(page)
    result = np.array(downloaded(page, "Bicubic"))[::4, ::4]
    height, width = result.shape[:2]
    assert 20 < width < 60 and any(
        np.array_equal(result, photo[y : y + height, x : x + width]) for y in range(90) for x in range(120)
    )


# -------------------------------------------------------------------------------------- looking at results


@pytest.fixture
def finished(page):
    """The page with the results of a photo."""
    give(page, encoded(smooth(60, 80)))
    wait_until_done(page)
    return page


def test_border_moves_the_picture(finished):
    before = shown(finished)
    part(finished, "border").press("Home")
    right = shown(finished)
    part(finished, "border").press("End")
    left = shown(finished)
    middle = before.shape[1] // 2
    assert np.array_equal(before[:, : middle - 2], left[:, : middle - 2])
    assert np.array_equal(before[:, middle + 2 :], right[:, middle + 2 :])
    assert not np.array_equal(left, right)


def test_handle_is_dragged(finished):
    part(finished, "handle").scroll_into_view_if_needed()
    box = part(finished, "stage").bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finished.mouse.move(middle, y)
    finished.mouse.down()
    finished.mouse.move(middle + box["width"] / 4, y, steps=4)
    finished.mouse.up()
    assert float(part(finished, "border").input_value()) == pytest.approx(75, abs=2)


def test_results_are_mixed_live(finished):
    """The slider moves every level between the two results, on the screen and in the download."""
    part(finished, "left-choice").select_option("mixed")
    part(finished, "border").press("End")  # only the left picture
    seen = {}
    for share in (0, 25, 50, 100):
        part(finished, "mix").fill(str(share))
        seen[share] = shown(finished).astype(float)[2:-2, 2:-2]  # edges may cover half a pixel
    for share in (25, 50):
        expected = seen[0] + (seen[100] - seen[0]) * share / 100
        assert np.abs(seen[share] - expected).max() <= 1.5
    assert np.abs(seen[100] - seen[0]).max() > 20
    part(finished, "mix").fill("25")
    first, second = (np.array(downloaded(finished, label)).astype(float) for label in MODELS)
    mixed = np.array(downloaded(finished, "Results mixed, 25"))
    assert np.abs(mixed - (0.75 * first + 0.25 * second)).max() <= 0.5


def test_networks_are_mixed_at_fixed_steps(finished):
    buttons = part(finished, "weights").get_by_role("button")
    assert buttons.all_inner_texts() == ["25 %", "50 %", "75 %"]
    buttons.nth(2).click()
    finished.get_by_role("button", name="Networks mixed, 75 %").wait_for()
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    assert "Batch normalisation is folded in after that" in part(finished, "rule").inner_text()


def test_zoom_and_pan_by_keys_wheel_and_buttons_keep_all_pictures_together(finished):
    finished.get_by_text("Side by side", exact=True).click()
    stage, zoom = part(finished, "stage"), part(finished, "zoom")
    fitting = zoom.inner_text()
    stage.focus()
    for key in ("+", "+", "+", "ArrowRight", "ArrowDown"):
        finished.keyboard.press(key)
    moved = shown(finished)
    assert zoom.inner_text() != fitting
    rows, columns = (side // 2 for side in moved.shape[:2])
    bicubic, srgan = moved[4 : rows - 4, 4 - columns : -4], moved[4 - rows : -4, 4 - columns : -4]
    edges = [np.abs(np.diff(view[..., 0].astype(int), axis=1)) > 6 for view in (bicubic, srgan)]
    agreement = (edges[0] & edges[1]).sum() / (edges[0] | edges[1]).sum()
    assert agreement > 0.8, "the panes show different places"
    box = stage.bounding_box()
    finished.mouse.move(box["x"] + 40, box["y"] + 40)
    before = zoom.inner_text()
    finished.mouse.wheel(0, -300)
    finished.wait_for_function("z => document.querySelector('.live-zoom').textContent !== z", arg=before)
    part(finished, "fit").click()
    assert zoom.inner_text() == fitting
    part(finished, "full").click()
    assert zoom.inner_text() == "100 %"


def test_two_fingers_zoom(finished):
    part(finished, "stage").scroll_into_view_if_needed()
    box, zoom = part(finished, "stage").bounding_box(), part(finished, "zoom").inner_text()
    fingers = finished.context.new_cdp_session(finished)
    x, y = box["x"] + box["width"] / 4, max(box["y"], 0) + 60

    def touch(kind, apart):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for apart in (30, 40, 50, 60):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    grown = int(part(finished, "zoom").inner_text().split()[0]) / int(zoom.split()[0])
    assert 2 < grown < 4


def test_wheel_scrolls_the_page_until_the_picture_is_chosen(finished):
    box, zoom = part(finished, "stage").bounding_box(), part(finished, "zoom").inner_text()
    finished.mouse.move(box["x"] + 40, box["y"] + 40)
    finished.mouse.wheel(0, 100)
    finished.wait_for_timeout(300)
    assert part(finished, "zoom").inner_text() == zoom


FOCUSED = "document.activeElement.dataset.part || document.activeElement.textContent"


def test_keyboard_alone(page):
    """From the first button to a download: an example by Enter, the results in order of the Tab key."""
    part(page, "choose").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until_done(page)
    assert page.evaluate("document.activeElement.dataset.part") == "work", "the focus is lost"
    visited = []
    for _ in range(20):
        page.keyboard.press("Tab")
        visited.append(page.evaluate(FOCUSED))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or visited[-1] == "slider", visited[-1]
        if visited[-1].startswith("SRGAN"):
            break
    order = ["another", "stage", "border", "left-choice", "right-choice", "mix", "25 %", "Bicubic", "SRGAN"]
    assert [visited.index(name) for name in order] == sorted(visited.index(name) for name in order)
    for _ in range(2):  # the button keeps the focus
        with page.expect_download():
            page.keyboard.press("Enter")


# ------------------------------------------------------------------------------------- layout, accessibility


def test_phone_does_not_scroll_sideways(browser, address):
    with with_stand_in(browser, address, 390) as (page, faults):
        assert too_wide(page) == []
        give(page, encoded(smooth(300, 400)), "a-long-name-without-any-place-to-break-it-" * 3 + ".png")
        part(page, "part").click()
        assert too_wide(page) == []
        part(page, "go").click()
        wait_until_done(page)
        part(page, "mix").fill("30")
        assert too_wide(page) == []
        page.get_by_text("Side by side", exact=True).click()
        assert too_wide(page) == []
        assert faults == []


def test_accessibility(page):
    """axe-core finds nothing serious: at the beginning, at a question, while it computes, with results."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def faults_in(theme):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        found = axe.run(page, context="#srgan-live", options={"preload": False}).response["violations"]
        return [
            (each["id"], [node["html"][:120] for node in each["nodes"]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    give(page, b"no picture", "notes.txt", "text/plain")
    part(page, "problem").wait_for()
    assert faults_in("light") == faults_in("dark") == []
    give(page, encoded(smooth(300, 400)))
    part(page, "part").click()
    assert faults_in("dark") == []
    page.evaluate("window.standIn.seconds = 20")
    part(page, "go").click()
    part(page, "cancel").wait_for()
    assert faults_in("light") == []
    page.evaluate("window.standIn.seconds = 0")
    wait_until_done(page)
    assert faults_in("light") == faults_in("dark") == []


def test_progress_is_told(page):
    """What a screen reader hears: not each step, but the beginning, the quarters and the end."""
    page.evaluate(
        """() => {
            window.told = [];
            const status = document.querySelector("#srgan-live [role=status]");
            const observer = new MutationObserver(() => window.told.push(status.textContent));
            observer.observe(status, { childList: true });
            window.standIn.seconds = 1;
        }"""
    )
    give(page, encoded(noise(4, 4, 3)))
    wait_until_done(page)
    told = page.evaluate("window.told")
    assert told[0] == "SRResNet is computing." and told[-1] == "Done: SRResNet and SRGAN."
    assert "SRGAN: 50 percent." in told and len(told) <= 10


def test_where_the_model_is_missing_the_page_says_so(browser, address):
    lacking = {"missing": "The runtime could not be had.", "models": [], "parts": []}
    with opened(browser, f"{address}/{CHAPTER}.html") as (page, _):
        page.route(
            "**/live/catalogue.js*",
            lambda route: route.fulfill(
                body=f"window.srganLiveBuild = {json.dumps(lacking)};", content_type="text/javascript"
            ),
        )
        page.reload(wait_until="load")
        text = page.locator("#srgan-live").inner_text()
    assert lacking["missing"] in text and "run the next code cell" in text


def test_without_javascript_the_page_says_what_to_do(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}.html")
    assert "next code cell" in page.locator("#srgan-live").inner_text()
    context.close()
