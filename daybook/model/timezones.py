"""The local clock of an IANA time zone: where a day begins, and which instant a wall-clock time is.

The clock of a zone is a function from instants to wall-clock times that jumps forward (times and even dates that never
happen) and back (times that happen twice). Everything here follows from that function as `zoneinfo` gives it.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from daybook.errors import IntervalError
from daybook.suggestions import did_you_mean


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone that has an IANA name, such as `America/New_York`.

    Raises:
        IntervalError: no zone has this name; the message suggests names that are close.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as "America"
        pass
    known = available_timezones()
    if not known:
        raise IntervalError(f"No time zone {name!r}: this machine has no time zone data. Run `pip install tzdata`.")
    by_spelling = {zone.rpartition("/")[2].lower(): zone for zone in sorted(known)}
    by_spelling |= {zone.lower(): zone for zone in known}
    spelt = name.strip().lower().replace(" ", "_")
    near = did_you_mean(spelt, by_spelling, most=3, cutoff=0.7, shown=by_spelling)
    raise IntervalError(
        f"There is no time zone {name!r}: expected a name of the IANA database such as UTC or Europe/Berlin{near}"
    )


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the clock of `zone` shows `day` or a later date.

    That is local midnight; the first of the two where midnight comes twice (America/Havana in November); the instant
    of the jump where the clock jumps over midnight (America/Sao_Paulo until 2018: the day starts at 01:00). A date that
    the zone skipped altogether (Pacific/Apia, 2011-12-30) starts when the next one does: it has no time in it.
    """
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if wall_clock(instant, zone) == midnight.replace(tzinfo=None):
        return instant
    # Midnight was jumped over. PEP 495: fold=0 counts with the offset before the jump and lands at or after it, fold=1
    # with the one after the jump and lands before it. The jump is at the one second between where the date changes.
    before = midnight.replace(fold=1).astimezone(UTC)
    seconds = range(int((instant - before).total_seconds()))
    jump = bisect_left(seconds, day, key=lambda s: wall_clock(before + timedelta(seconds=s), zone).date())
    return before + timedelta(seconds=jump)


def instant_of(when: date | datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, that a person means by `when`.

    A date is the start of that day in `zone`, and a datetime without a time zone at midnight is the same. Any other one
    is read on the clock of `zone`. A datetime with a time zone is an instant already.

    Raises `IntervalError` for a date or time that never happened in `zone`, and for a time that happened twice: which
    of the two is meant, only its offset can say.
    """
    if not 1 < when.year < 9999:
        raise IntervalError(f"{when.isoformat()} is out of reach: expected a year from 0002 to 9998.")
    if isinstance(when, datetime):
        if when.utcoffset() is not None:
            instant = when.astimezone(UTC)
            # A plain datetime also out of a subclass, such as Prefect's pendulum.DateTime, whose arithmetic is its own.
            return datetime.combine(instant.date(), instant.time(), UTC)
        if when.time() != time():
            return _instant_of_wall_clock(when, zone)
        when = when.date()
    instant = start_of_day(when, zone)
    shown = wall_clock(instant, zone).date()
    if shown != when:
        raise IntervalError(f"{when} never happened in {zone}, where the calendar went on to {shown}. Type {shown}.")
    return instant


def local_boundary(instant: datetime, zone: str) -> datetime:
    """What the clock of `zone` shows at `instant`, without a time zone: for a cursor column that stores none.

    Takes an aware datetime in any time zone; returns a naive one. Raises `IntervalError` for an unknown zone and for an
    instant without a time zone.

    Where the clock is set back by an hour, the first pass through the repeated hour has two equal boundaries (01:00 and
    01:00) and so chooses no rows; the second (01:00 and 02:00) chooses those of both. A column without a zone cannot
    tell them apart; this way each row is in exactly one interval. (Only hours in Antarctica/Troll, which sets its clock
    back by two, can choose a row twice.)
    """
    if instant.utcoffset() is None:
        raise IntervalError(f"{instant.isoformat()} is no instant: it has no time zone. Give it one, such as +00:00.")
    return wall_clock(instant, find_zone(zone))


def wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock of `zone` shows at an aware `instant`, as a naive datetime."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def happens_twice(local: datetime) -> bool:
    """Whether the clock shows this time twice. Takes a datetime in its `ZoneInfo`, at a time that does happen."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _instant_of_wall_clock(when: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clock of `zone` shows the naive `when`."""
    when = when.replace(fold=0)
    first, second = (when.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    instant = first.astimezone(UTC)
    if wall_clock(instant, zone) != when:
        # Counted with the offset before the jump, a time inside it comes out as far after the jump as it is inside.
        after = wall_clock(instant, zone).isoformat()
        raise IntervalError(f"{when.isoformat()} never happened in {zone}: the clock was set forward. Type {after}.")
    if happens_twice(first):
        raise IntervalError(
            f"{when.isoformat()} happened twice in {zone}: the clock was set back. "
            f"Type {first.isoformat()} for the first time or {second.isoformat()} for the second."
        )
    return instant
