"""Describe a table of a source, as `daybook describe` does."""

from pathlib import Path
from typing import Any

from daybook.definitions.describe import describe
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.model.dataset import NO_OWNER
from tests.support.source_and_warehouse import Database


class Keys:
    """The credentials of one source, under the name production."""

    def __init__(self, source: Database) -> None:
        self._source = source

    def engine(self, name: str) -> Any:
        assert name == "production"
        return self._source.engine


def described(source: Database, name: str, folder: Path) -> tuple[Table, str]:
    """Return the proposed table file of a source table, read back like any table file, and its text."""
    table, text = describe(Keys(source), "production", f"{source.namespace}.{name}")  # type: ignore[arg-type]
    schema, stem = table.split(".")
    text = text.replace(NO_OWNER, "tests")
    (folder / schema).mkdir(exist_ok=True)
    (folder / schema / f"{stem}.yaml").write_text(text, encoding="utf-8")
    return read_table(table, folder), text
