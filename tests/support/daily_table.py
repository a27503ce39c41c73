"""A table without a database: one interval a day since 2021-02-05."""

from typing import Any

from daybook.definitions.table import Table


def daily_table(name: str, **fields: Any) -> Table:
    """Return a table that is loaded by days, with more `fields` of its file."""
    return Table.model_validate(
        {
            "name": name,
            "description": "One row per thing.",
            "owner": "data",
            "source": {"kind": "database", "block": "production", "table": "x.y"},
            "load": "replace_interval",
            "cursor": "at",
            "interval": "day",
            "start": "2021-02-05",
            **fields,
        }
    )
