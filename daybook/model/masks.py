"""What is private never leaves its source: columns that are hashed, emptied or dropped where they are read.

A hash is the lower-case hex SHA-256 of the value's UTF-8 text, the same from every source; NULL stays NULL. The text of
a value is what it is written as: `42`, `5.10` of a DECIMAL(10, 2), `2021-02-05`, a CHAR without the blanks at its end.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from daybook.errors import SourceError
from daybook.model.types import INTEGERS, Column, Type
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

Mask = Literal["hash", "null", "drop"]

HASHED = Type("varchar", 64)
_TEXTS = frozenset({"text", "varchar", "char"})
#: Kinds of which each value has one text, whichever database spells it. A double, a time or a json has several.
_HASHABLE = _TEXTS | INTEGERS | {"decimal", "date", "uuid"}


def check_masks(table: "TableSpec", kind: str, *, maskable: bool) -> None:
    """See that the masks of a table file make sense by themselves.

    Raises:
        ValueError: what is masked is the key, the cursor or the flag of deleted rows, is not among `columns:`, or
            cannot be kept as declared; or the kind of source masks nothing.
    """
    if table.mask and not maskable:
        raise ValueError(f"mask: a source of kind {kind} cannot mask columns; leave mask out")
    for name, mask in table.mask.items():
        if name in (table.cursor, table.deleted):
            raise ValueError(f"mask: {name} is the cursor or the flag of deleted rows, which a load compares")
        if name in table.key and mask != "hash":
            raise ValueError(f"mask: {name} is of the key, without which rows cannot be told apart; use hash")
        if table.declared_types is None:
            continue
        if name not in table.declared_types:
            raise ValueError(
                f"mask names {name!r}, which columns does not list{did_you_mean(name, table.declared_types)}"
            )
        declared = table.declared_types[name]
        if mask == "hash" and (declared.kind not in _TEXTS or (declared.size or 64) < 64 or str(declared) == "char(1)"):
            raise ValueError(f"mask: a hash has 64 characters, and columns declares {name} as {declared}: varchar(64)")


def masked(table: "TableSpec", found: Iterable[Column]) -> list[Column]:
    """The columns of the source as they leave it: one that is dropped is not among them.

    Raises:
        SourceError: the source has no such column, or one whose values cannot be hashed.
    """
    source = {column.name: column for column in found}
    for name in table.mask:
        if name not in source:
            raise SourceError(
                f"{table.name}: mask names {name!r}, and the source has no such column, so a private column might be "
                f"loaded by mistake; the source has {', '.join(source)}"
                f"{did_you_mean(name, source, 'correct the table file')}"
            )
    return [_masked(table, column) for column in source.values() if table.mask.get(column.name) != "drop"]


def _masked(table: "TableSpec", column: Column) -> Column:
    mask = table.mask.get(column.name)
    if mask == "null":
        return replace(column, nullable=True, mask="null")
    if mask != "hash":
        return column
    if column.type.kind not in _HASHABLE:
        raise SourceError(
            f"{table.name}: {column.name} is {column.type}, whose values are not spelled alike everywhere, so a hash "
            "of them says nothing. Mask it by null or drop"
        )
    return replace(column, type=HASHED, mask="hash")
