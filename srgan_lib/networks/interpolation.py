"""A generator between two others: their weights, mixed."""

import copy

import torch

from srgan_lib.errors import SrganError


def interpolate(a, b, t):
    """The generator whose weights are (1 - t) of ``a``'s and t of ``b``'s, in eval mode; 0 <= t <= 1.

    ``a`` and ``b`` are ``Generator`` objects of the same settings, not folded; both stay as they are, and at
    the two ends their weights come back bit for bit. Batch normalisation: scales, shifts and the running
    statistics are mixed as every other weight, and ``fold_batch_norm`` comes *after* it. Folding multiplies
    weights by scales and divides them by deviations, so a mixture of folded networks is another network.

    The mixture is of use when one of the two was trained from the other, as SRGAN from SRResNet: then a
    channel has the same meaning in both. Raises ``SrganError`` for other settings, folded networks and
    other t.
    """
    if not 0 <= t <= 1:
        raise SrganError(
            f"t is {t}, outside of [0, 1]: beyond the ends variances may be negative; stay between"
        )
    if a.config != b.config:
        differing = sorted(name for name in a.config if a.config[name] != b.config.get(name))
        raise SrganError(f"the two generators differ in {', '.join(differing)}; mix generators of one kind")
    ours, theirs = a.state_dict(), b.state_dict()
    if len(ours) != len(a.__class__(**a.config).state_dict()) or ours.keys() != theirs.keys():
        raise SrganError("batch normalisation is folded in already; mix first, then fold_batch_norm()")
    mixture = copy.deepcopy(a).eval()
    mixture.load_state_dict({name: _between(ours[name], theirs[name], t) for name in ours})
    return mixture


def _between(ours, theirs, t):
    theirs = theirs.to(ours.device)
    if not ours.is_floating_point():  # the count of batches seen, which nothing uses at test time
        return ours if t < 0.5 else theirs
    return torch.lerp(ours, theirs, float(t))  # exact at both ends
