"""The PostgreSQL that is loaded: its statements, and whether the table that came to be is the source's."""

import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg2
from sqlalchemy import make_url

from benchmarks.answers import connect as connect_source

SCHEMA = "raw_data"
TABLE = f"{SCHEMA}.nps"
#: With the name of a table for `{table}`, here and below.
CREATE = (
    "CREATE TABLE {table} (id bigint NOT NULL, created_at timestamp, score smallint, user_id bigint, "
    "comment varchar(500), modified timestamp)"
)
#: What Daybook adds to a table that it has made, once the rows are in it.
KEY_AND_INDEX = ("ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (created_at)")

#: A row as text that tells NULL from the empty string, the same text in both databases.
_LINE = (
    "concat(id, '|', created_at, '|', score, '|', user_id, '|', "
    "CASE WHEN comment IS NULL THEN 'NULL' ELSE concat('=', comment) END, '|', modified)"
)


@dataclass(frozen=True)
class Content:
    """What a table holds: its rows, and the sum of their checksums."""

    rows: int
    checksum: int


def source_content(url: str, table: str) -> Content:
    """What `table` of the MariaDB database at `url` holds."""
    with contextlib.closing(connect_source(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(crc32({_LINE})) FROM {table}")
        rows, checksum = cursor.fetchone() or (0, 0)
        return Content(int(rows), int(checksum))


def content(url: str, table: str = TABLE, where: str = "true") -> Content:
    """What `table` of the PostgreSQL at `url` holds of rows `where`. Its crc32, new in PostgreSQL 18, is MariaDB's."""
    statement = f"SELECT count(*), coalesce(sum(crc32(convert_to({_LINE}, 'UTF8'))), 0) FROM {table} WHERE {where}"
    ((rows, checksum),) = run(url, statement)
    return Content(int(rows), int(checksum))


def require_same_shape(url: str) -> None:
    """Exit with a message when the loaded table is not the one that CREATE and KEY_AND_INDEX make."""
    by_hand = f"{SCHEMA}.by_hand"
    run(url, *(statement.format(table=by_hand) for statement in (CREATE, *KEY_AND_INDEX)))
    expected, found = _shape(url, by_hand), _shape(url, TABLE)
    if found != expected:
        raise SystemExit(f"{TABLE} is {found}, and was to be {expected}")


def _shape(url: str, table: str) -> list[tuple[Any, ...]]:
    columns = run(
        url,
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum",
    )
    indexes = f"SELECT indisprimary, indkey::text FROM pg_index WHERE indrelid = '{table}'::regclass ORDER BY 1, 2"
    return columns + run(url, indexes)


def begin_anew(url: str) -> None:
    """Leave the PostgreSQL at `url` without the table and its ledger, and with nothing left to write to disk."""
    run(url, f"DROP SCHEMA IF EXISTS {SCHEMA}, daybook CASCADE", f"CREATE SCHEMA {SCHEMA}", "CHECKPOINT")


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, each committed by itself, in the PostgreSQL at `url`; the rows of the last one."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def connect(url: str) -> psycopg2.extensions.connection:
    """A connection to the PostgreSQL at `url`, as SQLAlchemy writes it."""
    return psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
