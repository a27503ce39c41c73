"""Redshift's slices and blocks: how many staged parts a load needs, and how its joins skip blocks of their table.

Redshift keeps the least and the greatest value of every column for each block of 1 MB (its zone map), and skips the
blocks that a literal in the query rules out: c_challenges_achieving_high_performance_queries.html, t_Sorting_data.html.
A join condition alone rules out nothing, so an upsert would read its whole target in each join.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import URL

from daybook.errors import WarehouseError
from daybook.model.target import Target
from daybook.model.types import INTEGERS
from daybook.sql.database_error import DatabaseError
from daybook.strategies.staged_rows import Ranges
from daybook.warehouses.session import Session

#: The option of a URL with the number of slices, for a warehouse that does not show it.
SLICES = "slices"
_UNKNOWN = 32  # more parts than slices cost little, and fewer parts leave slices idle
#: The kinds with an order that has no exceptions. Floats have NaN, and texts may have a collation.
_ORDERED = INTEGERS | {"decimal", "date", "timestamp", "timestamptz"}


def declared_slices(url: URL) -> int | None:
    """Return the number of slices that the URL declares, or None.

    Raises:
        WarehouseError: it is not a number from 1 up.
    """
    given = url.query.get(SLICES)
    if given is None:
        return None
    if not (isinstance(given, str) and given.isascii() and given.isdecimal() and int(given)):
        raise WarehouseError(
            f"the URL of SqlAlchemyConnector/warehouse has {SLICES}={given}, expected the number of slices, such as "
            f"{SLICES}=16"
        )
    return int(given)


def found_slices(session: Session) -> int:
    """Return the number of slices of a cluster (dg/r_STV_SLICES.html). Redshift Serverless does not show it."""
    try:
        return session.one("SELECT COUNT(*) FROM stv_slices") or _UNKNOWN
    except DatabaseError as error:
        if error.lost:
            raise
        return _UNKNOWN


def ranges_of(session: Session, quote: Callable[..., str], target: Target, staged: str) -> Ranges:
    """Return the ranges of the key's columns and of the cursor, with one query of the staged rows.

    A column is left out if a row has NULL there, or if the warehouse keeps its values as texts or floats.
    """
    wanted = {*target.key, *([target.cursor.column] if target.cursor else [])} if target.key else set[str]()
    names = [column.name for column in target.columns if column.name in wanted and column.type.kind in _ORDERED]
    if not names:
        return {}
    fields = ", ".join("MIN({0}), MAX({0}), COUNT({0})".format(quote(name)) for name in names)
    ((rows, *found),) = session.rows(f"SELECT COUNT(*), {fields} FROM {staged}")
    ranges = {}
    for name, least, greatest, values in zip(names, found[::3], found[1::3], found[2::3], strict=True):
        low, high = _literal(least), _literal(greatest)
        if low and high and values == rows:
            ranges[name] = (low, high)
    return ranges


def _literal(value: Any) -> str | None:
    """Return an SQL literal, which needs no escapes; None for a value of another type, such as infinity."""
    if isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime):
        return f"'{value.isoformat(' ')}'"
    return f"'{value.isoformat()}'" if isinstance(value, date) else None
