"""A load also changes intervals that it does not load: rows leave them. Incremental summaries follow."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.summaries.builder import build as builder
from daybook.summaries.builder.build import Built
from daybook.summaries.builder.staleness import version_of
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE
from tests.support.summary_cli import Desk, days

pytestmark = pytest.mark.any_warehouse

ZONES = ["America/New_York", "Asia/Kolkata"]
ON_EVERY_WAREHOUSE = pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
#: The members that a summary counts, by the day on which they were last seen. A test may group by another unit.
PER_DAY = """
    select {day} as day, count(*) as members, sum(n) as total
    from {raw}.members where last_seen >= {{start}} and last_seen < {{end}} group by 1
"""
DAY = "cast(last_seen as date)"
MONTH = "cast(date_trunc('month', last_seen) as date)"
Visit = tuple[int, str]


@dataclass
class Club:
    """A source with members, their table in a warehouse, and an incremental summary of that table."""

    ends: Endpoints
    table: Table
    summary: Summary
    day: str
    """The expression of the summary's cursor, whatever the session's time zone is."""
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.ends, self.ends.destination.namespace)

    def see(self, *visits: Visit) -> None:
        """Change the day or time at which members were last seen, at the source."""
        for member, at in visits:
            self.ends.source.run("UPDATE members SET last_seen = %s, n = n + 1 WHERE id = %s", (at, member))

    def load(self, first: str | None = None, until: str | None = None, **options: Any) -> Built:
        """Load intervals, and build what is stale of the summary, which must then be what its SELECT returns."""
        self.ends.load(self.table, first, until, allow_shrink=True, **options)
        built = self.desk.build(self.summary)
        assert self.desk.rows("per_day") == self.expected()
        return built

    def expected(self) -> list[tuple[Any, ...]]:
        """Return the rows of the summary's SELECT over all rows of the table."""
        return self.desk.run(
            f"SELECT {self.day}, count(*), sum(n) FROM {{raw}}.members "
            "WHERE last_seen IS NOT NULL GROUP BY 1 ORDER BY 1"
        )

    def moves(self) -> list[tuple[Any, ...]]:
        """Return (start, end) of the recorded moves of the table."""
        return self.ends.destination.run(
            "SELECT interval_start, interval_end FROM daybook.moves WHERE table_name = %s ORDER BY 1",
            (self.table.name,),
        )


def club(
    ends: Endpoints,
    *visits: Visit,
    load: str = "upsert",
    cursor: str = "datetime(6)",
    interval: str = "day",
    day: str = DAY,
    per: str = "day",
    timezone: str = "UTC",
    **fields: Any,
) -> Club:
    """Return a club whose members were seen at these times. Nothing is loaded yet.

    `cursor` is the type of `last_seen` in MariaDB. `interval` is that of the table; `per` and `day` are the summary's
    interval and the expression of its cursor.
    """
    in_postgres = {"datetime(6)": "timestamp", "timestamp(6)": "timestamptz", "date": "date"}[cursor]
    kind = cursor if ends.source.is_mysql else in_postgres
    null = "NULL" if ends.source.is_mysql else ""
    ends.source.run(f"CREATE TABLE members (id int PRIMARY KEY, last_seen {kind} {null}, n int, gone int)")
    ends.source.run("CREATE INDEX members_seen ON members (last_seen)")
    ends.source.insert("members", [(member, at, member, 0) for member, at in visits])
    table = ends.table(
        "members", load=load, key=["id"], cursor="last_seen", interval=interval, timezone=timezone, **fields
    )
    desk = Desk(ends, ends.destination.namespace)
    summary = desk.summary(
        sql=PER_DAY.replace("{day}", day), key=["day"], interval=per, cursor="day", timezone=timezone
    )
    if cursor == "timestamp(6)":
        day = day.replace("last_seen", f"last_seen AT TIME ZONE '{timezone}'")
        day += f" AT TIME ZONE '{timezone}'" * (per == "hour")
    return Club(ends, table, summary, day)


THREE = ((1, "2021-02-01 10:00:00"), (2, "2021-02-01 11:00:00"), (3, "2021-02-01 12:00:00"))


@pytest.mark.each_value
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("strategy", ["upsert", "replace_interval", "exact"])
def test_rows_that_come_back_leave_their_day(ends: Endpoints, strategy: str) -> None:
    members = club(ends, *THREE, (4, "2021-02-02 09:00:00"), load="upsert" if strategy == "exact" else strategy)
    exact = {"exact": True} if strategy == "exact" else {}
    members.load("2021-02-01", "2021-02-03")
    members.see((1, "2021-02-03 10:00:00"), (2, "2021-02-03 11:00:00"))
    assert days(members.load("2021-02-03", **exact)) == ["2021-02-01", "2021-02-03"]
    assert [row[1] for row in members.desk.rows("per_day")] == [1, 1, 2]

    # The last row leaves its day.
    members.see((3, "2021-02-04 10:00:00"))
    assert days(members.load("2021-02-04", **exact)) == ["2021-02-01", "2021-02-04"]
    assert [row[1] for row in members.desk.rows("per_day")] == [1, 2, 1]

    # Nothing moves: only the loaded day is built.
    assert days(members.load("2021-02-04", **exact)) == ["2021-02-04"]
    assert not members.desk.build(members.summary).built


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("exact", [False, True])
def test_a_row_that_moves_to_an_earlier_day(ends: Endpoints, exact: bool) -> None:
    members = club(ends, *THREE, (4, "2021-02-05 09:00:00"), (5, "2021-02-05 09:00:00"), load="replace_interval")
    members.load("2021-02-01", "2021-02-06")
    members.see((4, "2021-02-02 09:00:00"))
    assert days(members.load("2021-02-02", exact=exact)) == ["2021-02-02", "2021-02-05"]


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_deletion_takes_a_row_out_of_an_earlier_day(ends: Endpoints) -> None:
    members = club(ends, *THREE, (4, "2021-02-02 09:00:00"), deleted="gone", on_delete="apply")
    members.load("2021-02-01", "2021-02-03")
    ends.source.run("UPDATE members SET gone = 1, last_seen = '2021-02-03 08:00:00' WHERE id = 2")
    assert days(members.load("2021-02-03")) == ["2021-02-01", "2021-02-03"]
    assert [row[1] for row in members.desk.rows("per_day")] == [2, 1]


@pytest.mark.each_value
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize(("per", "day"), [("month", MONTH), ("day", DAY)])
@pytest.mark.parametrize("interval", ["day", "month"])
def test_intervals_of_other_lengths(ends: Endpoints, interval: str, per: str, day: str) -> None:
    visits = [(n, f"2021-0{1 + n % 3}-1{n % 9} 10:00:00") for n in range(9)]
    members = club(ends, *visits, interval=interval, per=per, day=day)
    members.load("2021-01-01", "2021-04-01")
    members.see((0, "2021-04-02 00:00:00"), (4, "2021-04-02 23:59:59"))
    built = members.load("2021-04-02" if interval == "day" else "2021-04-01")
    assert {"month": ["2021-01-01", "2021-02-01", "2021-04-01"]}.get(per, days(built)) == days(built)
    if (interval, per) == ("day", "day"):
        assert days(built) == ["2021-01-10", "2021-02-14", "2021-04-02"]


@pytest.mark.each_value
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("zone", ["Pacific/Apia", *(pytest.param(zone, marks=pytest.mark.full) for zone in ZONES)])
@pytest.mark.parametrize("cursor", ["datetime(6)", "timestamp(6)", "date"])
def test_days_of_a_zone(ends: Endpoints, cursor: str, zone: str) -> None:
    begin = datetime(2021, 3, 12)
    members = club(
        ends,
        *((n, f"{begin + n * timedelta(hours=6, minutes=29):%Y-%m-%d %H:%M:%S}") for n in range(16)),
        cursor=cursor,
        timezone=zone,
    )
    members.load("2021-03-10", "2021-03-18")
    for member in range(16):
        members.see((member, "2021-03-19 08:00:00"))
        built = members.load("2021-03-19")
        assert len(built.entries) == 2, "the day that the row has left, and the day that was loaded"


@pytest.mark.each_value
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("cursor", ["datetime(6)", "timestamp(6)"])
def test_hours(ends: Endpoints, cursor: str) -> None:
    begin, zone = datetime(2021, 10, 30, 20), "Asia/Kolkata"
    members = club(
        ends,
        *((n, f"{begin + n * timedelta(minutes=17):%Y-%m-%d %H:%M:%S}") for n in range(12)),
        cursor=cursor,
        interval="hour",
        per="hour",
        day="date_trunc('hour', last_seen)",
        timezone=zone,
    )
    members.load("2021-10-30", "2021-11-01")
    for member in range(12):
        members.see((member, "2021-11-02 12:10:00"))
        hour = "2021-11-02T12:00" if cursor == "datetime(6)" else "2021-11-02T17:00"
        assert len(members.load(hour).entries) == 2


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_row_without_a_cursor_gets_one(ends: Endpoints) -> None:
    """A SELECT may give such a row any day, as one with `coalesce` does."""
    members = club(ends, *THREE)
    ends.source.run("INSERT INTO members VALUES (9, NULL, 7, 0)")
    seen = "coalesce(last_seen, timestamp '2021-02-01 00:00:00')"
    sql = f"select cast({seen} as date) as day, count(*) as members, sum(n) as total from {{raw}}.members "
    sql += f"where {seen} >= {{{{start}}}} and {seen} < {{{{end}}}} group by 1"
    summary = members.desk.summary("all_members", sql, key=["day"], interval="day", cursor="day")
    ends.load(members.table, allow_shrink=True)
    members.desk.build(summary)
    assert members.desk.rows("all_members") == [(date(2021, 2, 1), 4, 13)]
    members.see((9, "2021-02-03 10:00:00"))
    ends.load(members.table, "2021-02-03")
    members.desk.build(summary)
    assert members.desk.rows("all_members") == [(date(2021, 2, 1), 3, 6), (date(2021, 2, 3), 1, 8)]


@pytest.mark.parametrize("from_postgres", ["postgres-folder"], indirect=True)
@pytest.mark.parametrize("instant", ["infinity", "-infinity", "20210-01-01", "0001-01-01"])
def test_a_cursor_that_python_cannot_hold(from_postgres: Endpoints, instant: str) -> None:
    members = club(from_postgres, *THREE, (9, instant))
    from_postgres.load(members.table)
    members.desk.build(members.summary)
    members.see((9, "2021-02-03 10:00:00"))
    from_postgres.load(members.table, "2021-02-03", exact=True)
    members.desk.build(members.summary)
    assert members.desk.rows("per_day", "members") == [(1,), (3,)]


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_row_leaves_a_day_in_the_future(ends: Endpoints) -> None:
    """A full refresh also loads rows whose cursor is in the future, which is after the end of all inputs."""
    members = club(ends, *THREE, (4, "2121-02-02 09:00:00"), load="replace_interval")
    members.load()
    members.see((4, "2021-02-03 09:00:00"))
    assert days(members.load("2021-02-03")) == ["2021-02-03", "2121-02-02"]


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_table_that_was_dropped_has_lost_every_day(ends: Endpoints) -> None:
    members = club(ends, *THREE, (4, "2021-02-02 09:00:00"))
    members.load("2021-02-01", "2021-02-03")
    members.desk.run("DROP TABLE {raw}.members")
    built = members.load("2021-02-02")
    assert built.label == "all of it" and "created again" in built.why


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_summary_of_a_summary_whose_rows_move(ends: Endpoints) -> None:
    """The first summary has one row per member, on the day of the last visit; the second one counts these."""
    visits = club(ends, *THREE, load="replace_interval")
    desk, source = visits.desk, ends.source
    clock = "datetime(6)" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE visits (id int PRIMARY KEY, member int, seen_at {clock})")
    source.insert("visits", [(member, member, at) for member, at in THREE])
    table = ends.table("visits", load="replace_interval", key=["id"], cursor="seen_at", interval="day")
    last = "select member as id, max(seen_at) as last_seen, max(id) as n from {raw}.visits "
    last += "where seen_at >= {{start}} and seen_at < {{end}} group by 1"
    first = desk.summary("members", last, key=["id"], interval="day", cursor="last_seen")
    for rows, day, expected in [
        ([], "2021-02-01", [3]),
        ([(11, 1, "2021-02-02 08:00:00"), (12, 2, "2021-02-02 09:00:00")], "2021-02-02", [1, 2]),
        ([(13, 3, "2021-02-03 08:00:00")], "2021-02-03", [2, 1]),
    ]:
        if rows:
            source.insert("visits", rows)
        ends.load(table, day)
        desk.build(first)
        desk.build(visits.summary)
        assert desk.rows("per_day") == visits.expected()
        assert [row[1] for row in desk.rows("per_day")] == expected


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_a_build_of_an_older_version_is_built_again_as_a_whole(ends: Endpoints, monkeypatch: Any) -> None:
    """Older versions have left rows in summaries. They did not record moves, so nothing says which."""
    members = club(ends, *THREE)
    with monkeypatch.context() as older:
        older.setattr(builder, "version_of", lambda summary: version_of(summary, with_moves=False))
        members.load("2021-02-01")
    members.see((1, "2021-02-02 10:00:00"))
    ends.load(members.table, "2021-02-02")
    ends.destination.run("DROP TABLE daybook.moves")
    built = members.desk.build(members.summary)
    assert built.why == "an older version of Daybook built it"
    assert members.desk.rows("per_day") == members.expected()
    assert not members.desk.build(members.summary).built


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
def test_what_a_load_records(ends: Endpoints) -> None:
    members = club(ends, *THREE, (4, "2021-02-02 09:00:00"), (5, "2021-02-03 09:00:00"))
    members.load("2021-02-01", "2021-02-03")
    made = members.moves()
    members.load("2021-02-03")
    assert members.moves() == made, "a load that moves nothing records nothing"
    members.see((1, "2021-02-04 10:00:00"), (2, "2021-02-04 10:00:00"), (5, "2021-02-04 10:00:00"))
    ends.load(members.table, "2021-02-04")
    recorded = [f"{start:%Y-%m-%d} {end:%Y-%m-%d}" for start, end in members.moves() if start]
    assert recorded == ["2021-02-01 2021-02-02", "2021-02-03 2021-02-04"]


@pytest.mark.parametrize("ends", ["postgres-folder", "duckdb-folder"], indirect=True)
@pytest.mark.parametrize("strategy", ["upsert", "replace_interval"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in (1, 2))])
def test_random_histories(ends: Endpoints, strategy: str, seed: int) -> None:
    """After any history of changes and loads, in any order, the summary is what its SELECT returns."""
    chance = random.Random(seed)
    begin = datetime(2021, 2, 1)

    def moment() -> str:
        return f"{begin + timedelta(minutes=chance.randrange(14 * 24 * 60)):%Y-%m-%d %H:%M:00}"

    def label(number: int) -> str:
        return f"{begin + timedelta(days=number):%Y-%m-%d}"

    zone = chance.choice(["UTC", "America/New_York", "Asia/Kolkata"])
    fields: dict[str, Any] = {"deleted": "gone", "on_delete": "apply"} if strategy == "upsert" else {}
    unit, day = chance.choice([("day", DAY), ("week", "cast(date_trunc('week', last_seen) as date)"), ("month", MONTH)])
    visits = [(n, moment()) for n in range(25)]
    members = club(ends, *visits, load=strategy, timezone=zone, per=unit, day=day, **fields)
    members.load()
    for _ in range(12):
        members.see(*((chance.randrange(25), moment()) for _ in range(chance.randrange(4))))
        if fields and chance.random() < 0.4:
            ends.source.run(
                "UPDATE members SET gone = 1, last_seen = %s WHERE id = %s", (moment(), chance.randrange(25))
            )
        first = chance.randrange(14)
        exact = {"exact": True} if chance.random() < 0.3 else {}
        members.load(label(first), label(first + chance.randrange(1, 4)), **exact)
