"""The base class of a block's declaration: its variables, its rules, and the Prefect block that it makes of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from daybook.orchestration.blocks.environment import Environment, Variable

if TYPE_CHECKING:
    from prefect.blocks.core import Block


@dataclass(frozen=True)
class BlockToSave:
    """A Prefect block, as it is to be on the server."""

    block: "Block"
    name: str
    shown: str
    """What the command prints about the block. Never a secret."""
    replaces: tuple[str, str] | None = None
    """Class and type slug of the block that must not exist under the same name: it is deleted."""

    @property
    def address(self) -> str:
        """Return the block's class and name as people write them: `S3Bucket/stage`."""
        return f"{type(self.block).__name__}/{self.name}"


class BlockDeclaration(ABC):
    """A block that `daybook blocks` makes from environment variables.

    A subclass in a module of the package `blocks` that says what it `makes` is a declared block; nothing else lists it.
    Its module imports Prefect and its integrations only within `build`: they take seconds to import, and a mistake
    in the environment is reported before that.
    """

    position: ClassVar[int] = 100
    """Where the block stands in the help, in the list of problems, and in the order in which blocks are saved."""
    makes: ClassVar[str]
    """The blocks that `build` yields, as people write them: `SlackWebhook/slack`."""
    variables: ClassVar[tuple[Variable[Any], ...]]

    def check(self, environment: Environment) -> None:  # noqa: B027 (most blocks have no such rule)
        """Report problems and notes that one variable's `read` cannot see, as where two blocks contradict each other.

        The values of every variable can be asked for, those of other declarations, too; any of them may be None.
        """

    def is_wanted(self, environment: Environment) -> bool:
        """Return True if the environment, in which there is no problem, asks for the block."""
        return any(variable.requests_block and environment.is_set(variable) for variable in self.variables)

    @abstractmethod
    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the blocks to save, made from an environment in which there is no problem.

        `saved` has the blocks that were saved before, by address, for a block that refers to another.
        """
