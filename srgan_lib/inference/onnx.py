"""Networks as ONNX files, which ONNX Runtime runs without PyTorch: in a browser, on a phone, from C++.

Needs the packages ``onnx`` and ``onnxscript``: ``pip install 'srgan_lib[export]'``.
"""

import copy
import importlib.metadata
import importlib.util
import json
import logging
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from srgan_lib import __version__, pretrained
from srgan_lib.errors import SrganError
from srgan_lib.inference.fast import before_rearrangement
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.interpolation import interpolate
from srgan_lib.networks.weights import file_sha256
from srgan_lib.support.files import whole_file

NEEDED = "onnx", "onnxscript"
OPSET = 18
WEIGHTS = "float32", "float16"
LICENCE = "MIT"  # of the shipped weights, as of all the repository but its text
FLOAT16_MAX = 65504


def export_onnx(
    model: str | Path | nn.Module,
    path: str | Path,
    weights: str = "float32",
    towards: str | Path | nn.Module | None = None,
    t: float | None = None,
) -> Path:
    """Write a network as an ONNX file that takes images of any size; returns ``path``.

    Input ``lr``, float32 (1, 3, h, w) in [0, 1]; output ``sr``, float32 (1, 3, 4h, 4w) in about [-1, 1], as
    in PyTorch. Batch normalisation is folded into the convolutions. ``model`` is a shipped name, a weights
    file, a run's folder (also of a run that was stopped) or a network, also one's own with an attribute
    ``scale``. With ``weights="float16"`` the convolutions' weights are stored in 16 bits, which halves the
    file; the arithmetic stays float32. ``towards`` names a second model: the file then holds the
    interpolation (1 - t) of the first and t of the second, folded after mixing. The file's metadata say what
    it is. Raises ``SrganError`` for an unknown model, for t without ``towards``, for missing packages and
    where nothing can be written.
    """
    if weights not in WEIGHTS:
        raise SrganError(f"weights are {' or '.join(WEIGHTS)}, not {weights!r}")
    if (towards is None) != (t is None):
        raise SrganError("an interpolation needs both models and t: export A --towards B --t 0.5")
    if not Path(path).parent.is_dir():
        raise SrganError(f"cannot write {path}: there is no folder {Path(path).parent}; make it first")
    network = pretrained.as_generator(model)
    sources = [model]
    if towards is not None:
        other = pretrained.as_generator(towards)
        if not (type(network) is type(other) is Generator):
            raise SrganError("only generators can be interpolated; leave --towards out")
        network, sources = interpolate(network, other, t), [model, towards]
    graph = onnx_graph(network)
    describe(graph, sources, t)
    contents = (stored_in_float16(graph) if weights == "float16" else graph).SerializeToString()
    with whole_file(path) as temporary:
        temporary.write_bytes(contents)
    return Path(path)


def onnx_graph(network):
    """The ``onnx.ModelProto`` of a network, float32, sides ``h`` and ``w`` free. Weights keep their names."""
    _check_packages()
    module = Arranged(network) if type(network) is Generator else _as_it_is(network)
    module = module.cpu().float().eval()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # notes on operators that are not used here
    sides = {2: torch.export.Dim("h", min=1), 3: torch.export.Dim("w", min=1)}
    program = torch.onnx.export(
        module,
        (torch.zeros(1, 3, 24, 20),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["lr"],
        output_names=["sr"],
        dynamic_shapes=(sides,),
        optimize=True,
        verbose=False,
    )
    graph = program.model_proto
    if isinstance(module, Arranged):
        _name_slopes(graph, module)
    return graph


def _as_it_is(network):
    return network.fold_batch_norm() if hasattr(network, "fold_batch_norm") else copy.deepcopy(network)


class Arranged(nn.Module):
    """The generator with its last rearrangement made on the image (see ``fast``): the same function.

    Each PReLU of the upsampling part comes before its rearrangement, with its slopes repeated: the large maps
    are passed over once less.
    """

    def __init__(self, generator):
        super().__init__()
        folded = generator.fold_batch_norm()
        self.long_skip = generator.config["long_skip"]
        self.head, self.trunk, self.merge = folded.head, folded.trunk, folded.merge[0]
        self.upsample = nn.ModuleList(
            nn.Sequential(block.conv, _repeated(block.activation)) for block in folded.upsample
        )
        self.tail = before_rearrangement(folded.tail)

    def forward(self, lr):
        shallow = self.head(lr)
        features = self.merge(self.trunk(shallow))
        features = shallow + features if self.long_skip else features
        for block in self.upsample[:-1]:
            features = functional.pixel_shuffle(block(features), 2)
        return functional.pixel_shuffle(self.tail(self.upsample[-1](features)), 2)


def _repeated(activation):
    """A PReLU of c slopes for the 4c channels before a rearrangement."""
    slopes = activation.weight.detach()
    early = nn.PReLU(4 * len(slopes) if len(slopes) > 1 else 1)
    early.weight = nn.Parameter(slopes.repeat_interleave(4) if len(slopes) > 1 else slopes)
    return early


def with_weights_of(graph, network):
    """A copy of ``graph``, which ``onnx_graph`` made of a ``Generator``, with another's weights.

    Both generators have the same settings. Tracing takes seconds, this takes none.
    """
    import onnx
    from onnx import numpy_helper

    state = Arranged(network).float().state_dict()
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    for tensor in copy.graph.initializer:
        if tensor.name in state:
            values = state.pop(tensor.name).numpy().reshape(tensor.dims)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    if state:
        raise SrganError(f"the graph has no weights {', '.join(state)}; export generators of one kind")
    return copy


def stored_in_float16(graph):
    """A copy of an ``onnx.ModelProto`` with its convolutions' weights in float16, which casts widen again.

    Biases and slopes, a hundredth of the numbers, stay float32. Raises ``SrganError`` for a weight that
    float16 cannot hold.
    """
    import onnx
    from onnx import helper, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    casts = []
    for tensor in copy.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim != 4 or values.shape[0] * values.shape[1] < 2:
            continue
        if np.abs(values).max() > FLOAT16_MAX:
            raise SrganError(f"{tensor.name} has weights beyond {FLOAT16_MAX}; export it with float32")
        name, stored = tensor.name, f"{tensor.name}.float16"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(copy.graph.node)
    del copy.graph.node[:]
    copy.graph.node.extend([*casts, *nodes])
    return copy


def describe(graph, sources, t=None):
    """Write into ``graph`` what it is: models, the sha256 of their weights, licence, the book's address."""
    import onnx

    facts = {
        "model": " and ".join(map(_name, sources)),
        "weights_sha256": " ".join(filter(None, map(_sha256, sources))),
        "licence": LICENCE if all(map(_is_shipped, sources)) else None,  # others have their own
        "book": _book_address(),
        "srgan_lib": __version__,
    }
    if t is not None:
        facts["interpolation"] = json.dumps({"t": t, "batch_norm": "folded after interpolation"})
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, {name: value for name, value in facts.items() if value})


def _is_shipped(model):
    return not isinstance(model, nn.Module) and str(model).lower() in pretrained.names()


def _name(model):
    return type(model).__name__ if isinstance(model, nn.Module) else Path(model).name


def _sha256(model):
    file = None if isinstance(model, nn.Module) else pretrained.file_of(model)
    return file_sha256(file) if file else None


def _book_address():
    """The project's public address, as its own installed metadata say."""
    try:
        entries = importlib.metadata.metadata("srgan_lib").get_all("Project-URL", [])
    except importlib.metadata.PackageNotFoundError:  # used from a folder, not installed
        return None
    return dict(entry.split(", ", 1) for entry in entries).get("Repository")


def _check_packages():
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise SrganError(f"writing ONNX needs {' and '.join(absent)}: pip install {' '.join(absent)}")


def _name_slopes(graph, module):
    """Give each PReLU's slopes, which the exporter reshapes and numbers, the name they have in ``module``."""
    names = [f"{name}.weight" for name, part in module.named_modules() if isinstance(part, nn.PReLU)]
    numbered = {tensor.name: tensor for tensor in graph.graph.initializer}
    nodes = [node for node in graph.graph.node if node.op_type == "PRelu"]
    if any(node.input[1] not in numbered for node in nodes):
        return  # reshaped when the graph runs: then the slopes have kept their names
    for old in {node.input[1] for node in nodes}:  # equal slopes of two layers may be stored once
        graph.graph.initializer.remove(numbered[old])
    for node, name in zip(nodes, names, strict=True):
        own = graph.graph.initializer.add()
        own.CopyFrom(numbered[node.input[1]])
        own.name = node.input[1] = name
