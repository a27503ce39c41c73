"""The base class of a block's declaration: its variables, its rules, and the Prefect blocks that it builds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from daybook.orchestration.blocks.environment import Environment, Variable

if TYPE_CHECKING:
    from prefect.blocks.core import Block
    from sqlalchemy.engine import URL


@dataclass(frozen=True)
class BlockToSave:
    """A Prefect block to save on the server."""

    block: "Block"
    name: str
    shown: str
    """The text that the command prints about the block. Never contains a secret."""
    replaces: tuple[str, str] | None = None
    """The class and type slug of another block with the same name, which is deleted."""

    @property
    def address(self) -> str:
        """Return the block's class and name as people write them: `S3Bucket/stage`."""
        return f"{type(self.block).__name__}/{self.name}"


@dataclass(frozen=True)
class DatabaseAddress:
    """The database that a block opens: the declared name of the block, and the variable with the URL."""

    name: str
    variable: str
    url: "URL"
    exclusive: bool
    """Two targets must not write the same schemas of it."""


class BlockDeclaration(ABC):
    """A block that `daybook blocks` makes from environment variables.

    A subclass in a module of the package `blocks` that sets `makes` declares a block; no list has to name it. The
    module imports Prefect and its integrations only within `build`. They take seconds to import, and mistakes in the
    environment are reported before that.
    """

    position: ClassVar[int] = 100
    """The position of the block in the help, in the list of problems, and in the order of saving."""
    makes: ClassVar[str]
    """The blocks that `build` yields, as people write them: `SlackWebhook/slack`."""
    variables: ClassVar[tuple[Variable[Any], ...]]

    def check(self, environment: Environment) -> None:  # noqa: B027 (most blocks have no such rule)
        """Report problems and notes that involve more than one variable, such as contradictions between two blocks.

        Can read the value of every variable, including those of other declarations. Any value may be None.
        """

    def database(self, environment: Environment) -> DatabaseAddress | None:
        """Return the database of the block, if it is one, so that it is not replaced by another by mistake."""
        return None

    def is_wanted(self, environment: Environment) -> bool:
        """Return True if the environment, which has no problems, requests the block."""
        return any(variable.requests_block and environment.is_set(variable) for variable in self.variables)

    @abstractmethod
    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the blocks to save, built from an environment without problems.

        `saved` has the blocks that were saved before, by address, for blocks that refer to them.
        """
