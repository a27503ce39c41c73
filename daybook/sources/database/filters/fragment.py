"""A condition or a SELECT of a table file, after it was checked."""

from collections.abc import Iterator
from dataclasses import dataclass

#: The placeholders of a query.
PLACEHOLDERS = ("{start}", "{end}")


class Refused(ValueError):
    """A condition or a SELECT that Daybook does not send to the source. The message has the position and the remedy."""


def position(text: str, offset: int) -> str:
    """Return the place of a character for a message: `line 2, column 5, near "DELETE"`."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    near = text[offset : offset + 20].split("\n")[0].strip()
    return f"line {line}, column {column}" + (f", near {near!r}" if near else "")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a statement, as the table file has it, without its comments."""

    parts: tuple[str, ...]
    """The text between the placeholders, and the placeholders."""
    has_subquery: bool
    """True if it reads tables."""

    @property
    def has_placeholders(self) -> bool:
        """Return True if it has `{start}` or `{end}`."""
        return len(self.parts) > 1

    def sql(self, start: str, end: str) -> str:
        """Return the SQL. A `%` is doubled, because every statement has bind values.

        `start` and `end` are the SQL of the bounds.
        """
        return "".join(self._rendered(start, end))

    def _rendered(self, start: str, end: str) -> Iterator[str]:
        bounds = dict(zip(PLACEHOLDERS, (start, end), strict=True))
        for place, part in enumerate(self.parts):
            yield bounds[part] if place % 2 else part.replace("%", "%%")
