"""The one exception that a user's mistake raises."""


class SrganError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and how to mend it."""
