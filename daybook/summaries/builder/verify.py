"""What must hold of a summary's inputs before it is built, and of what was built before anybody sees it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daybook.definitions.summary import Summary
from daybook.errors import DuplicateKey, EmptyBuild, NullKey, SourceError, TableFileError
from daybook.load import guards
from daybook.load.check_runner import Result, measure, require, run_checks
from daybook.model.checks import Check
from daybook.summaries.builder.build_table import BuildTable
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: What the checks with `change_within` compare with.
Before = Mapping[Check, Any]


def inputs(session: Session, warehouse: Warehouse, summary: Summary) -> tuple[Result, ...]:
    """Run the input checks. Returns what each found; raises CheckFailed where one that does not only warn fails."""
    results = run_checks(session, warehouse, summary.input_checks, summary.name)
    remedy = f"Load what is missing, or correct input_checks in {summary.table_name}.yaml"
    return require(results, f"{summary.name}: what it reads", remedy)


def before(session: Session, warehouse: Warehouse, summary: Summary) -> Before:
    """What readers see now, as far as a check compares with it: nothing of a table or a column that is yet to come."""
    try:
        return measure(session, warehouse, summary.output_checks, summary.name)
    except TableFileError:
        return {}


def key(session: Session, warehouse: Warehouse, summary: Summary, table: BuildTable) -> None:
    """No row of the build is without its key or cursor, and no two share a key.

    Raises NullKey and DuplicateKey, and TableFileError for a cursor that is no date or time of the grid.
    """
    names, target = ", ".join(summary.key), table.target
    count = guards.without_key(session, warehouse, target, table.quoted)
    if count:
        raise NullKey(
            f"{summary.name}: {count} of {table.rows} rows have no {names}, which is their key. Leave them out in the "
            "SELECT, give them one (coalesce), or correct key:"
        )
    _cursor(session, warehouse, summary, table)
    shared = guards.duplicates(session, warehouse, target, table.quoted)
    if shared:
        raise DuplicateKey(
            f"{summary.name}: rows share a key: {'; '.join(shared)}. Where a row should be there once, a join found it "
            f"more than one partner; otherwise {names} is not what tells rows apart: correct key:"
        )


def _cursor(session: Session, warehouse: Warehouse, summary: Summary, table: BuildTable) -> None:
    """Every row says to which interval it belongs: one that does not would be built once, and never again."""
    cursor, yaml = table.target.cursor, f"{summary.table_name}.yaml"
    if cursor is None:
        return
    assert summary.grid is not None
    one = summary.grid.containing(datetime.now(UTC))  # any will do: the grid is the same everywhere
    try:
        for instant in (one.start, one.end):
            cursor.bound(instant)
    except SourceError as error:
        raise TableFileError(f"{summary.name}: {error}. Cast it in the SELECT, or correct {yaml}") from None
    count = session.one(f"SELECT count(*) FROM {table.quoted} WHERE {warehouse.quote(cursor.column)} IS NULL")
    if count:
        raise NullKey(
            f"{summary.name}: {count} of {table.rows} rows have no {cursor.column}, which is their cursor: they belong "
            f"to no {summary.interval}. Leave them out in the SELECT, give them one (coalesce), or take interval: and "
            f"cursor: out of {yaml}, and it is always built whole"
        )


def output(
    session: Session,
    warehouse: Warehouse,
    summary: Summary,
    rows: int,
    before: Before,
    *,
    stands_for: str | None = None,
) -> tuple[Result, ...]:
    """Run the output checks on all that readers would see, in `stands_for` (None: in the table itself).

    Returns what each found. Raises CheckFailed where one that does not only warn fails, and EmptyBuild where there are
    no `rows`.
    """
    if not rows and not summary.allow_empty:
        raise EmptyBuild(
            f"{summary.name}: its SELECT gives no row. Look at what it reads; if it may be empty, set "
            f"allow_empty: true in {summary.table_name}.yaml"
        )
    results = run_checks(session, warehouse, summary.output_checks, summary.name, stands_for=stands_for, before=before)
    remedy = f"Mend the SELECT, what it reads, or output_checks in {summary.table_name}.yaml"
    return require(results, f"{summary.name}: what was built", remedy)
