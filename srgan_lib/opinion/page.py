"""The page with which a person rates in a browser: one HTML file, without a server and without a network.

The page holds pictures under their codes, in the order in which its rater sees them, and the scores that are
told with the anchors. The plan's key, and with it the name of every method and image, stays out of it. The
pictures are encoded anew from their pixels, so no file's metadata come along. (A picture itself cannot be
hidden from who opens the source: a nearest-neighbour version is also a smaller file.)
"""

import base64
import hashlib
import json
import tempfile
from dataclasses import asdict
from functools import cache
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.opinion.plan import WORDS
from srgan_lib.support.files import made_folder, whole_file
from srgan_lib.support.progress import progress_bar

LARGEST = 150_000_000  # bytes of an HTML file that browsers open without complaint
PICTURES = "-pictures"  # the folder beside RATER.html is RATER-pictures


def write_page(plan, rater, path, picture, beside=False):
    """Write the page of ``rater`` to ``path``, an ``.html`` file; returns the path.

    ``picture(image, method)`` gives a version as ``uint8`` (H, W, 3). Opened from the disk or from a server,
    the page shows the rater's session one picture at a time, takes scores by keys 1 to 5 or buttons, keeps
    each at once in the browser's local storage, goes on there after a reload, and saves a CSV file for
    ``read_ratings``. What is kept belongs to this plan, this rater and these pixels: another test starts
    anew.

    With ``beside`` the pictures are PNG files ``CODE.png`` in a folder beside the page, which must then
    travel with it. Without it a page over 150 MB raises ``SrganError``, because browsers stall on it; so does
    a rater that the plan does not know.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _write(plan, rater, Path(path), _Encoded(picture, folder), beside)


def write_pages(plan, folder, picture, beside=False, progress=None):
    """``write_page`` for every rater of the plan, as ``folder/RATER.html``; returns the paths.

    Every version is made once, method by method. ``progress`` draws a bar: True, False, or, by default, only
    when it takes longer than 2 seconds.
    """
    folder = made_folder(folder, "another name")
    versions = sorted({(version.method, version.image) for version in plan.key.values()})
    with tempfile.TemporaryDirectory() as temporary:
        encoded = _Encoded(picture, temporary)
        for method, image in progress_bar(
            versions, progress=progress, delay=2, desc="pictures", unit="picture"
        ):
            encoded.path(image, method)
        return [_write(plan, rater, folder / f"{rater}.html", encoded, beside) for rater in plan.raters]


def embedded(path, height=620):
    """The page at ``path`` in a frame of ``height`` CSS pixels, for a notebook or a book: it works there."""
    from IPython.display import HTML

    text = escape(Path(path).read_text(encoding="utf-8"))
    style = f"width: 100%; height: {height}px; border: 0"
    return HTML(f'<div><iframe title="Rating pictures" srcdoc="{text}" style="{style}"></iframe></div>')


class _Encoded:
    """Versions as PNG files that hold nothing but pixels, each made once."""

    def __init__(self, picture, folder):
        self.picture, self.folder, self.made = picture, Path(folder), {}

    def path(self, image, method):
        if (image, method) not in self.made:
            pixels = np.ascontiguousarray(self.picture(image, method))
            if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
                found = f"{pixels.dtype} {pixels.shape}"
                raise SrganError(f"picture({image!r}, {method!r}) gives {found}; it must be uint8 (H, W, 3)")
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, format="PNG")
            path = self.folder / f"{len(self.made)}.png"
            path.write_bytes(buffer.getvalue())
            self.made[image, method] = path
        return self.made[image, method]


def _write(plan, rater, path, encoded, beside):
    session = plan.session(rater)
    found = {}  # code: PNG file
    for code, _ in session:
        version = plan.key[code]
        found[code] = encoded.path(version.image, version.method)
    size = sum(4 * -(-file.stat().st_size // 3) for file in found.values())
    if size > LARGEST and not beside:
        raise SrganError(
            f"{path}: {size / 1e6:.0f} MB of pictures, over {LARGEST / 1e6:.0f} MB browsers stall; "
            "write them beside the page, crop the photos, or plan several smaller tests"
        )
    facts = {
        "rater": rater,
        "key": f"rating-{_digest(plan, rater, found)}",
        "items": session,
        "words": WORDS,
        "folder": quote(path.stem + PICTURES) if beside else None,
    }
    if beside:
        folder = made_folder(path.with_name(path.stem + PICTURES), "another name")
        for code, file in found.items():
            with whole_file(folder / f"{code}.png") as temporary:
                temporary.write_bytes(file.read_bytes())
    before, after = _page(facts).split("{{pictures}}")
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as page:
        page.write(before)
        for code, file in {} if beside else found.items():
            pixels = base64.b64encode(file.read_bytes()).decode("ascii")
            page.write(f'<script type="text/plain" id="{code}">{pixels}</script>\n')  # data, never run
        page.write(after)
    return path


def _digest(plan, rater, found):
    """Names a test by its plan, rater and pixels, and gives none of them away."""
    digest = hashlib.sha256(json.dumps([rater, plan.seed, plan.versions, plan.sessions]).encode())
    digest.update(json.dumps([list(asdict(version).values()) for version in plan.key.values()]).encode())
    for file in found.values():
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _page(facts):
    """The page's text, with a place left for the pictures. Only its own style and script may run."""
    style, script = _part("page.css"), _part("page.js")
    hashes = {name: _hash(text) for name, text in (("style-src", style), ("script-src", script))}
    pictures = "img-src data: 'self' file:"
    policy = "; ".join(["default-src 'none'", pictures, *(" ".join(pair) for pair in hashes.items())])
    page = _part("page.html").replace("{{policy}}", policy)
    page = page.replace("{{style}}", style).replace("{{script}}", script)
    return page.replace("{{session}}", json.dumps(facts).replace("<", "\\u003c"))


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _part(name):
    return files("srgan_lib.opinion").joinpath(name).read_text(encoding="utf-8")
