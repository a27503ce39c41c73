"""Masks of private columns. The source hashes, empties or drops them, so that clear-text values never leave it.

A hash is the SHA-256 of the value's UTF-8 text, in lower-case hex. It is the same from every source. NULL stays NULL.
The text is the usual notation of the value: `42`, `5.10` for a DECIMAL(10, 2), `2021-02-05`, a CHAR without its
trailing blanks.
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
#: Kinds whose values every database writes as the same text. Databases write a double, a time or a json differently.
_HASHABLE = _TEXTS | INTEGERS | {"decimal", "date", "uuid"}


def check_masks(table: "TableSpec", kind: str, *, maskable: bool) -> None:
    """Check the masks of a table file, without opening its source.

    Args:
        kind: the kind of the table's source.
        maskable: whether sources of this kind can mask columns.

    Raises:
        ValueError: this kind of source cannot mask columns. Or a mask is on the cursor, on the flag of deleted rows, on
            a key column without hashing it, on a column that is not among `columns:`, or on a column whose declared
            type is too short for a hash.
    """
    if table.mask and not maskable:
        raise ValueError(f"mask: a source of kind {kind} cannot mask columns; remove mask")
    for name, mask in table.mask.items():
        if name in (table.cursor, table.deleted):
            raise ValueError(
                f"mask: {name} is the cursor or the flag of deleted rows, and loads need its values; do not mask it"
            )
        if name in table.key and mask != "hash":
            raise ValueError(f"mask: {name} is part of the key, which must still identify a row; use hash")
        if table.declared_types is None:
            continue
        if name not in table.declared_types:
            raise ValueError(f"mask has {name!r}, which is not among columns{did_you_mean(name, table.declared_types)}")
        declared = table.declared_types[name]
        if mask == "hash" and (declared.kind not in _TEXTS or (declared.size or 64) < 64 or str(declared) == "char(1)"):
            raise ValueError(
                f"mask: a hash has 64 characters, and columns declares {name} as {declared}; declare it as varchar(64)"
            )


def masked(table: "TableSpec", found: Iterable[Column]) -> list[Column]:
    """Return the columns of the source with their masks, without the dropped ones.

    Raises:
        SourceError: the source lacks a masked column, or has one whose values cannot be hashed.
    """
    source = {column.name: column for column in found}
    for name in table.mask:
        if name not in source:
            raise SourceError(
                f"{table.name}: mask has {name!r}, but the source has no such column, so a private column might be "
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
    if column.type.kind not in _HASHABLE and not column.empty:  # every value of an empty column is NULL
        raise SourceError(
            f"{table.name}: mask: {column.name} is {column.type}, and databases write its values in different ways, so "
            "their hashes would differ. Use null or drop"
        )
    return replace(column, type=HASHED, mask="hash")
