"""The three ways in which staged rows become the table. Each runs inside the transaction that holds the lock.

The SQL is the part that PostgreSQL and Redshift share: no ON CONFLICT, no RETURNING, no MERGE, no alias of a target.
"""

from collections.abc import Sequence
from typing import Any

from daybook.errors import RowCountMismatch
from daybook.load.moved_rows import apart_from_sql
from daybook.model.interval import Interval
from daybook.model.soft_deletes import flagged_sql
from daybook.model.target import Target
from daybook.model.types import Type
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Kinds that a warehouse cannot sort by.
_UNSORTABLE = frozenset({"json", "jsonb", "native", "bytes"})


def replace(session: Session, warehouse: Warehouse, target: Target, staged: str, rows: int) -> None:
    """The table's rows become the staged ones, in one transaction: readers see all of the old or all of the new.

    The table itself stays, and with it its grants, comments, views, foreign keys, policies and publications.
    """
    _exchange(session, warehouse, target, staged, rows, "TRUE", ())


def replace_interval(
    session: Session,
    warehouse: Warehouse,
    target: Target,
    staged: str,
    rows: int,
    intervals: Sequence[Interval],
    later: str | None = None,
) -> None:
    """The rows of these intervals become what the source now has, also where that is none.

    A row whose cursor has moved into them still stands elsewhere under its key: that older copy goes too. One whose key
    is in `later` (quoted) stays: it has moved on to an interval that is still to be loaded.
    """
    cursor = target.cursor
    assert cursor is not None
    column = f"{_table(warehouse, target)}.{warehouse.quote(cursor.column)}"
    scope, bounds = cursor.within_sql(column, intervals)
    if later:
        scope += f" AND {apart_from_sql(warehouse, target, _table(warehouse, target), later)}"
    _exchange(session, warehouse, target, staged, rows, scope, bounds)


def _exchange(
    session: Session, warehouse: Warehouse, target: Target, staged: str, rows: int, scope: str, bounds: Sequence[Any]
) -> None:
    """Make the rows within `scope` (all, where it binds no bounds) be the staged ones, and no other row share a key.

    Rows that are there already, bit for bit, are left alone where the warehouse can tell: a repeated load writes
    nothing. The count afterwards proves it; it fails where the table holds a row twice, and then all are exchanged.
    """
    table = _table(warehouse, target)
    key = same_key(warehouse, target, table, staged)
    differs = _differs(warehouse, target, table, staged)
    if target.key and differs:
        session.run(
            f"DELETE FROM {table} WHERE {scope} AND NOT EXISTS "
            f"(SELECT 1 FROM {staged} WHERE {key} AND NOT ({differs}))",
            bounds,
        )
        if bounds:
            session.run(f"DELETE FROM {table} USING {staged} WHERE {key} AND {differs}")
        _insert_missing(session, warehouse, target, staged)
        if session.one(f"SELECT count(*) FROM {table} WHERE {scope}", bounds) == rows:
            return
    session.run(f"DELETE FROM {table} WHERE {scope}", bounds)
    if target.key and bounds:
        session.run(f"DELETE FROM {table} USING {staged} WHERE {key}")
    names = _names(warehouse, target)
    landed = session.run(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staged}")
    if landed not in (-1, rows):
        raise RowCountMismatch(f"{target.name}: {rows} rows were staged, and {landed} landed; nothing was changed")


def upsert(session: Session, warehouse: Warehouse, target: Target, staged: str, rows: int) -> None:
    """A staged row takes the place of the one with its key unless that one is newer; rows that are the same stay.

    `staged` holds a key once: see `newest_only`.
    """
    if not rows:
        return
    table, condition = _table(warehouse, target), _not_newer(warehouse, target, staged)
    differs = _differs(warehouse, target, table, staged)
    if differs:
        condition += f" AND {differs}"
    session.run(f"DELETE FROM {table} USING {staged} WHERE {condition}")
    _insert_missing(session, warehouse, target, staged)


def set_apart(session: Session, warehouse: Warehouse, target: Target, staged: str, into: str) -> None:
    """Move the staged rows that are flagged as deleted into the temporary table `into`: their keys and cursors."""
    assert target.deleted is not None
    flagged = flagged_sql(warehouse.quote(target.deleted.name), target.deleted.type)
    names = dict.fromkeys([*target.key, *([target.cursor.column] if target.cursor else []), target.deleted.name])
    columns = ", ".join(warehouse.quote(name) for name in names)
    session.run(f"CREATE TEMP TABLE {into} AS SELECT {columns} FROM {staged} WHERE {flagged}")
    session.run(f"DELETE FROM {staged} WHERE {flagged}")


def remove_deleted(session: Session, warehouse: Warehouse, target: Target, deleted: str) -> int:
    """Take the rows out of the table whose keys are in `deleted`, unless they are newer there. Returns how many."""
    if not target.key:
        return 0
    return session.run(
        f"DELETE FROM {_table(warehouse, target)} USING {deleted} WHERE {_not_newer(warehouse, target, deleted)}"
    )


def newest_only(session: Session, warehouse: Warehouse, target: Target, staged: str, into: str) -> None:
    """Make the temporary table `into` from `staged` with one row a key: the newest by the cursor.

    Where two are equally new, one that is not deleted wins, and then the values of the other columns decide, so that a
    repeated run chooses the same row.
    """
    keys = [warehouse.quote(name) for name in target.key]
    order = [f"{warehouse.quote(target.cursor.column)} DESC NULLS LAST"] if target.cursor else []
    if target.deleted:
        flagged = flagged_sql(warehouse.quote(target.deleted.name), target.deleted.type)
        order.append(f"CASE WHEN {flagged} THEN 1 ELSE 0 END")
    order += [warehouse.quote(column.name) for column in target.columns if _sortable(column.type)]
    names = _names(warehouse, target)
    session.run(
        f"CREATE TEMP TABLE {into} AS SELECT {names} FROM (SELECT {names}, ROW_NUMBER() OVER "
        f"(PARTITION BY {', '.join(keys)} ORDER BY {', '.join(order)}) AS daybook_rank FROM {staged}) AS ranked "
        "WHERE daybook_rank = 1"
    )


def same_key(warehouse: Warehouse, target: Target, table: str, staged: str) -> str:
    """The condition that a row of `table` and one of `staged` have one key."""
    names: Sequence[str] = [warehouse.quote(name) for name in target.key]
    return " AND ".join(f"{table}.{name} = {staged}.{name}" for name in names)


def _not_newer(warehouse: Warehouse, target: Target, staged: str) -> str:
    """The condition that a row of the target has the key of one of `staged`, and is not newer."""
    table = _table(warehouse, target)
    condition = same_key(warehouse, target, table, staged)
    if target.cursor:
        column = warehouse.quote(target.cursor.column)
        condition += f" AND ({table}.{column} IS NULL OR {staged}.{column} >= {table}.{column})"
    return condition


def _insert_missing(session: Session, warehouse: Warehouse, target: Target, staged: str) -> None:
    """Insert the staged rows whose key the table does not have."""
    table, names = _table(warehouse, target), [warehouse.quote(name) for name in target.column_names]
    session.run(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(f'{staged}.{name}' for name in names)} "
        f"FROM {staged} LEFT JOIN {table} ON {same_key(warehouse, target, table, staged)} "
        f"WHERE {table}.{warehouse.quote(target.key[0])} IS NULL"
    )


def _differs(warehouse: Warehouse, target: Target, table: str, staged: str) -> str | None:
    names = [warehouse.quote(name) for name in target.column_names]
    return warehouse.differs_sql([f"{table}.{name}" for name in names], [f"{staged}.{name}" for name in names])


def _names(warehouse: Warehouse, target: Target) -> str:
    return ", ".join(warehouse.quote(name) for name in target.column_names)


def _table(warehouse: Warehouse, target: Target) -> str:
    return warehouse.quote(*target.name.split(".", 1))


def _sortable(type: Type) -> bool:
    return type.kind not in _UNSORTABLE
