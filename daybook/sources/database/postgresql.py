"""Tables of PostgreSQL: `COPY (SELECT …) TO STDOUT` writes the CSV, and Python moves the bytes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from daybook.errors import RowCountMismatch, SourceError
from daybook.model.interval import Interval
from daybook.model.soft_deletes import live_sql
from daybook.model.types import Column
from daybook.sources.base import MOST_COUNTED, Span, cursor_of, outside_calendar, without_cursor
from daybook.sources.database.catalog import Facts, index_rows
from daybook.sources.database.postgresql_copy import Copy
from daybook.sources.database.postgresql_encodings import SentRows, is_unconvertible, refused
from daybook.sources.database.postgresql_types import COLUMNS, INDEXES, check_labels, enum_labels, hidden_rows, type_of
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.checksum.columns import ComparedColumns, Field
from daybook.sql.checksum.dialects import postgresql as hashing
from daybook.sql.checksum.side import ComparisonSide, side_of
from daybook.sql.database_error import DatabaseError, translated
from daybook.sql.postgresql_errors import read_error
from daybook.sql.postgresql_rewrites import begin_after_ddl, check_unchanged
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.database import Config

#: Example URLs of the databases that this module reads.
URLS = ("postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",)

#: Override the settings of roles, databases and PGOPTIONS: instants in UTC, floats with all digits, binary as hex.
_SESSION = (
    "SET TimeZone TO 'UTC'; SET DateStyle TO 'ISO'; SET IntervalStyle TO 'postgres'; SET extra_float_digits TO 3; "
    "SET bytea_output TO 'hex'; SET client_encoding TO 'UTF8'"
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
        begin_after_ddl(self._begin, lambda statement: self._query(statement, ()), lambda: self._query("ROLLBACK"))
        columns = self._query(COLUMNS, (self._oid,))
        self._described = {
            name: (Column(name, type_of(text, category, namespace), not required), text)
            for name, text, category, namespace, required in columns
        }
        has_own_types = any(namespace != "pg_catalog" for _, _, _, namespace, _ in columns)
        self._labels = enum_labels(self._query, self._oid) if has_own_types else []

    def _begin(self) -> tuple[str, int | None]:
        """Begin a transaction, and find the table in its snapshot. Return its quoted name and, if ordinary, its OID."""
        config = self._config
        self._query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ((now,),) = self._query("SELECT clock_timestamp()")
        self.snapshot_at: datetime = now.astimezone(UTC)
        schema = (
            "to_regnamespace(current_schema())"
            if len(config.table) == 1
            else "(SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)"
        )
        found = self._query(
            "SELECT c.oid, n.nspname, c.relname, c.relkind, row_security_active(c.oid) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.relname = %(name)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.oid = {schema}",
            {"schema": config.table[0], "name": config.table[-1]},
        )
        if not found:
            raise SourceError(
                f"{self._table.name}: the source has no table {'.'.join(config.table)!r} in the database of block "
                f"{config.block!r}. Correct source: in the table file{self._near(schema)}"
            )
        self._oid, self._schema, self._name, self._kind, self._hides_rows = found[0]
        self._table_sql = f"{_quote(self._schema)}.{_quote(self._name)}"
        self._ordinary = self._oid if self._kind == "r" and not self._hides_rows else None
        return self._table_sql, self._ordinary

    def columns(self) -> list[Column]:
        """Return the columns in the table's order."""
        return [column for column, _ in self._described.values()]

    def warnings(self) -> list[str]:
        """Warn about rows that the user may not see, a slow cursor, and rows without a cursor."""
        hidden = hidden_rows(self._table.name, ".".join(self._config.table), self._config.block)
        return [hidden, *self._cursor_warnings()] if self._hides_rows else self._cursor_warnings()

    def _cursor_warnings(self) -> list[str]:
        cursor = self._table.cursor
        if cursor is None or not self._table.strategy.has_intervals or self._kind not in "rpm":
            return []
        if self.facts().is_leading(cursor):
            return list(self._rows_without_interval(_quote(cursor), self._described[cursor][0].type.kind))
        indexed = f"{self._table_sql} ({_quote(cursor)})".replace("%%", "%")
        return [
            f"{self._table.name}: no index of {'.'.join(self._config.table)} starts with the cursor {cursor}, so every "
            f"load reads the whole table. Run in the source: CREATE INDEX CONCURRENTLY ON {indexed}"
        ]

    def _rows_without_interval(self, name: str, kind: str) -> Iterator[str]:
        """Yield the warnings about rows that no interval contains. The queries need an index on the column `name`."""
        found = {f"{name} IS NULL": without_cursor}
        if kind in ("date", "timestamp", "timestamptz"):
            found[f"{name} < '0002-01-01' OR {name} >= '9999-01-01'"] = outside_calendar
        for condition, warning in found.items():
            lost = f"SELECT 1 FROM {self._table_sql} WHERE {condition} LIMIT {MOST_COUNTED}"
            ((rows,),) = self._query(f"SELECT count(*) FROM ({lost}) AS lost", ())
            if rows:
                yield warning(self._table, rows)

    def facts(self) -> Facts:
        """Return the catalog's facts about the table."""
        return Facts(self._kind == "v", index_rows(self._query(INDEXES, (self._oid,))))

    def first(self, column: str) -> date | datetime | None:
        """Return the smallest date or time of a column in the years 1 to 9999, which are Python's."""
        name = _quote(column)
        years = f"{name} >= '0001-01-02' AND {name} < '10000-01-01'"
        ((value,),) = self._query(f"SELECT min({name}) FROM {self._table_sql} WHERE {years}", ())
        return value if isinstance(value, date) else None

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each of these adjacent intervals."""
        cursor = cursor_of(self._table, {column.name: column.type for column in self.columns()})
        return rows_by_interval(self._read, self._live_sql(), _quote(cursor.column), cursor, intervals)

    def side(self, recipe: ComparedColumns, columns: Sequence[Column], seconds: int) -> ComparisonSide:
        """Return the rows that a load reads, for an audit: see `daybook.sql.checksum.side.Auditable`."""
        for statement in (f"SET statement_timeout TO '{seconds}s'", *hashing.SESSION):
            self._query(statement)
        masks = {column.name: column.mask for column in columns}

        def value(field: Field) -> str:
            name = field.name
            return hashing.sent(field, _quote(name), self._described[name][1], masks[name])

        types = {column.name: column.type for column in self.columns()}
        cursor = cursor_of(self._table, types) if self._table.cursor else None
        return side_of(hashing.AtSource, recipe, value, self._read, self._live_sql(), cursor, _quote)

    def _live_sql(self) -> str:
        return live_sql(self._table, {column.name: column for column in self.columns()}, self._table_sql, _quote)

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
            texts = {one.name: self._with_values(self._clear_text(one.name)) for one in columns if one.mask != "null"}
            masked = {column.name for column in columns if column.mask}
            sent = SentRows(self._table.name, self._from(span), texts, self._table.key, masked)
            raise refused(error, sent, self._query) from None
        self._check_unchanged()
        if self._labels:
            check_labels(self._labels, self._query, self._oid)
        if copy.sent != copy.rows:
            raise RowCountMismatch(
                f"{self._table.name}: the source reports {copy.sent} sent rows, but {copy.rows} arrived. "
                "Run the load again"
            )

    def _statement(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> str:
        fields = ", ".join(self._field(column, format) for column in columns)
        values = {"null": format.null, "empty": format.empty_bytes}
        quoted = ", ".join(_quote(column.name) for column in columns if column.type.quoted)
        force = f", FORCE_QUOTE ({quoted})" if quoted else ""
        # COPY does not accept server-side parameters, so the driver quotes them, as for every statement
        options = self._with_values(f"TO STDOUT (FORMAT csv, NULL %(null)s{force})", values)
        return f"COPY ({self._with_values(f'SELECT {fields}', values)} FROM {self._from(span)}) {options}"

    def _from(self, span: Span) -> str:
        """Return the FROM item for the rows of `span`, with its WHERE."""
        if span.start is None or span.end is None:
            return self._with_values(self._table_sql)
        cursor = cursor_of(self._table, {name: column.type for name, (column, _) in self._described.items()})
        name, values = _quote(cursor.column), {"start": cursor.bound(span.start), "end": cursor.bound(span.end)}
        return self._with_values(f"{self._table_sql} WHERE {name} >= %(start)s AND {name} < %(end)s", values)

    def _with_values(self, statement: str, values: Mapping[str, Any] = MappingProxyType({})) -> str:
        with self._connection.cursor() as cursor:
            return str(cursor.mogrify(statement, values).decode())

    def _clear_text(self, name: str) -> str:
        """Return the SQL of a value as text. The cast strips the trailing blanks of a CHAR, as MySQL does."""
        return f"{_quote(name)}::numeric::text" if self._described[name][1] == "money" else f"{_quote(name)}::text"

    def _field(self, column: Column, format: CsvFormat) -> str:
        name = _quote(column.name)
        described, text = self._described[column.name]
        if column.mask == "null":
            return f"NULL AS {name}"
        if column.mask == "hash":
            return f"encode(sha256(convert_to({self._clear_text(column.name)}, 'UTF8')), 'hex') AS {name}"
        if described.type.kind == "bytes" and format.bytes_prefix != "\\x":
            digits = f"encode({name}, 'hex')"
            if format.empty_bytes and column.type.kind == "bytes":
                digits = f"CASE WHEN octet_length({name}) = 0 THEN %(empty)s ELSE {digits} END"
            return f"{digits} AS {name}"
        if text == "money":  # its text has the currency of lc_monetary
            return f"{name}::numeric AS {name}"
        return name

    def _near(self, schema: str) -> str:
        names = self._query(
            f"SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = {schema}",
            {"schema": self._config.table[0]},
        )
        return did_you_mean(self._config.table[-1], [name for (name,) in names], most=3)

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


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
