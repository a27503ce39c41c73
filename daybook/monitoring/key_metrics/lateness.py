"""Freshness figures of a week: the delay of each interval, and the greatest age of the table's newest rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from daybook.ledger.week_activity import Commit, Cover
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid


def delays(
    grid: Grid, week: Interval, now: datetime, known_since: datetime, covers: Sequence[Cover]
) -> list[timedelta]:
    """Return the time from the end of each interval to its first commit, for intervals that ended in `week`.

    Intervals that end after `now` are left out. So are those that ended by `known_since`, before the table existed. An
    interval that is not loaded has no delay. Later loads of the same interval, such as a backfill, do not count.
    """
    found = []
    interval = grid.containing(week.start)
    while interval.end <= min(week.end, now):
        if interval.end > max(week.start, known_since):
            loaded = [cover.loaded_at for cover in covers if _covers(cover, interval)]
            found += [max(min(loaded) - interval.end, timedelta())] if loaded else []
        interval = grid.next(interval)
    return found


def oldest(week: Interval, now: datetime, before: datetime | None, commits: Iterable[Commit]) -> timedelta | None:
    """Return the greatest age of the table's newest rows in `week` (until `now`), or None if it was never loaded.

    The age is greatest just before a commit, or at the end. `before` is the end of the newest interval that was loaded
    when the week began. `commits` are the commits of the week.
    """
    until, worst = before, None
    for moment, reached in [*sorted(commits), (min(week.end, now), None)]:
        if until is not None:
            age = max(moment - until, timedelta())
            worst = age if worst is None else max(worst, age)
        if reached is not None:
            until = reached if until is None else max(until, reached)
    return worst


def _covers(cover: Cover, interval: Interval) -> bool:
    return (cover.start is None or cover.start <= interval.start) and interval.end <= cover.end
