"""Networks on disk: safetensors files that carry the network's settings with its weights.

Nothing is unpickled: a safetensors file holds numbers and text only, so a foreign one cannot run code.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from srgan_lib.errors import SrganError
from srgan_lib.networks import build, class_name, is_ours, scale_of_network
from srgan_lib.networks.phases import with_plain_weights
from srgan_lib.support.files import whole_file

# What other programs call files of weights; those of PyTorch can run code when they are opened
FOREIGN_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".pkl", ".h5", ".onnx", ".npz", ".pb", ".tflite")
CONVERT = (
    "if it has the layers of srgan_lib's Generator, give it to one with load_state_dict and write that with"
    " srgan_lib.networks.weights.save_generator"
)
SETTINGS = "generator"  # the metadata key of a network's ``config``
OWN = "own"  # that of a network whose class is not the library's: the class's name and its scale


def save_generator(generator, path, dtype=torch.float32):
    """Write a generator's weights, as ``dtype``, and its settings to ``path``. Returns the file's sha256.

    Of a network of one's own the name of its class is written instead of settings. Raises ``SrganError`` when
    the file cannot be written; an older file of that name is then still whole.
    """
    if is_ours(generator):
        state = with_plain_weights(generator).state_dict()
        metadata = {SETTINGS: json.dumps(generator.config)}
    else:
        state = generator.state_dict()
        metadata = {OWN: json.dumps({"class": class_name(generator), "scale": scale_of_network(generator)})}
    state = {
        name: (value.to(dtype) if value.is_floating_point() else value).detach().cpu().contiguous().clone()
        for name, value in state.items()
    }
    with whole_file(path) as temporary:
        save_file(state, temporary, metadata=metadata)
    return file_sha256(path)


def load_generator(path, device="cpu", generator=None):
    """The network in the file ``path``, in eval mode. Half-precision weights are read as float32.

    ``generator`` is needed, and filled, where the file's network is of a class of one's own. Raises
    ``SrganError`` where it is missing, and for a file that is missing, damaged, or of another program.
    """
    settings, name, state = _read(Path(path))
    if name or generator is not None:
        return load_own(generator, state, name, path).to(device).eval()
    try:
        generator = build(**settings)
        generator.load_state_dict(state)
    except (TypeError, RuntimeError) as error:
        raise SrganError(
            f"{path}: its weights do not fit the generator it describes; get the file again"
        ) from error
    return generator.to(device).eval()


def load_own(generator, state, name, where):
    """``generator`` with the weights ``state``, which a network of the class ``name`` saved at ``where``.

    Raises ``SrganError`` where it is None, or of another shape.
    """
    if generator is None:
        new = f"{name.rpartition('.')[2]}()"
        raise SrganError(f"{where}: its generator is a {name}; give one: sr.load(..., generator={new})")
    try:
        generator.load_state_dict(state)
    except RuntimeError as error:
        raise SrganError(
            f"{where}: its weights do not fit this {type(generator).__name__}"
            f" ({str(error).splitlines()[-1].strip()}); build it as it was trained"
        ) from error
    return generator


def start_from(generator, path):
    """Give a generator the weights in a file, in place.

    The file's network may have another scale: all that happens at low resolution, the sub-pixel layers that
    both have and the last convolution are then taken over (where they have one shape: ESPCN's has not), and
    other layers stay as they were.
    A network of one's own takes the weights of one of its class. Raises ``SrganError`` where the networks
    differ in more than that.
    """
    if not is_ours(generator):
        load_generator(path, generator=generator)
        return
    initial = load_generator(path)
    theirs, ours = ({**network.config, "scale": None} for network in (initial, generator))
    if theirs != ours:
        raise SrganError(f"{path}: is {initial.config}, not the {generator.config} of this run; change one")
    known = generator.state_dict()
    for name, value in initial.state_dict().items():
        if name in known and known[name].shape == value.shape:
            known[name] = value
    generator.load_state_dict(known)


def file_sha256(path):
    """The sha256 of a file, as hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _read(path):
    """(settings, class of one's own, state dict in float32) of a generator's file; one of the two is None."""
    if not path.exists():
        raise SrganError(f"{path}: no such file; check the path, or name a shipped model")
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        raise SrganError(f"{path}: {_foreign_reason(path)}; {CONVERT}")
    try:
        with safe_open(path, framework="pt") as file:
            texts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        settings, own = (json.loads(texts.get(kind, "null")) for kind in (SETTINGS, OWN))
    except (OSError, SafetensorError, ValueError) as error:
        raise SrganError(f"{path}: not a readable safetensors file ({error}); get the file again") from error
    if not isinstance(settings or own, dict):
        raise SrganError(
            f"{path}: not a generator saved by srgan_lib (no settings in it, {_layers(tensors)}); {CONVERT}"
        )
    state = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    return settings, own and own["class"], state


def _foreign_reason(path):
    """Why a file of another program is not opened, with the names of its layers where they can be read."""
    if path.suffix.lower() not in (".pth", ".pt", ".ckpt", ".bin"):
        return f"{path.suffix} is a format of another program, which srgan_lib does not read"
    reason = "weights pickled by PyTorch, which could run code when they are opened"
    try:
        state = torch.load(path, map_location="meta", weights_only=True)  # numbers and names, no code
        while isinstance(state, dict) and not any(hasattr(value, "shape") for value in state.values()):
            state = next(value for value in state.values() if isinstance(value, dict))  # {"params_ema": ...}
        return f"{reason} ({_layers(state)})"
    except Exception:  # whatever it holds: it is not opened
        return reason


def _layers(tensors):
    names = list(tensors)
    return f"its first layer is {names[0]!r}" if names else "it is empty"
