"""What can go wrong with blocks, as a tree. No message holds a secret.

daybook.errors.DaybookError
└── BlocksError
    ├── BadValue              the value of one variable, and its remedy
    ├── NothingSet            no variable is set that would make a block
    ├── EnvironmentRefused    the environment is half set or contradicts itself: all problems at once
    ├── ServerUnreachable     the Prefect server does not answer, or refuses the key
    └── BlockUnusable         a block that a flow needs is missing, or does not hold what it should
"""

from daybook.errors import DaybookError


class BlocksError(DaybookError):
    """The root of this folder's errors."""


class BadValue(BlocksError):
    """What is wrong with the value of a variable, and the remedy. Does not repeat what may be secret."""


class NothingSet(BlocksError):
    """No variable is set that would make a block."""


class EnvironmentRefused(BlocksError):
    """The environment is half set or contradicts itself. `problems` has a line each: variable, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ServerUnreachable(BlocksError):
    """The Prefect server does not answer, or does not let us in."""


class BlockUnusable(BlocksError):
    """A block that a flow needs is missing, or does not hold what it should."""
