"""The freshness and SLA attainment of tables with `due:`, computed from real ledgers."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.errors import LoadFailed
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, parse
from daybook.model.timezones import wall_clock
from daybook.monitoring.deadlines import Deadlines
from daybook.monitoring.freshness import attainment, expected, look
from daybook.warehouses.base import Warehouse
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, warehouse_of


class Load(NamedTuple):
    """The ledger row of a load or build: the first interval (None: from the beginning), the end, and the time."""

    first: str | None
    until: str
    at: str


def day(label: str, at: str) -> Load:
    """Return the load of one day."""
    return Load(label, (date.fromisoformat(label) + timedelta(days=1)).isoformat(), at)


def whole(at: str) -> Load:
    """Return a load of the whole table as it was at that time."""
    return Load(None, at, at)


def table(**fields: Any) -> Callable[[str], Table]:
    """Return a factory of daily tables that are due at 10:00."""
    given = {"cursor": "at", "interval": "day", "load": "replace_interval", "due": "10:00", **fields}
    given |= {"description": "x", "owner": "x", "source": {"kind": "database", "table": "prod.t"}}
    return lambda name: Table(name=name, **given)


def summary(**fields: Any) -> Callable[[str], Summary]:
    """Return a factory of summaries that are built whole and due at 14:00."""
    given = {"description": "x", "owner": "x", "sql": "select 1", "key": ["id"], "due": "14:00", **fields}
    return lambda name: Summary(name=name, **given)


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """One warehouse of each kind for all tests of this module. Each test has its own table in the ledger."""
    server: Postgres | Redshift = request.getfixturevalue(request.param)
    if isinstance(server, Redshift):
        yield warehouse_of(Database(server.url, "raw"))
    else:
        with server.database() as url:
            yield warehouse_of(Database(url, "raw"))


def instant(text: str, timezone: str) -> datetime:
    """Return a local time as an aware datetime."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(timezone))


def boundary(text: str, dataset: Dataset) -> datetime:
    return (
        Grid("day", dataset.timezone).containing(parse(text)).start
        if len(text) < 11
        else instant(text, dataset.timezone)
    )


def with_ledger(warehouse: Warehouse, make: Callable[[str], Dataset], loads: Sequence[Load]) -> Dataset:
    """Return a table with a unique name and with these loads in the ledger."""
    dataset = make(f"raw.t_{uuid.uuid4().hex}")
    entries = [
        Entry(
            dataset.name,
            None if load.first is None else boundary(load.first, dataset),
            boundary(load.until, dataset),
            10,
            "replace",
            None,
            instant(load.at, dataset.timezone),
            str(uuid.uuid4()),
            instant(load.at, dataset.timezone),
        )
        for load in loads
    ]
    with warehouse.session() as session:
        Ledger(warehouse).ensure(session)
        Ledger(warehouse).record(session, entries)
    return dataset


def described(warehouse: Warehouse, make: Callable[[str], Dataset], loads: Sequence[Load], now: str) -> str:
    """Return the freshness as text, in local time: `late 2021-02-07, since 02-08 10:00; next 2021-02-08 by …`."""
    dataset = with_ledger(warehouse, make, loads)
    (found,) = look(warehouse, [dataset], instant(now, dataset.timezone))
    assert (found.table, found.owner) == (dataset.name, dataset.owner)
    zone, text = ZoneInfo(dataset.timezone), f"{found.state} {found.label}".strip()
    if found.since:
        text += f", since {found.since.astimezone(zone):%m-%d %H:%M}"
    if found.next_due_at:
        text += f"; next {found.next_label} by {found.next_due_at.astimezone(zone):%m-%d %H:%M}"
    return text


BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
UNTIL_THE_5TH = [day("2021-02-04", "2021-02-05 09:01"), day("2021-02-05", "2021-02-06 09:01")]
UNTIL_THE_6TH = [*UNTIL_THE_5TH, day("2021-02-06", "2021-02-07 09:01")]
UNTIL_THE_7TH = [*UNTIL_THE_6TH, day("2021-02-07", "2021-02-08 09:01")]
HOURS_OF_THE_6TH = [
    Load(f"2021-02-06 {h:02}:00", f"2021-02-06 {h + 1:02}:00" if h < 23 else "2021-02-07", "2021-02-07 01:00")
    for h in range(24)
]
HOURS_UNTIL_NOON = [Load(f"2021-02-07 {h:02}:00", f"2021-02-07 {h + 1:02}:00", "2021-02-07 13:00") for h in range(12)]
WEEKS = [Load("2021-01-25", "2021-02-01", "2021-02-01 09:00")]
MONTHS = [Load("2020-12-01", "2021-01-01", "2021-01-01 09:00")]
TRADING = {"timezone": NEW_YORK, "calendar": "XNYS"}

CASES: dict[str, tuple[Callable[[str], Dataset], Sequence[Load], str, str]] = {
    # ── Days, due at ten ──
    "before ten, the 7th may still come": (
        table(), UNTIL_THE_6TH, "2021-02-08 09:59", "fresh 2021-02-06; next 2021-02-07 by 02-08 10:00",
    ),
    "at ten it is late": (table(), UNTIL_THE_6TH, "2021-02-08 10:00", "late 2021-02-07, since 02-08 10:00"),
    "at ten it is there": (table(), UNTIL_THE_7TH, "2021-02-08 10:00", "fresh 2021-02-07"),
    "before ten the 7th is there": (table(), UNTIL_THE_7TH, "2021-02-08 09:30", "fresh 2021-02-06"),
    "late until the next one is due, too": (
        table(), UNTIL_THE_6TH, "2021-02-09 09:59",
        "late 2021-02-07, since 02-08 10:00; next 2021-02-08 by 02-09 10:00",
    ),
    "two in a row are stale": (
        table(), UNTIL_THE_6TH, "2021-02-09 10:00", "stale 2021-02-07 until 2021-02-09, since 02-08 10:00",
    ),
    "stale for three weeks": (
        table(), UNTIL_THE_6TH, "2021-02-28 23:00", "stale 2021-02-07 until 2021-02-28, since 02-08 10:00",
    ),
    "it came late": (table(), [*UNTIL_THE_6TH, day("2021-02-07", "2021-02-08 17:00")], "2021-02-08 17:01",
                     "fresh 2021-02-07"),
    "a gap further back is for catch_up": (
        table(start=date(2021, 2, 1)), UNTIL_THE_7TH, "2021-02-08 11:00", "fresh 2021-02-07",
    ),
    "the newest is there, the one before is not": (
        table(), [*UNTIL_THE_5TH, day("2021-02-07", "2021-02-08 09:00")], "2021-02-08 11:00", "fresh 2021-02-07",
    ),
    "the newest is missing, after a gap": (
        table(), [*UNTIL_THE_5TH, day("2021-02-07", "2021-02-08 09:00")], "2021-02-09 11:00",
        "late 2021-02-08, since 02-09 10:00",
    ),
    "only backfilled, today": (
        table(start=date(2019, 1, 1)),
        [*UNTIL_THE_5TH, Load("2019-01-01", "2019-01-02", "2021-02-08 10:30"), day("2019-01-02", "2021-02-08 10:31")],
        "2021-02-08 11:00", "stale 2021-02-06 until 2021-02-08, since 02-07 10:00",
    ),
    "a full refresh in the night": (table(), [whole("2021-02-08 03:00")], "2021-02-08 11:00", "fresh 2021-02-07"),
    "a full refresh before the day was over": (
        table(start=date(2021, 2, 1)), [whole("2021-02-07 23:59")], "2021-02-08 11:00",
        "late 2021-02-07, since 02-08 10:00",
    ),
    "a full refresh of last week": (
        table(), [whole("2021-02-05 03:00")], "2021-02-08 11:00",
        "stale 2021-02-05 until 2021-02-08, since 02-06 10:00",
    ),
    "a full refresh from its start on": (
        table(start=date(2021, 2, 1)), [Load("2021-02-01", "2021-02-08 03:00", "2021-02-08 03:00")], "2021-02-08 11:00",
        "fresh 2021-02-07",
    ),
    "the day of a table without start, after its first": (
        table(), [day("2021-02-07", "2021-02-08 17:00")], "2021-02-09 10:00", "late 2021-02-08, since 02-09 10:00",
    ),
    "nothing is due yet": (
        table(start=date(2021, 2, 8)), [day("2021-02-08", "2021-02-09 00:10")], "2021-02-09 09:00", "not due yet",
    ),
    "catch_up: none is due all the same": (
        table(start=date(2021, 2, 1), catch_up="none"), UNTIL_THE_6TH, "2021-02-08 10:00",
        "late 2021-02-07, since 02-08 10:00",
    ),
    "due at midnight": (
        table(due="00:00"), UNTIL_THE_6TH, "2021-02-08 00:00", "late 2021-02-07, since 02-08 00:00",
    ),
    # ── Never loaded ──
    "never loaded, without a start": (table(), [], "2021-02-08 11:00", "never loaded"),
    "never loaded, and due since its start": (
        table(start=date(2021, 2, 5)), [], "2021-02-08 11:00", "never loaded 2021-02-07, since 02-06 10:00",
    ),
    "never loaded, and due soon": (
        table(start=date(2021, 2, 5)), [], "2021-02-06 09:00", "never loaded; next 2021-02-05 by 02-06 10:00",
    ),
    "never loaded, and starts tomorrow": (table(start=date(2021, 2, 9)), [], "2021-02-08 11:00", "never loaded"),
    # ── Berlin, and its clocks ──
    "ten in Berlin is nine in UTC": (
        table(timezone=BERLIN), UNTIL_THE_6TH, "2021-02-08T09:00+00:00", "late 2021-02-07, since 02-08 10:00",
    ),
    "a minute before that": (
        table(timezone=BERLIN), UNTIL_THE_6TH, "2021-02-08T08:59+00:00",
        "fresh 2021-02-06; next 2021-02-07 by 02-08 10:00",
    ),
    "the day of 23 hours": (
        table(timezone=BERLIN), [day("2021-03-27", "2021-03-28 09:00")], "2021-03-29T08:00+00:00",
        "late 2021-03-28, since 03-29 10:00",
    ),
    "the day of 25 hours": (
        table(timezone=BERLIN), [day("2021-10-30", "2021-10-31 09:00")], "2021-11-01T09:00+00:00",
        "late 2021-10-31, since 11-01 10:00",
    ),
    "half past two, in the night that skips it": (
        table(timezone=BERLIN, due="02:30"), [day("2021-03-26", "2021-03-27 01:00")], "2021-03-28T01:30+00:00",
        "late 2021-03-27, since 03-28 03:30",
    ),
    "half past two, before it": (
        table(timezone=BERLIN, due="02:30"), [day("2021-03-26", "2021-03-27 01:00")], "2021-03-28T01:29+00:00",
        "fresh 2021-03-26; next 2021-03-27 by 03-28 03:30",
    ),
    "half past two, in the night that has two": (
        table(timezone=BERLIN, due="02:30"), [day("2021-10-29", "2021-10-30 01:00")], "2021-10-31T00:30+00:00",
        "late 2021-10-30, since 10-31 02:30",
    ),
    "a date that never was": (
        table(timezone="Pacific/Apia"), [day("2011-12-28", "2011-12-29 09:00")], "2012-01-01 10:00",
        "stale 2011-12-29 until 2012-01-01, since 12-31 10:00",
    ),
    # ── Weeks and months ──
    "a week is due on Monday": (
        table(interval="week"), WEEKS, "2021-02-08 10:00", "late 2021-02-01, since 02-08 10:00",
    ),
    "a week on Sunday": (table(interval="week"), WEEKS, "2021-02-07 23:00", "fresh 2021-01-25"),
    "a week on Monday morning": (
        table(interval="week"), WEEKS, "2021-02-08 09:00", "fresh 2021-01-25; next 2021-02-01 by 02-08 10:00",
    ),
    "two weeks": (
        table(interval="week"), WEEKS, "2021-02-15 10:00", "stale 2021-02-01 until 2021-02-15, since 02-08 10:00",
    ),
    "a month is due on the 1st": (
        table(interval="month"), MONTHS, "2021-02-01 10:00", "late 2021-01-01, since 02-01 10:00",
    ),
    "a month on its last day": (table(interval="month"), MONTHS, "2021-01-31 23:00", "fresh 2020-12-01"),
    "two months": (
        table(interval="month"), MONTHS, "2021-03-01 10:00", "stale 2021-01-01 until 2021-03-01, since 02-01 10:00",
    ),
    # ── Hours ──
    "hours are due the next day": (table(interval="hour"), [*HOURS_OF_THE_6TH, *HOURS_UNTIL_NOON], "2021-02-07 13:00",
                                   "fresh 2021-02-06T00:00 until 2021-02-07T00:00"),
    "the other half of the hours may still come": (
        table(interval="hour"), [*HOURS_OF_THE_6TH, *HOURS_UNTIL_NOON], "2021-02-08 09:00",
        "fresh 2021-02-06T00:00 until 2021-02-07T00:00; "
        "next 2021-02-07T00:00 until 2021-02-08T00:00 by 02-08 10:00",
    ),
    "the other half of the hours is late": (
        table(interval="hour"), [*HOURS_OF_THE_6TH, *HOURS_UNTIL_NOON], "2021-02-08 10:00",
        "late 2021-02-07T12:00 until 2021-02-08T00:00, since 02-08 10:00",
    ),
    "one hour of a day": (
        table(interval="hour"), [*HOURS_OF_THE_6TH[:3], *HOURS_OF_THE_6TH[4:]], "2021-02-07 10:00",
        "late 2021-02-06T03:00, since 02-07 10:00",
    ),
    "hours of two days in a row": (
        table(interval="hour"), [*HOURS_OF_THE_6TH[:23], *HOURS_UNTIL_NOON], "2021-02-08 10:00",
        "stale 2021-02-06T23:00 until 2021-02-08T00:00, since 02-07 10:00",
    ),
    "hours of a night with one twice": (
        table(interval="hour", timezone=BERLIN, start=date(2021, 10, 31)),
        [Load("2021-10-31T00:00+02:00", "2021-10-31T01:00+02:00", "2021-10-31 09:00"),
         *(Load(f"2021-10-31T{h:02}:00+00:00", f"2021-10-31T{h + 1:02}:00+00:00", "2021-10-31 09:00")
           for h in range(1, 23)), ],
        "2021-11-01 10:00", "late 2021-10-31T01:00 until 2021-10-31T02:00+01:00, since 11-01 10:00",
    ),
    # ── Trading days ──
    "Friday is due on Saturday": (
        table(**TRADING), [day("2021-02-04", "2021-02-05 09:00")], "2021-02-06 10:00",
        "late 2021-02-05, since 02-06 10:00",
    ),
    "nothing is due of a Saturday": (
        table(**TRADING), [day("2021-02-05", "2021-02-06 09:00")], "2021-02-08 11:00", "fresh 2021-02-05",
    ),
    "Thursday and Friday, on a Monday": (
        table(**TRADING), [day("2021-02-03", "2021-02-04 09:00")], "2021-02-08 11:00",
        "stale 2021-02-04 until 2021-02-06, since 02-05 10:00",
    ),
    "Friday alone, on the day after a holiday": (
        table(**TRADING), [day("2021-02-11", "2021-02-12 09:00")], "2021-02-16 11:00",
        "late 2021-02-12, since 02-13 10:00",
    ),
    # ── Without intervals ──
    "replaced today": (table(load="replace"), [whole("2021-02-08 00:00")], "2021-02-08 10:00", "fresh 2021-02-08"),
    "replaced yesterday": (
        table(load="replace"), [whole("2021-02-07 23:59")], "2021-02-08 10:00", "late 2021-02-08, since 02-08 10:00",
    ),
    "replaced yesterday, before ten": (
        table(load="replace"), [whole("2021-02-07 23:59")], "2021-02-08 09:59",
        "fresh 2021-02-07; next 2021-02-08 by 02-08 10:00",
    ),
    "replaced today, before ten": (
        table(load="replace"), [whole("2021-02-08 00:01")], "2021-02-08 09:59", "not due yet",
    ),
    "replaced on the day before a date that never was": (
        table(load="replace", timezone="Pacific/Apia"), [whole("2011-12-29 09:00")], "2011-12-31 10:00",
        "late 2011-12-31, since 12-31 10:00",
    ),
    "replaced in the day that ends when it is due": (
        table(load="replace", due="00:00"), [whole("2021-02-07 10:00")], "2021-02-08 00:00",
        "fresh 2021-02-07; next 2021-02-08 by 02-09 00:00",
    ),
    "replaced the day before yesterday": (
        table(load="replace"), [whole("2021-02-06 09:00")], "2021-02-08 10:00",
        "stale 2021-02-07 until 2021-02-09, since 02-07 10:00",
    ),
    "a day in Berlin begins at eleven in UTC": (
        table(load="replace", interval=None, timezone=BERLIN), [whole("2021-02-07T23:00+00:00")], "2021-02-08 10:00",
        "fresh 2021-02-08",
    ),
    "a summary that was built today": (
        summary(), [Load(None, "2021-02-08", "2021-02-08 13:30")], "2021-02-08 14:00", "fresh 2021-02-08",
    ),
    "a summary that was built today of what there was": (
        summary(), [Load(None, "2021-02-06", "2021-02-08 13:30")], "2021-02-08 14:00", "fresh 2021-02-08",
    ),
    "a summary that was not": (
        summary(), [Load(None, "2021-02-07", "2021-02-07 13:30")], "2021-02-08 14:00",
        "late 2021-02-08, since 02-08 14:00",
    ),
    "a summary that was never built": (summary(), [], "2021-02-08 14:00", "never loaded"),
    "a summary of days": (
        summary(interval="day", cursor="day"), UNTIL_THE_6TH, "2021-02-08 14:00", "late 2021-02-07, since 02-08 14:00",
    ),
}  # fmt: skip


on_postgres = pytest.mark.parametrize("warehouse", ["postgres"], indirect=True)
on_redshift = pytest.mark.parametrize("warehouse", ["redshift"], indirect=True)


@on_postgres
@pytest.mark.parametrize(("make", "loads", "now", "text"), CASES.values(), ids=CASES)
def test_the_freshness_of_a_table(
    warehouse: Warehouse, make: Callable[[str], Dataset], loads: Sequence[Load], now: str, text: str
) -> None:
    assert described(warehouse, make, loads, now) == text


@on_redshift
def test_the_freshness_of_tables_on_redshift(warehouse: Warehouse) -> None:
    chosen = ["only backfilled, today", "a full refresh in the night", "one hour of a day", "replaced yesterday"]
    for name in chosen:
        make, loads, now, text = CASES[name]
        assert described(warehouse, make, loads, now) == text, name


def test_without_a_ledger_nothing_was_loaded(postgres: Postgres) -> None:
    with postgres.database() as url:
        (found,) = look(warehouse_of(Database(url, "raw")), [table()("raw.t")], datetime.now(UTC))
    assert found.state == "never loaded" and not found.is_late


@on_postgres
def test_the_missing_intervals_and_the_newest_load(warehouse: Warehouse) -> None:
    dataset = with_ledger(warehouse, table(timezone=BERLIN), UNTIL_THE_6TH)
    (found,) = look(warehouse, [dataset], instant("2021-02-09 10:00", BERLIN))
    assert dataset.grid
    assert list(found.missing) == dataset.grid.between(date(2021, 2, 7), date(2021, 2, 9))
    assert found.due_at == datetime(2021, 2, 9, 9, tzinfo=UTC)
    assert found.loaded_until == datetime(2021, 2, 6, 23, tzinfo=UTC)
    assert found.loaded_at == datetime(2021, 2, 7, 8, 1, tzinfo=UTC)
    assert found.timezone == BERLIN


@on_redshift
def test_two_queries_for_one_table_and_three_for_two(warehouse: Warehouse, redshift: Redshift) -> None:
    """The Redshift emulator logs its statements. A table without intervals needs no query of its own."""
    makes = (table(start=date(2019, 1, 1)), table(interval="hour"), table(load="replace"))
    datasets = [with_ledger(warehouse, make, UNTIL_THE_6TH) for make in makes]
    for some, queries in ((datasets[:1], 2), (datasets, 3)):
        since = redshift.log.stat().st_size
        look(warehouse, some, datetime(2021, 2, 9, 11, tzinfo=UTC))
        assert len([sql for sql in redshift.statements(since) if " FROM " in sql]) == queries


def test_a_warehouse_that_refuses_the_login(postgres: Postgres) -> None:
    stranger = make_url(postgres.url).set(username="stranger").render_as_string(hide_password=False)
    with pytest.raises(LoadFailed, match=r'freshness: reading the ledger.*"stranger"'):
        look(warehouse_of(Database(stranger, "raw")), [table()("raw.t")], datetime.now(UTC))


# ── SLA attainment ────────────────────────────────────────────────────────────────────────────────────────────────────


def attained(warehouse: Warehouse, dataset: Dataset, first: str, end: str) -> list[str]:
    """Return a line for each interval that was due in the span, in local time: `02-07: in time, 09:01`."""
    zone = ZoneInfo(dataset.timezone)
    with warehouse.session() as session:
        span = Interval(instant(first, dataset.timezone), instant(end, dataset.timezone))
        found = attainment(session, warehouse, dataset, span)
    return [
        f"{due.interval.start.astimezone(zone):%m-%d %H:%M} by {due.due_at.astimezone(zone):%m-%d %H:%M}: "
        + (
            f"{'in time' if due.attained else 'late'}, {due.loaded_at.astimezone(zone):%m-%d %H:%M}"
            if due.loaded_at
            else "not there"
        )
        for due in found
    ]


def test_days_that_were_loaded_in_time_late_and_never(warehouse: Warehouse) -> None:
    loads = [
        day("2021-02-03", "2021-02-04 10:00"),
        day("2021-02-04", "2021-02-05 10:00:01"),
        Load("2021-02-05", "2021-02-06", "2021-02-06 09:00"),
        Load("2021-02-05", "2021-02-06", "2021-02-08 17:00"),
        Load(None, "2021-02-08 03:00", "2021-02-08 03:00"),
        day("2021-02-07", "2021-02-08 11:00"),
    ]
    dataset = with_ledger(warehouse, table(timezone=BERLIN, start=date(2021, 2, 2)), loads)
    assert attained(warehouse, dataset, "2021-02-01 00:00", "2021-02-09 10:01") == [
        "02-02 00:00 by 02-03 10:00: late, 02-08 03:00",  # the full refresh had it first
        "02-03 00:00 by 02-04 10:00: in time, 02-04 10:00",
        "02-04 00:00 by 02-05 10:00: late, 02-05 10:00",
        "02-05 00:00 by 02-06 10:00: in time, 02-06 09:00",  # the later reload does not count
        "02-06 00:00 by 02-07 10:00: late, 02-08 03:00",
        "02-07 00:00 by 02-08 10:00: in time, 02-08 03:00",
        "02-08 00:00 by 02-09 10:00: not there",
    ]
    inside = attained(warehouse, dataset, "2021-02-04 10:00", "2021-02-06 10:00")
    assert [line[:5] for line in inside] == ["02-03", "02-04"], "the end of a span is exclusive"


def test_days_on_which_a_whole_table_was_built(warehouse: Warehouse) -> None:
    builds = ["2021-02-05 13:00", "2021-02-05 23:00", "2021-02-06 15:00", "2021-02-08 09:00"]
    dataset = with_ledger(warehouse, summary(), [Load(None, "2021-02-05", at) for at in builds])
    assert attained(warehouse, dataset, "2021-02-01 00:00", "2021-02-10 00:00") == [
        "02-05 00:00 by 02-05 14:00: in time, 02-05 13:00",
        "02-06 00:00 by 02-06 14:00: late, 02-06 15:00",
        "02-07 00:00 by 02-07 14:00: late, 02-08 09:00",
        "02-08 00:00 by 02-08 14:00: in time, 02-08 09:00",
        "02-09 00:00 by 02-09 14:00: not there",
    ]


def test_each_hour_counts(warehouse: Warehouse) -> None:
    dataset = with_ledger(warehouse, table(interval="hour"), [*HOURS_OF_THE_6TH, *HOURS_UNTIL_NOON])
    found = attained(warehouse, dataset, "2021-02-07 00:00", "2021-02-09 00:00")
    assert [line.split(": ")[1] for line in found] == [
        *["in time, 02-07 01:00"] * 24,
        *["in time, 02-07 13:00"] * 12,
        *["not there"] * 12,
    ]


@on_postgres
def test_trading_days_only(warehouse: Warehouse) -> None:
    dataset = with_ledger(warehouse, table(**TRADING), [day("2021-02-11", "2021-02-12 09:00")])
    found = attained(warehouse, dataset, "2021-02-12 00:00", "2021-02-18 00:00")
    assert [line[:5] for line in found] == ["02-11", "02-12", "02-16"], "the 15th was Presidents' Day"


@on_postgres
@pytest.mark.parametrize("make", [table(), summary()], ids=["days", "built whole"])
def test_a_table_without_start_and_loads_has_no_deadlines(warehouse: Warehouse, make: Callable[[str], Dataset]) -> None:
    dataset = with_ledger(warehouse, make, [])
    assert attained(warehouse, dataset, "2021-02-01 00:00", "2021-03-01 00:00") == []


# ── Tables and deadlines ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_table_and_summary_with_due_is_expected(small_project: Path) -> None:
    found, problems = expected()
    assert [dataset.name for dataset in found] == ["analytics.nps_summary", "raw_data.nps"]
    assert not problems


def test_a_wrong_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    good = 'description: x\nowner: x\nload: replace\nsource: {kind: database, table: prod.t}\ndue: "10:00"\n'
    (tmp_path / "raw" / "good.yaml").write_text(good, encoding="utf-8")
    (tmp_path / "raw" / "idle.yaml").write_text(good.replace("due", "# due"), encoding="utf-8")
    (tmp_path / "raw" / "bad.yaml").write_text(good.replace("10:00", "ten"), encoding="utf-8")
    found, problems = expected(tmp_path)
    assert [dataset.name for dataset in found] == ["raw.good"]
    assert len(problems) == 1 and "bad.yaml: due: " in str(problems[0])


def test_a_table_without_due_has_no_deadlines() -> None:
    with pytest.raises(ValueError, match=r"raw\.t has no `due:` in its file"):
        Deadlines(table(due=None)("raw.t"), datetime.now(UTC))


@given(
    st.sampled_from(["UTC", BERLIN, NEW_YORK, "America/Havana", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"]),
    st.sampled_from(["hour", "day", "week", "month"]),
    st.times().map(lambda drawn: drawn.replace(second=0, microsecond=0, fold=0)),
    st.dates(date(2009, 1, 1), date(2021, 1, 1)),
)
def test_every_interval_is_due_once_at_the_first_such_time_after_its_end(
    timezone: str, unit: str, due: time, first: date
) -> None:
    dataset = table(interval=unit, timezone=timezone, due=due.isoformat())("raw.t")
    grid, days, zone = dataset.grid, Grid("day", timezone), ZoneInfo(timezone)
    assert grid
    begin = grid.containing(days.containing(datetime.combine(first, time(12), zone)).start).start
    deadlines = Deadlines(dataset, begin)
    reach = timedelta(days=45 if unit == "month" else 16)
    found = list(itertools.takewhile(lambda deadline: deadline.due_at < begin + reach, deadlines.coming(begin)))
    assert list(deadlines.passed(found[-1].due_at)) == found[::-1], "the same, backwards"
    intervals = [interval for deadline in found for interval in deadline.intervals]
    assert intervals == grid.due(begin, found[-1].end), "each once, in order"
    for deadline in found:
        over = deadline.end if unit != "hour" else days.containing(deadline.end - timedelta.resolution).end
        local = wall_clock(deadline.due_at, zone)
        nearest = [datetime.combine(local.date() + timedelta(days=n), due, zone).astimezone(UTC) for n in range(-2, 2)]
        assert deadline.due_at == min(moment for moment in nearest if moment >= over)


def test_until_when_the_state_cannot_change_without_a_load(warehouse: Warehouse) -> None:
    """A monitor may leave the ledger alone until then."""
    daily = with_ledger(warehouse, table(start=date(2021, 2, 1)), [day("2021-02-05", "2021-02-06T03:00+00:00")])

    def changes_at(now: str) -> datetime | None:
        (found,) = look(warehouse, [daily], instant(now, "UTC"))
        return found.changes_at

    assert changes_at("2021-02-06T11:00") == datetime(2021, 2, 7, tzinfo=UTC)  # the 6th ends, and can be loaded
    assert changes_at("2021-02-07T01:00") == datetime(2021, 2, 7, 10, tzinfo=UTC)  # the 6th is due
    never = with_ledger(warehouse, table(), [])
    assert look(warehouse, [never], instant("2021-02-06", "UTC"))[0].changes_at is None
