"""The one exception that a user's mistake raises."""

import difflib


class SrganError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and how to mend it."""


def unknown_name(what, name, known):
    """The ``SrganError`` for a name that does not exist: suggests the nearest of the ``known`` ones.

    ``what`` is the kind of thing ("model", "data set"). Returns the error; the caller raises it.
    """
    known = list(known)
    lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.4)
    hint = f"; did you mean {lower[near[0]]!r}?" if near else ""
    return SrganError(f"no {what} is called {str(name)!r}{hint} (there are: {', '.join(known) or 'none'})")
