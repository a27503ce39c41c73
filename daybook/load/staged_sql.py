"""The SQL that prepares staged rows for a strategy: it deduplicates keys and separates deleted rows.

It uses only SQL that PostgreSQL and Redshift share, as the strategies do.
"""

from daybook.model.soft_deletes import flagged_sql
from daybook.model.target import Target
from daybook.strategies.staged_rows import Ranges, Statements, not_newer_sql
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: The kinds of columns that a warehouse cannot sort by.
_UNSORTABLE = frozenset({"json", "jsonb", "native", "bytes"})


def keep_newest(session: Session, warehouse: Warehouse, target: Target, staged: str, into: str) -> None:
    """Copy the newest row of each key, by the cursor, from `staged` into the new temporary table `into` (both quoted).

    Of two rows with the same cursor, one that is not deleted wins. After that, the values of the other columns decide,
    so that a repeated run chooses the same row.
    """
    keys = [warehouse.quote(name) for name in target.key]
    order = [f"{warehouse.quote(target.cursor.column)} DESC NULLS LAST"] if target.cursor else []
    if target.deleted:
        flagged = flagged_sql(warehouse.quote(target.deleted.name), target.deleted.type)
        order.append(f"CASE WHEN {flagged} THEN 1 ELSE 0 END")
    order += [warehouse.quote(column.name) for column in target.columns if column.type.kind not in _UNSORTABLE]
    names = ", ".join(warehouse.quote(name) for name in target.column_names)
    session.run(
        f"CREATE TEMP TABLE {into}{warehouse.staging_options(target)} AS "
        f"SELECT {names} FROM (SELECT {names}, ROW_NUMBER() OVER "
        f"(PARTITION BY {', '.join(keys)} ORDER BY {', '.join(order)}) AS daybook_rank FROM {staged}) AS ranked "
        "WHERE daybook_rank = 1"
    )


def split_deleted(session: Session, warehouse: Warehouse, target: Target, staged: str, into: str) -> None:
    """Move the rows that are flagged as deleted from `staged` into the new temporary table `into` (both quoted).

    `into` gets only their keys, cursors and flags.
    """
    assert target.deleted is not None
    flagged = flagged_sql(warehouse.quote(target.deleted.name), target.deleted.type)
    names = dict.fromkeys([*target.key, *([target.cursor.column] if target.cursor else []), target.deleted.name])
    columns = ", ".join(warehouse.quote(name) for name in names)
    options = warehouse.staging_options(target)
    session.run(f"CREATE TEMP TABLE {into}{options} AS SELECT {columns} FROM {staged} WHERE {flagged}")
    session.run(f"DELETE FROM {staged} WHERE {flagged}")


def remove_deleted(session: Statements, warehouse: Warehouse, target: Target, deleted: str, ranges: Ranges) -> int:
    """Delete from the target the rows whose keys are in `deleted` (quoted), unless the target's row is newer.

    `ranges` are those of the rows of `deleted`.

    Returns the number of deleted rows.
    """
    if not target.key:
        return 0
    table = warehouse.table(target.name)
    return session.run(f"DELETE FROM {table} USING {deleted} WHERE {not_newer_sql(warehouse, target, deleted, ranges)}")
