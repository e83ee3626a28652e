"""What a reader meets on every page: it is light, its sliders move their pictures, and axe-core, which looks
for what shuts people out, finds nothing serious.
"""

from pathlib import Path

import pytest
from browsing import opened, pages_of

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install -e '.[test]'"
)

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 1_500_000
SERIOUS = ("serious", "critical")
DARK = ("index", "read-me-first", "the-tables", "ask-people", "references")  # one of each kind
SLIDER = "main [data-srgan-figure] input[type=range]"
RECEIVED = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .map(entry => [entry.name.split("?")[0], entry.transferSize])"""


@pytest.fixture(scope="module", params=pages_of(ROOT))
def page(request, browser, address):
    """A page of the book, opened once for all tests here, and what it received before they touched it."""
    with opened(browser, f"{address}/{request.param}.html") as (page, _):
        yield page, page.evaluate(RECEIVED)


def test_page_is_light(page):
    _, received = page
    heaviest = sorted(received, key=lambda entry: -entry[1])[:8]
    assert sum(size for _, size in received) < MOST_BYTES, heaviest


def test_icons_need_no_font_of_the_theme(page):
    """Else an icon is missing from ``ICONS`` in book/_extensions/icons.py."""
    _, received = page
    assert not [name for name, _ in received if "/fontawesome/webfonts/" in name]


def test_every_slider_moves_its_picture_and_says_what_is_shown(page):
    page, _ = page
    sliders = page.locator(SLIDER)
    figures = page.locator("main [data-srgan-figure]")
    others = page.locator("main input[type=range]:not([data-srgan-figure] *, [class^=live] *)")
    assert sliders.count() == figures.count() and others.count() == 0, "a slider that is not of figures.js"
    for number in range(sliders.count()):
        slider, picture = sliders.nth(number), figures.nth(number).locator(".srgan-border, .srgan-frames")
        assert slider.get_attribute("aria-label")
        seen, said = set(), set()
        for key in ("Home", "End"):
            slider.press(key)
            seen.add(picture.screenshot())
            said.add(slider.get_attribute("aria-valuetext"))
        assert len(seen) == len(said) == 2, slider.get_attribute("aria-label")


def text_boxes(page):
    """Of each block of code or printed text: its columns, what it lacks in width, and how it shows that."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main pre")].filter(pre => pre.offsetParent).map(pre => {
            const style = getComputedStyle(pre), probe = document.createElement("span");
            probe.textContent = "x".repeat(100);
            probe.style.cssText = "position:absolute;white-space:pre";
            pre.append(probe);
            const column = probe.getBoundingClientRect().width / 100;
            probe.remove();
            const room = pre.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            return {text: pre.textContent.slice(0, 60), columns: room / column,
                over: pre.scrollWidth - pre.clientWidth, overflow: style.overflowX,
                shadow: style.backgroundImage.includes("gradient")};
        })"""
    )


def test_code_and_printed_tables_are_never_cut(page, browser, address):
    """88 columns fit at 1280 pixels; what is wider wraps, or scrolls under a shadow at its side."""
    wide, _ = page
    wide.evaluate("document.querySelectorAll('main details').forEach(box => { box.open = true; })")
    for box in text_boxes(wide):
        assert box["columns"] >= 88, box
    with opened(browser, wide.url, 390) as (phone, _):
        for box in [*text_boxes(wide), *text_boxes(phone)]:
            assert box["over"] <= 1 or (box["overflow"] == "auto" and box["shadow"]), box


def test_nothing_of_colab_stands_in_the_book(page):
    """Its installation and its switches are in the notebook only."""
    page, _ = page
    assert page.get_by_text("%pip install").count() == 0
    assert page.get_by_text("fast = False").count() == 0


def serious_violations(page, **options):
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        (rule["id"], rule["help"], [node["html"][:160] for node in rule["nodes"][:5]])
        for rule in found
        if rule["impact"] in SERIOUS
    ]


def test_nothing_shuts_a_reader_out(page):
    page, _ = page
    assert serious_violations(page) == []


@pytest.mark.parametrize("name", DARK)
def test_colours_can_be_read_in_the_dark(browser, address, name):
    only = {"type": "rule", "values": ["color-contrast"]}
    with opened(browser, f"{address}/{name}.html", scheme="dark") as (page, _):
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert serious_violations(page, runOnly=only) == []
