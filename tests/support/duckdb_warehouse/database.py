"""A DuckDB file that tests use directly, without Daybook."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine

from tests.support.source_and_warehouse import Database


class DuckDBDatabase(Database):
    """A new, empty DuckDB in a folder."""

    def __init__(self, folder: Path, namespace: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.engine = self._own = create_engine(f"duckdb:///{folder / 'warehouse.duckdb'}", poolclass=NullPool)
        self.url, self.namespace = str(self.engine.url), namespace

    def run(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return list(connection.execute(sql.replace("%s", "?"), list(values or ())).fetchall())

    def texts(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[str | None, ...]]:
        """Return rows with each value as DuckDB's text, and times in UTC."""
        return self.run(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})", values)

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        places = ", ".join(["?"] * len(rows[0]))
        with self.connection() as connection:
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", [list(row) for row in rows])

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of `schema.table` with their types in DuckDB."""
        schema, _, name = table.partition(".")
        return dict(
            self.run(
                "SELECT column_name, lower(data_type) FROM information_schema.columns WHERE table_schema = ? "
                "AND table_name = ? ORDER BY ordinal_position",
                (schema, re.sub('"', "", name)),
            )  # type: ignore[arg-type]
        )
