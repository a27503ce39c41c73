"""A summary's own SQL on rows that a test makes up: in temporary tables, on each warehouse."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from psycopg2.extras import RealDictCursor, execute_values
from sqlalchemy import NullPool, create_engine

from daybook.definitions.table_files import read_table
from daybook.project import tables_folder

#: A summary of analytics, and rows for each table of raw_data that it reads.
Summarise = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=["postgres", "redshift"])
def summarise(request: pytest.FixtureRequest) -> Iterator[Summarise]:
    """`summarise("user_touch", session_timestamp=[…], …)`: the rows that the summary makes of these."""
    engine = create_engine(request.getfixturevalue(request.param).url, poolclass=NullPool)
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.driver_connection.cursor(cursor_factory=RealDictCursor)

        def run(summary: str, **inputs: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
            for table, rows in inputs.items():
                types = (read_table(f"raw_data.{table}").columns or {}).items()
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
                cursor.execute(f"CREATE TEMPORARY TABLE {table} ({', '.join(f'{name} {of}' for name, of in types)})")
                execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows)
            text = (tables_folder() / "analytics" / f"{summary}.sql").read_text(encoding="utf-8")
            cursor.execute(text.replace("raw_data.", ""))
            return [dict(row) for row in cursor.fetchall()]

        yield run
