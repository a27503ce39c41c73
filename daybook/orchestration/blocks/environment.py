"""Environment variables: what one is, and the values that an environment gives.

A variable that is empty is not set: compose files pass variables on like that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from daybook.orchestration.blocks.errors import BadValue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Variable(Generic[T_co]):
    """An environment variable that a block is made from."""

    name: str
    description: str
    """What to write, in Markdown: `--help` and the documentation show it."""
    read: Callable[[str], T_co]
    """Return the value that a text means, or raise `BadValue` with the remedy."""
    examples: tuple[str, ...] = ()
    requests_block: bool = True
    """False if the variable only says how, as `AWS_REGION` does: alone, it makes no block."""


class Environment:
    """The values of one environment, and the problems and notes that come up while they are read.

    No `repr` shows a value, as it may be a secret.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._texts = {name: text.strip() for name, text in environ.items() if text.strip()}
        self._values: dict[str, Any] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def is_set(self, variable: Variable[Any]) -> bool:
        """Return True if the environment gives `variable`, readable or not."""
        return variable.name in self._texts

    def value(self, variable: Variable[T]) -> T | None:
        """Return the value of `variable`; None if it is not set or cannot be read, which is reported as a problem."""
        if not self.is_set(variable):
            return None
        if variable.name not in self._values:
            self._values[variable.name] = self._read(variable)
        value: T | None = self._values[variable.name]
        return value

    def __getitem__(self, variable: Variable[T]) -> T:
        """Return the value of a variable that is set and readable. Raises `KeyError` for any other."""
        value = self.value(variable)
        if value is None:
            raise KeyError(variable.name)
        return value

    def problem(self, variable: Variable[Any], what: object) -> None:
        """Refuse the environment: say what is wrong with `variable`, and the remedy. Reading goes on."""
        self.problems.append(f"{variable.name}: {what}")

    def note(self, variable: Variable[Any], what: object) -> None:
        """Have the command print a line about `variable`."""
        self.notes.append(f"{variable.name}: {what}")

    def _read(self, variable: Variable[T]) -> T | None:
        try:
            return variable.read(self._texts[variable.name])
        except BadValue as problem:
            self.problem(variable, problem)
            return None
