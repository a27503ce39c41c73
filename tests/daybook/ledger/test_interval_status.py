"""The status of intervals from the ledger and the failures. A run that is late or repeated has nothing to do."""

import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard
from daybook.ledger.failures import Failure, Failures, now
from daybook.ledger.interval_status import IntervalStatus, State, read_statuses, statuses
from daybook.ledger.ledger import LedgerRow
from daybook.load.load import LoadReport, already_loaded, load
from daybook.load.planning.plan import plan
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

FIRST = datetime(2021, 2, 5, tzinfo=UTC)
NOW = datetime(2022, 1, 1, tzinfo=UTC)


def hours(first: int, last: int) -> Interval:
    return Interval(FIRST + timedelta(hours=first), FIRST + timedelta(hours=last))


def entry(start: datetime | None, end: datetime, minute: int) -> LedgerRow:
    return LedgerRow(start, end, 10, NOW + timedelta(minutes=minute), None)


def failure(stretch: Interval, minute: int) -> Failure:
    return Failure("raw.t", stretch, None, NOW + timedelta(minutes=minute), f"failure {minute}")


# ── The rule ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_the_book(interval: Interval, entries: Sequence[LedgerRow], failures: Sequence[Failure]) -> IntervalStatus:
    """Return the status of one interval by definition: its newest covering entry, and the newest failure after that."""
    covering = [e for e in entries if (e.start is None or e.start <= interval.start) and interval.end <= e.end]
    newest = max(covering, key=lambda e: e.loaded_at, default=None)
    failed = [
        f for f in failures if f.stretch.contains(interval) and (newest is None or f.failed_at > newest.loaded_at)
    ]
    return IntervalStatus(interval, newest, max(failed, key=lambda f: f.failed_at, default=None))


SPANS = st.tuples(st.integers(-30, 270), st.integers(1, 200)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))


@given(
    st.sets(st.integers(0, 9), min_size=1),
    st.lists(st.tuples(SPANS, st.booleans()), max_size=8),
    st.lists(SPANS, max_size=5),
    st.permutations(range(13)),
    st.randoms(use_true_random=False),
)
def test_each_interval_has_the_status_of_the_definition(
    numbers: set[int],
    loads: list[tuple[tuple[int, int], bool]],
    failed: list[tuple[int, int]],
    minutes: list[int],
    shuffle: random.Random,
) -> None:
    intervals = [hours(24 * number, 24 * number + 24) for number in sorted(numbers)]  # with gaps
    entries = [
        entry(None if whole else FIRST + timedelta(hours=first), FIRST + timedelta(hours=last), minute)
        for ((first, last), whole), minute in zip(loads, minutes, strict=False)
    ]
    failures = [failure(hours(*span), minute) for span, minute in zip(failed, minutes[8:], strict=False)]
    shuffle.shuffle(entries)
    shuffle.shuffle(failures)
    assert statuses(intervals, entries, failures) == [by_the_book(i, entries, failures) for i in intervals]


def test_states_and_selections() -> None:
    intervals = [hours(24 * number, 24 * number + 24) for number in range(4)]
    loaded, retried, bad, missing = statuses(
        intervals,
        [entry(intervals[0].start, intervals[0].end, 5), entry(intervals[1].start, intervals[1].end, 5)],
        [failure(intervals[0], 4), failure(intervals[1], 6), failure(intervals[2], 1)],
    )
    assert [s.state for s in (loaded, retried, bad, missing)] == [
        State.LOADED,
        State.FAILED,
        State.FAILED,
        State.MISSING,
    ]
    assert [s.chosen_by("missing") for s in (loaded, retried, bad, missing)] == [False, False, True, True]
    assert [s.chosen_by("failed") for s in (loaded, retried, bad, missing)] == [False, True, True, True]
    assert [s.chosen_by("differing", s is bad) for s in (loaded, retried, bad, missing)] == [False, False, True, False]
    assert [s.chosen_by("all") for s in (loaded, retried, bad, missing)] == [True] * 4


# ── Warehouses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ends(from_mysql: Endpoints) -> Endpoints:
    """Ten rows on each of four days, and a warehouse without Daybook's tables."""
    from_mysql.source.run("CREATE TABLE things (id int, at datetime(6), KEY (at))")
    rows = [(n, datetime(2021, 2, 5) + timedelta(days=n // 10, hours=n % 10)) for n in range(40)]
    from_mysql.source.insert("things", rows)
    with contextlib.suppress(Exception):  # the Redshift emulator serves the whole session
        from_mysql.destination.run("DROP SCHEMA daybook CASCADE")
    return from_mysql


def table_of(ends: Endpoints, **fields: Any) -> Table:
    return ends.table(load="replace_interval", cursor="at", interval="day", **fields)


DAYS = Grid("day").between(date(2021, 2, 5), date(2021, 2, 9))


def letters(ends: Endpoints, table: Table, intervals: Sequence[Interval] = DAYS) -> str:
    """Return a letter for each interval: loaded, missing, failed."""
    return "".join(found.state.value[0] for found in read_statuses(ends.warehouse, table.name, intervals))


def record(ends: Endpoints, *failures: Failure) -> None:
    with ends.warehouse.session() as session:
        for one in failures:
            Failures(ends.warehouse).record(session, one)


def test_without_a_ledger_everything_is_missing(ends: Endpoints) -> None:
    assert letters(ends, table_of(ends)) == "mmmm"
    assert read_statuses(ends.warehouse, table_of(ends).name, []) == []


def test_loads_of_a_day_and_of_several(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-06")
    assert letters(ends, table) == "mlmm"
    ends.load(table, "2021-02-07", "2021-02-09")
    assert letters(ends, table) == "mlll"
    assert letters(ends, table, DAYS[::3]) == "ml", "also with gaps between the intervals"
    found = read_statuses(ends.warehouse, table.name, DAYS)
    assert [one.entry.rows if one.entry else None for one in found] == [None, 10, 10, 10]


def test_the_newer_of_two_loads_counts(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-06")
    ends.source.run("INSERT INTO things VALUES (40, '2021-02-06 12:00:00')")
    ends.load(table, "2021-02-06")
    (found,) = read_statuses(ends.warehouse, table.name, DAYS[1:2])
    assert found.entry and found.entry.rows == 11


def test_other_tables_do_not_count(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-06")
    record(ends, now(table.name, DAYS[0], None, "x"))
    assert [found.state for found in read_statuses(ends.warehouse, table.name + "_2", DAYS)] == [State.MISSING] * 4


@pytest.mark.parametrize("start", [None, date(2021, 2, 6)])
def test_a_full_refresh_loads_every_day_from_the_start_on(ends: Endpoints, start: date | None) -> None:
    table = table_of(ends, start=start)
    ends.load(table)
    today = Grid("day").containing(datetime.now(UTC))
    assert letters(ends, table) == ("mlll" if start else "llll")
    assert letters(ends, table, [today]) == "m", "today was not over at the time of the load"
    ends.load(table, "2021-02-07")
    found = read_statuses(ends.warehouse, table.name, DAYS)
    rows = [one.entry.rows if one.entry else None for one in found]
    assert rows == [None if start else 40, 40, 10, 40], "it also loads what is older, but no interval there is owed"


def test_a_failure_counts_until_the_next_load(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    record(ends, now(table.name, Interval(DAYS[0].start, DAYS[2].end), "run 1", "a first reason"))
    record(ends, now(table.name, DAYS[1], "run 2", "a second reason"))
    assert letters(ends, table) == "fffm"
    found = read_statuses(ends.warehouse, table.name, DAYS)
    reasons = [(one.failure.flow_run_id, one.failure.error) if one.failure else None for one in found]
    assert reasons == [("run 1", "a first reason"), ("run 2", "a second reason"), ("run 1", "a first reason"), None]
    assert [one.entry is not None for one in found] == [True, False, False, False], "the earlier load is still reported"
    ends.load(table, "2021-02-06")
    assert letters(ends, table) == "flfm"


def test_a_failure_before_anything_was_ever_loaded(ends: Endpoints) -> None:
    table = table_of(ends)
    record(ends, now(table.name, DAYS[1], None, "x"))
    assert letters(ends, table) == "mfmm"


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("a\0b\0", "ab"),
        ("", ""),
        ("🟥" * 5000, "🟥" * 1000),
        ("é'\"\\%s {x}\n\t" * 2000, ("é'\"\\%s {x}\n\t" * 2000)[:1000]),
        ("\0" * 999 + "🟥" * 1001, "🟥" * 1000),
    ],
    ids=["NUL", "empty", "four bytes each", "quotes", "NULs before the cut"],
)
def test_every_error_text_can_be_recorded(ends: Endpoints, error: str, kept: str) -> None:
    table = table_of(ends)
    record(ends, now(table.name, DAYS[0], "run", error))
    (found,) = read_statuses(ends.warehouse, table.name, DAYS[:1])
    assert found.failure and found.failure.error == kept
    assert found.failure.stretch == DAYS[0]
    assert abs(found.failure.failed_at - datetime.now(UTC)) < timedelta(hours=1), "an instant, in UTC"


def test_failures_in_a_range_come_oldest_first(ends: Endpoints) -> None:
    table = table_of(ends)
    moments = [NOW + timedelta(minutes=minute) for minute in (3, 1, 2)]
    record(ends, *(Failure(table.name, DAYS[1], None, moment, "x") for moment in moments))
    record(ends, Failure(table.name, DAYS[0], None, NOW, "x"), Failure(table.name, DAYS[2], None, NOW, "x"))
    with ends.warehouse.session() as session:
        found = Failures(ends.warehouse).within(session, table.name, DAYS[1])
    assert [one.failed_at for one in found] == sorted(moments), "neighbours do not touch"


# ── Already loaded ────────────────────────────────────────────────────────────────────────────────────────────────────


def late(ends: Endpoints, table: Table, flow_run_id: str | None = "late") -> LoadReport | None:
    """Return the entry that a run finds which is scheduled for February 6 and so loads the 5th."""
    return already_loaded(plan(table, scheduled_at=datetime(2021, 2, 6, 3, tzinfo=UTC)), ends.warehouse, flow_run_id)


def test_a_late_run_does_nothing_if_another_run_loaded_its_interval(ends: Endpoints) -> None:
    table = table_of(ends)
    assert late(ends, table) is None, "there is no ledger yet"
    ends.load(table, "2021-02-06")
    assert late(ends, table) is None, "another day"
    ends.load(table, "2021-02-05")
    report = late(ends, table)
    assert report and report.rows == 10 and report.label == "2021-02-05"
    assert "after it was over" in report.note and "execution_date=2021-02-05" in report.note


@pytest.mark.parametrize("from_mysql", ["postgres-folder", "redshift-s3"], indirect=True)
def test_a_rerun_notices_that_the_table_is_gone(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-07")
    assert late(ends, table)
    ends.destination.run(f"DROP TABLE {ends.name(table)}")
    assert late(ends, table) is None
    with pytest.raises(ShrinkGuard, match="it is gone from the warehouse"):
        ends.load(table, "2021-02-05")


def test_a_full_refresh_counts_as_a_load_of_its_intervals(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table)
    assert late(ends, table)


def test_a_date_given_explicitly_is_reloaded(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    assert already_loaded(plan(table, date(2021, 2, 5)), ends.warehouse, "another run") is None
    assert already_loaded(plan(table, date(2021, 2, 5)), ends.warehouse, None) is None


def test_a_retry_after_the_commit_does_nothing(ends: Endpoints) -> None:
    table = table_of(ends)
    extracted = ends.extract(table, "2021-02-05", "2021-02-07")
    load(extracted, ends.warehouse, ends.stage, flow_run_id="one")
    report = already_loaded(extracted.plan, ends.warehouse, "one")
    assert report and report.rows == 20 and "before it was retried" in report.note
    longer = plan(table, date(2021, 2, 5), date(2021, 2, 8))
    assert already_loaded(longer, ends.warehouse, "one") is None, "which it has not committed all of"


@pytest.mark.parametrize("from_mysql", ["redshift-s3"], indirect=True)
def test_one_query_is_enough_if_there_is_something_to_load(ends: Endpoints, redshift: Redshift) -> None:
    """The Redshift emulator logs its statements. Only a run that would do nothing also looks at the table."""
    table = table_of(ends)
    ends.load(table, "2021-02-06")
    since = redshift.log.stat().st_size
    assert late(ends, table) is None
    assert len([sql for sql in redshift.statements(since) if " FROM " in sql]) == 1
