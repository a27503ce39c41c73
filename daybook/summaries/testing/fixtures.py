"""Put the given rows of a case into temporary tables, and find their columns and types."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from daybook.definitions.table_files import read_table, table_names
from daybook.errors import TableFileError
from daybook.ledger.state_table import SCHEMA
from daybook.model.masks import masked
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.suggestions import did_you_mean
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

Types = Mapping[str, Type]

_TEXT = Type("varchar", 65535)


def declared_types(tables: Sequence[str], folder: Path | None = None) -> dict[str, Types]:
    """Return the columns of the tables whose files below `folder` declare them, with the warehouse's types.

    Raises:
        TableFileError: a table file is wrong.
    """
    found = dict[str, Types]()
    for name in set(tables).intersection(table_names(folder)):
        table = read_table(name, folder)
        if table.declared_types:
            columns = [Column(column, type) for column, type in table.declared_types.items()]
            found[name] = {column.name: column.type for column in masked(table, columns)}
    return found


def column_types(table: str, rows: Sequence[Mapping[str, Any]], known: Types, declared: Types) -> dict[str, Type]:
    """Return the columns of a given table: the `known` ones, or else those that its rows name.

    The types that the case declares take precedence.

    Raises:
        TableFileError: a row names an unknown column, or the columns cannot be found out.
    """
    named = dict.fromkeys(name for row in rows for name in row)
    if known:
        for name in named:
            if name not in known and name not in declared:
                near = did_you_mean(name, known, f"it has {', '.join(known)}")
                raise TableFileError(f"given: {table} has no column {name!r}{near}")
        return {**known, **declared}
    types = {name: _type_of([row.get(name) for row in rows]) for name in named} | dict(declared)
    if not types:
        raise TableFileError(
            f"given: {table} has no rows, and its columns are unknown: add columns: {{{table}: {{column: type}}}}"
        )
    return types


def make_table(
    session: Session, warehouse: Warehouse, name: str, rows: Sequence[Mapping[str, Any]], types: Types
) -> None:
    """Create the temporary table `name` with these rows. Columns that a row does not name are NULL."""
    columns = tuple(Column(column, type) for column, type in types.items())
    warehouse.create_staging(session, Target(f"{SCHEMA}.{name}", columns), name)  # there is no such table
    values = ([row.get(column) for column in types] for row in rows)
    session.insert(warehouse.quote(name), map(warehouse.quote, types), values)


def _type_of(values: Sequence[Any]) -> Type:
    """Return the type that fits values from YAML."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Type("boolean")
    if kinds and kinds <= {int, Decimal}:
        numbers = [Decimal(value) for value in values if value is not None]
        if kinds == {int} and all(abs(number) < 2**63 for number in numbers):
            return Type("bigint")
        digits = [-exponent for number in numbers if isinstance(exponent := number.as_tuple().exponent, int)]
        return Type("decimal", 38, max(0, *digits)) if len(digits) == len(numbers) else Type("double")
    if kinds == {date}:
        return Type("date")
    if kinds and kinds <= {date, datetime}:
        zoned = any(isinstance(value, datetime) and value.tzinfo for value in values)
        return Type("timestamptz" if zoned else "timestamp")
    return _TEXT
