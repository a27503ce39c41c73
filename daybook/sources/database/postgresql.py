"""Tables of PostgreSQL: `COPY (SELECT …) TO STDOUT` writes the CSV, and Python moves the bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from daybook.errors import RowCountMismatch, SourceError
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.model.soft_deletes import live_sql
from daybook.model.types import Column
from daybook.sources.base import Span, cursor_of
from daybook.sources.database import postgresql_types as pg_catalog
from daybook.sources.database.catalog import Facts, index_rows
from daybook.sources.database.filters import postgresql_metadata
from daybook.sources.database.filters.relation import EVERYTHING, Relation, not_accepted, span_of
from daybook.sources.database.postgresql_copy import Copy
from daybook.sources.database.postgresql_encodings import SentRows, is_unconvertible, refused
from daybook.sources.database.postgresql_fields import clear_text_sql, field_sql
from daybook.sources.database.postgresql_fields import quote as _quote
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.checksum.columns import ComparedColumns, Field
from daybook.sql.checksum.dialects import postgresql as hashing
from daybook.sql.checksum.side import ComparisonSide, side_of
from daybook.sql.database_error import DatabaseError, translated
from daybook.sql.postgresql_errors import read_error
from daybook.sql.postgresql_rewrites import begin_after_ddl, check_unchanged
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.database import Config

#: Example URLs of the databases that this module reads.
URLS = ("postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",)

#: Override the settings of roles, databases and PGOPTIONS: instants in UTC, floats with all digits, binary as hex.
_SESSION = (
    "SET TimeZone TO 'UTC'; SET DateStyle TO 'ISO'; SET IntervalStyle TO 'postgres'; SET extra_float_digits TO 3; "
    "SET bytea_output TO 'hex'; SET client_encoding TO 'UTF8'; SET standard_conforming_strings TO on"
)


def open_table(connection: Any, config: "Config", table: "TableSpec") -> "PostgreSQLTable":
    """Return the table of `config`, in a consistent snapshot on `connection`, a connection of the driver.

    Raises:
        SourceError: the table does not exist, or the user may not read it.
    """
    return PostgreSQLTable(connection, config, table)


class PostgreSQLTable:
    """A table or view of PostgreSQL, in a snapshot of the time when it was opened."""

    def __init__(self, connection: Any, config: "Config", table: "TableSpec") -> None:
        self._connection, self._config, self._table = connection, config, table
        connection.rollback()
        connection.autocommit = True
        self._query(_SESSION)
        self._described: dict[str, tuple[Column, str]] = {}
        self._relation = Relation.of(config, table, "postgres", "", self._bounds)
        try:
            begin_after_ddl(self._begin, lambda statement: self._query(statement, ()), lambda: self._query("ROLLBACK"))
        except DatabaseError as error:
            if error.transient or not config.is_filtered:
                raise
            raise not_accepted(table, config, error) from error
        columns, types = self._columns()
        self._described = {
            name: (Column(name, pg_catalog.type_of(text, category, namespace), not required), text)
            for name, text, category, namespace, required in columns
        }
        has_own_types = any(namespace != "pg_catalog" for _, _, _, namespace, _ in columns)
        self._types, self._labels = types, pg_catalog.enum_labels(self._query, types) if has_own_types else []
        self._relation = self._relation.with_columns([_quote(name) for name in self._described])

    def _begin(self) -> tuple[str, int | None]:
        """Begin a transaction, and find the table in its snapshot. Return a FROM item and, if it reads one, an OID."""
        self._query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ((now,),) = self._query("SELECT clock_timestamp()")
        self.snapshot_at: datetime = now.astimezone(UTC)
        self._oid, self._kind, self._hides_rows = 0, "v", False
        self._ordinary: int | None = None
        if not self._config.query:
            self._find()
        return self._relation.sql(), self._ordinary

    def _find(self) -> None:
        config = self._config
        found = pg_catalog.find_table(self._query, config.table)
        if found is None:
            raise SourceError(
                f"{self._table.name}: the source has no table {config.title!r} in the database of block "
                f"{config.block!r}. Correct source: in the table file{pg_catalog.near_table(self._query, config.table)}"
            )
        self._oid, schema, name, self._kind, self._hides_rows = found
        self._relation = replace(self._relation, table=f"{_quote(schema)}.{_quote(name)}")
        ordinary = self._kind == "r" and not self._hides_rows and self._relation.reads_one_table
        self._ordinary = self._oid if ordinary else None

    def _columns(self) -> tuple[Sequence[Sequence[Any]], Sequence[int]]:
        """Return the rows of COLUMNS, and the OIDs of the columns' types."""
        if self._config.query:
            return postgresql_metadata.described(self._connection, self._query, self._relation.sql(), self._table)
        rows = self._query(pg_catalog.COLUMNS, (self._oid,))
        return [row[:-1] for row in rows], [row[-1] for row in rows]

    def _bounds(self, span: Span) -> tuple[str, str]:
        """Return the SQL of the bounds of a span for a query, in the type of the cursor."""
        if span.start is None or span.end is None:
            found = self._described.get(self._table.cursor or "")
            kind = found[0].type.kind if found else "timestamptz"  # until the types are known
            return f"'-infinity'::{kind}", f"'infinity'::{kind}"
        cursor = self._cursor()
        start, end = (self._with_values("%s", [cursor.bound(instant)]) for instant in (span.start, span.end))
        return start, end

    def left_out(self) -> int:
        """Return the number of rows that `where:` leaves out, at most MOST_COUNTED."""
        return self._relation.left_out(self._read)

    def columns(self) -> list[Column]:
        """Return the columns in the table's order."""
        return [column for column, _ in self._described.values()]

    def warnings(self) -> list[str]:
        """Warn about rows that the user may not see, a slow cursor, and rows without a cursor."""
        hidden = pg_catalog.hidden_rows(self._table.name, self._config.title, self._config.block)
        return [hidden, *self._cursor_warnings()] if self._hides_rows else self._cursor_warnings()

    def _cursor_warnings(self) -> list[str]:
        cursor = self._table.cursor
        if cursor is None or not self._table.strategy.has_intervals or self._kind not in "rpm":
            return []
        if self.facts().is_leading(cursor):
            kind = self._described[cursor][0].type.kind
            return pg_catalog.rows_without_interval(
                self._query, self._table, self._relation.sql(), _quote(cursor), kind
            )
        indexed = f"{self._relation.table} ({_quote(cursor)})".replace("%%", "%")
        return [
            f"{self._table.name}: no index of {self._config.title} starts with the cursor {cursor}, so every "
            f"load reads the whole table. Run in the source: CREATE INDEX CONCURRENTLY ON {indexed}"
        ]

    def facts(self) -> Facts:
        """Return the catalog's facts about the table."""
        return Facts(self._kind == "v", index_rows(self._query(pg_catalog.INDEXES, (self._oid,))))

    def first(self, column: str) -> date | datetime | None:
        """Return the smallest date or time of a column in the years 1 to 9999, which are Python's."""
        name = _quote(column)
        years = f"{name} >= '0001-01-02' AND {name} < '10000-01-01'"
        ((value,),) = self._query(f"SELECT min({name}) FROM {self._relation.sql()} WHERE {years}", ())
        return value if isinstance(value, date) else None

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each of these adjacent intervals."""
        cursor = self._cursor()
        rows = self._live_sql(span_of(intervals))
        return rows_by_interval(self._read, rows, _quote(cursor.column), cursor, intervals)

    def side(self, recipe: ComparedColumns, columns: Sequence[Column], seconds: int) -> ComparisonSide:
        """Return the rows that a load reads, for an audit: see `daybook.sql.checksum.side.Auditable`."""
        for statement in (f"SET statement_timeout TO '{seconds}s'", *hashing.SESSION):
            self._query(statement)
        masks = {column.name: column.mask for column in columns}

        def value(field: Field) -> str:
            name = field.name
            return hashing.sent(field, _quote(name), self._described[name][1], masks[name])

        cursor = self._cursor() if self._table.cursor else None
        side = side_of(hashing.AtSource, recipe, value, self._read, self._live_sql(), cursor, _quote)
        return replace(side, within=self._relation.within(self._live_sql))

    def _cursor(self) -> Cursor:
        return cursor_of(self._table, {name: column.type for name, (column, _) in self._described.items()})

    def _live_sql(self, span: Span = EVERYTHING) -> str:
        columns = {column.name: column for column in self.columns()}
        return live_sql(self._table, columns, self._relation.sql(span), _quote)

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows of `span` from one COPY.

        Raises:
            RowCountMismatch: the server reports another row count than the driver has received.
            ValueRefused: a text cannot be converted to UTF-8.
        """
        copy = Copy(self._connection, self._statement(columns, span, format))
        try:
            with translated(read_error):
                yield from copy.chunks()
        except DatabaseError as error:
            if not is_unconvertible(error):
                raise
            clear = {one.name: clear_text_sql(_quote(one.name), self._described[one.name][1]) for one in columns}
            texts = {one.name: self._with_values(clear[one.name]) for one in columns if one.mask != "null"}
            masked = {column.name for column in columns if column.mask}
            sent = SentRows(self._table.name, self._from(span), texts, self._table.key, masked)
            raise refused(error, sent, self._query) from None
        self._check_unchanged()
        if self._labels:
            pg_catalog.check_labels(self._labels, self._query, self._types)
        if copy.sent != copy.rows:
            raise RowCountMismatch(
                f"{self._table.name}: the source reports {copy.sent} sent rows, but {copy.rows} arrived. "
                "Run the load again"
            )

    def _statement(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> str:
        fields = ", ".join(field_sql(*self._described[column.name], column, format) for column in columns)
        values = {"null": format.null, "empty": format.empty_bytes}
        quoted = ", ".join(_quote(column.name) for column in columns if column.type.quoted)
        force = f", FORCE_QUOTE ({quoted})" if quoted else ""
        # COPY does not accept server-side parameters, so the driver quotes them, as for every statement
        options = self._with_values(f"TO STDOUT (FORMAT csv, NULL %(null)s{force})", values)
        return f"COPY ({self._with_values(f'SELECT {fields}', values)} FROM {self._from(span)}) {options}"

    def _from(self, span: Span) -> str:
        """Return the FROM item for the rows of `span`, with its WHERE."""
        if span.start is None or span.end is None:
            return self._with_values(self._relation.sql())
        cursor = self._cursor()
        name, values = _quote(cursor.column), {"start": cursor.bound(span.start), "end": cursor.bound(span.end)}
        return self._with_values(f"{self._relation.sql(span)} WHERE {name} >= %(start)s AND {name} < %(end)s", values)

    def _with_values(self, statement: str, values: Mapping[str, Any] | Sequence[Any] = MappingProxyType({})) -> str:
        with self._connection.cursor() as cursor:
            return str(cursor.mogrify(statement, values).decode())

    def _read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        found = self._query(statement, values)
        self._check_unchanged()
        return found

    def _check_unchanged(self) -> None:
        check_unchanged(lambda statement: self._query(statement, ()), self._ordinary)

    def _query(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        with translated(read_error), self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []
