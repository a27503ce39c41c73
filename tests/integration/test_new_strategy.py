"""A strategy that is one new file loads a table from its source into each warehouse."""

from datetime import date, datetime, timedelta

import pytest

from daybook.errors import DuplicateKey
from tests.support.source_and_warehouse import Endpoints

START = datetime(2021, 2, 5)
Row = tuple[int, datetime, str]


def answers(first: int, day: int, count: int) -> list[Row]:
    moment = START + timedelta(days=day)
    return [(first + n, moment + timedelta(minutes=n), f"answer {first + n}") for n in range(count)]


def test_rows_with_a_new_key_are_inserted_and_the_others_stay(ends: Endpoints, insert_missing: str) -> None:
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE nps (id bigint PRIMARY KEY, created_at {clock}, note text)")
    original = [row for day in range(3) for row in answers(day * 100, day, 20)]
    ends.source.insert("nps", original)
    table = ends.table(
        "nps", load=insert_missing, key=["id"], cursor="created_at", interval="day", start=date(2021, 2, 1)
    )

    # the first load makes the table; a range is one run; a rerun changes nothing
    assert ends.load(table, "2021-02-05").rows == 20
    assert ends.load(table, "2021-02-06", "2021-02-08").rows == 40
    assert ends.load(table, "2021-02-05", "2021-02-08").rows == 60
    assert ends.rows(table) == original

    # a changed row stays as it was, a deleted one stays, a new one is added
    ends.source.run("UPDATE nps SET note = 'changed' WHERE id = 3")
    ends.source.run("DELETE FROM nps WHERE id >= 10 AND id < 20")
    ends.source.insert("nps", new := answers(50, 0, 2))
    report = ends.load(table, "2021-02-05")
    assert (report.rows, report.strategy) == (12, insert_missing)
    assert ends.rows(table) == sorted([*original, *new])
    start, end, rows, strategy = ends.ledger(table)[-1]
    assert (start.replace(tzinfo=None), end - start) == (START, timedelta(days=1))
    assert (rows, strategy) == (12, insert_missing)

    # it removes no rows, so the shrink guard lets an emptied interval pass
    ends.source.run("DELETE FROM nps WHERE created_at >= '2021-02-06' AND created_at < '2021-02-07'")
    assert ends.load(table, "2021-02-06").rows == 0
    assert ends.rows(table) == sorted([*original, *new])

    # exact intervals and a full refresh make the table equal to its source, whatever its strategy is
    assert ends.load(table, "2021-02-05", exact=True).strategy == "replace_interval"
    first_day = [row for row in ends.source.run("SELECT * FROM nps ORDER BY id") if row[1] < START + timedelta(days=1)]
    assert [row for row in ends.rows(table) if row[1] < START + timedelta(days=1)] == first_day
    assert ends.load(table).strategy == "replace"
    assert ends.rows(table) == ends.source.run("SELECT * FROM nps ORDER BY id")


def test_rows_that_share_a_key_stop_a_strategy_that_does_not_choose(
    from_postgres: Endpoints, insert_missing: str
) -> None:
    ends = from_postgres
    ends.source.run("CREATE TABLE nps (id bigint, created_at timestamp, note text)")
    ends.source.insert("nps", [*answers(1, 0, 3), *answers(1, 0, 1)])
    table = ends.table("nps", load=insert_missing, key=["id"], cursor="created_at", interval="day")
    with pytest.raises(DuplicateKey, match="share a key"):
        ends.load(table, "2021-02-05")
