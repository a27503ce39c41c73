"""How old a table's newest rows were, and how long after their interval they came."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from daybook.ledger.week_activity import Commit, Cover
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid


def delays(
    grid: Grid, week: Interval, now: datetime, known_since: datetime, covers: Sequence[Cover]
) -> list[timedelta]:
    """From the end of each interval to the commit that had it first: of the intervals that ended in `week`, by `now`.

    An interval that ended by `known_since`, before there was the table, is none of them, and one that nobody has loaded
    has no delay yet. A later load of the same interval, such as a backfill's, changes nothing.
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
    """How far behind the clock the table's newest rows were at the worst moment of `week` (by `now`, if that is in it).

    That is just before a commit, or at the end. `before` is how far the table reached when the week began; `commits`
    are the week's. None: nobody had loaded it yet.
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
