"""ONNX files of the networks, run by ONNX Runtime, against PyTorch."""

import builtins
import importlib.util

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.inference import onnx as export
from srgan_lib.networks.baselines import ESPCN, SRCNN
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.interpolation import interpolate
from srgan_lib.networks.weights import file_sha256, save_generator

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[test]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install -e '.[test]'")
onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed: pip install -e '.[test]'"
)

EXACT = 5e-6  # of a range of 2: other orders of the same sums
LEVEL = 2 / 255
SIZES = st.integers(1, 40)


def session(graph):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    contents = graph if isinstance(graph, bytes) else graph.SerializeToString()
    return onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])


def difference(running, network, lr):
    """The largest between ONNX Runtime and PyTorch; the shape must agree."""
    with torch.inference_mode():
        expected = network(lr).numpy()
    found = running.run(["sr"], {"lr": lr.numpy()})[0]
    assert found.shape == expected.shape and found.dtype == np.float32
    return np.abs(found - expected).max()


def lr_of(height, width, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def shipped():
    """A shipped generator, its graph and both running forms of it."""
    return _running("srgan-vgg54")


@pytest.fixture(scope="module", params=pretrained.names())
def any_shipped(request):
    """Each shipped network, in the same forms."""
    return _running(request.param)


def _running(name):
    network = pretrained.load(name)
    graph = export.onnx_graph(network)
    return network, graph, session(graph), session(export.stored_in_float16(graph))


@settings(max_examples=12, deadline=None)
@given(height=SIZES, width=SIZES, seed=st.integers(0, 99))
def test_every_shipped_network_in_any_size(any_shipped, height, width, seed):
    network, _, exact, halved = any_shipped
    lr = lr_of(height, width, seed)
    assert difference(exact, network, lr) < EXACT
    assert difference(halved, network, lr) < LEVEL / 2


def test_float16_weights_change_a_photo_by_one_level_at_most(shipped):
    network, _, _, halved = shipped
    from skimage import data

    from srgan_lib.images import from_signed, to_unit

    lr = to_unit(data.coffee()[100:160, 200:280]).unsqueeze(0)
    with torch.inference_mode():
        expected = from_signed(network(lr)).astype(int)
    found = from_signed(torch.from_numpy(halved.run(["sr"], {"lr": lr.numpy()})[0]))
    assert np.abs(found - expected).max() <= 1 and (found != expected).mean() < 0.05


def test_float16_halves_the_file_and_keeps_float32_arithmetic(shipped):
    _, graph, _, _ = shipped
    halved = export.stored_in_float16(graph)
    assert halved.ByteSize() < 0.52 * graph.ByteSize()
    onnx.checker.check_model(halved, full_check=True)
    assert {
        graph.graph.input[0].type.tensor_type.elem_type,
        graph.graph.output[0].type.tensor_type.elem_type,
    } == {onnx.TensorProto.FLOAT}
    assert not any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.graph.initializer)


def test_batch_normalisation_is_folded_and_sides_are_free(shipped):
    _, graph, _, _ = shipped
    onnx.checker.check_model(graph, full_check=True)
    assert {node.op_type for node in graph.graph.node} == {"Conv", "PRelu", "Add", "DepthToSpace"}
    sides = [dim.dim_param for dim in graph.graph.input[0].type.tensor_type.shape.dim[2:]]
    assert sides == ["h", "w"]


@pytest.mark.parametrize(
    "settings",
    [
        {"scale": 2},
        {"scale": 8, "shared_prelu": True},
        {"batch_norm": False, "long_skip": False},
        {"bias_before_norm": False},
    ],
    ids=str,
)
def test_every_kind_of_generator(settings):
    torch.manual_seed(0)
    network = Generator(blocks=2, channels=6, **settings).eval()
    assert difference(session(export.onnx_graph(network)), network, lr_of(9, 14)) < EXACT


@pytest.mark.parametrize("kind", [SRCNN, ESPCN])
def test_the_networks_of_table_2(kind):
    torch.manual_seed(0)
    network = kind().eval()
    running = session(export.onnx_graph(network))
    assert difference(running, network, lr_of(9, 14)) < EXACT
    assert difference(running, network, lr_of(31, 5)) < EXACT


def test_exchanged_weights_are_the_other_networks():
    torch.manual_seed(0)
    one, other = (Generator(blocks=2, channels=6).eval() for _ in range(2))
    for network in (one, other):
        shake(network)
    graph = export.with_weights_of(export.onnx_graph(one), other)
    assert difference(session(graph), other, lr_of(9, 14)) < EXACT


def test_weights_of_another_kind_are_refused():
    small, large = Generator(blocks=1, channels=6).eval(), Generator(blocks=2, channels=6).eval()
    with pytest.raises(SrganError, match="one kind"):
        export.with_weights_of(export.onnx_graph(small), large)


def shake(network):
    """Random statistics of batch normalisation and slopes, so that no two layers are alike."""
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if values.is_floating_point():
                noise = torch.rand_like(values) if "var" in name else 0.1 * torch.randn_like(values)
                values += noise


def test_interpolation_folds_after_mixing(tmp_path):
    torch.manual_seed(0)
    files, networks = [], []
    for name in ("a", "b"):
        network = Generator(blocks=2, channels=6).eval()
        shake(network)
        save_generator(network, tmp_path / f"{name}.safetensors")
        files.append(str(tmp_path / f"{name}.safetensors"))
        networks.append(network)
    target = tmp_path / "half.onnx"
    assert main(["export", "onnx", files[0], "-o", str(target), "--towards", files[1], "--t", "0.5"]) == 0
    facts = {entry.key: entry.value for entry in onnx.load(target).metadata_props}
    assert facts["model"] == "a.safetensors and b.safetensors" and "licence" not in facts
    assert '"t": 0.5' in facts["interpolation"]
    running, lr = session(target.read_bytes()), lr_of(9, 14)
    assert difference(running, interpolate(*networks, 0.5), lr) < EXACT
    with torch.inference_mode():
        means = {
            name: (value + networks[1].fold_batch_norm().state_dict()[name]) / 2
            for name, value in networks[0].fold_batch_norm().state_dict().items()
        }
        folded_first = networks[0].fold_batch_norm()
        folded_first.load_state_dict(means)
    assert difference(running, folded_first, lr) > 100 * EXACT


def test_the_file_says_what_it_is(shipped, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(export, "onnx_graph", lambda network: shipped[1])  # tracing takes seconds
    target = tmp_path / "model.onnx"
    assert main(["export", "onnx", "srgan-vgg54", "-o", str(target), "--weights", "float16"]) == 0
    assert capsys.readouterr().out == f"{target}: 3 MB\n"
    facts = {entry.key: entry.value for entry in onnx.load(target).metadata_props}
    assert facts["model"] == "srgan-vgg54" and facts["licence"] == "MIT"
    assert facts["weights_sha256"] == file_sha256(pretrained.path("srgan-vgg54"))
    assert 3.2e6 < target.stat().st_size < 3.5e6


def test_the_books_address_comes_from_the_installed_package(monkeypatch):
    class Metadata:
        def get_all(self, name, default):
            return ["Repository, https://example.org/book", "Other, https://example.org"]

    monkeypatch.setattr(export.importlib.metadata, "metadata", lambda name: Metadata())
    assert export._book_address() == "https://example.org/book"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("srgan-vgg",), "did you mean 'srgan-vgg54'"),
        (("srgan-vgg54", "--t", "0.5"), "both models and t"),
        (("srgan-vgg54", "--towards", "srresnet-mse"), "both models and t"),
        (("srgan-vgg54", "--towards", "srresnet-mse", "--t", "2"), "outside of [0, 1]"),
        (("no.safetensors",), "no such file"),
        (("srgan-vgg54", "-o", "nowhere/x.onnx"), "no folder nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_in_one_line(arguments, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "onnx", *arguments]) == 1
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_generator_is_not_mixed_with_another_network(tmp_path):
    with pytest.raises(SrganError, match="only generators"):
        export.export_onnx(Generator(blocks=1).eval(), tmp_path / "x.onnx", towards=ESPCN().eval(), t=0.5)


def test_unknown_storage_is_refused(tmp_path):
    with pytest.raises(SrganError, match="float32 or float16"):
        export.export_onnx("srgan-vgg54", tmp_path / "x.onnx", weights="int8")


def test_weights_too_large_for_float16_are_named():
    network = Generator(blocks=1, channels=6, batch_norm=False).eval()
    with torch.no_grad():
        network.tail.weight[0, 0, 0, 0] = 1e5
    with pytest.raises(SrganError, match=r"tail\.weight has weights beyond 65504"):
        export.stored_in_float16(export.onnx_graph(network))


def test_missing_packages_are_named(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "onnx" in name else find(name))
    with pytest.raises(SrganError, match="pip install onnx onnxscript"):
        export.export_onnx("srgan-vgg54", tmp_path / "x.onnx")


def test_nothing_of_onnx_is_imported_before_it_is_needed(monkeypatch):
    ordinary = builtins.__import__

    def without_onnx(name, *rest):
        assert not name.startswith("onnx"), name
        return ordinary(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_onnx)
    importlib.reload(export)
