"""Every statement that Redshift is sent parses in sqlglot's redshift dialect too."""

from collections.abc import Callable

import pytest

from tests.support.source_and_warehouse import Endpoints, parse_as_redshift


@pytest.mark.parametrize("strategy", ["replace", "replace_interval", "upsert"])
def test_statements_of_every_strategy_parse(
    from_mysql: Endpoints, strategy: str, redshift_statements: Callable[[], list[str]]
) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, at datetime, word text, raw blob)")
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05', 'a', 'x'), (2, '2021-02-06', 'it''s', NULL)")
    checks = [{"sql": "select count(*) from {table} where word like 'z%'", "equals": 0}]
    table = ends.table(load=strategy, key=["id"], cursor="at", interval="day", checks=checks)
    for _ in range(2):
        ends.load(table, *(() if strategy == "replace" else ("2021-02-05", "2021-02-07")))
    ends.load(table)
    if strategy == "upsert":
        ends.source.run("INSERT INTO things VALUES (2, '2021-02-06 01:00:00', 'newer', NULL)")
        ends.load(table, "2021-02-06")
    if not ends.on_redshift:
        assert redshift_statements() == []
        return
    sent = redshift_statements()
    first_words = {statement.split()[0].upper() for statement in sent}
    assert {"BEGIN", "LOCK", "COPY", "UPDATE", "CREATE", "DELETE", "INSERT", "SELECT", "COMMIT"} <= first_words
    for statement in sent:
        parse_as_redshift(statement)
