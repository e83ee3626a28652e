"""``srgan reproduce``: train and measure the models of the paper's tables, or go on with that."""

from srgan_lib.cli.options import add_command, add_machine, add_network, duration, minutes

NO_SETTINGS = {"run", "only", "note"}


EXAMPLES = """
examples:
  srgan reproduce --schedule cpu --data DIV2K --out runs/all
  srgan reproduce --data my-photos --minutes 25 --out runs/all
  srgan reproduce --data my-photos --out runs/all --time-limit 9m
  srgan reproduce --data DIV2K --updates 540000 --out runs/all --only srresnet-mse srgan-vgg54

The budget is planned once, from updates/s measured here, and kept in plan.json; the third example goes on
with it. What is finished lies in runs/all/models: weights, record, model card.
"""


def add(parts):
    """Add ``reproduce`` to the subparsers ``parts``."""
    what = "train and measure the five models of the paper's Table 1"
    parser = add_command(parts, "reproduce", what, EXAMPLES, run)
    add = parser.add_argument
    add("--data", metavar="WHAT", help="'bundled', a folder of photos, or a data set such as DIV2K")
    add("--out", required=True, metavar="FOLDER", help="of all runs; called again, it goes on there")
    cpu = "paper's: shortened to the budget; cpu: for no GPU, no budget needed (default: paper)"
    add("--schedule", choices=("paper", "cpu"), default="paper", help=cpu)
    budget = parser.add_mutually_exclusive_group()
    share = "for all models together: every schedule gets the same share of the paper's"
    budget.add_argument("--minutes", type=minutes, metavar="M", help=share)
    budget.add_argument("--updates", type=int, metavar="N", help="instead: updates of all models together")
    only = "some of Table 1's five (default: all), or Table 2's srcnn, espcn, drcn"
    add("--only", nargs="+", default=[], metavar="MODEL", help=only)
    add("--time-limit", type=duration, metavar="TIME", help="save and leave after so long: 90s, 9m, 2h")
    annealed = "SRResNet-MSE with 4e-4, falling along a cosine: better where updates are few"
    add("--annealed", action="store_true", help=annealed)
    add("--held-out", type=int, metavar="N", help="photos never trained on (default: a 30th, at most 30)")
    add("--note", action="append", default=[], metavar="TEXT", help="a line for the model cards; repeatable")
    add_network(parser.add_argument_group("what is trained"))
    add_machine(parser.add_argument_group("how it runs"))


def run(options):
    """Train and measure the models of Table 1, or go on with that."""
    from srgan_lib.evaluation.reproduce import Request, reproduce

    names = ("out", "minutes", "updates", "annealed", "time_limit", "schedule")
    asked = {name: getattr(options, name) for name in names}
    no_settings = NO_SETTINGS | set(asked)
    given = {
        name: value for name, value in vars(options).items() if value is not None and name not in no_settings
    }
    done = reproduce(Request(**asked, settings=given, only=tuple(options.only), notes=tuple(options.note)))
    print(f"done: {options.out}/models" if done else f"to go on: srgan reproduce --out {options.out} ...")
    return 0
