"""DuckDB as a warehouse. All of its code is in this folder, and Daybook finds it by its entry point.

It shows that a new warehouse needs only one folder. It is small: it reads the stage through Daybook, and has no keys,
no time limits, no exact comparison of rows, and no widening of columns in place. It declares all of that through the
protocol.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, Engine

from daybook.errors import DaybookError
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import Type, parse_type
from daybook.sql.connection import connect
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import PartsReader
from daybook.warehouses.base import TABLE
from daybook.warehouses.session import Session
from daybook.warehouses.sql_warehouse import Found, SqlWarehouse
from tests.support.duckdb_warehouse import checksum
from tests.support.duckdb_warehouse.session import DuckDBSession, read_error

#: DuckDB's names for types that have another name in Daybook, in both directions.
_TYPES = {"real": "FLOAT", "bytes": "BLOB"}
_NAMES = {"FLOAT": "real", "BLOB": "bytes", "VARCHAR": "text"}
#: Kinds whose values are stored as their text.
_AS_TEXT = {"text", "varchar", "char", "json", "jsonb", "uuid", "interval", "timetz", "native"}
#: With %s as the placeholder of `Session._executed`; braces are literal.
_READ_CSV = (
    "read_csv(%s, header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n', "
    "nullstr = %s, allow_quoted_nulls = false, max_line_size = 100000000, columns = {{{columns}}})"
)
_LOCKS = '"daybook_locks"."tables"'


class DuckDB(SqlWarehouse):
    """A DuckDB file. Only one process can open it at a time."""

    title = "DuckDB"
    urls = ("duckdb:///PATH",)
    sqlglot_dialect = "duckdb"
    longest_name = 1 << 20
    system_columns = frozenset({"rowid", "current_user", "session_user", "localtime", "localtimestamp"})
    volatile_functions = frozenset({"now", "today", "random", "uuid", "gen_random_uuid", "nextval", "get_current_time"})
    hashing = checksum

    @classmethod
    def open(cls, engine: Engine, **options: Any) -> "DuckDB":
        """Return the DuckDB behind `engine`. It needs no options."""
        return cls(engine)

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile."""
        return {"type": "duckdb", "path": url.database}

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a connection with the time zone UTC."""
        with connect(self._engine, read_error) as connection:
            session = DuckDBSession(connection, read_error)
            session.run("SET TimeZone = 'UTC'")
            yield session

    def set_timeouts(self, seconds: int) -> None:
        """Do nothing: DuckDB runs within this process, and has no time limits."""

    def set_timezone(self, session: Session, zone: str) -> None:
        """Show and compare instants in an IANA time zone from now on."""
        session.run(f"SET TimeZone = '{zone}'")

    def waiting_at_most(self, session: Session, milliseconds: int) -> AbstractContextManager[None]:
        """Change nothing: no statement of DuckDB waits for another session."""
        return nullcontext()

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction that updates the table's lock row. Of two concurrent ones, one fails and is retried."""
        for again in (True, False):
            session.run("BEGIN")
            try:
                if not session.run(f"UPDATE {_LOCKS} SET taken = taken + 1 WHERE table_name = %s", (table,)):
                    session.run(f"INSERT INTO {_LOCKS} VALUES (%s, 1)", (table,))
                return self.exists(session, table)
            except DatabaseError as error:
                session.run("ROLLBACK")
                if not again or not meets(error, Condition.MISSING_TABLE):
                    raise
            session.run('CREATE SCHEMA IF NOT EXISTS "daybook_locks"')
            session.run(f"CREATE TABLE IF NOT EXISTS {_LOCKS} (table_name VARCHAR PRIMARY KEY, taken BIGINT)")
        raise AssertionError("the second attempt returns or raises")

    def begin_snapshot(self, session: Session, reads: str, *, read_only: bool = False) -> None:
        """Open a transaction. Every transaction of DuckDB reads one snapshot."""
        session.run("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN")

    def folded(self, name: str) -> str:
        """Return the name in lower case, as `find_columns` does: DuckDB ignores the case of names."""
        return name.lower()

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type. VARCHAR has no length, and DECIMAL ends at 38 digits."""
        if type.kind in _AS_TEXT or (type.kind == "decimal" and (type.size or 39) > 38):
            return "VARCHAR"
        if type.kind == "decimal":
            return str(Type("decimal", max(type.size or 0, type.scale or 0), type.scale)).upper()
        return _TYPES.get(type.kind, type.kind).upper()

    def parsed(self, text: str) -> Type:
        """Return the type with this name in DuckDB."""
        return parse_type(_NAMES.get(text, text)) if text in _NAMES else super().parsed(text)

    def csv_format(self) -> CsvFormat:
        """Return the format in which NULL is `\\N` without quotes, and binary values are hex digits."""
        return CsvFormat(null="\\N", bytes_prefix="")

    def find_columns(self, session: Session, table: str) -> list[Found]:
        """Return the columns of a table from the catalog, in order."""
        return session.rows(
            "SELECT lower(column_name), data_type, is_nullable = 'NO' AND column_default IS NULL "
            "FROM information_schema.columns WHERE lower(table_schema) = %s AND lower(table_name) = %s "
            "ORDER BY ordinal_position",
            [self.folded(part) for part in TableName.parse(table)],
        )

    def kind_of(self, session: Session, name: str) -> str | None:
        """Return the kind of the object `name`, a table or a view, or None if it does not exist."""
        kind = session.one(
            "SELECT table_type FROM information_schema.tables "
            "WHERE lower(table_schema) = %s AND lower(table_name) = %s",
            [self.folded(part) for part in TableName.parse(name)],
        )
        return {None: None, "BASE TABLE": TABLE}.get(kind, "a view")

    def tables_beginning(self, session: Session, schema: str, start: str) -> list[str]:
        """Return the names of the schema's tables that begin with `start`."""
        found = session.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND starts_with(table_name, %s) "
            "AND table_type = 'BASE TABLE'",
            (schema, start),
        )
        return [name for (name,) in found]

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns and types of all tables in the schemas of `tables`."""
        found: dict[str, dict[str, str]] = {}
        for schema in {TableName.parse(name).schema for name in tables}:
            for table, column, type in session.rows(
                "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s "
                "ORDER BY table_name, ordinal_position",
                (schema,),
            ):
                found.setdefault(f"{schema}.{table}", {})[column] = type
        return dict(found)

    def widens_in_place(self, there: Type, wanted: Type) -> bool:
        """Return False: ALTER COLUMN TYPE rewrites all rows."""
        return False

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Verify the parts, load them as text into a temporary table, and insert them with casts to their types.

        Raises:
            ValueRefused: a text is not a value of its column's type.
        """
        names, landed = target.column_names, self.quote("daybook_landed")
        columns = ", ".join(f"{_text_sql(name)}: 'VARCHAR'" for name in names)
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            with PartsReader(stage, manifest) as parts:
                while block := parts.read(1 << 20):
                    file.write(block)
            file.flush()
            session.run(
                f"CREATE OR REPLACE TEMP TABLE {landed} AS SELECT * FROM {_READ_CSV.format(columns=columns)}",
                (os.fspath(file.name), manifest.format.null),
            )
        values = {column.name: self._value(column.name, column.type) for column in target.columns}
        try:
            quoted = ", ".join(map(self.quote, names))
            return session.run(f"INSERT INTO {into} ({quoted}) SELECT {', '.join(values.values())} FROM {landed}")
        except DatabaseError as error:
            if not meets(error, Condition.BAD_VALUE):
                raise
            raise self._refused(session, target, landed, error) or error from None
        finally:
            session.run(f"DROP TABLE IF EXISTS {landed}")

    def _value(self, name: str, type: Type, cast: str = "CAST") -> str:
        column = self.quote(name)
        return f"unhex({column})" if type.kind == "bytes" else f"{cast}({column} AS {self.type_sql(type)})"

    def _refused(self, session: Session, target: Target, landed: str, error: DatabaseError) -> DaybookError | None:
        """Return the error for the first text that is not a value of its column's type."""
        for column in (column for column in target.columns if column.type.kind != "bytes"):
            value = self._value(column.name, column.type, "TRY_CAST")
            names = ", ".join(map(self.quote, target.column_names))
            for row in session.rows(
                f"SELECT {names}, rowid + 1 FROM {landed} WHERE {self.quote(column.name)} IS NOT NULL "
                f"AND {value} IS NULL ORDER BY rowid LIMIT 1"
            ):
                values = dict(zip(target.column_names, row, strict=False))
                return self.value_refused(error.message, target, values, row[-1], column.name)
        return None

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return None: `copy` has already explained the errors that it can."""
        return None

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return None: DuckDB cannot distinguish 0.0 from -0.0."""
        return None


def _text_sql(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
