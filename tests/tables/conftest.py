"""A summary's own SQL on rows that a test makes up: in temporary tables, on each warehouse."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from psycopg2.extras import RealDictCursor, execute_values
from sqlalchemy import NullPool, create_engine

from daybook.tables import TABLES, read_table

Rows = Sequence[tuple[Any, ...]]
Summarise = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=["postgres", "redshift"])
def summarise(request: pytest.FixtureRequest) -> Iterator[Summarise]:
    """`summarise(*summaries, **inputs)`: the rows of each summary of analytics, made of rows for tables of raw_data."""
    engine = create_engine(request.getfixturevalue(request.param).url, poolclass=NullPool)
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.driver_connection.cursor(cursor_factory=RealDictCursor)

        def run(name: str, inputs: Mapping[str, Rows]) -> list[dict[str, Any]]:
            for table, rows in inputs.items():
                columns = ", ".join(
                    f"{column} {of}" for column, of in (read_table(f"raw_data.{table}").columns or {}).items()
                )
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
                cursor.execute(f"CREATE TEMPORARY TABLE {table} ({columns})")
                execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows)
            cursor.execute((TABLES / "analytics" / f"{name}.sql").read_text(encoding="utf-8").replace("raw_data.", ""))
            return [dict(row) for row in cursor.fetchall()]

        yield lambda name, **inputs: run(name, inputs)
