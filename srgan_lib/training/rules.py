"""What each setting of a run may be: one table for ``Stage``, one for ``Config``.

A rule is what a user reads after "use", and a function that says whether a value keeps it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real

from srgan_lib.degradations import DEGRADATIONS
from srgan_lib.errors import SrganError
from srgan_lib.networks import NETWORKS
from srgan_lib.networks.vgg import LAYERS

OWN = "own"  # a part of one's own, given to ``train`` itself
PIXELS = ("mse", "luma")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
ANNEALING = ("steps", "cosine")
STEPS = ("auto", "plain", "fast")
DISCRIMINATORS = ("figure4", "features", OWN)
NOT_IN_NAMES = set('<>:"/\\|?*')  # a stage names a file, also on Windows


@dataclass(frozen=True)
class Rule:
    """``holds`` says whether a value is allowed; ``wanted`` says what is, to follow the word "use"."""

    wanted: str
    holds: Callable


def whole(low, high=None):
    """Whole numbers from ``low`` on, or to ``high``."""
    wanted = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    return Rule(wanted, lambda value: _is_whole(value) and low <= value <= (high or math.inf))


def number(low, high=math.inf, above=False, below=False):
    """Numbers from ``low`` (or ``above`` it) to ``high`` (or ``below`` it); never infinite or no number."""
    start = f"above {low:g}" if above else f"from {low:g}"
    end = " on" if math.isinf(high) and not above else ""
    end = end if math.isinf(high) else f" to below {high:g}" if below else f" to {high:g}"

    def holds(value):
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            return False
        return (low < value if above else low <= value) and (value < high if below else value <= high)

    return Rule(f"a number {start}{end}", holds)


def one_of(*names):
    """One of several names or numbers."""
    last = f"{', '.join(map(str, names[:-1]))} or {names[-1]}"
    return Rule(last, lambda value: type(value) is type(names[0]) and value in names)


def some_of(names, what):
    """A tuple of at least one of several names."""
    return Rule(what, lambda value: isinstance(value, tuple) and value and set(value) <= set(names))


def several(rule, what):
    """A tuple, perhaps empty, of what another rule allows."""
    return Rule(what, lambda value: isinstance(value, tuple) and all(map(rule.holds, value)))


def optional(rule):
    """None, or what another rule allows."""
    return Rule(f"{rule.wanted}, or leave it out", lambda value: value is None or rule.holds(value))


def _is_whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_text(value):
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _is_name(value):
    usable = _is_text(value) and value.isprintable() and not NOT_IN_NAMES & set(value)
    return usable and value[0] not in ". " and len(value) < 100


TEXT = Rule("some text", _is_text)
NAME = Rule("a name that a file can have, such as srgan-vgg54", _is_name)
FLAG = Rule("True or False", lambda value: isinstance(value, bool))

STAGE = {
    "name": NAME,
    "updates": whole(1),
    "content": one_of(*PIXELS, *(f"vgg{layer}" for layer in LAYERS), OWN),
    "adversarial": number(0),
    "total_variation": number(0),
    "consistency": number(0),
    "discriminator_first": whole(0),
    "discriminator_rate": optional(number(0)),
    "learning_rate": number(0),
    "annealing": one_of(*ANNEALING),
    "drop": number(0, 1),
    "drop_at": several(whole(1), "a list of whole numbers of at least 1"),
    "warm_up": whole(0),
    "batch": whole(1),
}

CONFIG = {
    "stages": Rule("a list of at least one stage", lambda value: isinstance(value, tuple) and len(value) > 0),
    "out": TEXT,
    "data": TEXT,
    "lr_data": optional(TEXT),
    "validation": TEXT,
    "held_out": whole(0),
    "degradation": one_of(*DEGRADATIONS),
    "network": one_of(*NETWORKS, OWN),
    "scale": one_of(2, 4, 8),
    "crop": whole(8),
    "blocks": whole(1),
    "channels": whole(1),
    "batch_norm": FLAG,
    "long_skip": FLAG,
    "tied_phases": FLAG,
    "stored_statistics": FLAG,
    "discriminator": one_of(*DISCRIMINATORS),
    "discriminator_layers": some_of(LAYERS, "a list of VGG19's feature maps, such as 12, 22"),
    "joint_batch": FLAG,
    "adversarial_balance": number(0),
    "flat_crops": number(0, 1, below=True),
    "initial": optional(TEXT),
    "vgg_weights": optional(TEXT),
    "seed": whole(0, 2**32 - 1),
    "ema": number(0, 1, below=True),
    "device": TEXT,
    "precision": one_of(*PRECISIONS),
    "step": one_of(*STEPS),
    "memory": whole(1),
    "log_every": whole(1),
    "validate_every": whole(0),
    "preview_every": whole(0),
    "moments": whole(0),
    "save_every": whole(0),
    "time_limit": optional(number(0, above=True)),
    "tensorboard": FLAG,
    "deviations": several(TEXT, "a list of texts"),
}


def check(settings, table, where):
    """Raise ``SrganError`` for the first field of a dataclass ``settings`` that breaks its rule in ``table``.

    The line names the setting, its value and what it may be; ``where`` is what the settings belong to.
    """
    for item in fields(settings):
        value, rule = getattr(settings, item.name), table[item.name]
        if not _holds(rule, value):
            raise SrganError(f"{where}: {item.name} is {_shown(value)}; use {rule.wanted}")


def read(text, rule):
    """The value that a text such as "0.5" or "12,22" means: the first reading of it that ``rule`` allows.

    Where it allows none, the plainest: ``check`` will then say what is wrong with it.
    """
    readings = [*_numbers(text), *_words(text), text, *_lists(text)]
    return next((value for value in readings if _holds(rule, value)), readings[0])


def _numbers(text):
    for kind in (int, float):
        try:
            return [kind(text)]
        except ValueError:
            continue
    return []


def _words(text):
    words = {"true": True, "false": False, "none": None}
    return [words[text.lower()]] if text.lower() in words else []


def _lists(text):
    parts = [part.strip() for part in text.split(",") if part.strip()]
    numbers = [number for part in parts for number in _numbers(part)]
    return [tuple(parts), tuple(numbers)] if len(numbers) == len(parts) else [tuple(parts)]


def _holds(rule, value):
    try:
        return bool(rule.holds(value))
    except (TypeError, ValueError):  # a list of lists in a set, an array
        return False


def _shown(value):
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
