"""The types of columns that are read from files, if the table file declares none.

A file's types come from its own values: pandas writes integers with NULLs as doubles, and a column of nothing but NULL
as Arrow's null type or as doubles. So the type of a file decides only where there is no other:

- A column without a value takes the type of the warehouse's column.
- A type whose values fit the warehouse's column takes that type, too. The source refuses each value that does not fit.
- A column that has had no value yet is left out. When a file has values for it, the load adds it.
"""

import logging
from dataclasses import replace

from daybook.errors import SourceError
from daybook.load.extraction.schema_drift import SchemaDiff, fits, widens
from daybook.model.types import INTEGERS, NO_TYPE, Column, Type, exchanges_integers, holds
from daybook.sources.base import TypedByFiles

logger = logging.getLogger(__name__)

_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_EXACT = INTEGERS | {"decimal"}
_INCLUDES = {("double", "real"), ("timestamp", "date")}


def settled(diff: SchemaDiff, source: TypedByFiles) -> SchemaDiff:
    """Return the diff with the types that the load uses. Columns without a value that are new are left out.

    A column of the first load without a value keeps `NO_TYPE`, so that the ledger records that it is not new.

    Raises:
        SourceError: a column that the load needs has no type.
    """
    unknown = [name for name, column in diff.found.items() if column.empty and not column.mask and not diff.has(name)]
    types = source.types_of(unknown) if unknown else {}
    found, left_out = dict[str, Column](), list[str]()
    for name, column in diff.found.items():
        type = _type(diff, column) if diff.has(name) else types.get(name, column.type)
        if type == NO_TYPE:
            left_out.append(name)
        if type != NO_TYPE or not diff.existing or diff.awaits_type(name):
            found[name] = replace(column, type=type, empty=False)
    _refuse_needed(diff, found, left_out)
    if left_out:
        logger.warning(
            "%s: columns without a value in the newest files have no type, so they are left out: %s. A load adds them "
            "when a file has values for them. To have them now, declare all columns under columns: in the table file: "
            "%s",
            diff.table.name,
            ", ".join(left_out),
            _declaration(diff, left_out),
        )
    return replace(diff, found=found)


def _type(diff: SchemaDiff, column: Column) -> Type:
    """Return the type for a column that the warehouse has: its type, or a wider one."""
    if column.mask == "hash":
        return column.type
    existing = diff.existing[diff.warehouse.folded(column.name)].type
    recorded = diff.recorded.get(column.name)
    known = recorded.type if recorded and recorded.loaded else existing
    if not fits(existing, diff.warehouse.spelled(known)):  # a person has altered it since
        known = existing
    return known if column.empty else merged(known, column.type)


def merged(known: Type, new: Type) -> Type:
    """Return `known` if the source can check that each value of `new` fits it, a wider type, or `new`."""
    if known.kind == new.kind == "decimal" and known.size is not None and new.size is not None:
        return _decimal(known, new)
    if known.kind in INTEGERS and new.kind == "decimal" and new.scale:
        return _decimal(Type("decimal", _DIGITS[known.kind], 0), new)
    if known.kind == "real" and new.kind in INTEGERS:
        return Type("double")
    alike = known.kind == new.kind or {known.kind, new.kind} <= _EXACT or (known.kind, new.kind) in _INCLUDES
    fitting = alike and holds(known, new) and not widens(known, new)
    return known if fitting or exchanges_integers(known, new) else new


def _decimal(one: Type, other: Type) -> Type:
    """Return the smallest decimal that holds all values of both."""
    scale = max(one.scale or 0, other.scale or 0)
    whole = max((one.size or 0) - (one.scale or 0), (other.size or 0) - (other.scale or 0))
    return Type("decimal", whole + scale, scale)


def _refuse_needed(diff: SchemaDiff, found: dict[str, Column], left_out: list[str]) -> None:
    needed = [name for name in diff.table.named if name in left_out]
    if not needed and len(left_out) == len(diff.found):
        needed = left_out
    if needed:
        raise SourceError(
            f"{diff.table.name}: {', '.join(needed)}: every value is NULL in the newest files, so the column has no "
            "type, and the table needs it. Declare the columns with their types in the table file: "
            f"{_declaration(diff, left_out)}"
        )


def _declaration(diff: SchemaDiff, left_out: list[str]) -> str:
    """Return the line `columns:` for the table file, with TYPE for the columns without a type."""
    types = {
        name: "TYPE" if name in left_out else f'"{column.type}"' if column.type.size is not None else str(column.type)
        for name, column in diff.found.items()
    }
    return "columns: {" + ", ".join(f"{name}: {type}" for name, type in types.items()) + "}"
