"""A load reads only the blocks of its target that can have the staged keys, and changes the same rows as without."""

import itertools
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL, POSTGRESQL

ON_REDSHIFT = pytest.mark.parametrize("ends", ["redshift-s3"], indirect=True)
DAY = datetime(2021, 2, 5)


def changes(sent: list[str]) -> list[str]:
    """Return the statements that changed the table, without those of Daybook's own tables."""
    return [one for one in sent if one.startswith(("DELETE", "INSERT")) and '"things"' in one]


@pytest.mark.parametrize("source", POSTGRESQL, indirect=True)
@ON_REDSHIFT
def test_both_joins_of_an_upsert_are_bounded(ends: Endpoints, redshift_statements: Callable[[], list[str]]) -> None:
    ends.source.run("CREATE TABLE things (id bigint, part date, code text, at timestamp, v int)")
    rows = [(n, "2021-01-02", f"c{n}", DAY + timedelta(hours=8 * n), n) for n in range(6)]
    ends.source.insert("things", rows)
    table = ends.table(load="upsert", key=["id", "part", "code"], cursor="at", interval="day")
    ends.load(table, "2021-02-05", "2021-02-07")
    ends.source.run("UPDATE things SET v = 70, at = '2021-02-06 23:00:00.5' WHERE id = 1")
    before = len(redshift_statements())
    ends.load(table, "2021-02-06")
    sent = redshift_statements()[before:]
    delete, insert = changes(sent)
    for statement in (delete, insert):
        assert """"things"."id" BETWEEN 1 AND 5""" in statement
        assert """"things"."part" BETWEEN '2021-01-02' AND '2021-01-02'""" in statement
        assert """"code" BETWEEN""" not in statement  # a text may have a collation
    assert """"things"."at" IS NULL OR """ in delete and """"things"."at" <= '2021-02-06 23:00:00.500000')""" in delete
    assert """"things"."at" >= '2021-02-06 00:00:00'""" in insert
    assert ends.rows(table, "id, v") == [(0, 0), (1, 70), (2, 2), (3, 3), (4, 4), (5, 5)]


@pytest.mark.parametrize("source", MYSQL[:1], indirect=True)
@pytest.mark.parametrize(
    ("key", "options"),
    [(["id"], 'DISTKEY ("id") SORTKEY ("id")'), (["id", "at"], 'DISTSTYLE EVEN SORTKEY ("id", "at")')],
)
@ON_REDSHIFT
def test_the_staging_table_has_the_keys_of_the_join_and_statistics(
    ends: Endpoints, key: list[str], options: str, redshift_statements: Callable[[], list[str]]
) -> None:
    ends.source.run("CREATE TABLE things (id int, at datetime, PRIMARY KEY (at, id))")
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05 10:00:00')")
    table = ends.table(load="replace_interval", key=key, cursor="at", interval="day")
    for _ in range(2):
        ends.load(table, "2021-02-05")
    made = [one for one in redshift_statements() if 'TEMP TABLE "daybook_staging"' in one]
    assert len(made) == 2 and all(options in one for one in made)
    (copy, *_) = [one for one in redshift_statements() if one.startswith("COPY")]
    assert copy.endswith("STATUPDATE ON")
    older = changes(redshift_statements())[-2]
    assert older.startswith("DELETE") and '"id" BETWEEN 1 AND 1' in older


@pytest.mark.parametrize("source", MYSQL[:1], indirect=True)
@ON_REDSHIFT
def test_deleted_rows_are_within_the_range(ends: Endpoints, redshift_statements: Callable[[], list[str]]) -> None:
    """The range is that of all staged rows, before the deleted ones are taken out."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at datetime, gone smallint, KEY (at))")
    ends.source.insert("things", [(n, f"2021-02-05 0{n}:00:00", 0) for n in range(1, 8)])
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day", deleted="gone", on_delete="apply")
    ends.load(table, "2021-02-05")
    ends.source.run("UPDATE things SET gone = id IN (2, 6), at = '2021-02-06' WHERE id IN (2, 4, 6)")
    before = len(redshift_statements())
    ends.load(table, "2021-02-06")
    deletes = [one for one in changes(redshift_statements()[before:]) if one.startswith("DELETE")]
    assert len(deletes) == 2 and all('"id" BETWEEN 2 AND 6' in one for one in deletes)
    assert ends.rows(table, "id") == [(1,), (3,), (4,), (5,), (7,)]


@pytest.mark.parametrize("source", MYSQL, indirect=True)
@ON_REDSHIFT
def test_random_upserts_are_those_of_a_model(ends: Endpoints) -> None:
    """Rows move back and forth between days, and the days are loaded in any order, so older and newer rows meet."""
    chance = random.Random(16)
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at datetime(6), v int, KEY (at))")
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day", shrink_limit=0)
    model: dict[int, tuple[datetime, int]] = {}
    version = itertools.count()
    ends.load(table)
    for _ in range(8):
        for key in chance.sample(range(12), 5):
            at = DAY + timedelta(days=chance.randrange(3), microseconds=chance.randrange(86_400_000_000))
            ends.source.run("REPLACE INTO things VALUES (%s, %s, %s)", (key, at, next(version)))
        day = chance.randrange(3)
        start, end = DAY + timedelta(days=day), DAY + timedelta(days=day + 1)
        ends.load(table, f"{start:%Y-%m-%d}")
        for key, at, value in ends.source.run("SELECT id, at, v FROM things WHERE at >= %s AND at < %s", (start, end)):
            if key not in model or model[key][0] <= at:
                model[key] = (at, value)
        assert ends.rows(table, "id, at, v") == [(key, *row) for key, row in sorted(model.items())]
