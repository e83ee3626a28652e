"""A Sphinx extension that puts the generator into the page *Your own photos*.

ONNX Runtime comes as a pinned npm package (see ``vendored``); the models are exported from the library's own
weights. Both are written as scripts that hold gzipped files as text: a page opened from a file may load
scripts, but may not fetch files, and so one way serves both. What was made is kept in the user's cache, named
by the hashes of what it was made from. Only that page names these scripts; the heavy ones it loads on demand.

Where a package cannot be had the book is built without the model, and the page says what is missing.
"""

import base64
import gzip
import hashlib
import json
import math
import shutil
import tempfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import live_examples
import pooch
from sphinx.util import logging
from vendored import Package, collect

logger = logging.getLogger(__name__)

PAGE = "your-own-photos"
FOLDER = "live"
SOURCES = Path(__file__).resolve().parents[1] / "_live"
WORKER = ("bicubic.js", "worker.js")  # joined, in this order, behind ONNX Runtime's script
ENGINE = ("tiles.js", "remote.js", "engine.js")
UI = ("words.js", "png.js", "photo.js", "viewer.js", "crop.js", "panel.js", "results.js", "page.js")
EXAMPLES = "examples.js"
CATALOGUE = "models.json"

RUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    (
        "dist/ort.wasm.min.js",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
        "dist/ort.webgpu.min.js",
        "dist/ort-wasm-simd-threaded.asyncify.mjs",
        "dist/ort-wasm-simd-threaded.asyncify.wasm",
    ),
    "the live model does not run",
)
# For each way of computing: the runtime's script, its module and its WebAssembly.
BACKENDS = {"wasm": RUNTIME.files[:3], "webgpu": RUNTIME.files[3:]}
ROLES = ("script", "module", "binary")

# For each scale, the one that the page offers first first: the two networks between which it mixes.
ENDS = {
    4: (("srresnet-mse", "SRResNet"), ("srgan-vgg54", "SRGAN")),
    2: (("srresnet-mse-x2", "SRResNet"), ("srgan-vgg54-x2", "SRGAN")),
}
STEPS = (0, 0.25, 0.5, 0.75, 1)
BLOCKS_A_PART = 4


# ------------------------------------------------------------------------------ files as scripts, and cache


def packed(contents):
    """Bytes as text: gzipped, in base64. The same bytes give the same text."""
    return base64.b64encode(gzip.compress(contents, compresslevel=6, mtime=0)).decode()


def write_script(folder, name, content):
    """Write ``NAME.js``, which hands ``content``, a text, to the engine in the page."""
    script = f"srganLive.receive({json.dumps(name)}, {json.dumps(content)});\n"
    (folder / f"{name}.js").write_text(script, encoding="utf-8")


def key_of(*things):
    """A short name for what is made from ``things``: texts, and files whose contents count."""
    digest = hashlib.sha256()
    for thing in things:
        digest.update(thing.read_bytes() if isinstance(thing, Path) else str(thing).encode())
    return digest.hexdigest()[:16]


@contextmanager
def whole_folder(path):
    """Yield a temporary folder beside ``path``; when the block ends well it takes ``path``'s place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-", ignore_cleanup_errors=True) as part:
        made = Path(part) / "made"
        made.mkdir()
        yield made
        if not path.exists():  # another build may have been faster
            made.rename(path)


# ------------------------------------------------------------------------------------------- the runtime


def runtime(cache, registry=None):
    """The cached folder of ONNX Runtime's scripts.

    Raises ``LookupError``, in one line, where it cannot be had.
    """
    made = cache / "live" / f"runtime-{key_of(RUNTIME.integrity, Path(__file__))}"
    if made.exists():
        return made
    with tempfile.TemporaryDirectory() as scratch:
        missing = collect(Path(scratch), registry, cache, [RUNTIME])
        if missing:
            raise LookupError(f"{RUNTIME.name}@{RUNTIME.version}: {missing[RUNTIME]}")
        with whole_folder(made) as folder:
            for backend, names in BACKENDS.items():
                for role, name in zip(ROLES, names, strict=True):
                    contents = (Path(scratch) / RUNTIME.name / name).read_bytes()
                    write_script(folder, f"{backend}-{role}", packed(contents))
    return made


# -------------------------------------------------------------------------------------------- the models


def scales():
    """The scales of which both ends are shipped."""
    from srgan_lib import pretrained

    shipped = set(pretrained.names())
    return [scale for scale, ends in ENDS.items() if shipped >= {name for name, _ in ends}]


def models(cache):
    """The cached folder of the models: a script each, and what the catalogue says of them.

    Raises ``LookupError``, in one line, where they cannot be made.
    """
    from srgan_lib import pretrained
    from srgan_lib.errors import SrganError
    from srgan_lib.inference import fast
    from srgan_lib.inference import onnx as export
    from srgan_lib.networks import interpolation

    try:
        weights = [pretrained.file_of(name) for scale in scales() for name, _ in ENDS[scale]]
        code = [Path(module.__file__) for module in (export, fast, interpolation)]
        made = cache / "live" / f"models-{key_of(*weights, *code, Path(__file__))}"
        if not made.exists():
            with whole_folder(made) as folder:
                write_models(folder)
    except SrganError as error:
        raise LookupError(str(error)) from error
    if not weights:
        raise LookupError("no trained weights of two networks of one scale are shipped")
    return made


def write_models(folder):
    """Export the models of every scale, and the catalogue of them."""
    catalogue, parts = [], {}
    for scale in scales():
        catalogue += write_models_of(scale, folder, parts)
    facts = {"models": catalogue, "parts": parts}
    (folder / CATALOGUE).write_text(json.dumps(facts), encoding="utf-8")


def write_models_of(scale, folder, parts):
    """Export both ends and the steps between them: traced once, then only the weights are exchanged.

    Returns their entries of the catalogue, and puts what all of them are cut into into ``parts``.
    """
    from srgan_lib import pretrained
    from srgan_lib.inference import onnx as export
    from srgan_lib.networks.interpolation import interpolate

    first, second = (pretrained.load(name) for name, _ in ENDS[scale])
    traced = export.onnx_graph(first)
    entries = []
    for t in STEPS:
        graph = export.with_weights_of(traced, interpolate(first, second, t))
        graphs = cut(graph, BLOCKS_A_PART)
        texts = [packed(export.stored_in_float16(part).SerializeToString()) for part in graphs]
        entry = entry_of(scale, t)
        write_script(folder, f"model-{entry['name']}", json.dumps(texts))
        entries.append({**entry, "bytes": sum(map(len, texts))})
    parts[scale] = [measured(part) for part in graphs]
    return entries


def entry_of(scale, t):
    """Name and label of the model at ``t``."""
    if t in (0, 1):
        name, label = ENDS[scale][t]
        return {"name": name, "label": label, "t": t, "scale": scale}
    (_, first), (_, second) = ENDS[scale]
    label = f"{1 - t:.0%} {first}, {t:.0%} {second}"
    return {"name": f"interpolated-{t}-x{scale}", "label": label, "t": t, "scale": scale}


def cut(graph, blocks):
    """The graph in parts that run one after the other: each ``blocks`` residual blocks; then the upsampling.

    Values keep their names: what one part gives and another takes is called the same in both.
    """
    from onnx.utils import Extractor

    sums = [node.output[0] for node in graph.graph.node if node.op_type == "Add"]  # one a block, one in all
    shallow = next(node.output[0] for node in graph.graph.node if node.op_type == "PRelu")
    between = sums[blocks - 1 : -2 : blocks]
    extract = Extractor(graph).extract_model
    parts = [extract(["lr"], [shallow, between[0]])]
    parts += [extract([ours], [theirs]) for ours, theirs in pairwise(between)]
    parts += [extract([between[-1], shallow], [sums[-1]])]
    return [*parts, extract([sums[-1]], ["sr"])]


def measured(part):
    """How far a part sees to each side, and its multiplications, both for a pixel of its input."""
    weights = {tensor.name: tensor.dims for tensor in part.graph.initializer}
    reach, work, enlarged = 0.0, 0, 1
    for node in part.graph.node:
        if node.op_type == "DepthToSpace":
            enlarged *= 2
        if node.op_type == "Conv":
            reach += weights[node.input[1]][-1] // 2 / enlarged
            work += math.prod(weights[node.input[1]]) * enlarged**2
    return {"reach": math.ceil(reach), "work": work}


# ---------------------------------------------------------------------------------------------- the page


def write_page_scripts(folder, missing, facts):
    """Write the sources of the page and the catalogue, which says what there is."""
    for source in SOURCES.iterdir():
        if source.name not in WORKER:
            shutil.copyfile(source, folder / source.name)
    write_script(folder, "worker", packed("\n".join(map(_text, WORKER)).encode()))
    catalogue = {"missing": missing, **facts}
    text = f"window.srganLiveBuild = {json.dumps(catalogue)};\n"
    (folder / "catalogue.js").write_text(text, encoding="utf-8")
    (folder / EXAMPLES).write_text(live_examples.script(), encoding="utf-8")


def _text(name):
    return (SOURCES / name).read_text(encoding="utf-8")


def page_scripts():
    """The scripts that the page names, in order: the catalogue, the engine, the examples, the page."""
    return ["catalogue.js", *ENGINE, EXAMPLES, *UI]


def collected(target, cache, registry=None):
    """Fill ``target`` with all that the page needs; returns None, or one sentence: what is missing."""
    target.mkdir(parents=True)
    facts, missing = {"models": [], "parts": {}}, None
    try:
        made = runtime(cache, registry), models(cache)
        for folder in made:
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns(CATALOGUE), dirs_exist_ok=True)
        facts = json.loads((made[1] / CATALOGUE).read_text(encoding="utf-8"))
    except LookupError as error:
        missing = f"The live model is missing: when this book was built it could not be had ({error})."
    write_page_scripts(target, missing, facts)
    return missing


def set_up(app, config):
    if not any((Path(app.srcdir) / f"{PAGE}{suffix}").exists() for suffix in (".ipynb", ".md")):
        return
    static = Path(app.doctreedir) / "live_model"
    shutil.rmtree(static, ignore_errors=True)
    missing = collected(static / FOLDER, Path(pooch.os_cache("srgan-book")))
    if missing:
        logger.info("live model: %s", missing)
    config.html_static_path.append(str(static))


def add_to_page(app, pagename, templatename, context, doctree):
    """Name the scripts on the one page that needs them."""
    if pagename != PAGE:
        return
    for script in page_scripts():
        app.add_js_file(f"{FOLDER}/{script}")
    for sheet in sorted(SOURCES.glob("*.css")):
        app.add_css_file(f"{FOLDER}/{sheet.name}")


def setup(app):
    app.connect("config-inited", set_up)
    app.connect("html-page-context", add_to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
