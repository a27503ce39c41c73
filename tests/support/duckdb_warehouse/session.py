"""A connection to DuckDB, and the meaning of its exceptions."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import duckdb

from daybook.sql.database_error import Condition, DatabaseError, translated
from daybook.warehouses.session import Session

_PLACES = {"%s": "?", "%%": "%"}
#: The condition for a class of exceptions and a pattern of their text. The first match counts.
_CONDITIONS = [
    (duckdb.CatalogException, "Column with name .* already exists", Condition.DUPLICATE_COLUMN),
    (duckdb.CatalogException, "already exists", Condition.ALREADY_EXISTS),
    (duckdb.CatalogException, "(Table|Schema) with name .* does not exist", Condition.MISSING_TABLE),
    (duckdb.BinderException, "Referenced column .* not found", Condition.MISSING_COLUMN),
    (duckdb.ConstraintException, "NOT NULL", Condition.NULL_VIOLATION),
    (duckdb.ConstraintException, "", Condition.BROKEN_RULE),
    (duckdb.DataError, "", Condition.BAD_VALUE),
    (duckdb.DependencyException, "", Condition.BLOCKED_BY_VIEW),
]
#: Classes of exceptions that depend on the statement, not on the rows.
_WRONG_SQL = (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException)


def read_error(error: BaseException) -> DatabaseError | None:
    """Translate an exception of DuckDB. Return None for any other exception.

    A transaction that conflicts with another one fails at once, and so does a file that another process has opened.
    """
    if not isinstance(error, duckdb.Error):
        return None
    text = str(error)
    found = [met for kind, pattern, met in _CONDITIONS if isinstance(error, kind) and re.search(pattern, text)][:1]
    if isinstance(error, _WRONG_SQL):
        found.append(Condition.WRONG_SQL)
    column = re.search(r"NOT NULL constraint failed: .*\.(\w+)", text)
    transient = isinstance(error, duckdb.TransactionException) or "Could not set lock" in text
    return DatabaseError(
        text, text.split("\n")[0], found, transient=transient, column=column[1] if column else None, detail=text
    )


class DuckDBSession(Session):
    """A session of DuckDB. A connection has only one cursor, so results are fetched before the next statement."""

    @contextmanager
    def _executed(self, statement: str, values: Sequence[Any]) -> Iterator["_Result"]:
        sql = re.sub("%[s%]", lambda place: _PLACES[place[0]], statement)
        with translated(self._read_error):
            self.connection.execute(sql, list(values))
            rows = self.connection.fetchall()
        yield _Result(rows, self.connection.description or [])

    def as_sent(self, statement: str, values: Sequence[Any] = ()) -> str:
        """Return the statement with its values inserted as literals."""
        rest = iter(values)
        return re.sub("%[s%]", lambda place: _literal(next(rest)) if place[0] == "%s" else "%", statement)


class _Result:
    """The rows of a statement, with the interface of a cursor."""

    def __init__(self, rows: list[tuple[Any, ...]], description: Sequence[tuple[Any, ...]]) -> None:
        self.description = description
        counted = [column[0] for column in description] == ["Count"] and len(rows) == 1  # INSERT, UPDATE, DELETE
        self.rowcount: int = rows[0][0] if counted else len(rows)
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...]:
        return next(self._rows)


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | Decimal):
        return "NULL" if value is None else str(value)
    return "'" + str(value).replace("'", "''") + "'"  # a datetime has a blank between date and time
