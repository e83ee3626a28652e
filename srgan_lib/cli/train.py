"""``srgan train``: train the networks, or go on training."""

import argparse

from srgan_lib.cli.options import add_command, add_machine, add_network, duration
from srgan_lib.errors import SrganError
from srgan_lib.support.notices import say

PRESETS = ("tiny", "colab", "cpu", "paper", "report2023")
NO_SETTINGS = {"run", "preset", "config", "resume", "set"}
STAGE = "stage."
SIGNALS = {"SIGINT": 130, "SIGTERM": 143}


EXAMPLES = """
examples:
  srgan train                                   two minutes on a laptop, photos included
  srgan train --preset colab --data my-photos   a short run for a free Colab GPU (T4)
  srgan train --preset paper --data DIV2K       the paper's settings: a strong GPU
  srgan train --preset cpu --set flat_crops=0 --set stage.learning_rate=1e-4
  srgan train --out runs/tiny --resume          go on where a run was stopped
  srgan train --out runs/tiny --resume --updates 2400
  torchrun --nproc-per-node 8 -m srgan_lib train --preset paper --data DIV2K

A run can be stopped at any time with Ctrl-C: it saves first. Its folder holds the trained weights
(STAGE.safetensors), the record of the run, previews, and what TensorBoard shows
(tensorboard --logdir runs). Then: srgan upscale photo.jpg --model runs/tiny
"""


def add(parts):
    """Add ``train`` to the subparsers ``parts``."""
    parser = add_command(parts, "train", "train the networks", EXAMPLES, run)
    add = parser.add_argument
    add("--preset", choices=PRESETS, help="settings to start from (default: tiny)")
    add("--config", metavar="FILE", help="instead of a preset: the config.json of an earlier run")
    add("--data", metavar="WHAT", help="'bundled', a folder of photos, or a data set such as DIV2K")
    add(
        "--lr-data",
        metavar="FOLDER",
        help="the same photos in low resolution; else they are made from --data",
    )
    add("--validation", metavar="WHAT", help="photos to measure with, like --data")
    add("--held-out", type=int, metavar="N", help="photos of --data to measure with, never trained on")
    add("--out", metavar="FOLDER", help="where the run's results go (default: runs/PRESET)")
    add("--resume", action="store_true", help="go on with the run in --out, from its last checkpoint")
    add("--time-limit", type=duration, metavar="TIME", help="save and leave after so long: 90s, 25m, 2h")
    any_field = "any setting of Config; stage.NAME=VALUE: of all stages; repeatable (they are in config.json)"
    add("--set", type=_assignment, action="append", default=[], metavar="NAME=VALUE", help=any_field)

    group = parser.add_argument_group("what is trained")
    add = group.add_argument
    add("--updates", type=int, metavar="N", help="updates in all; the stages are shortened in proportion")
    add("--scale", type=int, choices=(2, 4, 8), help="how many times larger")
    add("--degradation", choices=("bicubic", "blur"), help="how low resolution is made from the photos")
    add_network(group)

    group = parser.add_argument_group("how it runs")
    add_machine(group)
    add = group.add_argument
    add("--log-every", type=int, metavar="N", help="updates from one log line to the next")
    add("--validate-every", type=int, metavar="N", help="updates from one measurement to the next; 0: never")
    add("--preview-every", type=int, metavar="N", help="updates from one preview to the next; 0: never")
    add("--moments", type=int, metavar="N", help="how often an adversarial stage pictures three photos")
    add("--save-every", type=int, metavar="N", help="updates from one checkpoint to the next")
    add("--no-tensorboard", dest="tensorboard", action="store_false", default=None, help="do not write it")


def run(options):
    """Train, or go on training. The exit code says whether a signal stopped it or photos were skipped."""
    from srgan_lib.training import loop, presets
    from srgan_lib.training.config import Config

    given = {
        name: value for name, value in vars(options).items() if value is not None and name not in NO_SETTINGS
    }
    given |= _assigned(options.set)
    if options.config:
        config = Config.read(options.config)
        kept = {} if config.deviations else {"deviations": ()}
        config = presets.changed(config, {"time_limit": None, **kept, **given})
        result = loop.train(config, resume=options.resume)
    elif options.resume and options.preset is None:
        result = loop.resume(_run_to_resume(given), **given)
    else:
        preset = getattr(presets, options.preset or "tiny")
        result = loop.train(preset(**given), resume=options.resume)
    if result.record:  # only the first of several processes has one
        print(_what_now(result))
    return SIGNALS.get(result.stopped, _code_of_skipped(result.record))


def _assignment(text):
    """(name, value as text) of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as crop=64 or stage.batch=8")
    return name, value


def _assigned(pairs):
    """The settings that --set names, read as their rules want; those of stages in a dictionary "stage"."""
    from srgan_lib.training import rules

    settings, stage = {}, {}
    for name, text in pairs:
        if name.startswith(STAGE):
            field = name.removeprefix(STAGE)
            stage[field] = rules.read(text, rules.STAGE.get(field, rules.TEXT))
        else:
            settings[name] = rules.read(text, rules.CONFIG.get(name, rules.whole(1)))
    return settings | ({"stage": stage} if stage else {})


def _run_to_resume(given):
    """Take the run's folder out of the options; the others may not change what the run computes."""
    if "out" not in given:
        raise SrganError("which run shall go on? name its folder: --out runs/tiny --resume")
    for name, option in (("batch", "--batch"), ("stage", "--set stage.NAME")):
        if name in given:
            raise SrganError(
                f"{option} cannot change while a run goes on; leave it out, or start another with --out"
            )
    return given.pop("out")


def _code_of_skipped(record):
    """1, with a word, where photos could not be used: the run is whole, but not what was asked for."""
    skipped = record.get("data", {}).get("skipped", 0)
    if skipped:
        say(f"{skipped} photos were skipped; the lines above name them")
    return int(bool(skipped))


def _what_now(result):
    folder = result.folder
    if result.stopped == "finished":
        return f"done: {folder}; try it with: srgan upscale photo.jpg --model {folder}"
    return f"{result.stopped} after {result.updates} updates; to go on: srgan train --out {folder} --resume"
