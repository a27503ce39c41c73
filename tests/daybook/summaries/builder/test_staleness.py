"""An incremental summary is built for the days whose inputs have changed, and for no other."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daybook.errors import CheckFailed
from daybook.ledger.ledger import Entry, Ledger
from daybook.ledger.moves import Moves
from daybook.model.interval import Interval
from daybook.summaries.builder.build import build
from daybook.summaries.graph import plan_builds
from tests.support.summary_cli import PER_DAY, Desk, days

pytestmark = pytest.mark.any_warehouse

#: Of each day, the answers of that day and of the two before it.
ROLLING = """
    select d.day, count(*) as answers
    from (select distinct cast(at as date) as day from {raw}.answers where at >= {{start}} and at < {{end}}) d
    join {raw}.answers a on a.at < d.day + 1 and a.at >= d.day - 2
    where a.at >= {{start}} and a.at < {{end}}
    group by d.day
"""
ROLLS = {"sql": ROLLING, "key": ["day"], "interval": "day", "cursor": "day", "lookback": 2}


@pytest.fixture
def month(desk: Desk) -> Desk:
    """Two answers on each of twenty days, loaded at once, and their summaries."""
    desk.run(
        "INSERT INTO {raw}.answers SELECT n, CAST('2021-02-01' AS date) + ((n - 1) / 2), 5 FROM "
        "(SELECT CAST(row_number() OVER (ORDER BY oid) AS int) AS n FROM pg_class LIMIT 40) t"
    )
    desk.note("answers", "2021-02-01", "2021-02-21")
    desk.build(desk.summary())
    desk.build(desk.summary("rolling", **ROLLS))
    return desk


def spoil(desk: Desk) -> None:
    """Change what the builds have made, so that a row which is built again is seen."""
    desk.run("UPDATE {raw}.per_day SET total = -1")
    desk.run("UPDATE {raw}.rolling SET answers = -1")


def test_three_old_days_refresh_those_days_and_what_rolls_over_them(month: Desk) -> None:
    spoil(month)
    month.run("INSERT INTO {raw}.answers VALUES (101, '2021-02-05 12:00', 9), (102, '2021-02-07 12:00', 9)")
    month.note("answers", "2021-02-05", "2021-02-08")
    built = month.build(month.summary())
    assert days(built) == ["2021-02-05", "2021-02-06", "2021-02-07"]
    assert built.label == "2021-02-05 until 2021-02-08"
    assert [row for row in month.rows("per_day", "day, total") if row[1] != -1] == [
        (date(2021, 2, 5), 19),
        (date(2021, 2, 6), 10),
        (date(2021, 2, 7), 19),
    ]
    rolled = month.build(month.summary("rolling", **ROLLS))
    assert days(rolled) == [f"2021-02-0{day}" for day in range(5, 10)]
    assert [row for row in month.rows("rolling") if row[1] != -1] == [
        (date(2021, 2, day), answers) for day, answers in ((5, 7), (6, 7), (7, 8), (8, 7), (9, 7))
    ]
    assert month.ledger("per_day")[1:] == [(f"2021-02-0{d}", f"2021-02-0{d + 1}", 1) for d in (5, 6, 7)]
    assert not month.build(month.summary()).built
    assert not month.build(month.summary("rolling", **ROLLS)).built


def test_days_apart_are_built_in_one_go_and_an_emptied_one_is_emptied(month: Desk) -> None:
    spoil(month)
    month.run("DELETE FROM {raw}.answers WHERE at < '2021-02-02'")
    month.note("answers", "2021-02-01")
    month.note("answers", "2021-02-10")
    built = month.build(month.summary())
    assert days(built) == ["2021-02-01", "2021-02-10"]
    assert built.label == "2021-02-01, 2021-02-10"
    assert month.ledger("per_day")[1:] == [("2021-02-01", "2021-02-02", 0), ("2021-02-10", "2021-02-11", 1)]
    assert len(month.rows("per_day")) == 19
    assert month.rows("per_day", "total").count((10,)) == 1


def test_a_new_day_is_added_and_nothing_behind_the_last_one(month: Desk) -> None:
    month.answer((201, "2021-02-21 09:00", 1), load="2021-02-21")
    assert days(month.build(month.summary())) == ["2021-02-21"]
    assert days(month.build(month.summary("rolling", **ROLLS))) == ["2021-02-21"]
    assert month.rows("rolling")[-1] == (date(2021, 2, 21), 5)


def test_a_summary_of_a_summary_follows_the_days_of_that_one(month: Desk) -> None:
    sql = "select day, total * 2 as twice from {raw}.per_day where day >= {{start}} and day < {{end}}"
    fields = {"sql": sql, "key": ["day"], "interval": "day", "cursor": "day"}
    month.build(month.summary("twice", **fields))
    month.run("UPDATE {raw}.answers SET score = 7 WHERE at < '2021-02-03'")
    month.note("answers", "2021-02-02")
    assert not month.build(month.summary("twice", **fields)).built
    month.build(month.summary())
    assert days(month.build(month.summary("twice", **fields))) == ["2021-02-02"]
    assert month.rows("twice")[:2] == [(date(2021, 2, 1), 20), (date(2021, 2, 2), 28)]


def test_a_day_that_rows_have_left_is_built_with_what_rolls_over_it(month: Desk) -> None:
    spoil(month)
    month.note("answers", "2021-02-10")
    left, name = datetime(2021, 2, 5, tzinfo=UTC), f"{month.raw}.answers"
    with month.ends.warehouse.session() as session:
        moves, ledger = Moves(month.ends.warehouse), Ledger(month.ends.warehouse)
        moves.ensure(session)
        loaded_at = ledger.ends(session, [name])[name].loaded_at
        moves.record(session, name, "load-2", loaded_at, {Interval(left, left + timedelta(days=1))})
    assert days(month.build(month.summary())) == ["2021-02-05", "2021-02-10"]
    rolled = month.build(month.summary("rolling", **ROLLS))
    assert days(rolled) == [f"2021-02-{day:02d}" for day in (5, 6, 7, 10, 11, 12)]
    assert not month.build(month.summary()).built


def test_an_output_check_looks_at_all_that_readers_would_see(month: Desk) -> None:
    checked = month.summary(output_checks=[{"row_count": {"at_least": 20}}, {"change_within": "1%"}])
    month.note("answers", "2021-02-03")
    assert days(month.build(checked)) == ["2021-02-03"]
    before = month.rows("per_day"), month.ledger("per_day")
    month.run("DELETE FROM {raw}.answers WHERE at >= '2021-02-03' AND at < '2021-02-04'")
    month.note("answers", "2021-02-03")
    with pytest.raises(CheckFailed, match=r"returned 19; expected at least 20[\s\S]*kept as"):
        month.build(checked)
    assert (month.rows("per_day"), month.ledger("per_day")) == before
    assert len(month.left_behind()) == 1


def test_a_load_by_a_worker_whose_clock_is_behind_is_not_missed(month: Desk) -> None:
    """Moments of two tables say nothing of each other: each input is compared with what was read of that input."""
    month.run("CREATE TABLE {raw}.users (id int, at timestamp)")
    month.note("users", "2021-02-01", "2021-02-21", loaded_at=datetime(2021, 3, 1, tzinfo=UTC))
    sql = PER_DAY.replace("group", "and id not in (select id from {raw}.users) group")
    month.build(month.summary("both", sql, key=["day"], interval="day", cursor="day"))
    month.note("users", "2021-02-04", loaded_at=datetime(2021, 3, 2, tzinfo=UTC))
    again = month.build(month.summary("both", sql, key=["day"], interval="day", cursor="day"))
    assert days(again) == ["2021-02-04"]


def test_rows_that_are_loaded_by_another_column_may_be_of_any_day(month: Desk, tmp_path: Path) -> None:
    """A row that was modified on the 20th, and is loaded with that day, may be of the 3rd."""
    folder = tmp_path / month.raw
    folder.mkdir()
    file = "description: x\nowner: x\nload: upsert\nkey: id\ninterval: day\nsource: {kind: database, table: a.b}\n"
    (folder / "per_day.sql").write_text(month.summary().sql, encoding="utf-8")
    fields = "description: One row a day.\nowner: tests\nkey: [day]\ninterval: day\ncursor: day\n"
    (folder / "per_day.yaml").write_text(fields, encoding="utf-8")
    for cursor, expected in (("at", ["2021-02-20"]), ("modified", [])):
        (folder / "answers.yaml").write_text(f"{file}cursor: {cursor}\n", encoding="utf-8")
        month.run("UPDATE {raw}.answers SET score = score + 1 WHERE at = '2021-02-03'")
        month.note("answers", "2021-02-20")
        warehouse = month.ends.warehouse
        lineage = plan_builds(warehouse, [f"{month.raw}.per_day"], tmp_path).lineages[f"{month.raw}.per_day"]
        built = build(lineage.summary, lineage, warehouse)
        assert days(built) == expected
        assert ("another column" in built.why) == (cursor == "modified")
    assert month.rows("per_day", "day, total")[2] == (date(2021, 2, 3), 14)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_days_are_those_of_the_zone(desk: Desk, zone: str) -> None:
    desk.run("CREATE TABLE {raw}.visits (id int, at timestamp)")
    desk.run(
        "INSERT INTO {raw}.visits VALUES (1, '2021-03-27 23:30'), (2, '2021-03-28 00:30'), (3, '2021-03-28 23:30')"
    )
    desk.note("visits", "2021-03-27", "2021-03-29")
    sql = (
        PER_DAY.replace("answers where", "visits where")
        .replace("sum(score)", "0")
        .replace("{raw}.answers", "{raw}.visits")
    )
    summary = desk.summary("zoned", sql, key=["day"], interval="day", cursor="day", timezone=zone)
    desk.build(summary)
    desk.note("visits", "2021-03-28")
    built = desk.build(summary)
    assert set(days(built)) >= {"2021-03-27" if zone.startswith("Europe") else "2021-03-28"}
    assert desk.rows("zoned", "day, answers") == [(date(2021, 3, 27), 1), (date(2021, 3, 28), 2)]


@pytest.mark.parametrize(("kind", "rows"), [("timestamptz", 6), ("timestamp", 5)])
def test_hours_of_the_night_in_which_the_clock_is_set_back(desk: Desk, kind: str, rows: int) -> None:
    """Berlin's 02:00 comes twice: whichever hour is loaded again, none loses its rows; without a zone they are one."""
    desk.run(f"CREATE TABLE {{raw}}.visits (id int, at {kind})")
    begin = datetime(2021, 10, 30, 22, 30, tzinfo=UTC)
    for hour in range(6):
        at = begin + timedelta(hours=hour)
        local = at if kind == "timestamptz" else at.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
        desk.run("INSERT INTO {raw}.visits VALUES (%s, %s)", (hour, local))
    note_hours(desk, begin, 6)
    sql = "select date_trunc('hour', at) as hour, count(*) as visits from {raw}.visits "
    sql += "where at >= {{start}} and at < {{end}} group by 1"
    summary = desk.summary("hours", sql, key="hour", interval="hour", cursor="hour", timezone="Europe/Berlin")
    desk.build(summary)
    before = desk.rows("hours")
    assert (len(before), sum(row[1] for row in before)) == (rows, 6)
    for hour in range(6):
        note_hours(desk, begin + timedelta(hours=hour), 1)
        assert len(desk.build(summary).entries) == 1
        assert desk.rows("hours") == before


def note_hours(desk: Desk, begin: datetime, count: int) -> None:
    """A load of so many hours of the visits, from that of `begin` on."""
    ledger, name = Ledger(desk.ends.warehouse), f"{desk.raw}.visits"
    start = begin.replace(minute=0)
    with desk.ends.warehouse.session() as session:
        ledger.ensure(session)
        moment = ledger.next_moment(session, name)
        end = start + timedelta(hours=count)
        ledger.record(
            session, [Entry(name, start, end, 0, "replace_interval", None, moment, f"{moment:%H%M%S%f}", moment)]
        )
