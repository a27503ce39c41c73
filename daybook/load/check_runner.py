"""Checks at work: each is one query, and what it returned is held against what was expected.

They run in the transaction that is open, on what it is about to commit. What a table held before, which `change_within`
compares with, is measured before the transaction changes it: `before = measure(…)`, then `run_checks(…, before)`.
The SQL is what the warehouses have in common.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daybook.errors import CheckFailed, TableFileError
from daybook.model.bounds import shown
from daybook.model.checks import Check
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """A check, the SQL that was run for it (to be pasted as it is), what that returned, and whether that is good."""

    check: Check
    sql: str
    found: Any
    expected: str
    held: bool

    def __str__(self) -> str:
        name = "" if self.check.kind == "sql" else f"{self.check.kind}: "
        return f"{name}{self.sql} gave {shown(self.found)}, and {self.expected} was expected"


def measure(session: Session, warehouse: Warehouse, checks: Sequence[Check], table: str) -> dict[Check, Any]:
    """What the queries of the checks with `change_within` return on `table` (`schema.table`) as it is now.

    Nothing, where there is no such table yet. Raises as `run_checks` does.
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
    """Run the checks of the file of `table` (`schema.table`), whatever comes of them: see `require`.

    `stands_for` is the table (`schema.table`) that is looked at wherever a check means `table`: one that is being
    built. `before` is what `measure` returned; without it, nothing is there to compare a change with, and it holds.

    Raises:
        TableFileError: a check's SQL is wrong, or does not return one value.
        CheckFailed: it could not be run over the rows that are there (a number divided by zero).
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
    """What the checks of severity `warn` that do not hold have to say, a text each."""
    return tuple(str(result) for result in results if not result.held and result.check.severity == "warn")


def require(results: Sequence[Result], what: str, remedy: str) -> tuple[Result, ...]:
    """Tell of the checks that do not hold, and go on only where all of them are there to warn.

    `what` names what was checked ("raw_data.nps 2021-02-05"), and `remedy` says what to do ("Mend …"). Returns the
    results as they came; their warnings are in the log now.

    Raises:
        CheckFailed: checks that do more than warn do not hold: all of them, each with its SQL, what it found and what
            was expected.
    """
    for warning in warnings_of(results):
        logger.warning("%s: a check does not hold: %s", what, warning)
    failed = [str(result) for result in results if not result.held and result.check.severity == "fail"]
    if len(failed) == 1:
        raise CheckFailed(f"{what}: a check failed, and nothing was changed: {failed[0]}. {remedy}")
    if failed:
        lines = "".join(f"\n- {line}" for line in failed)
        raise CheckFailed(f"{what}: {len(failed)} checks failed, and nothing was changed:{lines}\n{remedy}")
    return tuple(results)


def _query(warehouse: Warehouse, check: Check, table: str, actual: str) -> tuple[str, Sequence[Any]]:
    """The query of a check and the values to bind. Where it means `table`, it looks at `actual`."""

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
        there = f"SELECT 1 FROM {quoted(to)} AS there WHERE there.{name(key)} = here.{column}"
        return f"SELECT count(*) FROM {of} AS here WHERE here.{column} IS NOT NULL AND NOT EXISTS ({there})", ()
    if check.fresh is not None:
        return f"SELECT max({name(check.fresh.column)}) FROM {of}", ()
    return f"SELECT count(*) FROM {of}", ()


def _ask(session: Session, table: str, sql: str, values: Sequence[Any]) -> tuple[str, Any]:
    """Return the query as it was sent, which a person can paste, and the one value that it returned."""
    text = session.as_sent(sql, values)
    broken = f"{table}: a check of tables/{table.replace('.', '/', 1)}.yaml cannot be run: {text}"
    try:
        rows, columns, found = session.answer(sql, values)
    except DatabaseError as error:
        if error.transient:
            raise
        kind = TableFileError if meets(error, Condition.WRONG_SQL) else CheckFailed
        raise kind(f"{broken} says: {error.message}. Nothing was changed. Correct the check") from None
    if (rows, columns) != (1, 1):
        raise TableFileError(
            f"{broken} returns {rows} rows of {columns} columns, and a check is about one value. Nothing was "
            "changed. Count the rows, or ask for one of them"
        )
    return text, found
