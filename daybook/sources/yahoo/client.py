"""One question to Yahoo, by yfinance as it is: the prices of a symbol from one day until another.

This module is imported when rows are read, not before: yfinance and pandas take a second.
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

#: Every argument of yfinance's `history`, so that none of its defaults, which have changed before, can change ours.
PINNED: dict[str, Any] = {
    "interval": "1d",
    "auto_adjust": True,  # prices as if every split and dividend had always been: comparable over years
    "back_adjust": False,  # the other way of adjusting; it would leave the newest prices unlike those on the page
    "actions": True,  # tells of splits and dividends, after which older prices are other ones
    "repair": False,  # guesses at errors in the prices, and asks again and again to do so
    "keepna": False,  # rows of nothing but NaN and 0 are no prices
    "rounding": False,  # the digits that Yahoo sent
    "prepost": False,  # the session alone
    "timeout": 30,  # seconds; by itself it is 10
    "raise_errors": False,  # deprecated: see `opened`, which has exceptions raised
}
_EVENTS = {"Stock Splits": "split", "Dividends": "dividend", "Capital Gains": "capital gain"}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Price:
    """A row: the day on the exchange's own clock, prices in its currency, and how many were traded."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int

    @property
    def is_whole(self) -> bool:
        """Whether all prices are numbers."""
        return all(map(math.isfinite, (self.open, self.high, self.low, self.close)))


@dataclass(frozen=True, slots=True)
class Prices:
    """What Yahoo answered of one symbol: the prices, oldest first, and days on which older prices became other ones."""

    rows: list[Price]
    events: dict[date, str]
    """Day: "split", "dividend" or "capital gain"."""
    zone: str
    """The exchange's time zone."""
    listed: date | None
    """The day of the first price that there ever was, where Yahoo tells."""


class _OneARun(type(YfData)):  # type: ignore[misc]
    """Makes a new one for each run: yfinance keeps a single one for the process, with the cookies of all it did."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(cls, *args, **kwargs)


class Yahoo(YfData, metaclass=_OneARun):
    """yfinance's own way to Yahoo, which remembers the last answer, and no other.

    Takes cookies and a "crumb" first, once; a request that is refused is sent a second time with others.
    """

    answer: Answer | None = None

    def get(self, url: str, params: Any = None, timeout: Any = 30) -> Any:
        """Ask. Keeps the answer also where nothing can be made of it."""
        self.answer = None
        response = super().get(url, params, timeout)
        self.answer = Answer(response.status_code, response.text)
        return response

    #: yfinance keeps the answers about the past, the bad ones too, and gives them again.
    cache_get = get

    @property
    def session(self) -> Any:
        """The HTTP session."""
        return self._session


@contextmanager
def opened() -> Iterator[Yahoo]:
    """A session with Yahoo, which shares nothing with another one."""
    _own_folder()
    yfinance.cache.get_cookie_cache().store("curlCffi", None)  # of an earlier run in this process
    debug, network = yfinance.config.debug, yfinance.config.network
    before = debug.hide_exceptions, network.retries
    debug.hide_exceptions = False  # else a server that is down and a day without prices look the same
    network.retries = 0  # ours know a rate limit from a bad symbol
    yahoo = Yahoo()
    try:
        yield yahoo
    finally:
        yahoo.session.close()
        debug.hide_exceptions, network.retries = before


def ask(yahoo: Yahoo, symbol: str, start: date, end: date) -> Prices:
    """The prices of `symbol` from `start` (inclusive) to `end` (exclusive), days on the exchange's clock. One request.

    Yahoo appends the running price of a session that is open, also behind the end: rows of other days are left out, and
    so are those with a price that is no number.

    Raises:
        Unanswered: there are none, with the reason.
    """
    # A day before, in UTC, since east of London a session begins on the day before. With the zone given, yfinance need
    # not ask for it.
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
    """What Yahoo tells of a symbol beside its newest price: when it was listed, and last traded. One request.

    Raises:
        Unanswered: nothing, with the reason.
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
    """What `fetch` returns. Whatever yfinance makes of a bad answer, the answer itself says what is wrong."""
    try:
        with warnings.catch_warnings():  # of what pandas 4 will do to yfinance: nothing that a run's log need say
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
    """Where yfinance keeps its cookies: a folder of this process, gone with it, and not one of all that run here."""
    folder = TemporaryDirectory(prefix="daybook-yfinance-")
    yfinance.set_tz_cache_location(folder.name)
    return folder
