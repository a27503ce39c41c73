"""PostgreSQL as a warehouse."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from daybook.errors import DaybookError, DuplicateKey
from daybook.model.target import Target
from daybook.model.types import TIMES, Column, Type
from daybook.sql.checksum.dialects import postgresql as hashing
from daybook.sql.database_error import Condition, DatabaseError, first_line, meets, translated
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import PartsReader
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.session import Session

URLS = ("postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",)

_COPY_CONTEXT = re.compile(r"COPY .*?, line (\d+)(?:, column (.+?): \")?", re.DOTALL)
_BLOCK = 1 << 18


class PostgreSQL(PostgresFamily):
    """PostgreSQL: `COPY … FROM STDIN`, keys that are enforced, and indexes."""

    title = "PostgreSQL"
    urls = ("postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",)
    sqlglot_dialect = "postgres"
    longest_name = 63
    filled = "a.atthasdef OR a.attidentity <> ''"
    copies_into_new_tables = True
    hashing = hashing
    dbt_type, dbt_port = "postgres", 5432
    dbt_options = frozenset({"sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "application_name"})

    @classmethod
    def open(cls, engine: Engine, **options: Any) -> "PostgreSQL":
        """Return the PostgreSQL warehouse behind `engine`. Daybook feeds it the stage, so it needs no options."""
        return cls(engine)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session with enough memory to compare a few million rows. The default of 4 MB writes them to disk."""
        with super().session() as session:
            session.run("SET work_mem TO '64MB'")
            yield session

    def csv_format(self) -> CsvFormat:
        """Return the format. NULL is an empty field without quotes; texts always have quotes."""
        return CsvFormat(null="", bytes_prefix="\\x")

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        if type.kind == "native":
            return str(type.native)
        spelled = {"double": "double precision", "bytes": "bytea", "decimal": "numeric"}.get(type.kind, type.kind)
        return spelled if type.kind in TIMES else str(Type(spelled, type.size, type.scale))

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return an ALTER with USING.

        Without USING, PostgreSQL does not convert texts to numbers, and it converts instants in the session's zone.
        """
        name, kinds = self.quote(column.name), {column.type.kind, type.kind}
        spelled = name if kinds == {"timestamp", "timestamptz"} else f"{name}::{self.type_sql(type)}"
        using = f"{name} AT TIME ZONE '{zone}'" if spelled == name else spelled
        return f"{super().retype_sql(target, column, type, zone)} USING {using}"

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """Return one ALTER. The column keeps its position, its comment, its grants and its indexes."""
        name = self.quote(column)
        return [f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {type} USING NULL"]

    def analyze(self, session: Session, table: str) -> None:
        """Collect the statistics of a table. Otherwise, joins are planned for an empty table until autovacuum runs."""
        session.run(f"ANALYZE {self.table(table)}")

    def widens_in_place(self, existing: Type, wanted: Type) -> bool:
        """Return True for longer texts, more digits before a decimal point, and finer times (ALTER TABLE, Notes)."""
        if existing.kind == wanted.kind == "decimal":
            return wanted.size is None or existing.scale == wanted.scale
        return (existing.kind, wanted.kind) in {("varchar", "varchar"), ("varchar", "text")} or (
            existing.kind == wanted.kind and existing.kind in TIMES
        )

    def lock_sql(self, table: str) -> str:
        """Return a lock that blocks writers, but not readers (chapter 13.3 of PostgreSQL's manual)."""
        return f"LOCK TABLE {self.table(table)} IN SHARE ROW EXCLUSIVE MODE"

    def create_keys(self, session: Session, target: Target) -> None:
        """Add a primary key, and an index on the cursor unless the key begins with it.

        Raises:
            DuplicateKey: two rows have the same key.
        """
        table = self.table(target.name)
        if target.key:
            columns = ", ".join(self.quote(name) for name in target.key)
            try:
                session.run(f"ALTER TABLE {table} ADD PRIMARY KEY ({columns})")
            except DatabaseError as error:
                if not meets(error, Condition.BROKEN_RULE):
                    raise
                detail = (error.detail or error.message).rstrip(".")
                raise DuplicateKey(
                    f"{target.name}: rows share a key: {detail}. Remove the duplicates at the source, or correct key: "
                    "in the table file"
                ) from None
        if target.cursor and target.key[:1] != (target.cursor.column,):
            session.run(f"CREATE INDEX ON {table} ({self.quote(target.cursor.column)})")
        session.run(f"ANALYZE {table}")  # otherwise, the next load is planned for an empty table until autovacuum runs

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Verify the parts and send them to `COPY … FROM STDIN`."""
        columns = ", ".join(self.quote(name) for name in target.column_names)
        with session.connection.cursor() as cursor, PartsReader(stage, manifest) as reader:
            statement = cursor.mogrify(
                f"COPY {into} ({columns}) FROM STDIN (FORMAT csv, NULL %s)", (manifest.format.null,)
            )
            try:
                with translated(self.read_error):
                    cursor.copy_expert(statement, reader, _BLOCK)
            except DatabaseError:
                if reader.error:  # the driver's own error does not have the reason if reading fails
                    raise reader.error from None
                raise
            rows: int = cursor.rowcount
        if not into.startswith('"daybook_'):
            return rows
        session.run(f"ANALYZE {into}")  # autovacuum skips temporary tables, and the joins need statistics
        return rows

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return the error for a failed copy. Its context has the line and the column, and the stage the row's key."""
        found = _COPY_CONTEXT.search(getattr(error, "context", None) or "")
        if not found:
            return None
        return self.refused(first_line(error), target, stage, manifest, int(found[1]), column=found[2])

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return a comparison of the stored bytes (9.25.6 of the manual). 1.0 and 1.00 differ, and json is allowed."""
        return f"ROW({', '.join(left)})::record *<> ROW({', '.join(right)})::record"


WAREHOUSE = PostgreSQL
