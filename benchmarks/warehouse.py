"""The warehouse, a PostgreSQL: its statements, and the comparison of the loaded table with the source."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg2
from sqlalchemy import make_url

from benchmarks.answers import connect as connect_source

SCHEMA = "raw_data"
TABLE = f"{SCHEMA}.nps"
#: Put the name of the table in place of `{table}`, here and below.
CREATE = (
    "CREATE TABLE {table} (id bigint NOT NULL, created_at timestamp, score smallint, user_id bigint, "
    "comment varchar(500), modified timestamp)"
)
#: The statements that Daybook runs on a table that it has created, after loading the rows.
KEY_AND_INDEX = ("ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (created_at)")

#: A column as text, which is the same in both databases, and distinguishes NULL from the empty string.
_TEXTS = {"comment": "CASE WHEN comment IS NULL THEN 'NULL' ELSE concat('=', comment) END"}
_COLUMNS = ("id", "created_at", "score", "user_id", "comment", "modified")


@dataclass(frozen=True)
class Content:
    """The row count of a table, and the sum of the checksums of its rows."""

    rows: int
    checksum: int


def source_content(url: str, table: str, where: str = "true", columns: Iterable[str] = _COLUMNS) -> Content:
    """Return the content of `table` in the MariaDB database at `url`, for the rows that match `where`."""
    with contextlib.closing(connect_source(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(crc32({_line(columns)})) FROM {table} WHERE {where}")
        rows, checksum = cursor.fetchone() or (0, 0)
        return Content(int(rows), int(checksum))


def content(url: str, table: str = TABLE, where: str = "true", columns: Iterable[str] = _COLUMNS) -> Content:
    """Return the content of `table` in the PostgreSQL at `url`, for the rows that match `where`.

    PostgreSQL 18 has the same crc32 as MariaDB.
    """
    line = f"crc32(convert_to({_line(columns)}, 'UTF8'))"
    ((rows, checksum),) = run(url, f"SELECT count(*), coalesce(sum({line}), 0) FROM {table} WHERE {where}")
    return Content(int(rows), int(checksum))


def _line(columns: Iterable[str]) -> str:
    texts = ", '|', ".join(_TEXTS.get(column, column) for column in columns)
    return f"concat({texts})"


def has_key_and_index(url: str, table: str) -> bool:
    """Return True if the table has a primary key on id and an index on created_at."""
    found = run(
        url,
        "SELECT indisprimary, attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        f"WHERE indrelid = '{table}'::regclass AND indnatts = 1 ORDER BY 1",
    )
    return found == [(False, "created_at"), (True, "id")]


def reset(url: str) -> None:
    """Drop the table and the ledger of the PostgreSQL at `url`, and write its pending changes to disk."""
    run(url, f"DROP SCHEMA IF EXISTS {SCHEMA}, daybook CASCADE", f"CREATE SCHEMA {SCHEMA}", "CHECKPOINT")


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in the PostgreSQL at `url`, each in its own transaction. Return the rows of the last one."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def connect(url: str) -> psycopg2.extensions.connection:
    """Return a connection to the PostgreSQL at `url`, a SQLAlchemy URL."""
    return psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
