"""A Sphinx extension that serves the book's scripts and fonts from the book itself.

MathJax, require.js, the widget manager and the fonts are published as npm packages. At the start of a build
this extension fetches the pinned tarballs from the npm registry, checks their sha512, keeps them in the
user's cache and copies only the needed files into ``_static/npm``. The pages then ask no other server for
anything, over http and from ``file://``. No npm client is needed.

A package that cannot be had is named in one line, and the book is built without it: equations then stand as
TeX, saved widgets do not move, and text is set in the reader's own fonts.
"""

import base64
import configparser
import logging
import os
import shutil
import tarfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pooch
import requests
from sphinx.util import logging as sphinx_logging

logger = sphinx_logging.getLogger(__name__)

DEFAULT_REGISTRY = "https://registry.npmjs.org"
FOLDER = "npm"
SECONDS_TO_WAIT = 20


@dataclass(frozen=True)
class Package:
    """One npm package: ``integrity`` is what ``npm view NAME@VERSION dist.integrity`` prints."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]  # patterns of the paths that the pages need
    without_it: str

    @property
    def tarball(self):
        return f"{self.name.split('/')[-1]}-{self.version}.tgz"

    @property
    def known_hash(self):
        algorithm, digest = self.integrity.split("-", 1)
        return f"{algorithm}:{base64.b64decode(digest).hex()}"


MATHJAX = Package(
    "mathjax",
    "3.2.2",
    "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
    ("es5/tex-mml-chtml.js", "es5/output/chtml/fonts/woff-v2/*", "es5/input/tex/extensions/*", "LICENSE"),
    "equations stand as TeX",
)
REQUIREJS = Package(
    "requirejs",
    "2.3.8",
    "sha512-7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
    ("require.js",),
    "saved widgets do not move",
)
WIDGETS = Package(
    "@jupyter-widgets/html-manager",
    "1.0.15",
    "sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
    ("dist/embed-amd.js", "dist/*.woff2", "dist/*.woff", "dist/*.ttf", "dist/embed.js.LICENSE.txt"),
    "saved widgets do not move",
)
FONTS = (
    Package(
        "@fontsource-variable/source-serif-4",
        "5.3.1",
        "sha512-4Rtay22SC4lMvw11r/+9kxANB6P3M0X8s1NudBC2v0J1KU2y3DcMoNcT3lBoZ/CqLirzf+StlO6UlJilyrvaUg==",
        ("index.css", "wght-italic.css", "files/source-serif-4-*-wght-*", "LICENSE"),
        "text is set in the reader's own serif",
    ),
    Package(
        "@fontsource-variable/source-sans-3",
        "5.3.0",
        "sha512-dpi0GZk7EQe2tYpg6Q0Fx0OmUgnuGu+0rHPgtXqtKhglYmJuP7jZ12Mu1uN+NfRaJRY1Emn8AQJEWzmoZ4wa9g==",
        ("index.css", "wght-italic.css", "files/source-sans-3-*-wght-*", "LICENSE"),
        "headings are set in the reader's own sans-serif",
    ),
    Package(
        "@fontsource-variable/source-code-pro",
        "5.3.0",
        "sha512-CxzAbqtNrQ6EQXTb9ovRZIRiOhFPcBQhNKla58K5UV6IMoL/ROkWxXDSBOa/frIDLuV4B5PLHI4R1e9SWVinYg==",
        ("index.css", "files/source-code-pro-*-wght-*", "LICENSE"),
        "code is set in the reader's own fixed-width font",
    ),
)
PACKAGES = (MATHJAX, REQUIREJS, WIDGETS, *FONTS)


def registry_address():
    """The npm registry that the machine is set up for: the environment, then ``~/.npmrc``, then npm's own."""
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    settings = configparser.ConfigParser(
        interpolation=None, strict=False, allow_no_value=True, delimiters=("=",)
    )
    try:
        settings.read_string("[npm]\n" + (Path.home() / ".npmrc").read_text(encoding="utf-8"))
        address = settings["npm"].get("registry")
    except (OSError, configparser.Error):
        address = None
    return (address or DEFAULT_REGISTRY).strip("\"'").rstrip("/")


def fetch(package, registry, cache):
    """Path of the package's tarball in ``cache``, downloaded when it is not there yet; its sha512 is checked
    each time.

    Raises ``ValueError`` when the sha512 differs and ``OSError`` (which ``requests`` errors are) when nothing
    came.
    """
    store = pooch.create(
        path=cache,
        base_url=registry,
        registry={package.tarball: package.known_hash},
        urls={package.tarball: f"{registry}/{package.name}/-/{package.tarball}"},
        retry_if_failed=1,
    )
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=SECONDS_TO_WAIT)
    return Path(store.fetch(package.tarball, downloader=downloader))


def unpack_needed(package, tarball, target):
    """Write the files of ``tarball`` that ``package.files`` names to ``target``."""
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            name = member.name.split("/", 1)[-1]  # npm puts everything into one folder
            if member.isfile() and any(fnmatch(name, pattern) for pattern in package.files):
                destination = target / name
                destination.parent.mkdir(parents=True, exist_ok=True)
                destination.write_bytes(archive.extractfile(member).read())


def collect(target, registry=None, cache=None, packages=PACKAGES):
    """Fill ``target`` with the needed files of ``packages``, a folder each; return the reasons of those that
    failed.

    The result maps a package to one line. After the first failure to connect no further address is tried, so
    that a build without a network waits once only; what is in the cache is still used.
    """
    registry = registry or registry_address()
    cache = Path(cache or pooch.os_cache("srgan-book")) / "npm"
    missing = {}
    reachable = True
    for package in packages:
        if not reachable and not (cache / package.tarball).exists():
            missing[package] = "the registry does not answer"
            continue
        try:
            unpack_needed(package, fetch(package, registry, cache), target / package.name)
        except (requests.ConnectionError, requests.Timeout):
            reachable = False
            missing[package] = "the registry does not answer"
        except (OSError, ValueError) as error:
            missing[package] = " ".join(str(error).split())[:160]
    return missing


def report(missing, registry):
    """One line that says what the book lacks. A notice, not a warning, so that ``-W`` still passes."""
    names = ", ".join(f"{package.name}@{package.version}" for package in missing)
    losses = "; ".join(dict.fromkeys(package.without_it for package in missing))
    reasons = "; ".join(dict.fromkeys(missing.values()))
    logger.info("vendored: built without %s from %s (%s): %s", names, registry, losses, reasons)


def widget_scripts():
    """What a page with widgets loads, in order. The widget manager finds its icons, and any other widget, in
    our own copy.

    The addresses are relative to the page: pages stand at the top of the site.
    """
    here = f"_static/{FOLDER}"
    return {
        "": {"body": f"window.require = {{baseUrl: '{here}'}};"},
        f"{FOLDER}/requirejs/require.js": {},
        f"{FOLDER}/{WIDGETS.name}/dist/embed-amd.js": {"data-jupyter-widgets-cdn": f"{here}/"},
    }


def set_up_pages(app, config):
    """Fetch the packages and point MathJax, the widgets and the fonts at them."""
    logging.getLogger("pooch").setLevel(logging.WARNING)
    static = Path(app.doctreedir) / "vendored"
    shutil.rmtree(static, ignore_errors=True)
    target = static / FOLDER
    target.mkdir(parents=True)
    missing = collect(target)
    if missing:
        report(missing, registry_address())
    # Sphinx wants a script for MathJax in any case: an empty one keeps the pages from asking another server.
    (target / "absent.js").write_text("// not fetched when the book was built\n", encoding="utf-8")
    config.html_static_path.append(str(static))
    config.mathjax_path = (
        f"{FOLDER}/absent.js" if MATHJAX in missing else f"{FOLDER}/mathjax/es5/tex-mml-chtml.js"
    )
    config.nb_ipywidgets_js = {} if {REQUIREJS, WIDGETS} & missing.keys() else widget_scripts()
    for font in FONTS:
        for sheet in sorted((target / font.name).glob("*.css")):
            app.add_css_file(f"{FOLDER}/{font.name}/{sheet.name}", priority=400)


def leave_out_thebe(app, pagename, templatename, context, doctree):
    """Take the scripts of sphinx-thebe off a page.

    Jupyter Book adds them to each page, also where no button uses them, twice, so that a browser reports an
    error, and they name a server that is not ours.
    """

    def is_thebe(script):
        return "thebe" in str(script.filename) or "THEBE_JS_URL" in str(script.attributes.get("body"))

    context["script_files"] = [script for script in context["script_files"] if not is_thebe(script)]


def setup(app):
    app.connect("config-inited", set_up_pages)
    app.connect("html-page-context", leave_out_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
