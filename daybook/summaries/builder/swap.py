"""Publish a build, in the transaction that holds the lock of the summary's table.

Daybook replaces the rows and keeps the table, with its grants, comments and indexes, and the views on it. Readers see
all of the old rows until the commit, and all of the new rows after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from daybook.errors import SchemaMismatch
from daybook.ledger.moves import MovedInterval
from daybook.load.moved_intervals import MovedIntervals
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE
from daybook.strategies.staged_rows import StagedRows, same_key_sql
from daybook.warehouses.base import TABLE, Warehouse
from daybook.warehouses.session import Session


class Overtaken(Exception):
    """Another build of the summary was committed first, so this build may no longer be what is stale."""


def check_name(session: Session, warehouse: Warehouse, name: str) -> None:
    """Check that `name` (`schema.table`) is a table or does not exist.

    Raises:
        SchemaMismatch: it is a view or something similar. Deleting its rows could delete those of another table.
    """
    found = warehouse.kind_of(session, name)
    if found not in (None, TABLE):
        raise SchemaMismatch(
            f"{name} is {found}, but a summary needs a table. Drop or rename it, or give the summary's files another "
            "name"
        )


def first(session: Session, warehouse: Warehouse, target: Target, build: str) -> None:
    """Publish the first build of a summary: rename the table `build` (`schema.table`) to the summary's name.

    Raises:
        Overtaken: another build has created the table.
    """
    table = TableName.parse(target.name).table
    try:
        session.run(f"ALTER TABLE {warehouse.table(build)} RENAME TO {warehouse.quote(table)}")
    except DatabaseError as error:
        if not meets(error, Condition.ALREADY_EXISTS, Condition.UNIQUE_VIOLATION):
            raise
        raise Overtaken(f"another build created {target.name}") from None


def whole(session: Session, warehouse: Warehouse, target: Target, build: str, rows: int) -> None:
    """Replace all rows of the table by the `rows` rows of the build, and change its columns to those of the build.

    Raises:
        SchemaMismatch: a view reads a column that the build no longer has, or has with another type.
    """
    current, new = (warehouse.column_types(session, name) for name in (target.name, build))
    gone = [name for name in current if name not in new]
    retyped = [name for name in new if name in current and current[name] != new[name]]
    added = [name for name in new if name not in current]
    table = warehouse.table(target.name)
    columns = warehouse.existing_columns(session, target.name)
    # An ALTER locks out readers until the commit, so each comes as late as possible. A build cannot fill a required
    # column that its SELECT no longer returns.
    remove_keys, restore_keys = warehouse.key_changes(session, target.name, retyped, gone)
    early, late = ([name for name in gone if columns[name].nullable is nullable] for nullable in (False, True))
    if early or retyped or added or remove_keys:
        session.run(f"DELETE FROM {table}")  # all rows are replaced, so none has to be converted
    for statement in remove_keys:
        session.run(statement)
    with _views_named(target, gone, retyped):
        for name in early:
            session.run(f"ALTER TABLE {table} DROP COLUMN {warehouse.quote(name)}")
        for name in retyped:
            for statement in warehouse.retype_empty_sql(table, name, new[name]):
                session.run(statement)
    for name in added:
        session.run(f"ALTER TABLE {table} ADD COLUMN {warehouse.quote(name)} {new[name]}")
    for statement in restore_keys:
        session.run(statement)
    WHOLE_TABLE.apply(StagedRows(session, warehouse, target, warehouse.table(build), rows))
    with _views_named(target, gone, retyped):
        for name in late:
            session.run(f"ALTER TABLE {table} DROP COLUMN {warehouse.quote(name)}")


def intervals(
    session: Session,
    warehouse: Warehouse,
    target: Target,
    build: str,
    rows: int,
    wanted: Sequence[Interval],
    grid: Grid,
) -> set[MovedInterval]:
    """Replace the table's rows of the `wanted` intervals by those of the build.

    Returns the other intervals of the `grid` that lose rows, because the build has rows with the same keys.

    Raises:
        SchemaMismatch: the table's columns are not those of the build.
    """
    current, new = (warehouse.column_types(session, name) for name in (target.name, build))
    if current != new:
        raise SchemaMismatch(
            f"{target.name}: its columns are {_listed(current)}, but its SELECT returns {_listed(new)}. The table was "
            "changed by hand: build it with full_refresh=true to give it the columns of its SELECT again"
        )
    moved, built = MovedIntervals(warehouse, target, grid, wanted), warehouse.table(build)
    ranges = warehouse.ranges(session, target, built)
    moved.lost(built, same_key_sql(warehouse, target, warehouse.table(target.name), built, ranges))
    found = moved.find(session)
    EXACT_INTERVALS.apply(StagedRows(session, warehouse, target, built, rows, wanted, ranges=ranges))
    return found


@contextmanager
def _views_named(target: Target, gone: Sequence[str], retyped: Sequence[str]) -> Iterator[None]:
    """Convert the refusal of an ALTER in the block, because of a view, into an error that names the view.

    Raises:
        SchemaMismatch: a view reads a column that is gone or has another type.
    """
    try:
        yield
    except DatabaseError as error:
        if not meets(error, Condition.BLOCKED_BY_VIEW):
            raise
        raise SchemaMismatch(
            f"{target.name}: a view reads {', '.join([*gone, *retyped])}, but the SELECT "
            f"{'no longer returns it' if gone else 'returns it with another type'}: {error.detail}. Change or drop "
            "the view, and build it again; or keep the column"
        ) from None


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {type}" for name, type in columns.items())
