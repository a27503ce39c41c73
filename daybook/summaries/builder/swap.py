"""The moment at which readers see a new build: within the transaction that holds the table's lock.

The table itself stays, and its rows are exchanged: so do its grants, comments, indexes and the views on it. Readers see
all of the old rows until the commit, and all of the new ones after it.
"""

from collections.abc import Mapping, Sequence

from daybook.errors import SchemaMismatch
from daybook.model.interval import Interval
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE
from daybook.strategies.staged_rows import StagedRows
from daybook.warehouses.base import TABLE, Warehouse
from daybook.warehouses.session import Session


class Overtaken(Exception):
    """Another build of the summary was committed meanwhile: what has to be built is not what it was."""


def check_name(session: Session, warehouse: Warehouse, name: str) -> None:
    """Whether what is called `name` (`schema.table`) is a table, if there is anything.

    Raises:
        SchemaMismatch: it is a view or the like: rows that were deleted from it could be those of another table.
    """
    found = warehouse.kind_of(session, name)
    if found not in (None, TABLE):
        raise SchemaMismatch(
            f"{name} is {found}, and a summary is built into a table. Drop or rename it, or "
            "give the summary's files another name"
        )


def first(session: Session, warehouse: Warehouse, target: Target, build: str) -> None:
    """The build (`schema.table`) becomes the table, which is not there yet.

    Raises:
        Overtaken: it is there, by now.
    """
    table = TableName.parse(target.name).table
    try:
        session.run(f"ALTER TABLE {warehouse.table(build)} RENAME TO {warehouse.quote(table)}")
    except DatabaseError as error:
        if not meets(error, Condition.ALREADY_EXISTS, Condition.UNIQUE_VIOLATION):
            raise
        raise Overtaken(f"another build has made {target.name}") from None


def whole(session: Session, warehouse: Warehouse, target: Target, build: str, rows: int) -> None:
    """The table's rows become those of the build, which has so many; its columns follow.

    Raises:
        SchemaMismatch: a view reads a column that the build does not have any more, or has with another type.
    """
    _reshape(session, warehouse, target, build)
    WHOLE_TABLE.apply(StagedRows(session, warehouse, target, warehouse.table(build), rows))


def intervals(
    session: Session, warehouse: Warehouse, target: Target, build: str, rows: int, wanted: Sequence[Interval]
) -> None:
    """The table's rows of these intervals become those of the build.

    Raises:
        SchemaMismatch: somebody has changed the table's columns.
    """
    there, new = (warehouse.column_types(session, name) for name in (target.name, build))
    if there != new:
        raise SchemaMismatch(
            f"{target.name}: it has the columns {_said(there)}, and its SELECT gives {_said(new)}. Somebody has "
            "changed the table: build it with full_refresh=true, and it follows its SELECT again"
        )
    EXACT_INTERVALS.apply(StagedRows(session, warehouse, target, warehouse.table(build), rows, wanted))


def _reshape(session: Session, warehouse: Warehouse, target: Target, build: str) -> None:
    there, new = (warehouse.column_types(session, name) for name in (target.name, build))
    if there == new:
        return
    table = warehouse.table(target.name)
    gone = [name for name in there if name not in new]
    other = [name for name in new if name in there and there[name] != new[name]]
    if other:
        session.run(f"DELETE FROM {table}")  # all of its rows are exchanged: none has to become another type
    try:
        for name in gone:
            session.run(f"ALTER TABLE {table} DROP COLUMN {warehouse.quote(name)}")
        for name in other:
            for statement in warehouse.retype_empty_sql(table, name, new[name]):
                session.run(statement)
    except DatabaseError as error:
        if not meets(error, Condition.BLOCKED_BY_VIEW):
            raise
        raise SchemaMismatch(
            f"{target.name}: a view reads {', '.join(gone + other)}, which its SELECT "
            f"{'no longer gives' if gone else 'gives with another type'}: {error.detail}. Change or drop "
            "the view, and build it again; or keep the column"
        ) from None
    for name, type in new.items():
        if name not in there:
            session.run(f"ALTER TABLE {table} ADD COLUMN {warehouse.quote(name)} {type}")


def _said(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {type}" for name, type in columns.items())
