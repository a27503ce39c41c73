"""The trading sessions of an exchange. With them, Daybook can distinguish a holiday from missing prices."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from daybook.extras import extra
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

_DAY = timedelta(days=1)
_HORIZON = date(2100, 1, 1)


def known(name: str) -> str:
    """Return `name` if a calendar has it: an ISO 10383 code such as XNYS, or an alias such as NYSE.

    Raises:
        ValueError: no calendar has this name; the message suggests names that are close.
    """
    with extra("calendars"):
        from exchange_calendars import get_calendar_names

    names = get_calendar_names(include_aliases=True)
    if name not in names:
        near = did_you_mean(name.upper(), names, "New York is XNYS", most=3, cutoff=0.5)
        raise ValueError(f"unknown exchange {name!r}{near}")
    return name


def sessions(name: str, start: date, end: date) -> list[date]:
    """Return the days on which the exchange has a session, from `start` (inclusive) to `end` (exclusive).

    Days are those of the exchange's own clock. Before the first and after the last session in the library,
    every weekday counts as a session: a needless request does less harm than a skipped day.
    """
    days = _sessions(name, start.year // 10 * 10)
    return days[bisect_left(days, start) : bisect_left(days, end)]


@cache
def zone_of(name: str) -> str:
    """Return the IANA time zone of the exchange."""
    return _calendar(name).tz.key


@cache
def _sessions(name: str, year: int) -> list[date]:
    """Return all sessions from the start of `year` on, with weekdays outside of the library's range."""
    first, calendar = date(year, 1, 1), _calendar(name)
    if calendar.first_session.date() > first:  # by default a calendar starts twenty years ago
        bound = calendar.bound_min()
        calendar = _calendar(name, max(first, bound.date()) if bound is not None else first)
    found = [session.date() for session in calendar.sessions]
    return [*_weekdays(first, found[0]), *found, *_weekdays(found[-1] + _DAY, _HORIZON)]


def _calendar(name: str, start: date | None = None) -> "ExchangeCalendar":
    with extra("calendars"):
        from exchange_calendars import get_calendar

    return get_calendar(name, start=None if start is None else start.isoformat())


def _weekdays(start: date, end: date) -> Iterator[date]:
    days = (start + _DAY * offset for offset in range((end - start).days))
    return (day for day in days if day.weekday() < 5)
