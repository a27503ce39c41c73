"""Check a summary's inputs before the build, and the build before it is published."""

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

#: The values of the last build that checks with `change_within` compare with.
Before = Mapping[Check, Any]


def inputs(session: Session, warehouse: Warehouse, summary: Summary) -> tuple[Result, ...]:
    """Run the input checks, and return their results.

    Raises:
        CheckFailed: a check failed whose severity is not `warn`.
    """
    results = run_checks(session, warehouse, summary.input_checks, summary.name)
    remedy = f"Load what is missing, or correct input_checks in {summary.table_name}.yaml"
    return require(results, f"{summary.name}: inputs", remedy)


def before(session: Session, warehouse: Warehouse, summary: Summary) -> Before:
    """Return the values of the published table that checks compare with. Empty if it, or a column, does not exist."""
    try:
        return measure(session, warehouse, summary.output_checks, summary.name)
    except TableFileError:
        return {}


def key(session: Session, warehouse: Warehouse, summary: Summary, table: BuildTable) -> None:
    """Check that every row of the build has a key and a cursor, and that no two rows have the same key.

    Raises:
        NullKey: a row has no key or no cursor.
        DuplicateKey: two rows have the same key.
        TableFileError: the cursor's type cannot hold the boundaries of the intervals.
    """
    names, target = ", ".join(summary.key), table.target
    _, count = guards.counted(session, warehouse, target, table.quoted)
    if count:
        raise NullKey(
            f"{summary.name}: {count} of {table.rows} rows have NULL in the key ({names}). Filter them out in the "
            "SELECT, replace the NULL (coalesce), or correct key:"
        )
    _cursor(session, warehouse, summary, table)
    shared = guards.duplicates(session, warehouse, target, table.quoted)
    if shared:
        raise DuplicateKey(
            f"{summary.name}: rows have the same key: {'; '.join(shared)}. If each key should occur once, a join "
            f"matches more than one row: correct the join. If not, {names} does not identify a row: correct key:"
        )


def _cursor(session: Session, warehouse: Warehouse, summary: Summary, table: BuildTable) -> None:
    """Check that every row belongs to an interval: a row without a cursor would never be rebuilt."""
    cursor, yaml = table.target.cursor, f"{summary.table_name}.yaml"
    if cursor is None:
        return
    assert summary.grid is not None
    one = summary.grid.containing(datetime.now(UTC))  # any interval will do
    try:
        for instant in (one.start, one.end):
            cursor.bound(instant)
    except SourceError as error:
        raise TableFileError(f"{summary.name}: {error}. Cast it in the SELECT, or correct {yaml}") from None
    count = session.one(f"SELECT count(*) FROM {table.quoted} WHERE {warehouse.quote(cursor.column)} IS NULL")
    if count:
        raise NullKey(
            f"{summary.name}: {count} of {table.rows} rows have NULL in the cursor ({cursor.column}), so they belong "
            f"to no {summary.interval}. Filter them out in the SELECT, replace the NULL (coalesce), or remove "
            f"interval: and cursor: from {yaml}: then all of it is rebuilt every time"
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
    """Run the output checks on the rows that readers would see, and return their results.

    Args:
        session: the build's session.
        warehouse: the warehouse.
        summary: the summary.
        rows: the number of rows that readers would see.
        before: the values of the published table, from `before`.
        stands_for: the table that has the rows, as `schema.table`. None: the summary's own table.

    Raises:
        CheckFailed: a check failed whose severity is not `warn`.
        EmptyBuild: there are no rows, and the file does not allow that.
    """
    if not rows and not summary.allow_empty:
        raise EmptyBuild(
            f"{summary.name}: its SELECT returned no rows. Check its inputs. If it may be empty, set allow_empty: true "
            f"in {summary.table_name}.yaml"
        )
    results = run_checks(session, warehouse, summary.output_checks, summary.name, stands_for=stands_for, before=before)
    remedy = f"Correct the SELECT, its inputs, or output_checks in {summary.table_name}.yaml"
    return require(results, f"{summary.name}: build", remedy)
