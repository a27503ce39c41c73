"""The local clock of an IANA time zone: the start of a day, and the instant of a wall-clock time.

The clock of a zone maps instants to wall-clock times. It jumps forward, so that some times and even dates never
happen, and back, so that some times happen twice. All functions here derive from that map, which `zoneinfo` provides.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from daybook.errors import IntervalError
from daybook.suggestions import did_you_mean

_DAY = timedelta(days=1)
_LONGEST_REPEAT = 25 * 60 * 60  # seconds: no clock was ever set back further than a day


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone that has an IANA name, such as `America/New_York`.

    Raises:
        IntervalError: no zone has this name; the message suggests names that are close.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "America" is a folder, which raises OSError
        pass
    available = available_timezones()
    if not available:
        raise IntervalError(f"No time zone {name!r}: this machine has no time zone data. Run `pip install tzdata`.")
    by_name = {zone.rpartition("/")[2].lower(): zone for zone in sorted(available)}
    by_name |= {zone.lower(): zone for zone in available}
    normalized = name.strip().lower().replace(" ", "_")
    near = did_you_mean(normalized, by_name, most=3, cutoff=0.7, shown=by_name)
    raise IntervalError(
        f"Unknown time zone {name!r}: expected a name of the IANA database such as UTC or Europe/Berlin{near}"
    )


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the clock of `zone` shows `day` or a later date.

    - Usually, it is local midnight.
    - If midnight happens twice (America/Havana in November), it is the first one.
    - If the clock jumps over midnight (America/Sao_Paulo until 2018, where the day starts at 01:00), it is the jump.
    - If the zone skipped the date (Pacific/Apia, 2011-12-30), it is the start of the next date.
    """
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if wall_clock(instant, zone) == midnight.replace(tzinfo=None):
        return instant
    # The clock jumps over midnight. By PEP 495, fold=0 uses the offset before the jump and lands at or after the jump;
    # fold=1 uses the offset after the jump and lands before it. The jump is where the date changes between the two.
    before = midnight.replace(fold=1).astimezone(UTC)
    seconds = range(int((instant - before).total_seconds()))
    jump = bisect_left(seconds, day, key=lambda s: wall_clock(before + timedelta(seconds=s), zone).date())
    return before + timedelta(seconds=jump)


def instant_of(when: date | datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, that a person means by `when`.

    A date or a naive midnight is the start of that day in `zone`. Any other naive datetime is a time on the clock of
    `zone`. An aware datetime is an instant.

    Raises:
        IntervalError: the date or time never happened in `zone`, or the time happened twice and has no offset.
    """
    if not 1 < when.year < 9999:
        raise IntervalError(f"{when.isoformat()} is out of range: expected a year from 0002 to 9998.")
    if isinstance(when, datetime):
        if when.utcoffset() is not None:
            instant = when.astimezone(UTC)
            # Convert subclasses, such as Prefect's pendulum.DateTime, which has its own arithmetic, to plain datetimes.
            return datetime.combine(instant.date(), instant.time(), UTC)
        if when.time() != time():
            return _instant_of_wall_clock(when, zone)
        when = when.date()
    instant = start_of_day(when, zone)
    shown = wall_clock(instant, zone).date()
    if shown != when:
        raise IntervalError(f"{when} never happened in {zone}: the calendar skipped to {shown}. Type {shown}.")
    return instant


def local_boundary(instant: datetime, zone: str) -> datetime:
    """Return the time that the clock of `zone` shows at `instant`.

    Takes an aware datetime in any time zone, and returns a naive one.

    Raises:
        IntervalError: the zone is unknown, or `instant` has no time zone.
    """
    if instant.utcoffset() is None:
        raise IntervalError(f"{instant.isoformat()} is not an instant: it has no time zone. Add one, such as +00:00.")
    return wall_clock(instant, find_zone(zone))


def local_start(instant: datetime, zone: str) -> datetime:
    """Return the first local time of an interval that starts at `instant`, to compare with a cursor without a zone.

    Takes and returns datetimes as `local_boundary`, and usually returns the same.

    If a day starts at `instant`, it is the midnight of that day, even if the clock jumps over midnight. (In September,
    a day starts at 01:00 in America/Santiago.) Dates, and times that are truncated to a day, have this value.

    If the clock is set back, it is the first local time that the clock shows from `instant` until the next day starts,
    but no time before the day that has started. If it is set back by an hour, the repeated hour is two intervals. The
    first has two equal boundaries (01:00 and 01:00) and selects no rows. The second (01:00 and 02:00) selects the rows
    of both, which a column without a zone cannot distinguish. Later instants never have earlier local times, so each
    row is in exactly one interval, even if the clock is set back by three hours into the day before (Antarctica/Casey).

    Raises:
        IntervalError: as `local_boundary`.
    """
    clock = find_zone(zone)
    shown, before = (local_boundary(moment, zone) for moment in (instant, instant - timedelta.resolution))
    if before.date() < shown.date():
        return datetime.combine(shown.date(), time())
    local = instant.astimezone(clock)
    if not happens_twice(local):
        return shown
    day = started_day(instant, clock)
    if not local.fold:
        change = _next_change(instant, clock)
        if change < start_of_day(day + _DAY, clock):
            shown = wall_clock(change, clock)
    return max(shown, datetime.combine(day, time()))


def _next_change(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant after a time that happens twice, at the first time, at which the clock is set back."""
    before, seconds = instant.astimezone(zone).utcoffset(), range(_LONGEST_REPEAT)
    change = bisect_left(
        seconds, True, key=lambda s: (instant + timedelta(seconds=s)).astimezone(zone).utcoffset() != before
    )
    return instant + timedelta(seconds=change)


def started_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the newest day that has started at `instant`. A clock that is set back over midnight shows the one before.

    Until 2011, America/St_Johns set its clock at 00:01 back to 23:01 of the day before.
    """
    day = wall_clock(instant, zone).date()
    while start_of_day(day + _DAY, zone) <= instant:
        day += _DAY
    return day


def wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the time that the clock of `zone` shows at an aware `instant`, as a naive datetime."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def happens_twice(local: datetime) -> bool:
    """Return True if the clock shows this time twice. Takes a datetime with its `ZoneInfo`, at a time that happens."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _instant_of_wall_clock(when: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clock of `zone` shows the naive `when`."""
    when = when.replace(fold=0)
    first, second = (when.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    instant = first.astimezone(UTC)
    if wall_clock(instant, zone) != when:
        # With the offset before the jump, a time that is 20 minutes inside the jump becomes one 20 minutes after it.
        after = wall_clock(instant, zone).isoformat()
        raise IntervalError(f"{when.isoformat()} never happened in {zone}: the clock was set forward. Type {after}.")
    if happens_twice(first):
        raise IntervalError(
            f"{when.isoformat()} happened twice in {zone}: the clock was set back. "
            f"Type {first.isoformat()} for the first time or {second.isoformat()} for the second."
        )
    return instant
