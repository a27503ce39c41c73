"""The metrics of one table in one week, compared with figures that were computed by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.ledger.week_activity import Commit, Cover, WeekActivity
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.monitoring.freshness import Due
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.compute import last_weeks
from daybook.monitoring.key_metrics.lateness import delays
from daybook.monitoring.key_metrics.recovery import Outage
from daybook.monitoring.key_metrics.run_counts import ReportedRuns, Run
from daybook.monitoring.key_metrics.weekly_metrics import Metrics, compute
from tests.daybook.monitoring.key_metrics.good_week import GOOD

WEEK = WEEKS.at(date(2026, 7, 20))
LATER = WEEK.end + timedelta(days=30)
NAME = "raw_data.t"


def promised(due_at: datetime, loaded_at: datetime | None) -> Due:
    """Return a deadline that was due and loaded at these moments. The day itself makes no difference."""
    return Due(WEEK, due_at, loaded_at)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a moment of July 2026 in UTC. The 20th is a Monday."""
    return datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour, minutes=minute)


def table(**fields: object) -> Table:
    given = {"interval": "day", "cursor": "at", "load": "replace_interval", "due": "10:00", **fields}
    source = {"kind": "database", "block": "production", "table": "x.y"}
    return Table(name=NAME, description="x", owner="data-team", source=source, **given)  # type: ignore[arg-type]


def daily(*loaded: tuple[int, datetime]) -> WeekActivity:
    """Return the activity of a daily table in UTC: these days of July were committed at these moments."""
    page = WeekActivity(known_since=at(1), before=at(20))
    for day, moment in loaded:
        page.covers.append(Cover(at(day), at(day + 1), moment))
        if WEEK.start <= moment < WEEK.end:
            page.commits.append(Commit(moment, at(day + 1)))
    return page


def week_of(
    dataset: Dataset,
    page: WeekActivity,
    promises: Sequence[Due] = (),
    outages: Sequence[Outage] = (),
    reported: ReportedRuns = ReportedRuns(),  # noqa: B008
    now: datetime = LATER,
    week: Interval = WEEK,
) -> Metrics:
    return compute(dataset, week, now, page, promises, outages, reported)


def test_a_good_week() -> None:
    """Each day is loaded at 9:00 of the next day."""
    page = daily(*((day, at(day + 1, 9)) for day in range(19, 27)))
    page.before, page.committed = at(19), {f"run {day}" for day in range(20, 27)}
    runs = tuple(Run(f"run {day}", NAME, False, at(day, 9)) for day in range(19, 28))
    promises = [promised(at(day, 10), at(day, 9)) for day in range(20, 27)]

    assert week_of(table(), page, promises, reported=ReportedRuns(runs, since=at(1))) == replace(
        GOOD,
        table=NAME,
        freshness_minutes=540.0,
        oldest_minutes=33 * 60.0,  # at 9:00, just before the load: since midnight of the day before
        computed_at=LATER,
    )


def test_a_week_without_data_has_no_zeros() -> None:
    found = week_of(table(), WeekActivity())
    unknown = (found.runs, found.runs_failed, found.failed_share, found.runs_from, found.intervals_due)
    assert unknown == (None,) * 5
    assert (found.intervals_in_time, found.sla_attainment, found.minutes_to_recovery) == (None, None, None)
    assert (found.freshness_minutes, found.oldest_minutes) == (None, None)


def test_a_week_without_a_load() -> None:
    """The table was loaded before. In this week it has no run, misses seven deadlines and becomes a week older."""
    promises = [promised(at(day, 10), None) for day in range(20, 27)]
    found = week_of(
        table(), WeekActivity(known_since=at(1), before=at(20)), promises, reported=ReportedRuns(since=at(1))
    )
    assert (found.runs, found.runs_failed, found.failed_share, found.runs_from) == (0, 0, None, "prefect")
    assert (found.intervals_due, found.intervals_in_time, found.sla_attainment) == (7, 0, 0.0)
    assert (found.freshness_minutes, found.oldest_minutes) == (None, 7 * 24 * 60.0)


def test_a_table_that_was_added_on_thursday_has_no_earlier_deadlines() -> None:
    """Its first run was on Thursday at 8:00 and loaded from Monday on. Deadlines before that run do not count."""
    page = WeekActivity(known_since=at(23, 8))
    page.covers = [Cover(at(20), at(23), at(23, 9)), *(Cover(at(d), at(d + 1), at(d + 1, 9)) for d in range(23, 27))]
    page.commits = [Commit(at(23, 9), at(23)), *(Commit(at(d + 1, 9), at(d + 1)) for d in range(23, 26))]
    promises = [promised(at(day, 10), at(max(day, 23), 9)) for day in range(20, 27)]
    found = week_of(table(), page, promises)
    assert (found.intervals_due, found.intervals_in_time, found.sla_attainment) == (4, 4, 1.0)
    nine = [timedelta(hours=9)] * 4  # of Thursday to Sunday; Monday to Wednesday were over before it was tried
    assert delays(Grid("day"), WEEK, LATER, at(23, 8), page.covers) == nine
    assert found.freshness_minutes == 540.0
    assert found.oldest_minutes == 33 * 60.0


def test_the_deadlines_of_a_table_that_was_never_loaded_begin_with_its_first_failure() -> None:
    page = WeekActivity(known_since=at(24, 9), failed={"a", "b", "c"})
    promises = [promised(at(day, 10), None) for day in range(20, 27)]
    found = week_of(table(), page, promises)
    assert (found.intervals_due, found.intervals_in_time, found.sla_attainment) == (3, 0, 0.0)
    assert (found.runs, found.runs_failed, found.failed_share, found.runs_from) == (3, 3, 1.0, "warehouse")
    late = week_of(table(), WeekActivity(), promises, [Outage(NAME, "late", at(25, 10))])
    assert (late.intervals_due, late.incidents) == (2, 1)


def test_a_deadline_at_the_end_of_the_week_belongs_to_the_next_week() -> None:
    promises = [promised(WEEK.start, None), promised(WEEK.end - timedelta(seconds=1), None), promised(WEEK.end, None)]
    assert week_of(table(), daily(), promises).intervals_due == 2


def test_loaded_exactly_at_the_deadline_is_in_time_and_a_minute_later_is_late() -> None:
    promises = [promised(at(20, 10), at(20, 10)), promised(at(21, 10), at(21, 10, 1)), promised(at(22, 10), None)]
    found = week_of(table(), daily(), promises)
    assert (found.intervals_due, found.intervals_in_time) == (3, 1)
    assert found.sla_attainment == pytest.approx(1 / 3)


def test_future_deadlines_of_the_current_week_do_not_count() -> None:
    page = daily((19, at(20, 9)), (20, at(21, 9)))
    promises = [promised(at(day, 10), at(day, 9) if day < 22 else None) for day in range(20, 27)]
    found = week_of(table(), page, promises, now=at(22, 8))
    assert (found.intervals_due, found.intervals_in_time, found.freshness_minutes) == (2, 2, 540.0)
    assert found.oldest_minutes == 33 * 60.0
    assert week_of(table(), page, promises, now=at(22, 12)).oldest_minutes == 36 * 60.0


def test_failed_on_sunday_and_recovered_on_monday() -> None:
    """The failure, the incident and the missed deadline count in the first week, and the recovery in the second."""
    night = Outage(NAME, "failed", at(26, 9), at(27, 11))
    runs = (Run("a", NAME, True, at(26, 9)), Run("b", NAME, False, at(27, 11)))
    page = daily((25, at(27, 11)))
    page.failed = {"a"}
    reported, promises = ReportedRuns(runs, since=at(1)), [promised(at(26, 10), at(27, 11))]
    first = week_of(table(), page, promises, [night], reported)
    assert (first.runs, first.runs_failed, first.incidents, first.minutes_to_recovery) == (1, 1, 1, None)
    assert (first.intervals_due, first.intervals_in_time) == (1, 0)
    following = WEEKS.next(WEEK)
    second = week_of(
        table(), WeekActivity(known_since=at(1), committed={"b"}), promises, [night], reported, week=following
    )
    assert (second.runs, second.runs_failed, second.incidents) == (1, 0, 0)
    assert (second.minutes_to_recovery, second.slowest_recovery, second.intervals_due) == (26 * 60.0, 26 * 60.0, None)


def test_time_to_recovery_is_the_mean_of_closed_incidents_without_warnings() -> None:
    outages = [
        Outage(NAME, "failed", at(21, 9), at(21, 9, 30)),
        Outage(NAME, "late", at(22, 10), at(22, 12)),
        Outage(NAME, "stale", at(25), None),  # not over
        Outage(NAME, "warned", at(23), at(24)),
        Outage(NAME, "at risk", at(23), at(24)),
        Outage(NAME, "failed", at(27, 1)),  # next week
        Outage("raw_data.other", "failed", at(20), at(24)),
        Outage("lost database", "failed", at(20), at(24)),
    ]
    found = week_of(table(), daily(), outages=outages)
    assert (found.incidents, found.minutes_to_recovery, found.slowest_recovery) == (3, 75.0, 120.0)


@pytest.mark.parametrize(
    ("monday", "hours"),
    [
        pytest.param(date(2026, 3, 23), 23, id="forward"),
        pytest.param(date(2026, 10, 19), 25, id="back"),
    ],
)
def test_a_week_in_which_the_clock_is_set(monday: date, hours: int) -> None:
    """Sunday in Berlin has 23 or 25 hours. It is loaded half an hour after its midnight, which is still this week."""
    week = WEEKS.at(monday)
    midnight = Grid("day", "Europe/Berlin").at(monday + timedelta(days=7)).start
    sunday = Cover(midnight - timedelta(hours=hours), midnight, midnight + timedelta(minutes=30))
    page = WeekActivity(known_since=week.start - timedelta(days=9), before=sunday.start, covers=[sunday])
    page.commits = [Commit(sunday.loaded_at, sunday.end)]
    found = week_of(table(timezone="Europe/Berlin"), page, week=week, now=week.end + timedelta(days=30))
    assert found.freshness_minutes == 30.0
    assert found.oldest_minutes == hours * 60 + 30.0


def test_a_full_refresh_counts_for_every_day_that_it_covers() -> None:
    """A full refresh on Thursday at 15:00 loads three days late. The other days are loaded as usual."""
    page = daily(*((day, at(day + 1, 9)) for day in range(23, 27)))
    page.covers.append(Cover(None, at(23, 14), at(23, 15)))
    page.commits.append(Commit(at(23, 15), at(23, 14)))
    found = week_of(table(), page)
    # Mon 20 ended 63 h before, Tue 39 h, Wed 15 h; the days from Thursday on took 9 h each.
    assert found.freshness_minutes == 540.0
    assert found.oldest_minutes == 87 * 60.0  # from Monday 0:00 to Thursday 15:00
    page.covers = page.covers[-1:]
    assert week_of(table(), page).freshness_minutes == 39 * 60.0


def test_a_backfill_alone_does_not_make_a_table_fresh() -> None:
    page = WeekActivity(known_since=at(1), before=at(20))
    page.covers = [Cover(at(18), at(19), at(1))]
    page.commits = [Commit(at(day, 12), at(5)) for day in range(20, 27)]
    found = week_of(table(), page)
    assert (found.freshness_minutes, found.oldest_minutes) == (None, 7 * 24 * 60.0)


def test_a_reload_does_not_change_the_delay_of_an_interval() -> None:
    page = daily((20, at(21, 9)), (20, at(25, 9)))
    assert week_of(table(), page).freshness_minutes == 540.0


@pytest.mark.parametrize(
    "dataset",
    [
        pytest.param(table(load="replace"), id="loaded whole"),
        pytest.param(
            Summary(name=NAME, description="x", owner="data-team", sql="select 1", key=["id"], due=time(14)),
            id="built whole",
        ),
    ],
)
def test_a_table_without_intervals_has_an_age_and_no_delay(dataset: Dataset) -> None:
    page = WeekActivity(known_since=at(1), before=at(19, 9))
    page.covers = [Cover(None, at(day, 9), at(day, 9)) for day in range(20, 27)]
    page.commits = [Commit(at(day, 9), at(day, 9)) for day in range(20, 27)]
    found = week_of(dataset, page)
    assert (found.freshness_minutes, found.oldest_minutes) == (None, 24 * 60.0)


def test_the_weeks_that_are_over() -> None:
    assert last_weeks(at(27), 1) == [WEEK]
    assert last_weeks(at(27) - timedelta(microseconds=1), 1) == [WEEKS.previous(WEEK)]
    assert last_weeks(at(29, 8), 3) == [WEEKS.previous(WEEKS.previous(WEEK)), WEEKS.previous(WEEK), WEEK]
