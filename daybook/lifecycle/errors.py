"""The error of a change that is refused."""

from daybook.errors import DaybookError


class ChangeRefused(DaybookError):
    """A table cannot be reset, renamed or removed. The message has the reason and what to do; nothing was changed."""
