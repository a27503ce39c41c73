"""The warehouse, a PostgreSQL: its statements, and the comparison of the loaded table with the source."""

import contextlib
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

#: A row as text, which is the same in both databases and distinguishes NULL from the empty string.
_LINE = (
    "concat(id, '|', created_at, '|', score, '|', user_id, '|', "
    "CASE WHEN comment IS NULL THEN 'NULL' ELSE concat('=', comment) END, '|', modified)"
)


@dataclass(frozen=True)
class Content:
    """The row count of a table, and the sum of the checksums of its rows."""

    rows: int
    checksum: int


def source_content(url: str, table: str) -> Content:
    """Return the content of `table` in the MariaDB database at `url`."""
    with contextlib.closing(connect_source(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(crc32({_LINE})) FROM {table}")
        rows, checksum = cursor.fetchone() or (0, 0)
        return Content(int(rows), int(checksum))


def content(url: str, table: str = TABLE, where: str = "true") -> Content:
    """Return the content of `table` in the PostgreSQL at `url`, for the rows that match `where`.

    PostgreSQL 18 has the same crc32 as MariaDB.
    """
    statement = f"SELECT count(*), coalesce(sum(crc32(convert_to({_LINE}, 'UTF8'))), 0) FROM {table} WHERE {where}"
    ((rows, checksum),) = run(url, statement)
    return Content(int(rows), int(checksum))


def require_same_shape(url: str) -> None:
    """Exit with a message unless the loaded table has the same shape as one from CREATE and KEY_AND_INDEX."""
    by_hand = f"{SCHEMA}.by_hand"
    run(url, *(statement.format(table=by_hand) for statement in (CREATE, *KEY_AND_INDEX)))
    expected, found = _shape(url, by_hand), _shape(url, TABLE)
    if found != expected:
        raise SystemExit(f"{TABLE} is {found}, but {expected} was expected")


def _shape(url: str, table: str) -> list[tuple[Any, ...]]:
    columns = run(
        url,
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum",
    )
    indexes = f"SELECT indisprimary, indkey::text FROM pg_index WHERE indrelid = '{table}'::regclass ORDER BY 1, 2"
    return columns + run(url, indexes)


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
