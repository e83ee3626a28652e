"""What a user should know although the work goes on: one line on stderr."""

import sys
from contextlib import suppress


def say(line):
    """Print ``srgan: LINE`` on stderr."""
    inform(f"srgan: {line}")


def inform(line):
    """Print ``line`` on stderr; nothing where there is none, as in a program started without a console."""
    if sys.stderr is None:
        return
    with suppress(OSError, ValueError):  # it is closed, or its disk is full: no reason to stop
        try:
            print(line, file=sys.stderr, flush=True)
        except UnicodeEncodeError:  # a console that cannot show the letters of a name
            print(str(line).encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)


def some_names(names, most=3):
    """``names`` in one line: the first ``most``, and how many more there are."""
    names = [str(name) for name in names]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
