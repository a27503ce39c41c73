"""An incremental summary whose inputs have cursors of the same name, other time zones, or no cursor in some rows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daybook.ledger.ledger import Entry, Ledger
from daybook.ledger.moves import MovedInterval, Moves, Unplaced
from daybook.summaries.builder.build import Built, build
from daybook.summaries.graph import plan_builds
from tests.support.source_and_warehouse import ON_ONE_WAREHOUSE
from tests.support.summary_cli import Desk, days

pytestmark = pytest.mark.any_warehouse

FILE = "description: x\nowner: x\nload: upsert\nkey: id\nsource: {kind: database, table: a.b}\n"
ANSWERS_AND_USERS = """
    select cast(a.at as date) as day, count(*) as answers, sum(a.score * u.weight) as total
    from {raw}.answers a join {raw}.users u on u.id = a.id % 3
    where a.at >= {start} and a.at < {end}OTHER group by 1
"""


class Mart:
    """A desk whose tables and summary have files, so that builds are planned as in production."""

    def __init__(self, desk: Desk, folder: Path, sql: str, fields: str, **tables: str) -> None:
        self.desk, self.folder, self.sql = desk, folder, sql.replace("{raw}", desk.raw)
        schema = folder / desk.raw
        schema.mkdir()
        for name, more in tables.items():
            (schema / f"{name}.yaml").write_text(FILE + more, encoding="utf-8")
        (schema / "mart.sql").write_text(self.sql, encoding="utf-8")
        (schema / "mart.yaml").write_text("description: x\nowner: x\n" + fields, encoding="utf-8")

    def build(self) -> Built:
        """Build the summary, which must then be what its SELECT returns for all rows."""
        name, warehouse = f"{self.desk.raw}.mart", self.desk.ends.warehouse
        lineage = plan_builds(warehouse, [name], self.folder).lineages[name]
        built = build(lineage.summary, lineage, warehouse)
        every = self.sql.replace("{start}", "TIMESTAMP '0002-01-01'").replace("{end}", "TIMESTAMP '9000-01-01'")
        assert self.desk.rows("mart") == self.desk.run(f"SELECT * FROM ({every.replace('%', '%%')}) x ORDER BY 1", ())
        return built

    def note(self, table: str, start: datetime, length: timedelta, moved: Sequence[MovedInterval] = ()) -> None:
        """Record a load of one interval, and the other intervals that it has changed."""
        ledger, moves, name = (
            Ledger(self.desk.ends.warehouse),
            Moves(self.desk.ends.warehouse),
            f"{self.desk.raw}.{table}",
        )
        with self.desk.ends.warehouse.session() as session:
            ledger.ensure(session)
            moves.ensure(session)
            moment = ledger.next_moment(session, name)
            load = f"{moment:%H%M%S%f}"
            ledger.record(session, [Entry(name, start, start + length, 0, "upsert", None, moment, load, moment)])
            moves.record(session, name, load, moment, moved)


DAILY = "key: [day]\ninterval: day\ncursor: day\n"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("", []),
        (" and cast(u.at as date) = cast(a.at as date) and u.at >= {start} and u.at < {end}", ["2021-02-20"]),
        (" and u.at = a.at", ["2021-02-20"]),
    ],
)
def test_a_table_whose_cursor_has_the_same_name(desk: Desk, tmp_path: Path, other: str, expected: list[str]) -> None:
    """A user of any day may change today. Then answers of all days change, if the SELECT does not filter users."""
    cursor = "cursor: at\ninterval: day\n"
    mart = Mart(desk, tmp_path, ANSWERS_AND_USERS.replace("OTHER", other), DAILY, answers=cursor, users=cursor)
    desk.run("CREATE TABLE {raw}.users (id int, at timestamp, weight int)")
    desk.run(
        "INSERT INTO {raw}.users SELECT n, '2021-02-20', n + 1 FROM (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2) t"
    )
    desk.note("users", "2021-02-01", "2021-02-20")
    for day in range(1, 21):
        desk.run("INSERT INTO {raw}.answers VALUES (%s, %s, 5)", (day, f"2021-02-{day:02d}"))
    desk.note("answers", "2021-02-01", "2021-02-21")
    mart.build()
    desk.run("UPDATE {raw}.users SET weight = 100 WHERE id = 1")
    desk.note("users", "2021-02-20")
    assert days(mart.build()) == expected


@pytest.mark.parametrize(
    ("table_zone", "zone", "length"),
    [
        ("UTC", "America/New_York", 1),
        ("UTC", "Asia/Kolkata", 1),
        ("America/New_York", "UTC", 1),
        ("Asia/Tokyo", "America/Los_Angeles", 1),
        ("Pacific/Kiritimati", "Pacific/Pago_Pago", 24),
        ("Pacific/Pago_Pago", "Pacific/Kiritimati", 24),
    ],
)
@pytest.mark.parametrize("converted", [False, True])
@ON_ONE_WAREHOUSE
def test_a_cursor_on_another_clock(
    desk: Desk, tmp_path: Path, table_zone: str, zone: str, length: int, converted: bool
) -> None:
    """The SELECT compares times without a zone with `{start}` as they are, or converts them: both are built."""
    at = f"(at at time zone '{table_zone}' at time zone '{zone}')" if converted else "at"
    sql = f"select cast({at} as date) as day, count(*) as n, sum(score) as total from {{raw}}.answers "
    sql += f"where {at} >= {{start}} and {at} < {{end}} group by 1"
    unit = "hour" if length == 1 else "day"
    mart = Mart(
        desk,
        tmp_path,
        sql,
        f"{DAILY}timezone: {zone}\n",
        answers=f"cursor: at\ninterval: {unit}\ntimezone: {table_zone}\n",
    )
    clock, begin = ZoneInfo(table_zone), datetime(2021, 2, 3)
    for hour in range(72):
        desk.run("INSERT INTO {raw}.answers VALUES (%s, %s, 5)", (hour, begin + timedelta(hours=hour, minutes=30)))
    desk.note("answers", "2021-02-01", "2021-02-08")
    mart.build()
    for hour in range(0, 72, 24 if length == 24 else 17):
        start = (begin + timedelta(hours=hour)).replace(tzinfo=clock).astimezone(UTC)
        local = begin + timedelta(hours=hour)
        desk.run(
            "UPDATE {raw}.answers SET score = score + 1 WHERE at >= %s AND at < %s",
            (local, local + timedelta(hours=length)),
        )
        mart.note("answers", start, timedelta(hours=length))
        assert 1 <= len(days(mart.build())) <= 4


@pytest.mark.parametrize("strict", [True, False])
def test_rows_that_get_a_cursor(desk: Desk, tmp_path: Path, strict: bool) -> None:
    """Open orders have no day. A SELECT that leaves them out is still built by days when they get one."""
    at = "at" if strict else "coalesce(at, timestamp '2021-02-01')"
    sql = f"select cast({at} as date) as day, count(*) as n from {{raw}}.answers "
    sql += f"where {at} >= {{start}} and {at} < {{end}} group by 1"
    mart = Mart(desk, tmp_path, sql, DAILY, answers="cursor: at\ninterval: day\n")
    desk.run("INSERT INTO {raw}.answers VALUES (1, '2021-02-03', 1), (2, NULL, 1), (3, NULL, 1)")
    desk.note("answers", "2021-02-01", "2021-02-06")
    mart.build()
    desk.run("UPDATE {raw}.answers SET at = '2021-02-05 10:00' WHERE id = 2")
    fifth = datetime(2021, 2, 5, tzinfo=UTC)
    mart.note("answers", fifth, timedelta(days=1), [Unplaced.WITHOUT_CURSOR])
    assert days(mart.build()) == (["2021-02-05"] if strict else [])
    mart.note("answers", fifth, timedelta(days=1), [None])
    assert days(mart.build()) == []
    assert desk.rows("mart", "day, n")[-1] == (date(2021, 2, 5), 1)


def test_a_load_records_rows_without_a_cursor_apart(desk: Desk, tmp_path: Path) -> None:
    """Old entries of `daybook.moves` without an end stand for any row of the table."""
    mart = Mart(desk, tmp_path, "select 1 as day", "key: [day]\n", answers="cursor: at\ninterval: day\n")
    fifth = datetime(2021, 2, 5, tzinfo=UTC)
    moved: list[Any] = [Unplaced.WITHOUT_CURSOR, None]
    mart.note("answers", fifth, timedelta(days=1), moved)
    moves = Moves(desk.ends.warehouse)
    with desk.ends.warehouse.session() as session:
        assert moves.since(session, f"{desk.raw}.answers", fifth) == set(moved)
