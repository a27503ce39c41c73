"""The errors of blocks, as a tree. No message holds a secret.

daybook.errors.DaybookError
└── BlocksError
    ├── BadValue              the value of one variable is wrong
    ├── NothingSet            no variable is set that would make a block
    ├── EnvironmentRefused    the environment is half set or contradicts itself: all problems at once
    ├── ServerUnreachable     the Prefect server does not answer, or refuses the key
    └── BlockUnusable         a block that a flow needs is missing, or does not hold what it should
"""

from daybook.errors import DaybookError


class BlocksError(DaybookError):
    """The root of the errors of blocks."""


class BadValue(BlocksError):
    """The value of a variable is wrong: why, and what to write. The text never repeats what may be secret."""


class NothingSet(BlocksError):
    """No variable is set that would make a block."""


class EnvironmentRefused(BlocksError):
    """The environment is half set or contradicts itself. `problems` has a line for each: variable, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ServerUnreachable(BlocksError):
    """The Prefect server does not answer, or refuses the key."""


class BlockUnusable(BlocksError):
    """A block that a flow needs is missing, or does not hold what it should."""
