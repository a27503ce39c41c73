"""Which days an exchange was open: of a day without prices they tell whether it is a holiday, or missing."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

_DAY = timedelta(days=1)
_HORIZON = date(2100, 1, 1)


def known(name: str) -> str:
    """Return `name` if a calendar has it: XNYS (an exchange's ISO 10383 code), or one of its aliases (NYSE).

    Raises:
        ValueError: no calendar has it; the message suggests names that are close.
    """
    from exchange_calendars import get_calendar_names

    names = get_calendar_names(include_aliases=True)
    if name not in names:
        near = did_you_mean(name.upper(), names, "New York is XNYS", most=3, cutoff=0.5)
        raise ValueError(f"no exchange is called {name!r}{near}")
    return name


def sessions(name: str, start: date, end: date) -> list[date]:
    """The days from `start` (inclusive) to `end` (exclusive) on which the exchange had a session, on its own clock.

    Where the library's calendar does not reach that far back or ahead, every weekday is one, so that a day is asked for
    in vain rather than passed over.
    """
    days = _sessions(name, start.year // 10 * 10)
    return days[bisect_left(days, start) : bisect_left(days, end)]


@cache
def zone_of(name: str) -> str:
    """The IANA time zone of the exchange."""
    return _calendar(name).tz.key


@cache
def _sessions(name: str, year: int) -> list[date]:
    """All sessions from the beginning of `year` on; weekdays where none are known."""
    first, calendar = date(year, 1, 1), _calendar(name)
    if calendar.first_session.date() > first:  # by itself it begins twenty years ago
        bound = calendar.bound_min()
        calendar = _calendar(name, max(first, bound.date()) if bound is not None else first)
    found = [session.date() for session in calendar.sessions]
    return [*_weekdays(first, found[0]), *found, *_weekdays(found[-1] + _DAY, _HORIZON)]


def _calendar(name: str, start: date | None = None) -> "ExchangeCalendar":
    from exchange_calendars import get_calendar

    return get_calendar(name, start=None if start is None else start.isoformat())


def _weekdays(start: date, end: date) -> Iterator[date]:
    days = (start + _DAY * offset for offset in range((end - start).days))
    return (day for day in days if day.weekday() < 5)
