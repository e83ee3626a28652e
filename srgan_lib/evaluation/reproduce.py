"""The models of the paper's tables, one after the other, in the time there is: ``srgan reproduce``.

The five of Table 1 or, asked for by name, those of others in Table 2.

A folder holds the whole: ``plan.json`` (how many updates each model gets, and why), a run a model, and in
``models/`` what can be shipped: weights, record and model card. Called again, it goes on where it was.
"""

import json
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from srgan_lib import pretrained
from srgan_lib.data.bank import PatchBank
from srgan_lib.data.sources import photos_of
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.evaluation.model_cards import licences, make_ready
from srgan_lib.networks import build
from srgan_lib.support.devices import pick_device
from srgan_lib.support.files import whole_file
from srgan_lib.training import loop
from srgan_lib.training.config import Config, Stage
from srgan_lib.training.content import generator_loss
from srgan_lib.training.step import Networks

FIRST = "srresnet-mse"
HALF = {"updates": 200_000, "drop_at": (100_000,)}  # 1e5 updates at 1e-4 and 1e5 at 1e-5
# In the order of their importance. SRResNet-VGG22's schedule is not the paper's: it starts from FIRST too.
MODELS = {
    stage.name: stage
    for stage in (
        Stage(FIRST, updates=1_000_000),
        Stage("srgan-vgg54", content="vgg54", adversarial=1e-3, **HALF),
        Stage("srgan-vgg22", content="vgg22", adversarial=1e-3, **HALF),
        Stage("srgan-mse", content="mse", adversarial=1e-3, **HALF),
        Stage("srresnet-vgg22", content="vgg22", total_variation=2e-8, **HALF),
    )
}
# Table 2's networks by others, with our loop and SRResNet's schedule; trained when asked for by name.
BASELINES = {name: Stage(name, updates=1_000_000, content="luma") for name in ("srcnn", "espcn", "drcn")}
KNOWN = MODELS | BASELINES
ANNEALED = {FIRST: 4e-4, **dict.fromkeys(BASELINES, 1e-3)}  # learning rates for few updates
WARM_UP, TIMED = 3, 5  # updates


@dataclass(frozen=True)
class Request:
    """What is asked for. ``settings`` are those of ``Config`` for every model: data, crop, VGG weights, ...

    ``minutes`` or ``updates`` is the budget of all models together: each gets the same share of the paper's
    updates. ``annealed`` gives SRResNet-MSE a higher learning rate that falls along a cosine: better where
    updates are few. ``time_limit`` (seconds) is when to save and leave, ``notes`` are lines for the cards.
    """

    out: str
    settings: dict
    minutes: float | None = None
    updates: int | None = None
    only: tuple = ()
    annealed: bool = False
    time_limit: float | None = None
    notes: tuple = ()


def reproduce(request, say=print):
    """Train, measure and make ready what ``request`` asks for. Returns True when all of it is done.

    In a folder that has a plan already, that plan and its settings hold; settings given again must agree.
    """
    started = time.monotonic()
    names = _names(request.only)
    folder = Path(request.out)
    plan = _plan(request, names, say)
    request = replace(
        request,
        settings=plan["settings"] | request.settings,
        annealed=plan["annealed"],
        notes=request.notes or tuple(plan["notes"]),
    )
    for name in names:
        if not _is_trained(folder, name):
            left = _left(request.time_limit, started)
            if left is not None and left <= 0:
                say(f"time limit: {name} comes next; call again to go on")
                return False
            config = config_of(request, plan, name).but(time_limit=left)
            say(f"{name}: {config.updates:,} updates")
            if loop.train(config, resume=True).stopped != "finished":
                return False
        make_ready(folder, name, request.settings.get("device"), say)
    return True


def _names(only):
    for name in only:
        if name not in KNOWN:
            raise unknown_name("model to train", name, KNOWN)
    return [name for name in KNOWN if name in (only or MODELS)]


def _left(time_limit, started):
    return None if time_limit is None else time_limit - (time.monotonic() - started)


def _is_trained(folder, name):
    path = folder / name / "record.json"
    return path.exists() and json.loads(path.read_text()).get("stopped") == "finished"


# --------------------------------------------------------------------------------------- the plan


def _plan(request, names, say):
    """The updates of each model, from ``plan.json`` or, the first time, from the budget."""
    path = Path(request.out) / "plan.json"
    if path.exists():
        plan = json.loads(path.read_text())
        strange = [name for name in names if name not in plan["updates"]]
        if strange:
            raise SrganError(f"{path}: does not plan {strange[0]}; choose another --out for it")
        return plan
    plan = make_plan(request, names, say)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(plan, indent=1) + "\n")
    return plan


def make_plan(request, names, say=print):
    """{"share": of the paper's updates, "updates": {name: count}, "seconds_per_update": {...}, ...}"""
    if (request.minutes is None) == (request.updates is None):
        raise SrganError("give the budget: either minutes or updates, of all models together")
    data = request.settings.get("data", "bundled")
    photos = photos_of(data)
    plan = {
        "settings": request.settings,
        "annealed": request.annealed,
        "notes": request.notes,
        "held_out": request.settings.get("held_out", min(30, len(photos) // 30)),
        "licences": licences(photos, data),
    }
    cost = {name: 1.0 for name in names}
    if request.minutes is not None:
        cost = {name: seconds_per_update(request, name, photos) for name in names}
        plan |= {"minutes": request.minutes, "seconds_per_update": cost}
        say("  ".join(f"{name} {1 / seconds:.1f} updates/s" for name, seconds in cost.items()))
    budget = request.updates if request.minutes is None else 60 * request.minutes
    share = min(1.0, budget / sum(KNOWN[name].updates * cost[name] for name in names))
    plan["share"] = share
    plan["updates"] = {name: max(2, round(KNOWN[name].updates * share)) for name in names}
    return plan


def seconds_per_update(request, name, photos):
    """Seconds an update of a model takes here, with its data: the median of a few."""
    config = _config(request, KNOWN[name])
    device = pick_device(config.device)
    (stage,) = config.stages
    bank = PatchBank(
        photos[:64],
        crop=config.crop,
        degradation=loop.DEGRADATIONS[config.degradation](config.scale),
        device=device,
    )
    generator = build(**config.network_settings).to(device)
    loss, _ = generator_loss(stage, config, device)
    networks = Networks(config, stage, generator, loss, device)
    bank.recorded = networks.method.recorded
    times = []
    for update in range(WARM_UP + TIMED):
        start = time.perf_counter()
        networks.update(*bank.batch(update, stage.batch))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:])


def config_of(request, plan, name):
    """The configuration of one model's run, with everything that departs from the paper listed."""
    paper, updates = KNOWN[name], plan["updates"][name]
    share = updates / paper.updates
    stage = replace(paper, updates=updates, drop_at=tuple(max(1, round(at * share)) for at in paper.drop_at))
    if request.annealed and name in ANNEALED:
        stage = replace(
            stage, learning_rate=ANNEALED[name], annealing="cosine", drop=0.02, warm_up=updates // 100
        )
    config = _config(request, stage)
    every = max(1, updates // 20)
    return config.but(
        out=str(Path(request.out) / name),
        held_out=plan["held_out"],
        initial=None if name in (FIRST, *BASELINES) else _initial(request),
        log_every=max(1, updates // 500),
        validate_every=every,
        preview_every=0,
        save_every=max(1, updates // 10),
        tensorboard=False,
        deviations=(*_deviations(config, paper), *request.notes),
    )


def _config(request, stage):
    settings = dict(request.settings)
    batch = settings.pop("batch", stage.batch)
    network = stage.name if stage.name in BASELINES else "srresnet"
    return Config(stages=(replace(stage, batch=batch),), network=network, **settings)


def _initial(request):
    """The SRResNet-MSE to start from: given, this folder's own, or the shipped one."""
    given = request.settings.get("initial")
    own = Path(request.out) / FIRST / f"{FIRST}.safetensors"
    return given or str(own if own.exists() else pretrained.path(FIRST))


def _deviations(config, paper):
    """What of a configuration is not as in the paper (section 3.2), in words."""
    (stage,) = config.stages
    rows = (
        [f"{stage.updates:,} updates instead of {paper.updates:,}"] if stage.updates < paper.updates else []
    )
    rows.append("other photos than 350,000 of ImageNet")
    if stage.learning_rate != paper.learning_rate:
        rows.append(f"learning rate {stage.learning_rate:g} falling along a cosine instead of 1e-4")
    for name, value, wanted in (
        ("crop", config.crop, 96),
        ("batch", stage.batch, 16),
        ("blocks", config.blocks, 16),
        ("channels", config.channels, 64),
    ):
        rows += [f"{name} {value} instead of {wanted}"] if value != wanted else []
    rows += [f"moving average of the weights ({config.ema:g})"] if config.ema else []
    if stage.name in BASELINES:
        rows.append("SRResNet's loop, photos and optimiser (Adam) instead of its own paper's")
    if stage.name == "srresnet-vgg22":
        rows.append("starts from SRResNet-MSE, with SRGAN's schedule")
    if stage.name == "drcn":
        rows.append("only the average of its answers is judged, not each of them")
    return rows
