"""The Sphinx extension that puts the live model into the page: what it writes, and what it does without."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from srgan_lib import pretrained
from srgan_lib.inference import onnx as export
from srgan_lib.networks.generator import Generator

live_model = pytest.importorskip("live_model", reason="Sphinx is not installed: pip install -e '.[book]'")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[test]'")


RECORD = Path(__file__).parents[1] / "srgan_lib/records/browser.json"


def npm_package(contents):
    """A tarball with the files of the runtime, and the integrity that npm would print."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in live_model.RUNTIME.files:
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(contents)
            archive.addfile(entry, io.BytesIO(contents))
    tarball = buffer.getvalue()
    return tarball, "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds a small runtime, and small models under the names of the shipped ones."""
    tarball, integrity = npm_package(b"wasm")
    package = live_model.RUNTIME
    monkeypatch.setattr(
        live_model,
        "RUNTIME",
        type(package)(package.name, package.version, integrity, package.files, package.without_it),
    )
    (tmp_path / "cache/npm").mkdir(parents=True)
    (tmp_path / "cache/npm" / package.tarball).write_bytes(tarball)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    for name, _ in live_model.ENDS[4]:
        pretrained.ship(Generator(blocks=8, channels=4).eval(), name, {})
    return tmp_path / "cache"


SILENT = "http://127.0.0.1:9"


def content_of(script):
    """What a script hands to the engine."""
    text = script.read_text(encoding="utf-8")
    name, content = json.loads(f"[{text.removeprefix('srganLive.receive(').removesuffix(');' + chr(10))}]")
    assert name == script.stem
    return content


def test_all_is_written_and_kept_in_the_cache(cache, tmp_path, monkeypatch):
    assert live_model.collected(tmp_path / "one", cache, SILENT) is None
    for backend in live_model.BACKENDS:
        for role in live_model.ROLES:
            content = content_of(tmp_path / "one" / f"{backend}-{role}.js")
            assert gzip.decompress(base64.b64decode(content)) == b"wasm"
    monkeypatch.setattr(export, "onnx_graph", lambda network: pytest.fail("exported again"))
    (cache / "npm" / live_model.RUNTIME.tarball).unlink()
    assert live_model.collected(tmp_path / "two", cache, SILENT) is None
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two


def test_other_weights_are_exported_anew(cache, tmp_path):
    live_model.models(cache)
    pretrained.ship(Generator(blocks=8, channels=4).eval(), "srgan-vgg54", {})
    live_model.models(cache)
    assert len(list((cache / "live").glob("models-*"))) == 2


def catalogue_of(site):
    text = (site / "catalogue.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.srganLiveBuild = ").removesuffix(";\n"))


def test_parts_say_how_far_they_see(cache, tmp_path):
    live_model.collected(tmp_path / "site", cache, SILENT)
    catalogue = catalogue_of(tmp_path / "site")
    assert list(catalogue["parts"]) == ["4"]
    parts = catalogue["parts"]["4"]
    assert [part["reach"] for part in parts] == [4 + 8, 8 + 1, 3]
    assert parts[0]["work"] == 3 * 4 * 9**2 + 8 * 4 * 4 * 3**2  # the first layer, and two in each of 4 blocks
    assert parts[2]["work"] == 4 * 16 * 3**2 * (1 + 4) + 16 * 12 * 5**2 * 4  # at 1, 2 and 2 times the sides
    assert [model["t"] for model in catalogue["models"]] == list(live_model.STEPS)
    texts = json.loads(content_of(tmp_path / "site/model-interpolated-0.5-x4.js"))
    assert len(texts) == len(parts)
    for packed in texts:
        onnx.checker.check_model(onnx.load_from_string(gzip.decompress(base64.b64decode(packed))))


def test_a_scale_is_there_when_both_its_networks_are_shipped(cache, tmp_path):
    (first, _), (second, _) = live_model.ENDS[2]
    pretrained.ship(Generator(scale=2, blocks=8, channels=4).eval(), first, {})
    live_model.collected(tmp_path / "half", cache, SILENT)
    assert list(catalogue_of(tmp_path / "half")["parts"]) == ["4"]
    pretrained.ship(Generator(scale=2, blocks=8, channels=4).eval(), second, {})
    live_model.collected(tmp_path / "site", cache, SILENT)
    catalogue = catalogue_of(tmp_path / "site")
    assert [(model["scale"], model["t"]) for model in catalogue["models"]] == [
        (scale, t) for scale in (4, 2) for t in live_model.STEPS
    ]
    names = [model["name"] for model in catalogue["models"]]
    assert len(set(names)) == 10 and {first, second} < set(names)
    assert all((tmp_path / f"site/model-{name}.js").exists() for name in names)
    four, two = (catalogue["parts"][scale][-1] for scale in ("4", "2"))
    assert two == {"reach": 3, "work": 4 * 16 * 3**2 + 16 * 12 * 5**2}  # at once, and at twice the sides
    assert four["reach"] == 3 and four["work"] > two["work"]


def test_without_two_networks_of_one_scale_the_page_says_so(cache, tmp_path):
    for file in (tmp_path / "weights").glob("srgan-vgg54.*"):
        file.unlink()
    missing = live_model.collected(tmp_path / "site", cache, SILENT)
    assert "no trained weights of two networks of one scale" in missing
    assert catalogue_of(tmp_path / "site")["models"] == []


def test_a_package_with_another_hash_is_refused(cache, tmp_path):
    tarball, _ = npm_package(b"evil")
    (cache / "npm" / live_model.RUNTIME.tarball).write_bytes(tarball)
    missing = live_model.collected(tmp_path / "site", cache, SILENT)
    assert missing.count(".") >= 1 and "\n" not in missing and live_model.RUNTIME.name in missing
    assert not list((tmp_path / "site").glob("wasm-*")) and not (cache / "live").exists()


def test_missing_packages_for_the_export_are_named(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "NEEDED", ("no_such_package",))
    missing = live_model.collected(tmp_path / "site", cache, SILENT)
    assert "pip install no_such_package" in missing
    assert json.dumps(missing) in (tmp_path / "site/catalogue.js").read_text(encoding="utf-8")


def test_a_build_without_a_network_passes_and_says_so(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(live_model.logger, "info", lambda text, *values: said.append(text % values))
    monkeypatch.setattr(live_model.pooch, "os_cache", lambda name: tmp_path / "cache")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", SILENT)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / f"{live_model.PAGE}.md").write_text("# Page\n")
    app = SimpleNamespace(srcdir=tmp_path / "source", doctreedir=tmp_path / "trees")
    config = SimpleNamespace(html_static_path=[])
    live_model.set_up(app, config)
    assert len(said) == 1 and "does not answer" in said[0] and "\n" not in said[0]
    assert (tmp_path / "trees/live_model/live/catalogue.js").exists()
    assert config.html_static_path == [str(tmp_path / "trees/live_model")]


def test_a_book_without_the_page_needs_nothing(tmp_path):
    config = SimpleNamespace(html_static_path=[])
    live_model.set_up(SimpleNamespace(srcdir=tmp_path, doctreedir=tmp_path), config)
    assert config.html_static_path == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("page", "wanted"), [(live_model.PAGE, True), ("index", False)])
def test_only_one_page_names_the_scripts(page, wanted):
    named = []
    app = SimpleNamespace(add_js_file=named.append, add_css_file=named.append)
    live_model.add_to_page(app, page, None, {}, None)
    assert bool(named) == wanted
    assert not any("runtime" in name or "model-" in name or "binary" in name for name in named)


def test_the_chosen_settings_are_the_fastest_of_those_measured():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["hardware"]["onnxruntime-web"] == live_model.RUNTIME.version, "measure again: browser.py"
    seconds = {name: way["seconds_per_megapixel"] for name, way in record["settings"].items()}
    assert seconds["as it is"] < 1.05 * min(seconds.values())
    for way in [*record["ways"].values(), *record["settings"].values()]:
        assert way["largest_difference"] <= 1


def test_pin_is_complete():
    algorithm, digest = live_model.RUNTIME.known_hash.split(":")
    assert algorithm == "sha512" and len(digest) == 128
