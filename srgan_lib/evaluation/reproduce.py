"""The models of the paper's tables, one after the other, in the time there is: ``srgan reproduce``.

The five of Table 1 or, asked for by name, those of others in Table 2; by the paper's schedule, shortened, or
by one that a CPU can follow (``schedules``).

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
from srgan_lib.degradations import DEGRADATIONS
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.evaluation.model_cards import licences, make_ready
from srgan_lib.evaluation.schedules import BASELINES, FIRST, SCHEDULES
from srgan_lib.networks import build
from srgan_lib.networks.phases import tie_phases
from srgan_lib.support.devices import has_bfloat16, pick_device
from srgan_lib.support.files import whole_file
from srgan_lib.training import loop
from srgan_lib.training.config import Config
from srgan_lib.training.content import stage_loss
from srgan_lib.training.deviations import deviations
from srgan_lib.training.fast import networks_for
from srgan_lib.training.presets import shortened

ANNEALED = {FIRST: 4e-4, **dict.fromkeys(BASELINES, 1e-3)}  # the paper's schedule, for few updates
WARM_UP, TIMED = 3, 5  # updates


@dataclass(frozen=True)
class Request:
    """What is asked for. ``settings`` are those of ``Config`` for every model: data, crop, VGG weights, ...

    ``schedule`` is "paper" or "cpu". ``minutes`` or ``updates`` is the budget of all models together: each
    gets the same share of its schedule's updates; "cpu" needs none. ``annealed`` gives the paper's
    SRResNet-MSE a higher learning rate that falls along a cosine: better where updates are few.
    ``time_limit`` (seconds) is when to save and leave, ``notes`` are lines for the cards.
    """

    out: str
    settings: dict
    minutes: float | None = None
    updates: int | None = None
    only: tuple = ()
    annealed: bool = False
    time_limit: float | None = None
    notes: tuple = ()
    schedule: str = "paper"


def reproduce(request, say=print):
    """Train, measure and make ready what ``request`` asks for. Returns True when all of it is done.

    In a folder that has a plan already, that plan and its settings hold; settings given again must agree.
    """
    started = time.monotonic()
    folder = Path(request.out)
    plan = _plan(request, say)
    request = replace(
        request,
        settings=plan["settings"] | request.settings,
        annealed=plan["annealed"],
        notes=request.notes or tuple(plan["notes"]),
        schedule=plan.get("schedule", "paper"),
    )
    names = names_of(request)
    _say_what_is_left(folder, plan, names, say)
    for name in names:
        if not _is_trained(folder, name):
            left = _left(request.time_limit, started)
            if left is not None and left <= 0:
                say(f"time limit: {name} comes next; call again to go on")
                return False
            config = config_of(request, plan, name).but(time_limit=left)
            rest = {other: _updates_left(folder, plan, other) for other in names}
            now = f"{rest[name]:,} updates{_takes(plan, {name: rest[name]})}"
            say(f"{name}: runs now, {now}; in all {sum(rest.values()):,} are left{_takes(plan, rest)}")
            if loop.train(config, resume=True).stopped != "finished":
                return False
        make_ready(folder, name, request.settings.get("device"), say)
    return True


def names_of(request):
    """The models that are asked for, in the schedule's order. Unknown names raise ``SrganError``."""
    if request.schedule not in SCHEDULES:
        raise unknown_name("schedule", request.schedule, SCHEDULES)
    known = SCHEDULES[request.schedule]
    for name in request.only:
        if name not in known:
            raise unknown_name("model to train", name, known)
    return [name for name in known if name in (request.only or set(known) - set(BASELINES))]


def _say_what_is_left(folder, plan, names, say):
    """A line a model: done, or how many updates are left and, where it was timed, how long they take."""
    for name in names:
        left = _updates_left(folder, plan, name)
        say(f"{name}: {left:,} updates left{_takes(plan, {name: left})}" if left else f"{name}: done")


def _updates_left(folder, plan, name):
    if _is_trained(folder, name):
        return 0
    path = folder / name / "record.json"
    done = read_facts(path).get("updates", 0) if path.exists() else 0
    return plan["updates"][name] - done


def _takes(plan, left):
    """How long the updates ``left``, {name: count}, take, as the end of a phrase; empty where not timed."""
    timed = plan.get("seconds_per_update", {})
    if not timed:
        return ""
    minutes = sum(count * timed[name] for name, count in left.items()) / 60
    return f", about {minutes:,.0f} minutes" if minutes < 120 else f", about {minutes / 60:,.1f} hours"


def _left(time_limit, started):
    return None if time_limit is None else time_limit - (time.monotonic() - started)


def _is_trained(folder, name):
    path = folder / name / "record.json"
    return path.exists() and read_facts(path).get("stopped") == "finished"


def read_facts(path, *names):
    """The dictionary in a JSON file of ours, which has ``names``; ``SrganError`` if it is damaged."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SrganError(f"{path}: damaged ({error}); copy it again, or choose another --out") from error
    if not isinstance(facts, dict) or not all(name in facts for name in names):
        raise SrganError(f"{path}: damaged, or of another program; copy it again, or choose another --out")
    return facts


# --------------------------------------------------------------------------------------- the plan


def _plan(request, say):
    """The updates of each model, from ``plan.json`` or, the first time, from the budget."""
    path = Path(request.out) / "plan.json"
    if path.exists():
        plan = read_facts(path, "settings", "annealed", "updates", "notes", "held_out")
        names = names_of(replace(request, schedule=plan.get("schedule", "paper")))
        strange = [name for name in names if name not in plan["updates"]]
        if strange:
            raise SrganError(f"{path}: does not plan {strange[0]}; choose another --out for it")
        return plan
    plan = make_plan(request, names_of(request), say)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(plan, indent=1) + "\n")
    return plan


def make_plan(request, names, say=print):
    """{"share": of the paper's updates, "updates": {name: count}, "seconds_per_update": {...}, ...}"""
    given = [budget for budget in (request.minutes, request.updates) if budget is not None]
    if len(given) > 1 or not (given or request.schedule == "cpu"):
        raise SrganError("give the budget: either minutes or updates, of all models together")
    known = SCHEDULES[request.schedule]
    data = request.settings.get("data", "bundled")
    photos = photos_of(data)
    plan = {
        "schedule": request.schedule,
        "settings": request.settings,
        "annealed": request.annealed,
        "notes": request.notes,
        "held_out": request.settings.get("held_out", min(30, len(photos) // 30)),
        "licences": licences(photos, data),
    }
    cost = {name: 1.0 for name in names}
    if request.minutes is not None or request.schedule == "cpu":
        cost = {name: seconds_per_update(request, name, photos) for name in names}
        plan |= {"minutes": request.minutes, "seconds_per_update": cost}
        say("  ".join(f"{name} {1 / seconds:.1f} updates/s" for name, seconds in cost.items()))
    whole = sum(known[name].stage.updates * cost[name] for name in names)  # in seconds, or in updates
    budget = whole
    if given:
        budget = request.updates if request.minutes is None else 60 * request.minutes
        whole = whole if request.minutes is not None else sum(known[name].stage.updates for name in names)
    share = min(1.0, budget / whole)
    plan["share"] = share
    plan["updates"] = {name: max(2, round(known[name].stage.updates * share)) for name in names}
    return plan


def seconds_per_update(request, name, photos):
    """Seconds an update of a model takes here, with its data: the median of a few."""
    entry = SCHEDULES[request.schedule][name]
    return seconds_per_update_of(_config(request, entry, entry.stage), photos)


def seconds_per_update_of(config, photos):
    """The same for a configuration of one stage."""
    device = pick_device(config.device)
    (stage,) = config.stages
    degradation = DEGRADATIONS[config.degradation](config.scale)
    bank = PatchBank(photos[:64], crop=config.crop, degradation=degradation, device=device)
    generator = build(**config.network_settings)
    if config.tied_phases:
        tie_phases(generator)
    generator.to(device)
    loss, _ = stage_loss(stage, config, device, degradation)
    networks = networks_for(config, stage, generator, loss, device)
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
    entry, updates = SCHEDULES[request.schedule][name], plan["updates"][name]
    stage = shortened(entry.stage, updates)
    if request.annealed and request.schedule == "paper" and name in ANNEALED:
        stage = replace(
            stage, learning_rate=ANNEALED[name], annealing="cosine", drop=0.02, warm_up=updates // 100
        )
    config = _config(request, entry, stage)
    config = config.but(
        out=str(Path(request.out) / name),
        held_out=plan["held_out"],
        initial=_initial(request, entry.start),
        log_every=max(1, updates // 500),
        validate_every=max(1, updates // 20),
        preview_every=0,
        save_every=max(1, updates // 20),
        tensorboard=False,
    )
    return config.but(deviations=(*deviations(config), *request.notes))


def _config(request, entry, stage):
    settings = dict(request.settings)
    batch = settings.pop("batch", stage.batch)
    if request.schedule == "cpu":
        precision = "bfloat16" if has_bfloat16() else "float32"
        settings = {"precision": precision, **entry.settings, **settings}
    else:
        settings = entry.settings | settings
    return Config(stages=(replace(stage, batch=batch),), **settings)


def _initial(request, start):
    """The weights to start from: given ones for FIRST's followers, this folder's own, or the shipped ones."""
    if start is None:
        return None
    given = request.settings.get("initial") if start == FIRST else None
    own = Path(request.out) / start / f"{start}.safetensors"
    return given or str(own if own.exists() else pretrained.path(start))
