"""The built book in a browser, for the tests that look at pages: build it, serve it, open a page of it.

The fixtures ``html``, ``address`` and ``browser`` of conftest.py are made from this.
"""

import contextlib
import functools
import gzip
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import yaml

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
COMPRESSED = (".html", ".css", ".js", ".mjs", ".json", ".svg", ".wasm")
HEIGHTS = {1280: 900, 390: 844}  # of a window, by its width in CSS pixels


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


@functools.cache
def _zipped(path, changed):
    return gzip.compress(Path(path).read_bytes(), compresslevel=6)


class CompressingHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files as usual hosts do (GitHub Pages is one): text compressed with gzip, the rest as it is."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = _zipped(path, path.stat().st_mtime_ns)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """Address of a server of ``folder`` on this machine."""
    handler = functools.partial(CompressingHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def installed_browser():
    """Path of the machine's Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def opened(browser, url, width=1280, scheme="light"):
    """A loaded page, after MathJax; yields it with the list of what went wrong."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHTS[width]}, color_scheme=scheme)
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
