"""PostgreSQL as a warehouse."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from daybook.errors import DaybookError
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import TIMES, Column, Type
from daybook.sql.checksum.dialects import postgresql as hashing
from daybook.sql.checksum.row_fingerprint import RowFingerprint
from daybook.sql.database_error import Condition, DatabaseError, first_line, meets, translated
from daybook.sql.postgresql_rewrites import begin_after_ddl
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import PartsReader
from daybook.warehouses.lock_waits import LockHolder
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.postgresql import keys
from daybook.warehouses.session import Session

URLS = ("postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",)

_COPY_CONTEXT = re.compile(r"COPY .*?, line (\d+)(?:, column (.+?): \")?", re.DOTALL)
_BLOCK = 1 << 18

#: How long a statement that locks out readers waits for its lock, in milliseconds. New readers queue behind it.
LOCK_TIMEOUT = 2000

#: The sessions that hold locks on tables, their partitions or the tables that inherit from them, the oldest first.
#: Younger sessions are left out, because they queued behind the statement and are not in its way.
_HOLDERS = """
WITH RECURSIVE held (id) AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {tables}
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN held ON held.id = i.inhparent
)
SELECT a.pid, a.usename, a.application_name, a.state, a.xact_start, a.query FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND coalesce(a.xact_start < now() - interval '{age} ms', TRUE) AND EXISTS (
    SELECT 1 FROM pg_locks l JOIN held ON held.id = l.relation JOIN pg_database d ON d.oid = l.database
    WHERE l.pid = a.pid AND l.granted AND d.datname = current_database()
)
ORDER BY a.xact_start, a.pid
LIMIT 5
"""
_QUERY_SHOWN = 60  # characters


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
        """Open a session with enough memory to compare a few million rows. The default of 4 MB writes them to disk.

        Intervals have PostgreSQL's format, whatever the style of the role is.
        """
        with super().session() as session:
            session.run("SET work_mem TO '64MB'; SET IntervalStyle TO 'postgres'")
            yield session

    def begin_snapshot(self, session: Session, reads: str, *, read_only: bool = False) -> None:
        """Open a transaction whose queries all read one snapshot of `reads`, and in which no DDL empties its tables."""

        def begin() -> tuple[str, None]:
            super(PostgreSQL, self).begin_snapshot(session, reads, read_only=read_only)
            return reads, None

        begin_after_ddl(begin, session.rows, lambda: session.run("ROLLBACK"))

    def csv_format(self) -> CsvFormat:
        """Return the format. NULL is an empty field without quotes; texts always have quotes."""
        return CsvFormat(null="", bytes_prefix="\\x")

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        if type.kind == "native":
            return str(type.native)
        spelled = {"double": "double precision", "bytes": "bytea", "decimal": "numeric"}.get(type.kind, type.kind)
        return spelled if type.kind in TIMES else str(Type(spelled, type.size, type.scale))

    def retype_sql(self, session: Session, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return an ALTER with USING.

        Without USING, PostgreSQL does not convert texts to numbers, and it converts instants in the session's zone.
        """
        name, kinds = self.quote(column.name), {column.type.kind, type.kind}
        spelled = name if kinds == {"timestamp", "timestamptz"} else f"{name}::{self.type_sql(type)}"
        using = f"{name} AT TIME ZONE '{zone}'" if spelled == name else spelled
        return f"{super().retype_sql(session, target, column, type, zone)} USING {using}"

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

    def limit_lock_waits(self, session: Session) -> None:
        """Limit how long each later statement of the open transaction waits for a lock: see `Condition.LOCKED`."""
        session.run(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT}")

    def alter(self, session: Session, statement: str) -> None:
        """Run one ALTER in its own short transaction."""
        with session.undone_on_error():
            session.run("BEGIN")
            self.limit_lock_waits(session)
            session.run(statement)
            session.run("COMMIT")

    def lock_holders(self, session: Session, tables: Sequence[str]) -> list[LockHolder]:
        """Return other sessions that hold locks on these tables, or on their partitions.

        Without the role `pg_read_all_stats`, the state and the query of other users' sessions are unknown.
        """
        named = " OR ".join(["(n.nspname = %s AND c.relname = %s)"] * len(tables))
        names = [part for table in tables for part in TableName.parse(table)]
        return [
            _holder(*found) for found in session.rows(_HOLDERS.format(tables=named, age=LOCK_TIMEOUT * 3 // 2), names)
        ]

    def lock_sql(self, table: str) -> str:
        """Return a lock that blocks writers, but not readers (chapter 13.3 of PostgreSQL's manual)."""
        return f"LOCK TABLE {self.table(table)} IN SHARE ROW EXCLUSIVE MODE"

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction and lock `table` in it. Return False if the table does not exist."""
        session.run("BEGIN")
        try:
            session.run(self.lock_sql(table))
            return True
        except DatabaseError as error:
            if not meets(error, Condition.MISSING_TABLE):
                raise
        session.run("ROLLBACK")
        session.run("BEGIN")
        return False

    def create_keys(self, session: Session, target: Target) -> None:
        """Add a primary key, and an index on the cursor unless the key begins with it.

        Raises:
            DuplicateKey: two rows have the same key.
        """
        table = self.table(target.name)
        keys.create_keys(session, target, table, self.quote)
        session.run(f"ANALYZE {table}")  # otherwise, the next load is planned for an empty table until autovacuum runs

    def enforced_key_sql(self, session: Session, target: Target) -> list[str]:
        """Return the statement that gives the table the primary key of its file."""
        return keys.enforced_key_sql(session, target, self.table(target.name), self.quote)

    def index_staged_key(self, session: Session, target: Target, staged: str) -> bool:
        """Add a unique index on the key to `staged` if the target has the same primary key."""
        return keys.index_staged_key(session, target, self.table(target.name), staged, self.quote)

    def row_fingerprint(self, session: Session, target: Target) -> RowFingerprint | None:
        """Return the hash of a row's text, which PostgreSQL has since version 11, or None if there is no table yet."""
        version, types = session.connection.server_version // 10000, self.column_types(session, target.name)
        if version < 11 or not types:
            return None
        return hashing.row_fingerprint(version, {name: types[name] for name in target.column_names}, self.quote)

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


def _holder(
    pid: int, user: str | None, application: str | None, state: str | None, since: datetime | None, query: str | None
) -> LockHolder:
    """Describe a session. Its query is cut before its first literal, because that may be personal data."""
    who = [f"user {user}" if user else "a process of the server"]
    who += [f"application {application}"] if application else []
    who += [f"{state}, its transaction began at {since:%Y-%m-%d %H:%M:%S} UTC"] if since else []
    words = " ".join((query or "").split()).partition("'")[0][:_QUERY_SHOWN].strip()
    who += [f"last query: {words}"] if words else []
    return LockHolder(f"pid {pid} ({', '.join(who)})", f"SELECT pg_terminate_backend({pid})")


WAREHOUSE = PostgreSQL
