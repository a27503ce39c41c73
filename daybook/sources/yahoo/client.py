"""Requests to Yahoo, by an unmodified yfinance: the prices of one symbol in a range of days.

This module is only imported when rows are read, since importing yfinance and pandas takes a second.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from daybook.extras import extra
from daybook.sources.yahoo.responses import Answer, Unanswered, YahooStatus

with extra("yfinance"):
    import pandas
    import yfinance
    import yfinance.cache
    from yfinance.data import YfData
    from yfinance.scrapers.history import PriceHistory

#: All arguments of yfinance's `history`, pinned because its defaults have changed in the past.
PINNED: dict[str, Any] = {
    "interval": "1d",
    "auto_adjust": True,  # adjust all prices for later splits and dividends, so that years are comparable
    "back_adjust": False,  # the other adjustment, with which the newest prices differ from those on Yahoo's page
    "actions": True,  # include splits and dividends, which change older prices
    "repair": False,  # True guesses corrections of prices, with many more requests
    "keepna": False,  # rows with only NaN and 0 are not prices
    "rounding": False,  # keep the digits that Yahoo sent
    "prepost": False,  # only the regular session
    "timeout": 30,  # seconds; the default is 10
    "raise_errors": False,  # deprecated: `opened` makes yfinance raise exceptions
}
_EVENTS = {"Stock Splits": "split", "Dividends": "dividend", "Capital Gains": "capital gain"}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Price:
    """One row: the day by the exchange's clock, the prices in its currency, and the volume."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int

    @property
    def is_whole(self) -> bool:
        """Return True if all prices are numbers."""
        return all(map(math.isfinite, (self.open, self.high, self.low, self.close)))


@dataclass(frozen=True, slots=True)
class Prices:
    """Yahoo's prices of one symbol, oldest first, and the events that changed older prices."""

    rows: list[Price]
    events: dict[date, str]
    """Day: "split", "dividend" or "capital gain"."""
    zone: str
    """The exchange's time zone."""
    listed: date | None
    """The day of the symbol's first price, if Yahoo sends it."""


class _OnePerRun(type(YfData)):  # type: ignore[misc]
    """Creates a new instance per run. yfinance's own metaclass keeps one per process, with the cookies of all runs."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(cls, *args, **kwargs)


class Yahoo(YfData, metaclass=_OnePerRun):
    """yfinance's HTTP client, which also keeps the last answer.

    yfinance gets cookies and a "crumb" before the first request. If a request is refused, it gets new ones and sends
    the request a second time.
    """

    answer: Answer | None = None

    def get(self, url: str, params: Any = None, timeout: Any = 30) -> Any:
        """Send a request, and keep its answer, even if yfinance cannot read it."""
        self.answer = None
        response = super().get(url, params, timeout)
        self.answer = Answer(response.status_code, response.text)
        return response

    #: yfinance caches answers about the past, even bad ones. This disables the cache.
    cache_get = get

    @property
    def session(self) -> Any:
        """Return the HTTP session."""
        return self._session


@contextmanager
def opened() -> Iterator[Yahoo]:
    """Yield a session with Yahoo that shares no state with others."""
    _own_folder()
    yfinance.cache.get_cookie_cache().store("curlCffi", None)  # delete the cookies of earlier runs in this process
    debug, network = yfinance.config.debug, yfinance.config.network
    before = debug.hide_exceptions, network.retries
    debug.hide_exceptions = False  # otherwise a server that is down looks like a day without prices
    network.retries = 0  # `RetryBudget` retries, and distinguishes a rate limit from a bad symbol
    yahoo = Yahoo()
    try:
        yield yahoo
    finally:
        yahoo.session.close()
        debug.hide_exceptions, network.retries = before


def ask(yahoo: Yahoo, symbol: str, start: date, end: date) -> Prices:
    """Return the prices of `symbol` from `start` (inclusive) to `end` (exclusive), by one request.

    Days are those of the exchange's clock. Yahoo appends the live price of an open session, even after `end`. Rows of
    other days, and rows with a price that is not a number, are removed.

    Raises:
        Unanswered: Yahoo has sent no prices, with the reason.
    """
    # Start a day earlier, in UTC: east of London, a session starts on the previous day. With a given zone, yfinance
    # does not request it.
    history = PriceHistory(yahoo, symbol, tz="UTC", session=yahoo.session)
    frame = _fetched(yahoo, lambda: history.history(start=start - _DAY, end=end, **PINNED))
    answer = yahoo.answer
    assert answer is not None
    days = [moment.date() for moment in frame.index]
    columns = [frame[name].tolist() for name in ("Open", "High", "Low", "Close", "Volume")]
    rows = [Price(*values) for values in zip(days, *columns, strict=True)]
    rows = [row for row in rows if start <= row.day < end and row.is_whole]
    events = {
        day: word
        for name, word in _EVENTS.items()
        if name in frame
        for day, value in zip(days, frame[name].tolist(), strict=True)
        if value and start <= day < end
    }
    return Prices(rows, events, answer.meta["exchangeTimezoneName"], answer.day_of("firstTradeDate"))


def about(yahoo: Yahoo, symbol: str) -> Answer:
    """Return Yahoo's answer about a symbol, with the days of its listing and its last trade, by one request.

    Raises:
        Unanswered: Yahoo has sent no such answer, with the reason.
    """
    history = PriceHistory(yahoo, symbol, tz="UTC", session=yahoo.session)
    try:
        _fetched(yahoo, lambda: history.history(period="1d", **PINNED))
    except Unanswered as reason:
        if reason.outcome is not YahooStatus.NOTHING:
            raise
    assert yahoo.answer is not None
    return yahoo.answer


def _fetched(yahoo: Yahoo, fetch: Any) -> pandas.DataFrame:
    """Call `fetch`. If it fails, raise Unanswered with the reason in Yahoo's own answer, not in yfinance's error."""
    try:
        with warnings.catch_warnings():  # yfinance's deprecation warnings about pandas 4 are noise in the log of a run
            warnings.simplefilter("ignore", DeprecationWarning)
            return fetch()
    except yfinance.exceptions.YFRateLimitError as error:
        raise Unanswered(YahooStatus.RATE_LIMITED, "status 429") from error
    except Exception as error:
        if yahoo.answer is not None:
            raise yahoo.answer.reason() from error
        if isinstance(error, OSError):
            raise Unanswered(YahooStatus.UNREACHABLE, str(error).split(" See ")[0][:200]) from error
        raise


@cache
def _own_folder() -> TemporaryDirectory[str]:
    """Create a folder for yfinance's cookies that only this process uses, and that is deleted with it."""
    folder = TemporaryDirectory(prefix="daybook-yfinance-")
    yfinance.set_tz_cache_location(folder.name)
    return folder
