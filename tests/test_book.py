"""The built book: no warning, every page there, and pages that load in a browser without a fault or an
outside request.
"""

import contextlib
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

pytest.importorskip("jupyter_book", reason="Jupyter Book is not installed: pip install -e '.[book]'")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'"
)

ROOT = Path(__file__).resolve().parents[1]
STRICT = ["-W", "--keep-going", "-n"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {1280: 900, 390: 844}


def build(root, output, **environment):
    """Build the book of the project folder ``root`` into ``output``; return what was said. Fails on any
    warning.
    """
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    command = [program, "build", "book/", "--path-output", str(output), *STRICT]
    finished = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert finished.returncode == 0, finished.stdout[-6000:]
    return finished.stdout


def pages_of(root):
    """Names of the pages in the contents of the project folder ``root``."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


PAGES = pages_of(ROOT)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """Folder of the built book."""
    output = tmp_path_factory.mktemp("book")
    build(ROOT, output)
    return output / "_build" / "html"


@pytest.fixture(scope="module")
def address(html):
    """Address of a server of the built book."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium: the machine's, else playwright's own."""
    with sync_api.sync_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
        if not Path(installed).exists():
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        program = playwright.chromium.launch(executable_path=installed, args=QUIET)
        yield program
        program.close()


@contextlib.contextmanager
def opened(browser, url, width=1280, scheme="light"):
    """A loaded page, after MathJax; yields it with the list of what went wrong."""
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine is no fault of the page
    faults = []
    here = url.rsplit("/", 1)[0]
    page.on(
        "console",
        lambda message: message.type == "error" and faults.append(f"console: {message.text}"),
    )
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((here, "data:", "blob:")) or faults.append(f"outside: {request.url}")
        ),
    )
    page.goto(url, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    page.wait_for_timeout(300)
    yield page, faults
    context.close()


def too_wide(page):
    """How many pixels the page can be scrolled sideways, and what sticks out."""
    return page.evaluate(
        """() => {
            const over = document.documentElement.scrollWidth - window.innerWidth;
            if (over <= 0) return [];
            return [over, ...[...document.querySelectorAll('main *')]
                .filter(element => element.getBoundingClientRect().right > window.innerWidth + 1)
                .slice(0, 5).map(element => element.outerHTML.slice(0, 120))];
        }"""
    )


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


@pytest.mark.parametrize("width", WIDTHS)
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
