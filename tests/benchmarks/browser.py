"""How fast the live model is: in the browser, against ONNX Runtime and PyTorch, in turns on one machine.

    python tests/benchmarks/browser.py [--side 128] [--rounds 3] [--webgpu] [--out FILE.json]

Measured are seconds per LR megapixel with one thread: PyTorch (the plain module, and the fast one that
``upscale`` uses), native ONNX Runtime, and the engine of the page *Your own photos* in a headless Chromium.
All take turns for ``--rounds`` rounds, and of each the best round counts. Then the engine's settings one by
one: how weights are stored, the level of graph optimisation, the side of tiles and cells, the place of the
last rearrangement; and what the page weighs and how long it takes to start. ``--webgpu`` measures the
browser's WebGPU too, for which it wants a graphics processor (with ``--adapter swiftshader`` a processor
that imitates one: then only the pixels can be compared).

Seconds are the processor's, so that other programs disturb little: those of the browser's processes are its
own count. About three minutes on one idle core, ten on a busy one. The default ``--out`` is the record of the
settings that ``tests/test_live_model.py`` holds the page to.
"""

import argparse
import base64
import gzip
import json
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pooch
import torch
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book/_extensions")]

import live_model
from browsing import QUIET, installed_browser, served

from srgan_lib import pretrained
from srgan_lib.degradations import imresize
from srgan_lib.inference import onnx as export
from srgan_lib.inference.fast import FastGenerator

MODEL = "srgan-vgg54"
SCALE = 4
SHARED_SIDE = 256
RECORD = ROOT / "srgan_lib/records/browser.json"
SOFTWARE_ADAPTER = ["--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader"]
PAGE = """<!doctype html><meta charset="utf-8"><title>Engine</title><link rel="icon" href="data:,">
<script src="live/catalogue.js"></script><script src="live/tiles.js"></script>
<script src="live/remote.js"></script><script src="live/engine.js"></script>"""
START = """async (wishes) => {
    const begin = performance.now();
    window.engine = srganLive.create(wishes);
    const started = await engine.start();
    return { ...started, seconds: (performance.now() - begin) / 1000 };
}"""
UPSCALE = """async ({ data, side, model }) => {
    const levels = Uint8ClampedArray.from(atob(data), (letter) => letter.charCodeAt(0));
    const begin = performance.now();
    const result = await engine.upscale({ width: side, height: side, data: levels }, { model });
    const seconds = (performance.now() - begin) / 1000;
    let text = "";
    for (const level of result.data) text += String.fromCharCode(level);
    return { seconds, data: btoa(text) };
}"""


def photo(side):
    """A photograph of side x side pixels, ``uint8`` (side, side, 3)."""
    from skimage import data

    return imresize(data.coffee()[:400, :400], size=(side, side))


# ------------------------------------------------------------------------------------------------ the pages


def write_sites(folder):
    """Two sites with one page each: the engine as it is, and with all rearrangements where PyTorch has them.

    The first has the model twice, with weights of 16 and of 32 bits.
    """
    network = pretrained.load(MODEL)
    arranged, plain = export.onnx_graph(network), export.onnx_graph(Folded(network))
    write_site(folder / "arranged", arranged, {"float16": export.stored_in_float16, "float32": lambda p: p})
    write_site(folder / "plain", plain, {"float16": export.stored_in_float16})


class Folded:
    """A generator that ``onnx_graph`` does not rearrange."""

    def __init__(self, generator):
        self.generator = generator

    def fold_batch_norm(self):
        return self.generator.fold_batch_norm()


def write_site(folder, graph, storages):
    live = folder / "live"
    shutil.copytree(live_model.runtime(Path(pooch.os_cache("srgan-book"))), live)
    parts = live_model.cut(graph, live_model.BLOCKS_A_PART)
    for name, store in storages.items():
        texts = [live_model.packed(store(part).SerializeToString()) for part in parts]
        live_model.write_script(live, f"model-{name}", json.dumps(texts))
    models = [{"name": name, "label": name, "t": 1, "scale": SCALE} for name in storages]
    facts = {"models": models, "parts": {SCALE: [live_model.measured(part) for part in parts]}}
    (live / "models.json").write_text(json.dumps(facts), encoding="utf-8")
    live_model.write_page_scripts(live, None, facts)
    (folder / "page.html").write_text(PAGE, encoding="utf-8")


class Browser:
    """A headless Chromium whose processes' time can be read."""

    def __init__(self, playwright, arguments):
        program = installed_browser() or playwright.chromium.executable_path
        self.browser = playwright.chromium.launch(executable_path=program, args=arguments)
        self.session = self.browser.new_browser_cdp_session()
        self.version = self.browser.version

    def processor_seconds(self):
        processes = self.session.send("SystemInfo.getProcessInfo")["processInfo"]
        return sum(process["cpuTime"] for process in processes)

    def engine(self, url, **wishes):
        return Engine(self, url, wishes)


class Engine:
    """A page with a started engine."""

    def __init__(self, browser, url, wishes):
        self.browser = browser
        self.page = browser.browser.new_page()
        self.page.goto(url)
        before = browser.processor_seconds()
        self.started = self.page.evaluate(START, wishes)
        self.started["processor_seconds"] = browser.processor_seconds() - before
        self.model = wishes.get("model", "float16")

    def __call__(self, image):
        """(result ``uint8`` (4h, 4w, 3), seconds of the processor, seconds on the wall)."""
        side = len(image)
        opaque = np.dstack([image, np.full((side, side), 255, np.uint8)])
        data = base64.b64encode(opaque.tobytes()).decode()
        before = self.browser.processor_seconds()
        told = self.page.evaluate(UPSCALE, {"data": data, "side": side, "model": self.model})
        took = self.browser.processor_seconds() - before
        result = np.frombuffer(base64.b64decode(told["data"]), np.uint8)
        return result.reshape(4 * side, 4 * side, 4)[..., :3], took, told["seconds"]

    def close(self):
        self.page.close()


# ---------------------------------------------------------------------------------------------- the numbers


def native_ways(network):
    """PyTorch and native ONNX Runtime: functions of (1, 3, h, w) in [0, 1]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = export.onnx_graph(network).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return {
        "pytorch, plain": network,
        "pytorch, fast": FastGenerator(network),
        "onnxruntime, native": lambda lr: torch.from_numpy(session.run(None, {"lr": lr.numpy()})[0]),
    }


def timed_native(way):
    from srgan_lib.images import from_signed, to_unit

    def run(image):
        lr = to_unit(image).unsqueeze(0)
        with torch.inference_mode():
            start = time.process_time(), time.perf_counter()
            result = way(lr)
            took = time.process_time() - start[0], time.perf_counter() - start[1]
        return from_signed(result)[0], *took

    return run


def in_turns(ways, image, rounds):
    """Best seconds per LR megapixel of each way, and how many levels its pixels are off the first's."""
    megapixels = image.shape[0] * image.shape[1] / 1e6
    times, walls, results = {name: [] for name in ways}, {name: [] for name in ways}, {}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name], took, on_the_wall = way(image)
            times[name].append(took / megapixels)
            walls[name].append(on_the_wall / megapixels)
    reference = next(iter(results.values())).astype(int)
    return {
        name: {
            "seconds_per_megapixel": round(min(times[name]), 1),
            "rounds": [round(value, 1) for value in times[name]],
            "on_the_wall": round(min(walls[name]), 1),
            "largest_difference": int(np.abs(results[name] - reference).max()),
            "share_that_differs": round(float((results[name] != reference).mean()), 5),
        }
        for name in ways
    }


def sweep(browser, address, image, rounds):
    """Each setting of the engine changed alone."""
    page = f"{address}/arranged/page.html"
    wishes = {
        "as it is": {},
        "weights float32": {"model": "float32"},
        "optimisation disabled": {"optimisation": "disabled"},
        "optimisation basic": {"optimisation": "basic"},
        "optimisation extended": {"optimisation": "extended"},
        **{f"tile {tile}": {"sizes": {"tile": tile}} for tile in (48, 96)},
        **{f"cell {cell}": {"sizes": {"cell": cell}} for cell in (16, 32, 64, 256)},
    }
    ways = {name: browser.engine(page, backend="wasm", workers=1, **wish) for name, wish in wishes.items()}
    ways["rearranged last"] = browser.engine(f"{address}/plain/page.html", backend="wasm", workers=1)
    found = in_turns(ways, image, rounds)
    for engine in ways.values():
        engine.close()
    return found


def weights_of_files(folder):
    """Bytes of the page's parts, as stored and as a server that compresses sends them."""
    live = folder / "arranged/live"
    groups = {
        "scripts": [*live_model.page_scripts(), "worker.js"],
        "runtime, WASM": [f"wasm-{role}.js" for role in live_model.ROLES],
        "runtime, WebGPU": [f"webgpu-{role}.js" for role in live_model.ROLES],
        "a model, float16": ["model-float16.js"],
        "a model, float32": ["model-float32.js"],
    }
    sizes = {}
    for name, files in groups.items():
        contents = [(live / file).read_bytes() for file in files if (live / file).exists()]
        sent = sum(len(gzip.compress(content, compresslevel=6)) for content in contents)
        sizes[name] = {"stored": sum(map(len, contents)), "sent": sent}
    return sizes


def hardware(browser):
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": name or platform.processor(),
        "machine": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": 1,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        "onnxruntime-web": live_model.RUNTIME.version,
        "browser": browser.version,
    }


def measure(options, folder):
    image, network = photo(options.side), pretrained.load(MODEL)
    write_sites(folder)
    arguments = [*QUIET]
    if options.webgpu:
        arguments = [argument for argument in QUIET if argument != "--disable-gpu"]
        arguments += ["--enable-unsafe-webgpu", "--enable-features=Vulkan"]
        arguments += SOFTWARE_ADAPTER if options.adapter == "swiftshader" else []
    with sync_playwright() as playwright, served(folder) as address:
        browser = Browser(playwright, arguments)
        ways = {name: timed_native(way) for name, way in native_ways(network).items()}
        page = f"{address}/arranged/page.html"
        ways["browser, WASM"] = engine = browser.engine(page, backend="wasm", workers=1)
        if options.webgpu:
            ways["browser, WebGPU"] = browser.engine(page, backend="webgpu")
        side = {"side": options.side, "rounds": options.rounds}
        result = {
            "hardware": hardware(browser),
            "model": MODEL,
            **side,
            "ways": in_turns(ways, image, options.rounds),
        }
        fast = result["ways"]["pytorch, fast"]["seconds_per_megapixel"]
        parts = json.loads((folder / "arranged/live/models.json").read_text())["parts"][str(SCALE)]
        work = result["multiplications_per_pixel"] = sum(part["work"] for part in parts)
        for way in result["ways"].values():
            way["to_fast"] = round(way["seconds_per_megapixel"] / fast, 2)
            way["multiplications_per_nanosecond"] = round(work / way["seconds_per_megapixel"] / 1e3, 1)
        result["start"] = {name: value for name, value in engine.started.items() if name != "backend"}
        result["weight"] = weights_of_files(folder)
        engine.close()
        result["settings"] = sweep(browser, address, image, options.rounds)
        result["workers"] = workers(browser, page)
        browser.browser.close()
    return result


def workers(browser, page):
    """One worker and two, at a size at which tiles can be shared out: the clock on the wall counts."""
    ways = {f"{count}": browser.engine(page, backend="wasm", workers=count) for count in (1, 2)}
    return {"side": SHARED_SIDE, **in_turns(ways, photo(SHARED_SIDE), 2)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=128, help="of the input, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--webgpu", action="store_true")
    parser.add_argument("--adapter", choices=("hardware", "swiftshader"), default="hardware")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    text = json.dumps(result, indent=1) + "\n"
    print(text)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
