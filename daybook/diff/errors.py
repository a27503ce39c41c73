"""The errors of `daybook diff`."""

from daybook.errors import DaybookError


class DiffRefused(DaybookError):
    """The request is wrong: git does not know the reference, or is not installed."""
