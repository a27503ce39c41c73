"""A load asks the warehouse's catalogue once a session: it opens one to extract, and one to load."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import Endpoints


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries of the catalogue that sessions of a warehouse send."""
    queries, execute = list[str](), Session._executed

    @contextlib.contextmanager
    def recorded(session: Session, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        if any(f" {catalogue}" in statement for catalogue in ("pg_attribute", "pg_class", "pg_namespace")):
            queries.append(statement)
        with execute(session, statement, values) as cursor:
            yield cursor

    monkeypatch.setattr(Session, "_executed", recorded)
    return queries


@pytest.mark.parametrize("strategy", ["replace", "replace_interval", "upsert"])
def test_a_load_asks_once_a_session(from_mysql: Endpoints, strategy: str, asked: list[str]) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, at datetime, word text, raw blob)")
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05', 'a', 'x'), (2, '2021-02-06', 'it''s', NULL)")
    table = ends.table(load=strategy, key=["id"], cursor="at", interval="day")
    days = () if strategy == "replace" else ("2021-02-05", "2021-02-07")
    ends.load(table, *days)
    asked.clear()
    ends.load(table, *days)
    keys = [query for query in asked if "pg_constraint" in query]
    assert len(asked) - len(keys) == 2, asked
    assert len(keys) == (strategy == "replace" and not ends.on_redshift), "a full refresh asks for the primary key"


def test_what_a_statement_changes_is_asked_again(from_mysql: Endpoints) -> None:
    ends = from_mysql
    with ends.warehouse.session() as session:
        schema = ends.destination.namespace
        ends.warehouse.make_schema(session, schema)
        session.run(f"CREATE TABLE {schema}.things (id int)")
        for statement, expected in [
            ("SELECT 1", ["id"]),
            (f"ALTER TABLE {schema}.things ADD COLUMN word varchar(10)", ["id", "word"]),
            ("BEGIN", ["id", "word"]),
            (f"alter table {schema}.things drop column word", ["id"]),
            ("ROLLBACK", ["id", "word"]),
            (f"DROP TABLE {schema}.things", []),
        ]:
            session.run(statement)
            assert [*ends.warehouse.existing_columns(session, f"{schema}.things")] == expected, statement


def test_what_another_session_changed_is_seen_in_a_transaction(from_mysql: Endpoints) -> None:
    warehouse, schema = from_mysql.warehouse, from_mysql.destination.namespace
    with warehouse.session() as session, warehouse.session() as other:
        assert not warehouse.exists(session, f"{schema}.things")
        warehouse.make_schema(other, schema)
        other.run(f"CREATE TABLE {schema}.things (id int)")
        assert warehouse.begin_locked(session, f"{schema}.things")
        assert warehouse.exists(session, f"{schema}.things")
        session.run("ROLLBACK")
        other.run(f"DROP TABLE {schema}.things")
