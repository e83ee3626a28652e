"""The engine of the live model alone, in a browser: its pixels against PyTorch's, progress, cancelling."""

import base64
import functools
import http.server
import threading
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from browsing import opened

import srgan_lib as sr
from srgan_lib import pretrained
from srgan_lib.inference.upscale import upscale
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.interpolation import interpolate

live_model = pytest.importorskip("live_model", reason="Sphinx is not installed: pip install -e '.[book]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install -e '.[test]'")

PAGE = """<!doctype html><meta charset="utf-8"><title>Engine</title><link rel="icon" href="data:,">
<script src="live/catalogue.js"></script>
<script src="live/tiles.js"></script>
<script src="live/remote.js"></script>
<script src="live/engine.js"></script>"""
SMALL_TILES = {"tile": 16, "cell": 8}

# Upscales an image; answers with the result, what `start` said and all progress.
UPSCALE = """async ({ image, model, wishes, method, scale }) => {
    const data = Uint8ClampedArray.from(atob(image.data), (letter) => letter.charCodeAt(0));
    const engine = window.engine || srganLive.create(wishes);
    window.engine = engine;
    const started = method === "upscale" ? await engine.start() : null;
    const progress = [];
    const onProgress = (report) => progress.push(report);
    const how = method === "upscale" ? { model, onProgress } : scale;
    const result = await engine[method]({ ...image, data }, how);
    let text = "";
    for (const level of result.data) text += String.fromCharCode(level);
    const estimates = started ? [10, 100].map((side) => engine.estimate(side, side, scale)) : [];
    return { ...result, data: btoa(text), started, progress, estimates };
}"""

ABORT = """async () => {
    const engine = srganLive.create();
    await engine.start();
    const blank = (side) => ({ width: side, height: side, data: new Uint8ClampedArray(4 * side * side) });
    const outcome = (job) => job.then((result) => result.width, (error) => error.name);
    const model = srganLive.models[0].name;
    const abort = new AbortController();
    let stoppedAt;
    const onProgress = () => {
        if (stoppedAt) return;
        stoppedAt = performance.now();
        abort.abort();
    };
    const long = outcome(engine.upscale(blank(300), { model, onProgress, signal: abort.signal }));
    const queued = outcome(engine.upscale(blank(4), { model }));
    const first = await long;
    const waited = performance.now() - stoppedAt;
    const late = await outcome(engine.upscale(blank(4), { model, signal: abort.signal }));
    return { first, waited, queued: await queued, late };
}"""


def page_with_engine(folder, cache):
    """``folder`` with one page that has the engine and nothing else."""
    missing = live_model.collected(folder / "live", cache)
    if missing:
        pytest.skip(missing)
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page with the shipped models."""
    return page_with_engine(tmp_path_factory.mktemp("site"), Path(pooch.os_cache("srgan-book")))


@pytest.fixture
def two_scales(tmp_path, monkeypatch):
    """The page with small untrained models of scale 4 and 2 in the place of the shipped ones."""
    torch.manual_seed(0)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    for scale, ends in live_model.ENDS.items():
        for name, _ in ends:
            pretrained.ship(Generator(scale=scale, blocks=8, channels=4).eval(), name, {})
    for folder in ("cache", "site"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cache/npm").symlink_to(Path(pooch.os_cache("srgan-book")) / "npm")
    return page_with_engine(tmp_path / "site", tmp_path / "cache")


class Isolated(http.server.SimpleHTTPRequestHandler):
    """Files with the two headers that let a page use several threads."""

    def end_headers(self):
        if self.server.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(site):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Isolated, directory=str(site))
    )
    server.isolated = False
    server.page = f"http://127.0.0.1:{server.server_port}/page.html"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(page, image, model="srgan-vgg54", wishes=None, method="upscale", scale=4):
    """The engine's result for an array (h, w, 4), as an array, and what else was told."""
    height, width = image.shape[:2]
    data = base64.b64encode(image.tobytes()).decode()
    given = {"image": {"width": width, "height": height, "data": data}, "model": model}
    given |= {"wishes": wishes or {}, "method": method, "scale": scale}
    told = page.evaluate(UPSCALE, given)
    data = np.frombuffer(base64.b64decode(told.pop("data")), np.uint8)
    return data.reshape(told["height"], told["width"], 4), told


def photo(height, width, kind="rgba"):
    """A part of a photograph, (height, width, 4); "grey" has equal channels, "opaque" no transparency."""
    from skimage import data

    pixels = np.ascontiguousarray(data.chelsea()[100 : 100 + height, 100 : 100 + width])
    if kind == "grey":
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    rows, columns = np.mgrid[:height, :width]
    alpha = np.full((height, width), 255) if kind == "opaque" else 16 * (rows + columns) % 256
    return np.dstack([pixels, alpha.astype(np.uint8)])


def as_python(image, model="srgan-vgg54"):
    """What ``upscale`` makes of an array (h, w, 4); grey goes in as grey."""
    grey = (image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all()
    if not grey:
        return upscale(image, model, progress=False)
    two = upscale(image[..., [0, 3]], model, progress=False)
    return np.dstack([two[..., [0, 0, 0]], two[..., 1]])


def assert_same(found, expected):
    """Within one level everywhere, and the same level nearly everywhere; alpha exactly."""
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.05
    assert difference[..., 3].max() == 0


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_result_is_pytorchs(browser, site, server, scheme):
    image = photo(20, 27)
    url = server.page if scheme == "http" else (site / "page.html").as_uri()
    with opened(browser, url) as (page, faults):
        found, told = run(page, image)
        assert_same(found, as_python(image))
        assert told["started"]["backend"] in ("wasm", "webgpu") and told["started"]["threads"] == 1
    assert faults == []


@pytest.mark.parametrize("seed", range(3))
def test_hidden_colours_are_spread_as_upscale_does(browser, server, seed):
    """Mostly hidden, so that much is far away, and much as near to one pixel as to another."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (17, 29, 4), dtype=np.uint8)
    image[..., 3] = np.where(random.random((17, 29)) < (0.03, 0.3, 0.9)[seed], 200, 0)
    with opened(browser, server.page) as (page, _):
        found, _ = run(page, image)
        assert_same(found, as_python(image))
        image[image[..., 3] == 0, :3] = 255  # what nobody sees changes nothing
        page.evaluate("window.engine = null")
        again, _ = run(page, image)
    assert np.array_equal(again, found)


def test_progress_and_estimates(browser, server):
    with opened(browser, server.page) as (page, _):
        _, told = run(page, photo(20, 27))
    done = [report["done"] for report in told["progress"]]
    assert done == sorted(done) and done[-1] == told["progress"][-1]["total"]
    assert told["progress"][-1]["secondsLeft"] == 0 and all(r["secondsLeft"] >= 0 for r in told["progress"])
    small, large = told["estimates"]
    assert 0 < 50 * small < large


def test_every_model_in_grey_and_opaque(browser, server):
    ends = [pretrained.load(name) for name, _ in live_model.ENDS[4]]
    with opened(browser, server.page) as (page, _):
        models = page.evaluate("srganLive.models")
        assert [model["t"] for model in models] == [0, 0.25, 0.5, 0.75, 1]
        for model in models:
            image = photo(9, 7, "opaque" if model["t"] == 0.25 else "grey")
            found, _ = run(page, image, model["name"])
            assert_same(found, as_python(image, interpolate(*ends, model["t"])))


def test_models_of_two_scales_in_one_page(browser, two_scales):
    wishes = {"backend": "wasm", "sizes": SMALL_TILES}
    with opened(browser, (two_scales / "page.html").as_uri()) as (page, faults):
        models = page.evaluate("srganLive.models")
        assert [(model["scale"], model["t"]) for model in models] == [
            (scale, t) for scale in (4, 2) for t in live_model.STEPS
        ]
        limits = page.evaluate("[4, 2].map(srganLive.limit)")
        assert limits == [{"pixels": 1_000_000, "side": 4096}, {"pixels": 4_000_000, "side": 8192}]
        for scale, (first, second) in live_model.ENDS.items():
            ends = [pretrained.load(name) for name, _ in (first, second)]
            image = photo(20, 27)
            found, told = run(page, image, first[0], wishes, scale=scale)
            assert found.shape == (20 * scale, 27 * scale, 4)
            assert_same(found, as_python(image, ends[0]))
            assert 0 < 20 * told["estimates"][0] < told["estimates"][1]
            grey = photo(9, 7, "grey")
            found, _ = run(page, grey, f"interpolated-0.25-x{scale}", scale=scale)
            assert_same(found, as_python(grey, interpolate(*ends, 0.25)))
            found, _ = run(page, image, method="bicubic", scale=scale)
            assert np.array_equal(found, sr.imresize(image, scale))
    assert faults == []


def test_tiles_leave_no_trace(browser, server):
    with opened(browser, server.page) as (page, _):
        for shape in ((8, 100), (37, 41), (1, 1)):
            image = photo(*shape)
            found, _ = run(page, image, wishes={"backend": "wasm", "sizes": SMALL_TILES})
            assert_same(found, as_python(image))
        # Distant pixels hardly count: too narrow a margin shows in noise, against the image in one piece.
        noise = np.random.default_rng(0).integers(0, 256, (6, 100, 4), dtype=np.uint8)
        tiled, _ = run(page, noise)
        page.evaluate("window.engine = null")
        whole, _ = run(page, noise, wishes={"backend": "wasm", "workers": 1})
        assert np.array_equal(tiled, whole)


def test_bicubic_is_imresize(browser, server):
    image = photo(23, 18)
    with opened(browser, server.page) as (page, _):
        found, _ = run(page, image, method="bicubic")
    assert np.array_equal(found, sr.imresize(image, 4))


def test_several_threads_where_the_page_is_isolated(browser, server):
    server.isolated = True
    image = photo(12, 9)
    with opened(browser, server.page) as (page, _):
        found, told = run(page, image, wishes={"backend": "wasm", "threads": 2})
    assert told["started"] == {"backend": "wasm", "threads": 2, "workers": 1}
    assert_same(found, as_python(image))


def test_several_workers_where_it_is_not(browser, server):
    image = photo(37, 100)
    with opened(browser, server.page) as (page, _):
        wishes = {"backend": "wasm", "workers": 3, "sizes": {"tile": 40, "cell": 32}}
        found, told = run(page, image, wishes=wishes)
    assert told["started"] == {"backend": "wasm", "threads": 1, "workers": 3}
    assert_same(found, as_python(image))
    done = [report["done"] for report in told["progress"]]
    assert done == sorted(done) and done[-1] == told["progress"][-1]["total"]


def test_one_worker_goes_on_where_several_fail(browser, server):
    image = photo(12, 9)
    with opened(browser, server.page) as (page, _):
        wishes = {"backend": "wasm", "workers": 2}
        page.evaluate(
            "async (wishes) => { window.engine = srganLive.create(wishes); await engine.start(); }", wishes
        )
        page.evaluate("""() => {
            const { ask } = srganRemote.Remote.prototype;
            srganRemote.Remote.prototype.ask = function (task, ...rest) {
                const fails = task === "upscale" && engine.settings.workers > 1;
                return fails ? Promise.reject(new Error("out of memory")) : ask.call(this, task, ...rest);
            };
        }""")
        found, _ = run(page, image)
    assert_same(found, as_python(image))


def test_a_failure_is_told_and_the_next_job_works(browser, server):
    image = photo(5, 6)
    with opened(browser, server.page) as (page, _):
        failed = page.evaluate("""async () => {
            window.engine = srganLive.create({ backend: "wasm", workers: 1 });
            const image = { width: 4, height: 4, data: new Uint8ClampedArray(64) };
            const job = engine.upscale(image, { model: "no-such-model" });
            return job.then(() => null, (error) => error.message);
        }""")
        found, _ = run(page, image)
    assert "model-no-such-model.js could not be loaded" in failed
    assert_same(found, as_python(image))


def test_cancelling_is_prompt_and_leaves_a_working_engine(browser, server):
    with opened(browser, server.page) as (page, faults):
        told = page.evaluate(ABORT)
    assert told["first"] == told["late"] == "AbortError" and told["queued"] == 16
    assert told["waited"] < 1000
    assert faults == []


@pytest.mark.parametrize(
    ("lack", "sentence"),
    [
        ("delete window.DecompressionStream", "has no decompression of streams"),
        ("delete window.WebAssembly", "has no WebAssembly,"),
        ("WebAssembly.validate = () => false", "has no WebAssembly SIMD"),
        ("delete window.Worker", "has no Web Workers,"),
    ],
)
def test_an_old_browser_is_told(browser, site, lack, sentence):
    context = browser.new_context()
    context.add_init_script(lack)
    page = context.new_page()
    page.goto((site / "page.html").as_uri())
    missing = page.evaluate("srganLive.missing")
    assert sentence in missing and "Chrome 91" in missing
    refused = page.evaluate("srganLive.create().start().then(() => null, (error) => error.message)")
    assert refused == missing
    context.close()


def test_the_page_says_what_the_build_lacks(browser, tmp_path):
    missing = live_model.collected(tmp_path / "live", tmp_path / "cache", registry="http://127.0.0.1:9")
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    with opened(browser, (tmp_path / "page.html").as_uri()) as (page, faults):
        assert page.evaluate("srganLive.missing") == missing
        assert page.evaluate("srganLive.models") == []
    assert "onnxruntime-web@1.30.0" in missing and "does not answer" in missing and faults == []


def test_a_file_that_does_not_load_is_named(browser, site, tmp_path):
    for source in (site / "live").glob("*.js"):
        if "binary" not in source.name:
            (tmp_path / "live").mkdir(exist_ok=True)
            (tmp_path / "live" / source.name).write_bytes(source.read_bytes())
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    with opened(browser, (tmp_path / "page.html").as_uri()) as (page, _):
        start = "srganLive.create({backend: 'wasm'}).start().then(() => null, (error) => error.message)"
        assert "wasm-binary.js could not be loaded" in page.evaluate(start)
