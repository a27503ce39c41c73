"""Tables of SQLite. The whole source is three files: this one, its types and its checksum. No other file names it."""

import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from daybook.sources.database.sqlite_types import type_of

from daybook.errors import SourceError
from daybook.model.interval import Interval
from daybook.model.soft_deletes import live_sql
from daybook.model.types import Column
from daybook.sources.base import Span, cursor_of
from daybook.sources.database import sqlite_checksum as hashing
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.side import ComparisonSide, side_of
from daybook.sql.database_error import Condition, DatabaseError, translated
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.database import Config

URLS = ("sqlite:///PATH",)


def read_error(error: BaseException) -> DatabaseError | None:
    """Translate an exception of SQLite. Return None for any other exception."""
    if not isinstance(error, sqlite3.Error):
        return None
    text = str(error)
    wrong = [Condition.WRONG_SQL] if isinstance(error, sqlite3.OperationalError) and "syntax" in text else []
    return DatabaseError(text, text, wrong, transient="locked" in text)


def open_table(connection: Any, config: "Config", table: "TableSpec") -> "SQLiteTable":
    """Return the table that `config` names, in a snapshot.

    Raises:
        SourceError: the table does not exist.
    """
    return SQLiteTable(connection, config, table)


class SQLiteTable:
    """A table of SQLite in the snapshot in which it was opened."""

    def __init__(self, connection: sqlite3.Connection, config: "Config", table: "TableSpec") -> None:
        connection.isolation_level = None
        hashing.prepare(connection)
        self._connection, self._table = connection, table
        self.snapshot_at = datetime.now(UTC)
        self._query("BEGIN")
        self._name = self._quote(config.table[-1])
        described = self._query(f"PRAGMA table_info({self._name})")
        if not described:
            raise SourceError(f"{table.name}: the source has no table {config.table[-1]!r}")
        self._columns = [Column(name, type_of(declared)) for _, name, declared, *_ in described]

    def columns(self) -> list[Column]:
        return self._columns

    def warnings(self) -> list[str]:
        return []

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        cursor = self._cursor()
        return rows_by_interval(self._query, self._live_sql(), self._quote(cursor.column), cursor, intervals)

    def side(self, recipe: ComparedColumns, columns: Sequence[Column], seconds: int) -> ComparisonSide:
        cursor = self._cursor() if self._table.cursor else None
        values = (lambda field: self._quote(field.name), self._query, self._live_sql())
        return side_of(hashing, recipe, *values, cursor, self._quote)

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        names = ", ".join(self._quote(column.name) for column in columns)
        statement, values = f"SELECT {names} FROM {self._name}", list[Any]()
        for bound, sign in ((span.start, ">="), (span.end, "<")):
            if bound is not None:
                cursor = self._cursor()
                statement += f" {'AND' if values else 'WHERE'} {self._quote(cursor.column)} {sign} %s"
                values.append(cursor.bound(bound))
        for row in self._query(statement, values):
            yield Chunk(_line(row, format), 1)

    def _cursor(self) -> Any:
        return cursor_of(self._table, {column.name: column.type for column in self._columns})

    def _live_sql(self) -> str:
        return live_sql(self._table, {column.name: column for column in self._columns}, self._name, self._quote)

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        bound = [str(value) if isinstance(value, date) else value for value in values]
        with translated(read_error):
            return self._connection.execute(statement.replace("%s", "?"), bound).fetchall()

    @staticmethod
    def _quote(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'


def _line(row: Sequence[Any], format: CsvFormat) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(
        ["\0null" if value is None else value for value in row]
    )
    return text.getvalue().replace('"\0null"', format.null).encode()
