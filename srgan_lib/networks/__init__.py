"""All networks that enlarge images, by the name that a configuration and a weights file give them."""

from torch import nn

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.networks.baselines import DRCN, ESPCN, SRCNN
from srgan_lib.networks.generator import Generator
from srgan_lib.support.lazy import lazy_modules

NETWORKS = {"srresnet": Generator, "srcnn": SRCNN, "espcn": ESPCN, "drcn": DRCN}

__getattr__, __dir__ = lazy_modules(__name__, globals())


def build(network="srresnet", **settings):
    """A new network: "srresnet" is the ``Generator``. ``settings`` are those of its class.

    Raises ``SrganError`` for an unknown name and for settings that cannot be built.
    """
    if network not in NETWORKS:
        raise unknown_name("network", network, NETWORKS)
    return NETWORKS[network](**settings)


def settings_in(values):
    """What ``build`` needs, out of all the settings of a run: a dictionary as in its ``config.json``."""
    names = ["network", "scale"]
    if values["network"] == "srresnet":
        names = ["scale", "blocks", "channels", "batch_norm", "long_skip"]
    return {name: values[name] for name in names if name in values}


def is_ours(network):
    """Whether a network's class is one of the library's; a class derived from one of them is one's own."""
    return type(network) in NETWORKS.values()


def scale_of_network(network):
    """How many times larger a network makes an image: its attribute ``scale``.

    Raises ``SrganError`` for a module that has none: one's own needs it.
    """
    scale = getattr(network, "scale", None)
    if not isinstance(scale, int) or scale < 1:
        raise SrganError(
            f"{type(network).__name__}: a network needs an attribute scale, how many times larger it makes"
            " an image; write self.scale = 4 in its __init__"
        )
    return scale


def class_name(part):
    """The full name of a module's class, or of a function: what names it in records and files."""
    named = type(part) if isinstance(part, nn.Module) or not hasattr(part, "__qualname__") else part
    return f"{named.__module__}.{named.__qualname__}"
