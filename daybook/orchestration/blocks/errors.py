"""The errors of blocks, as a tree. No message contains a secret.

daybook.errors.DaybookError
└── BlocksError
    ├── BadValue              the value of one variable is invalid
    ├── NothingSet            no variable of a block is set
    ├── EnvironmentRefused    the environment is incomplete or contradicts itself: all problems at once
    └── BlockUnusable         a block that a flow needs is missing or invalid
"""

from daybook.errors import DaybookError


class BlocksError(DaybookError):
    """The base class of the errors of blocks."""


class BadValue(BlocksError):
    """The value of a variable is invalid. The text says why and what to write, and never repeats a possible secret."""


class NothingSet(BlocksError):
    """No variable of a block is set."""


class EnvironmentRefused(BlocksError):
    """The environment is incomplete or contradicts itself. `problems` has a line for each: variable, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class BlockUnusable(BlocksError):
    """A block that a flow needs is missing or invalid."""
