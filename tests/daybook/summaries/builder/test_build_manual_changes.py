"""What people do to a summary's table by hand, and what happens then: no rows of others are lost, and it is told."""

import secrets
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from daybook.errors import BuildFailed, SchemaMismatch
from tests.support.source_and_warehouse import Database, warehouse_of
from tests.support.summary_cli import Desk

IDS = "select id, score from {raw}.answers"


def test_a_view_in_its_place_is_not_written_through(desk: Desk) -> None:
    """What is deleted from a simple view is deleted from the table that it reads."""
    desk.answer((1, "2021-02-05 10:00", 9))
    desk.run("CREATE TABLE {raw}.people AS SELECT 77 AS id, 77 AS score")
    desk.run("CREATE VIEW {raw}.seen AS SELECT id, score FROM {raw}.people")
    with pytest.raises(SchemaMismatch, match=rf"{desk.raw}\.seen is a view.*Drop or rename it"):
        desk.build(desk.summary("seen", IDS, key=["id"]))
    assert desk.rows("people") == [(77, 77)]
    assert desk.left_behind() == []


def test_a_table_that_somebody_emptied_is_filled_again(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    desk.run("DELETE FROM {raw}.per_day")
    assert desk.build(desk.summary()).why == "its table was emptied"
    assert len(desk.rows("per_day")) == 1
    desk.run("DELETE FROM {raw}.answers")
    empty = desk.summary("empty", allow_empty=True)
    desk.build(empty)
    assert not desk.build(empty).built


def test_a_table_that_somebody_replaced_is_built_again(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-06 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    built = desk.rows("per_day")
    desk.run("ALTER TABLE {raw}.per_day RENAME TO old")
    desk.run("CREATE TABLE {raw}.per_day AS SELECT * FROM {raw}.old LIMIT 1")
    again = desk.build(desk.summary())
    assert (again.why, again.label) == ("its table is not the one that was built", "all of it")
    assert desk.rows("per_day") == built
    assert not desk.build(desk.summary()).built


def test_a_rule_that_a_build_breaks_is_told_with_what_was_built(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    desk.run("CREATE TABLE {raw}.seen (id int, score int NOT NULL)")
    with pytest.raises(BuildFailed) as caught:
        desk.build(desk.summary("seen", "select id, nullif(score, 9) as score from {raw}.answers", key=["id"]))
    (kept,) = desk.left_behind()
    refused = "NULL" if desk.ends.on_redshift else "null value in column"
    words = [f"{desk.raw}.seen: ", refused, "score", f"kept as {desk.raw}.{kept}"]
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_who_may_make_no_schema_builds_in_one_that_is_there(desk: Desk) -> None:
    """PostgreSQL refuses CREATE SCHEMA IF NOT EXISTS to them, though there is nothing to make."""
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary("first", IDS, key=["id"]))
    user = f"builder_{secrets.token_hex(4)}"
    desk.run(f"CREATE ROLE {user} LOGIN PASSWORD 'x'")
    try:
        for schema in (desk.raw, "daybook"):
            desk.run(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}")
            desk.run(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO {user}")
        url = make_url(desk.database.url).set(username=user, password="x").render_as_string(hide_password=False)
        theirs = replace(desk, ends=replace(desk.ends, warehouse=warehouse_of(Database(url, desk.raw))))
        assert theirs.build(desk.summary("second", IDS, key=["id"])).rows == 1
        with pytest.raises(BuildFailed, match=r"first: (must be owner of|permission denied for) table.*owner to grant"):
            theirs.build(desk.summary("first", IDS, key=["id"]), full_refresh=True)
    finally:
        desk.run(f"DROP OWNED BY {user}")
        desk.run(f"DROP ROLE {user}")
