"""All networks that enlarge images, by the name that a configuration and a weights file give them."""

from srgan_lib.errors import unknown_name
from srgan_lib.networks.baselines import DRCN, ESPCN, SRCNN
from srgan_lib.networks.generator import Generator

NETWORKS = {"srresnet": Generator, "srcnn": SRCNN, "espcn": ESPCN, "drcn": DRCN}


def build(network="srresnet", **settings):
    """A new network: "srresnet" is the ``Generator``. ``settings`` are those of its class.

    Raises ``SrganError`` for an unknown name and for settings that cannot be built.
    """
    if network not in NETWORKS:
        raise unknown_name("network", network, NETWORKS)
    return NETWORKS[network](**settings)


def is_network(model):
    """Whether ``model`` is one of them, and not a name or a path."""
    return isinstance(model, tuple(NETWORKS.values()))
