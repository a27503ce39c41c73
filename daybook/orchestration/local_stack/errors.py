"""The error of the local stack."""


class StackError(Exception):
    """A part of the local stack cannot start or stop. The message has the reason, the fix and the path of the log."""
