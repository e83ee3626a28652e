"""The command ``srgan`` (also ``python -m srgan_lib``): parser, exit codes, and one line for a mistake.

Each command is a module beside this one: its options, its action and its help. Heavy imports wait in the
actions, so that ``srgan --help`` answers at once.

Exit codes: 0 done, 1 something that the one line on stderr says, 2 wrong usage, 130 interrupted.
"""

import argparse
import os
import sys
from contextlib import suppress

from srgan_lib import __version__
from srgan_lib.cli import (
    checkpoint,
    coursework,
    data,
    evaluate,
    export,
    opinion,
    report,
    reproduce,
    train,
    upscale,
)
from srgan_lib.errors import SrganError
from srgan_lib.support.notices import say

DONE, FAILED, INTERRUPTED = 0, 1, 130
# In the order of the help.
COMMANDS = (train, upscale, evaluate, data, export, opinion, report, coursework, checkpoint, reproduce)


def main(arguments=None):
    """Run the command line; returns the exit code. ``arguments`` are those of the process if not given."""
    _make_names_printable()
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # what cannot be written shows here, and not when Python ends
        return code
    except SrganError as error:
        say(error)
        return FAILED
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has left; Python would complain when it exits
        _discard_output()
        return FAILED
    except OSError as error:
        say(f"{error.filename or 'standard output'}: {error.strerror or error}; choose another place")
        if error.filename is None:
            _discard_output()
        return FAILED


def _make_names_printable():
    """A name that a console's encoding lacks is shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and not stream.closed:
            stream.reconfigure(errors="backslashreplace")


def _discard_output():
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser():
    parser = argparse.ArgumentParser(
        prog="srgan",
        description="Super-resolution with SRGAN (Ledig et al., 2017): make photos 4 times larger, train the "
        "networks, measure them.",
        epilog="srgan COMMAND --help explains each command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"srgan_lib {__version__}")
    parts = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(parts)
    return parser
