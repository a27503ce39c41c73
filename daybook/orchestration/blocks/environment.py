"""Environment variables, and their values in one environment.

An empty variable counts as not set, because compose files pass unset variables on as empty ones.
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
    """The value to write, described in Markdown for `--help` and the documentation."""
    read: Callable[[str], T_co]
    """Return the value of a text, or raise `BadValue` with the remedy."""
    examples: tuple[str, ...] = ()
    requests_block: bool = True
    """False if the variable alone does not request a block, such as `AWS_REGION`."""


class Environment:
    """The values of one environment, and the problems and notes found while reading them.

    No `repr` shows a value, because it may be a secret.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._texts = {name: text.strip() for name, text in environ.items() if text.strip()}
        self._values: dict[str, Any] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def is_set(self, variable: Variable[Any]) -> bool:
        """Return True if the environment has `variable`, even with an invalid value."""
        return variable.name in self._texts

    def value(self, variable: Variable[T]) -> T | None:
        """Return the value of `variable`, or None if it is not set or invalid. An invalid value adds a problem."""
        if not self.is_set(variable):
            return None
        if variable.name not in self._values:
            self._values[variable.name] = self._read(variable)
        value: T | None = self._values[variable.name]
        return value

    def __getitem__(self, variable: Variable[T]) -> T:
        """Return the value of a variable. Raises `KeyError` if it is not set or invalid."""
        value = self.value(variable)
        if value is None:
            raise KeyError(variable.name)
        return value

    def problem(self, variable: Variable[Any], text: object) -> None:
        """Refuse the environment because of `variable`. `text` has the problem and the remedy. Reading continues."""
        self.problems.append(f"{variable.name}: {text}")

    def note(self, variable: Variable[Any], text: object) -> None:
        """Add a note about `variable` for the command to print."""
        self.notes.append(f"{variable.name}: {text}")

    def _read(self, variable: Variable[T]) -> T | None:
        try:
            return variable.read(self._texts[variable.name])
        except BadValue as problem:
            self.problem(variable, problem)
            return None
