"""What a user should know although the work goes on: one line on stderr."""

import sys


def say(line):
    """Print ``srgan: LINE`` on stderr; nothing where a program was started without one."""
    if sys.stderr is not None:
        print(f"srgan: {line}", file=sys.stderr)


def some_names(names, most=3):
    """``names`` in one line: the first ``most``, and how many more there are."""
    names = [str(name) for name in names]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
