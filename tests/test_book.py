"""The built book: no warning, every page there, and pages that load in a browser without a fault or an
outside request.
"""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from browsing import HEIGHTS, build, opened, pages_of, too_wide

ROOT = Path(__file__).resolve().parents[1]
PAGES = pages_of(ROOT)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_built(html, name):
    text = (html / f"{name}.html").read_text(encoding="utf-8")
    assert "<h1>" in text


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_alternative_text(html, name):
    text = (html / f"{name}.html").read_text(encoding="utf-8")
    for tag in re.findall(r"<img\b[^>]*>", text):
        alt = re.search(r'\balt="([^"]*)"', tag)
        assert alt and not re.search(r"_images/|\.(png|svg|jpe?g)$", alt[1]), tag[:200]


@pytest.mark.parametrize("width", HEIGHTS)
@pytest.mark.parametrize("name", PAGES)
def test_page_loads_over_http(browser, address, name, width):
    scheme = "light" if width == 1280 else "dark"
    with opened(browser, f"{address}/{name}.html", width, scheme) as (page, faults):
        assert too_wide(page) == []
        assert page.locator("mjx-merror").count() == 0, "an equation that MathJax cannot read"
        if page.locator("main .math").count() and page.evaluate(
            "'MathJax' in window && 'startup' in MathJax"
        ):
            assert page.locator("mjx-container").count()
    assert faults == []


@pytest.mark.parametrize("name", PAGES)
def test_page_loads_from_a_file(browser, html, name):
    with opened(browser, (html / f"{name}.html").as_uri()) as (_, faults):
        pass
    assert faults == []


def test_reader_can_switch_to_dark(browser, address):
    with opened(browser, f"{address}/{PAGES[0]}.html") as (page, _):
        colour = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(colour)
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert page.evaluate(colour) != light


def test_book_without_a_network(tmp_path, browser):
    """No npm registry and an empty cache: the build passes with -W, says in one line what is missing, and
    the page loads.
    """
    root = tmp_path / "project"
    shutil.copytree(ROOT / "book/_extensions", root / "book/_extensions")
    shutil.copytree(ROOT / "book/_static", root / "book/_static")
    for name in ("logo.svg", "favicon.svg", "references.bib"):
        shutil.copyfile(ROOT / "book" / name, root / "book" / name)
    shutil.copyfile(ROOT / "_config.yml", root / "_config.yml")
    for folder in (root, root / "book"):
        (folder / "_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    (root / "book/index.md").write_text("# Alone\n\nAn equation: $x^2$.\n", encoding="utf-8")
    cache = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LOCALAPPDATA": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    said = build(root, tmp_path / "out", NPM_CONFIG_REGISTRY="http://127.0.0.1:9", **cache)
    lines = [line for line in said.splitlines() if "vendored:" in line]
    assert len(lines) == 1 and "mathjax@3" in lines[0] and "equations stand as TeX" in lines[0]
    with opened(browser, (tmp_path / "out/_build/html/index.html").as_uri()) as (page, faults):
        assert "x^2" in page.inner_text("main")
    assert faults == []


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.ipynb")), ids=lambda path: path.stem)
def test_chapter_opens_in_colab(html, path):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    owner_and_name = repository["url"].split("/", 3)[3]
    link = f"https://colab.research.google.com/github/{owner_and_name}/blob/{repository['branch']}/book/{path.name}"
    assert link in (html / f"{path.stem}.html").read_text(encoding="utf-8")
