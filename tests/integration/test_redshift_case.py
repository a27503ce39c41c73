"""Redshift keeps the case of quoted names if `enable_case_sensitive_identifier` is on, as zero-ETL targets need it.

The setting may be that of the cluster's parameter group, or of the user. Each session reads it.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.audit.interval_audit import audit
from daybook.audit.table_audit import audit_whole
from daybook.errors import SchemaMismatch
from daybook.model.interval_grid import Grid
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.source_and_warehouse import Endpoints, warehouse_of
from tests.support.source_warehouse_fixtures import ends_of, source_database
from tests.support.summary_cli import Desk

SETTING = "enable_case_sensitive_identifier"
DAYS = {"cursor": "createdAt", "interval": "day", "start": "2021-01-01"}
ROWS = [(1, "one", "2021-02-05 01:00", b""), (2, "two", "2021-02-06 02:00", b"x")]


@pytest.fixture
def ends(redshift: Redshift, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield a PostgreSQL with a table `Things` with mixed-case columns, and a Redshift that keeps the case of names."""
    with source_database("postgres", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as ends:
        source.run(
            'CREATE TABLE "Things" ("userId" int PRIMARY KEY, "Name" text, "createdAt" timestamp NOT NULL, "Raw" bytea)'
        )
        source.insert('"Things"', ROWS)
        with redshift.estate(settings={SETTING: "true"}):
            yield ends


STRATEGIES: dict[str, dict[str, Any]] = {
    "replace": {"load": "replace", "key": ["userId"]},
    "replace_interval": {"load": "replace_interval", **DAYS},
    "upsert": {"load": "upsert", "key": ["userId"], **DAYS},
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_mixed_case_columns_are_loaded_again_and_again(ends: Endpoints, strategy: str) -> None:
    table, source = ends.table("Things", **STRATEGIES[strategy]), ends.source
    assert source
    span = ("2021-02-05", "2021-02-07") if ends.table("Things", **STRATEGIES[strategy]).grid else ()
    for name in ("two", "zwei"):
        source.run('UPDATE "Things" SET "Name" = %s WHERE "userId" = 2', (name,))
        ends.load(table, *span)
        assert ends.rows(table, '"userId", "Name"') == [(1, "one"), (2, name)]
    assert list(ends.destination.types(table.name)) == ["userId", "Name", "createdAt", "Raw"]
    if span:
        some = Grid("day", "UTC").between(date(2021, 2, 5), date(2021, 2, 7))
        found = audit(table, some, ends.warehouse, ends)
        assert [str(one.verdict) for one in found] == ["equal", "equal"]
    else:
        assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"equal"}


def test_a_new_column_is_added_once(ends: Endpoints) -> None:
    table, source = ends.table("Things", **STRATEGIES["upsert"], on_new_column="add"), ends.source
    assert source
    ends.load(table, "2021-02-05")
    source.run('ALTER TABLE "Things" ADD COLUMN "newOne" int DEFAULT 7')
    for _ in range(2):
        ends.load(table, "2021-02-06")
    assert ends.rows(table, '"userId", "newOne"') == [(1, None), (2, 7)]


def test_two_columns_that_differ_only_in_case(ends: Endpoints) -> None:
    assert ends.source
    ends.source.run('ALTER TABLE "Things" ADD COLUMN "USERID" int DEFAULT 9')
    table = ends.table("Things", **STRATEGIES["upsert"])
    ends.load(table, "2021-02-05")
    assert ends.rows(table, '"userId", "USERID"') == [(1, 9)]


def test_a_table_from_before_the_setting_has_its_columns_renamed_by_hand(redshift: Redshift, ends: Endpoints) -> None:
    """Existing clusters turn the setting on for their first zero-ETL integration. The error has the whole remedy."""
    table = ends.table("Things", **STRATEGIES["upsert"])
    schema = ends.destination.namespace
    ends.destination.run(
        f'CREATE TABLE {schema}."Things" (userid int, name varchar(99), createdat timestamp, raw varbyte(100))'
    )
    with pytest.raises(SchemaMismatch) as caught:
        ends.load(table, "2021-02-05")
    statements = [line.partition(": ")[2] for line in str(caught.value).split("\n") if line.startswith("- ")]
    assert f'ALTER TABLE "{schema}"."Things" RENAME COLUMN "userid" TO "userId"' in statements
    assert len(statements) == 4 and f"SET {SETTING} TO false" in str(caught.value)
    for statement in statements:
        ends.destination.run(statement)
    assert ends.load(table, "2021-02-05").rows == 1


def test_a_table_from_while_the_setting_was_on(redshift: Redshift, ends: Endpoints) -> None:
    table = ends.table("Things", **STRATEGIES["upsert"])
    schema = ends.destination.namespace
    ends.destination.run(
        f'CREATE TABLE {schema}.things ("userId" int, name varchar(99), createdat timestamp, raw varbyte)'
    )
    url = make_url(redshift.url).set(username="folds")
    folding = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
    ends.warehouse = folding
    users = {"folds": {"settings": {SETTING: "false"}}}
    with redshift.estate(settings={SETTING: "true"}, users=users), pytest.raises(SchemaMismatch) as caught:
        ends.load(table, "2021-02-05")
    assert "its column 'userId'" in str(caught.value) and f"SET {SETTING} TO true" in str(caught.value)


@pytest.mark.parametrize("warehouse_ends", ["redshift-s3"], indirect=True)
def test_a_summary_reads_and_has_mixed_case_names(redshift: Redshift, warehouse_ends: Endpoints) -> None:
    desk = Desk(warehouse_ends, warehouse_ends.destination.namespace)
    with redshift.estate(settings={SETTING: "true"}):
        desk.run('CREATE TABLE {raw}."Answers" ("Id" int, "answeredAt" timestamp, score int)')
        desk.run("INSERT INTO {raw}.\"Answers\" VALUES (1, '2021-02-05 10:00', 9)")
        desk.note("Answers", "2021-02-05")
        summary = desk.summary(
            "PerDay",
            'select cast("answeredAt" as date) as "Day", count(*) as "Answers", sum(SCORE) as total '
            'from {raw}."Answers" where "answeredAt" >= {{start}} and "answeredAt" < {{end}} group by 1',
            key=["Day"],
            interval="day",
            cursor="Day",
        )
        warehouse_ends.warehouse = warehouse_of(warehouse_ends.destination)  # which has opened no session yet
        assert desk.build(summary).rows == 1
        desk.run('UPDATE {raw}."Answers" SET score = 4')
        desk.note("Answers", "2021-02-05")
        assert desk.build(summary).rows == 1
        assert [row[1:] for row in desk.run('SELECT * FROM {raw}."PerDay"')] == [(1, 4)]
        assert not desk.build(summary).built
