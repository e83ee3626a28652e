"""A run's parts that the library does not know: a generator, a discriminator, a content loss of one's own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from srgan_lib.errors import SrganError
from srgan_lib.networks import class_name, scale_of_network
from srgan_lib.training.deviations import deviations
from srgan_lib.training.rules import OWN


@dataclass(frozen=True)
class Own:
    """What ``train`` was given: each may be None, and then the run has the library's.

    ``generator`` is a module with an attribute ``scale``, ``discriminator`` a module that gives logits of any
    shape whose first side is the batch's, ``content`` a function of (sr, hr) that gives one number.
    """

    generator: nn.Module | None = None
    discriminator: nn.Module | None = None
    content: Callable | None = None

    def named_in(self, config):
        """``config`` in which these parts are called "own", with what then departs from the paper."""
        changes = {}
        if self.generator is not None:
            changes |= {"network": OWN, "tied_phases": False}
        if self.discriminator is not None:
            changes["discriminator"] = OWN
        if self.content is not None:
            changes["stages"] = [replace(stage, content=OWN) for stage in config.stages]
        if not changes:
            return config
        changed = config.but(**changes)
        return changed.but(deviations=deviations(changed))

    def names(self):
        """{part: the name of its class or function}, of those that there are: for the run record."""
        return {name: class_name(part) for name, part in vars(self).items() if part is not None}

    def check(self, config, names, where):
        """Raise ``SrganError`` for a part that ``config`` calls "own" and that was not given.

        ``names`` are those of the run so far, where there is one; ``where`` is its folder.
        """
        wanted = {
            "generator": config.network == OWN,
            "discriminator": config.discriminator == OWN and any(stage.is_gan for stage in config.stages),
            "content": any(stage.content == OWN for stage in config.stages),
        }
        for part, is_own in wanted.items():
            if (is_own or part in names) and getattr(self, part) is None:
                known = f"a {names[part]}" if part in names else "one's own"
                raise SrganError(f"{where}: the {part} of this run is {known}; give it again: {part}=...")

    def check_generator(self, scale, crop, device):
        """Raise ``SrganError`` unless the generator, on ``device``, makes ``scale`` times larger images."""
        name, found = type(self.generator).__name__, scale_of_network(self.generator)
        if found != scale:
            raise SrganError(f"{name}: scale is {found}, but the configuration's {scale}; make them equal")
        was_training, small = self.generator.training, crop // scale
        with torch.no_grad():
            image = self.generator.eval()(torch.zeros(1, 3, small, small, device=device))
        self.generator.train(was_training)
        if image.shape != (1, 3, crop, crop):
            raise SrganError(
                f"{name}: gives {tuple(image.shape)} for LR (1, 3, {small}, {small});"
                f" its output has to be (1, 3, {crop}, {crop})"
            )
