"""Find the columns with the time at which a row was created and last modified, each with a reason and a certainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from daybook.definitions.describing.column_names import meaning_of
from daybook.model.types import Column

_CERTAINTIES = ("certain", "likely", "guess")
#: Fewer sampled rows than this say nothing about the order of a column's values.
_ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a table beyond its columns and keys.

    Attributes:
        table: its name, without the schema.
        rows: the catalog's estimate of its rows, or None.
        updated_by: what sets a column in each update of a row, by the column.
        sample: the values of columns in the first and the last rows by the key, in the key's order.
    """

    table: str = ""
    rows: int | None = None
    updated_by: Mapping[str, str] = field(default_factory=dict)
    sample: Mapping[str, Sequence[Any]] = field(default_factory=dict)


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class FoundCursor:
    """A column that may be a cursor. `about` has the words of its name that narrow it: password_changed_at.

    It `has_nulls` if a sampled row has no value of it.
    """

    column: Column
    certainty: str
    reason: str
    about: tuple[str, ...] = ()
    has_nulls: bool = False


def find_modified(moments: Sequence[Column], indexed: Sequence[str], evidence: Evidence) -> FoundCursor | None:
    """Return the column that changes with each change of a row, or None.

    Args:
        moments: the columns of dates and times.
        indexed: the columns that an index begins with.
        evidence: what else is known of the table.
    """
    found = []
    for column in moments:
        meaning = meaning_of(column.name, evidence.table)
        nulls = None in evidence.sample.get(column.name, ())
        if setter := evidence.updated_by.get(column.name):
            found.append(FoundCursor(column, "certain", setter, has_nulls=nulls))
        elif meaning and meaning.purpose == "modified":
            certainty = "guess" if meaning.about else "likely"
            found.append(FoundCursor(column, certainty, _named(column, indexed), meaning.about, nulls))
    return _best(found, indexed)


def find_created(moments: Sequence[Column], indexed: Sequence[str], evidence: Evidence) -> FoundCursor | None:
    """Return the column with the time at which a row was written, or None.

    Its name says so, or, if no name does, its values rise with the key in the sampled rows. The arguments are those of
    `find_modified`.
    """
    named, rising = [], []
    for column in moments:
        if column.name in evidence.updated_by:
            continue
        values = evidence.sample.get(column.name, ())
        meaning, rises = meaning_of(column.name, evidence.table), _rises(values)
        if meaning and meaning.purpose == "created":
            reason = _named(column, indexed) + (f", and its values rise with the key in {len(values)} rows" * rises)
            named.append(FoundCursor(column, "likely", reason, has_nulls=None in values))
        elif meaning is None and rises:
            text = f"its values rise with the key in {len(values)} sampled rows"
            rising.append(FoundCursor(column, "guess", text))
    return _best(named, indexed) or _best(rising, indexed)


def _named(column: Column, indexed: Sequence[str]) -> str:
    return "its name and an index" if column.name in indexed else "its name"


def _best(found: Sequence[FoundCursor], indexed: Sequence[str]) -> FoundCursor | None:
    """Return the most certain one. Prefer indexed columns, then times to dates, then NOT NULL columns."""
    return min(
        found,
        key=lambda one: (
            _CERTAINTIES.index(one.certainty),
            one.column.name not in indexed,
            one.column.type.kind == "date",
            one.column.nullable,
        ),
        default=None,
    )


def _rises(values: Sequence[Any]) -> bool:
    """Return True if the values never fall, and the last is greater than the first. They are in the key's order."""
    if len(values) < _ENOUGH or not all(isinstance(value, date | datetime) for value in values):
        return False
    return all(one <= two for one, two in pairwise(values)) and values[0] < values[-1]
