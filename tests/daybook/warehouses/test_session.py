"""What a session remembers of the catalogue, and until when."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from daybook.warehouses.session import Session


class _Cursor(contextlib.AbstractContextManager["_Cursor"]):
    rowcount, description = 0, ()

    def execute(self, statement: str, values: Any) -> None:
        pass

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(())

    def __exit__(self, *error: object) -> None:
        pass


class _Connection:
    cursor = _Cursor


@pytest.mark.parametrize(
    ("statement", "known"),
    [
        ("SELECT 1", True),
        ("INSERT INTO raw.things VALUES (1)", True),
        ("DELETE FROM raw.things", True),
        ("LOCK TABLE raw.things", True),
        ("CREATE TEMP TABLE daybook_staging (id int)", True),
        ("CREATE TABLE raw.things (id int)", False),
        ("  alter table raw.things add column word text", False),
        ("DROP TABLE raw.things", False),
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", False),
        ("COMMIT", False),
        ("ROLLBACK", False),
    ],
)
def test_a_statement_that_may_change_a_table_forgets(statement: str, known: bool) -> None:
    session, asked = Session(_Connection(), lambda error: None), list[str]()

    def ask() -> str:
        asked.append("asked")
        return "columns"

    assert session.remembered("raw.things", ask) == session.remembered("raw.things", ask) == "columns"
    session.run(statement)
    session.remembered("raw.things", ask)
    assert len(asked) == (1 if known else 2)
