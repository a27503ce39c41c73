"""Tables of MySQL and MariaDB: the server writes each row as one line of CSV, and Python moves the bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pymysql.cursors import SSCursor

from daybook.errors import SourceError
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.model.soft_deletes import live_sql
from daybook.model.types import Column
from daybook.sources.base import Span, cursor_of
from daybook.sources.database import mysql_checksum as hashing
from daybook.sources.database import mysql_wire
from daybook.sources.database.catalog import Facts
from daybook.sources.database.filters import mysql_metadata
from daybook.sources.database.filters.relation import EVERYTHING, Relation, not_accepted, span_of
from daybook.sources.database.mysql_errors import limit_sql, read_error
from daybook.sources.database.mysql_fields import field_sql, literal, quote
from daybook.sources.database.mysql_indexes import indexes
from daybook.sources.database.mysql_types import DESCRIBED, type_of
from daybook.sources.database.mysql_zero_dates import RealDates, as_null_sql, rows_without_interval, zero_sql
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.checksum.columns import ComparedColumns, Field
from daybook.sql.checksum.side import ComparisonSide, side_of
from daybook.sql.database_error import DatabaseError, translated
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.database import Config

#: Example URLs of the databases that this module reads.
URLS = ("mysql+pymysql://USER:PASSWORD@HOST:3306/DATABASE", "mariadb+pymysql://USER:PASSWORD@HOST:3306/DATABASE")


def open_table(connection: Any, config: "Config", table: "TableSpec") -> "MySQLTable":
    """Return the table of `config`, in a consistent snapshot on `connection`, a connection of the driver.

    Raises:
        SourceError: the table does not exist, or the user may not read it.
    """
    return MySQLTable(connection, config, table)


class MySQLTable:
    """A table or view of MySQL or MariaDB, in a snapshot of the time when it was opened."""

    def __init__(self, connection: Any, config: "Config", table: "TableSpec") -> None:
        self._connection, self._config, self._table = connection, config, table
        self._query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._connection.set_character_set("utf8mb4")
        # a TIMESTAMP has the session's time zone; by default, the server disconnects if the stage blocks for 60 s
        self._query("SET SESSION time_zone = '+00:00', sql_mode = '', net_write_timeout = 3600")
        ((database,),) = self._query("SELECT DATABASE()")
        self._schema: str = config.table[0] if len(config.table) == 2 else database
        self._name = config.table[-1] if config.table else ""
        self._table_sql = f"{quote(self._schema or '?')}.{quote(self._name)}"
        self._relation = Relation.of(config, table, "mysql", self._table_sql, self._bounds)
        refusal = self._begin()
        self._described = self._describe()
        self._relation = self._relation.with_columns([quote(row[0]) for row in self._described])
        if not self._described or (refusal and self._view):
            readable = self._table_sql.replace("%%", "%")
            said = f" (the server's error: {refusal.message})" if refusal else ""
            raise SourceError(
                f"{table.name}: the source has no table {'.'.join(config.table)!r}, or its user may not read it{said}. "
                f"Correct source: in the table file, or GRANT SELECT ON {readable} to the user of block "
                f"{config.block!r}{self._near()}"
            )

    def _begin(self) -> DatabaseError | None:
        """Begin a transaction, lock the table against DDL until it ends, and take the snapshot.

        Return the server's refusal to read the table, or None: there is no such table, its user may not read it, or it
        is a view of a table or a column that is gone.

        WITH CONSISTENT SNAPSHOT would take the snapshot before the lock. A table that takes this one's place in
        between, as online schema changes do with RENAME TABLE, would have only the rows that it had at the snapshot.
        So would a query of the catalog, which is in InnoDB since MySQL 8. LIMIT 0 takes the lock and reads nothing:
        https://dev.mysql.com/doc/refman/8.4/en/metadata-locking.html
        """
        self._query("START TRANSACTION READ ONLY")
        refusal = None if self._config.query else self._refusal(self._table_sql)
        ((now,),) = self._query("SELECT UTC_TIMESTAMP(6)")
        self.snapshot_at: datetime = now.replace(tzinfo=UTC)
        # after the time, because the optimizer may already read rows of subqueries
        if self._config.is_filtered and not refusal and (error := self._refusal(self._relation.sql())):
            raise not_accepted(self._table, self._config, error) from error
        self._view = self._config.query is not None
        if self._view:
            return None
        kinds = self._query(
            "SELECT table_type FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            (self._schema, self._name),
        )
        self._view = any("VIEW" in kind for (kind,) in kinds)
        if not refusal and not self._view:  # a view may take minutes to return one row, and is read soon
            self._query(f"SELECT 1 FROM {self._table_sql} LIMIT 1")
        return refusal

    def _refusal(self, relation: str) -> DatabaseError | None:
        """Lock what a FROM item reads against DDL. Return the server's refusal to read it."""
        try:
            self._query(f"SELECT 1 FROM {relation} LIMIT 0")
        except DatabaseError as error:
            if error.transient:
                raise
            return error
        return None

    def _describe(self) -> Sequence[Sequence[Any]]:
        if not self._config.query:
            return self._query(DESCRIBED, (self._schema, self._name))
        return mysql_metadata.described(self._connection, self._query, self._relation.sql(), self._table)

    def _bounds(self, span: Span) -> tuple[str, str]:
        """Return the SQL of the bounds of a span for a query. The widest ones include zero dates and 9999-12-31."""
        if span.start is None or span.end is None:
            return "'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999999'"
        start, end = (literal(self._cursor().bound(instant)) for instant in (span.start, span.end))
        return f"'{start}'", f"'{end}'"

    def left_out(self) -> int:
        """Return the number of rows that `where:` leaves out, at most MOST_COUNTED."""
        return self._relation.left_out(self._query)

    def columns(self) -> list[Column]:
        """Return the columns in the table's order."""
        return [Column(row[0], type_of(row), row[3] == "YES") for row in self._described]

    def warnings(self) -> list[str]:
        """Warn about a cursor without an index, so that every load reads the whole table, and rows without a cursor."""
        cursor = self._table.cursor
        if cursor is None or not self._table.strategy.has_intervals:
            return []
        facts = self.facts()
        if facts.view:
            return []
        if facts.is_leading(cursor):
            described = next(row for row in self._described if row[0] == cursor)
            year, nulls, name = self.snapshot_at.year, self._nulls_zero_dates, quote(cursor)
            return rows_without_interval(self._query, self._table, self._relation.sql(), name, described, nulls, year)
        index = f"INDEX {quote(f'{self._name}_{cursor}'[:64])} ON {self._table_sql} ({quote(cursor)})"
        return [
            f"{self._table.name}: no index of {self._config.title} starts with the cursor {cursor}, so every "
            f"load reads the whole table. Run in the source: CREATE {index.replace('%%', '%')}"
        ]

    def facts(self) -> Facts:
        """Return the facts about the table."""
        return Facts(True, ()) if self._view else Facts(False, indexes(self._connection, self._table_sql))

    def first(self, column: str) -> date | datetime | None:
        """Return the smallest date or time of a column that is not a zero date."""
        name = quote(column)
        real = f"{name} >= '1000-01-01' AND NOT {zero_sql(name)}"
        found = self._query(f"SELECT {name} FROM {self._relation.sql()} WHERE {real} ORDER BY {name} LIMIT 1")
        return found[0][0] if found else None

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each of these adjacent intervals."""
        cursor, rows = self._cursor(), self._live_sql(span_of(intervals))
        return rows_by_interval(self._bound, rows, quote(cursor.column), cursor, intervals)

    def side(self, recipe: ComparedColumns, columns: Sequence[Column], seconds: int) -> ComparisonSide:
        """Return the rows that a load reads, for an audit: see `daybook.sql.checksum.side.Auditable`."""
        ((version,),) = self._query("SELECT VERSION()")
        for statement in (limit_sql(version, seconds), *hashing.SESSION):
            self._query(statement)
        described, masks = {row[0]: row for row in self._described}, {column.name: column.mask for column in columns}

        def value(field: Field) -> str:
            name = field.name
            return hashing.sent(field, quote(name), described[name], masks[name], self._config.zero_dates)

        cursor = self._cursor() if self._table.cursor else None
        side = side_of(hashing, recipe, value, self._bound, self._live_sql(), cursor, quote)
        return replace(side, within=self._relation.within(self._live_sql))

    @property
    def _nulls_zero_dates(self) -> bool:
        return self._config.zero_dates == "null"

    def _cursor(self) -> Cursor:
        cursor = cursor_of(self._table, {column.name: column.type for column in self.columns()})
        return (
            RealDates(cursor.column, cursor.type, cursor.timezone, cursor.table) if self._nulls_zero_dates else cursor
        )

    def _live_sql(self, span: Span = EVERYTHING) -> str:
        columns = {column.name: column for column in self.columns()}
        as_sent = as_null_sql if self._nulls_zero_dates else None
        return live_sql(self._table, columns, self._relation.sql(span), quote, as_sent)

    def _bound(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._query(statement, [literal(value) if isinstance(value, date) else value for value in values])

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows of `span` from an unbuffered query.

        Raises:
            SourceError: a row is longer than the server's max_allowed_packet.
        """
        statement, values = self._select(columns, span, format)
        cursor: Any = SSCursor(self._connection)
        try:
            with translated(read_error):
                cursor.execute(statement, values)
                yield from mysql_wire.lines(self._connection)
        except mysql_wire.RowIsNull:
            raise SourceError(
                f"{self._table.name}: a row of {self._config.title} is longer than the server's "
                "max_allowed_packet, so the server cannot send it. Raise the limit there (SET GLOBAL "
                "max_allowed_packet = …), or remove the large column from `columns:`"
            ) from None

    def _select(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> tuple[str, dict[str, Any]]:
        described = {row[0]: row for row in self._described}
        values: dict[str, Any] = {"null": format.null, "binary": format.bytes_prefix, "empty": format.empty_bytes}
        fields = ", ',', ".join(
            field_sql(quote(column.name), described[column.name], column, format, self._config.zero_dates)
            for column in columns
        )
        statement = f"SELECT CONCAT({fields}) FROM {self._relation.sql(span)}"
        if span.start and span.end:
            cursor = cursor_of(self._table, {name: type_of(row) for name, row in described.items()})
            name = quote(cursor.column)
            values |= {"start": literal(cursor.bound(span.start)), "end": literal(cursor.bound(span.end))}
            statement += f" WHERE {name} >= %(start)s AND {name} < %(end)s"
            if self._nulls_zero_dates:
                statement += f" AND NOT {zero_sql(name)}"
        return statement, values

    def _query(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with translated(read_error), self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _near(self) -> str:
        names = self._query("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (self._schema,))
        return did_you_mean(self._name, [name for (name,) in names if name != self._name], most=3)
