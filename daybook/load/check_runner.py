"""Run the checks of a table file. Each check is one query, whose value is compared with the expected one.

Checks run in the open transaction, on the rows that it is about to commit. `change_within` compares with the table as
it was before, so measure that before the transaction changes the table: `before = measure(…)`, then
`run_checks(…, before=before)`. The queries use only SQL that all warehouses share.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daybook.definitions.targets.project_target import file_stem
from daybook.errors import CheckFailed, TableFileError
from daybook.model.bounds import shown
from daybook.model.checks import Check
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check."""

    check: Check
    sql: str
    """The query as it was sent, ready to paste."""
    found: Any
    """The value that the query returned."""
    expected: str
    """The expected value in words."""
    held: bool
    """True if the check passed."""

    def __str__(self) -> str:
        name = "" if self.check.kind == "sql" else f"{self.check.kind}: "
        return f"{name}{self.sql} returned {shown(self.found)}; expected {self.expected}"


def measure(session: Session, warehouse: Warehouse, checks: Sequence[Check], table: str) -> dict[Check, Any]:
    """Return the current values of all checks with `change_within` on `table` (`schema.table`).

    The result is empty if the table does not exist yet. Raises the errors of `run_checks`.
    """
    compared = [check for check in checks if check.change_within is not None]
    if not compared or not warehouse.exists(session, table):
        return {}
    return {check: _ask(session, table, *_query(warehouse, check, table, table))[1] for check in compared}


def run_checks(
    session: Session,
    warehouse: Warehouse,
    checks: Sequence[Check],
    table: str,
    *,
    stands_for: str | None = None,
    before: Mapping[Check, Any] | None = None,
) -> list[Result]:
    """Run all checks of a table's file and return their results. To stop at failed checks, call `require`.

    Args:
        session: a session with the open transaction.
        warehouse: the warehouse of the session.
        checks: the checks.
        table: the table of the file, `schema.table`.
        stands_for: the table (`schema.table`) to query instead of `table`, such as a build that is not published yet.
        before: the result of `measure`. Without it, a check with `change_within` has nothing to compare and passes.

    Raises:
        TableFileError: the SQL of a check is wrong, or does not return one value.
        CheckFailed: a query failed because of the rows, for example by a division by zero.
    """
    results = []
    for check in checks:
        sql, found = _ask(session, table, *_query(warehouse, check, table, stands_for or table))
        was = (before or {}).get(check)
        bounds = check.bounds(was)
        held = bounds is None or bounds.holds(found)
        results.append(Result(check, sql, found, check.expected(bounds, was), held))
    return results


def warnings_of(results: Iterable[Result]) -> tuple[str, ...]:
    """Return one text for each failed check of severity `warn`."""
    return tuple(str(result) for result in results if not result.held and result.check.severity == "warn")


def require(results: Sequence[Result], what: str, remedy: str) -> tuple[Result, ...]:
    """Log the failed checks of severity `warn`, and raise an error for those of severity `fail`.

    Args:
        results: the results of `run_checks`.
        what: the name of what was checked, such as "raw_data.nps 2021-02-05".
        remedy: the last sentence of the error, such as "Fix the rows at the source".

    Returns:
        The results, unchanged.

    Raises:
        CheckFailed: checks of severity `fail` failed. The error lists all of them, each with its SQL, the value that
            it found and the value that it expected.
    """
    for warning in warnings_of(results):
        logger.warning("%s: a check failed with severity warn: %s", what, warning)
    failed = [str(result) for result in results if not result.held and result.check.severity == "fail"]
    if len(failed) == 1:
        raise CheckFailed(f"{what}: a check failed, and nothing was changed: {failed[0]}. {remedy}")
    if failed:
        lines = "".join(f"\n- {line}" for line in failed)
        raise CheckFailed(f"{what}: {len(failed)} checks failed, and nothing was changed:{lines}\n{remedy}")
    return tuple(results)


def _query(warehouse: Warehouse, check: Check, table: str, actual: str) -> tuple[str, Sequence[Any]]:
    """Return the query of a check and its bind values. The query reads `actual` wherever the check names `table`."""

    def quoted(name: str) -> str:
        return warehouse.table(actual if name == table else name)

    of, name = quoted(check.table or table), warehouse.quote
    if check.sql is not None:
        return check.sql.replace("%", "%%").replace("{table}", of), ()
    if check.unique is not None:
        columns = ", ".join(name(column) for column in check.unique)
        shared = f"SELECT {columns} FROM {of} GROUP BY {columns} HAVING count(*) > 1"
        return f"SELECT count(*) FROM ({shared}) AS shared", ()
    if check.not_null is not None:
        return f"SELECT count(*) FROM {of} WHERE {' OR '.join(f'{name(one)} IS NULL' for one in check.not_null)}", ()
    if check.accepted_values is not None:
        column, values = name(check.accepted_values.column), check.accepted_values.values
        return f"SELECT count(*) FROM {of} WHERE {column} NOT IN ({', '.join(['%s'] * len(values))})", values
    if check.relationship is not None:
        column, (to, _, key) = name(check.relationship.column), check.relationship.to.rpartition(".")
        parents = f"SELECT 1 FROM {quoted(to)} AS parent WHERE parent.{name(key)} = child.{column}"
        return f"SELECT count(*) FROM {of} AS child WHERE child.{column} IS NOT NULL AND NOT EXISTS ({parents})", ()
    if check.fresh is not None:
        return f"SELECT max({name(check.fresh.column)}) FROM {of}", ()
    return f"SELECT count(*) FROM {of}", ()


def _ask(session: Session, table: str, sql: str, values: Sequence[Any]) -> tuple[str, Any]:
    """Return the query as it was sent, ready to paste, and the one value that it returned."""
    text = session.as_sent(sql, values)
    broken = f"{table}: a check of tables/{file_stem(table)}.yaml cannot be run: {text}"
    try:
        rows, columns, found = session.answer(sql, values)
    except DatabaseError as error:
        if error.transient:
            raise
        kind = TableFileError if meets(error, Condition.WRONG_SQL) else CheckFailed
        raise kind(f"{broken} failed: {error.message}. Nothing was changed. Correct the check") from None
    if (rows, columns) != (1, 1):
        raise TableFileError(
            f"{broken} returns {rows} rows of {columns} columns, but a check needs exactly one value. Nothing was "
            "changed. Count the rows, or select one value"
        )
    return text, found
