"""Load the prices of a table's symbols, find missing days, and reload the history of a symbol that has changed."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from daybook.errors import SourceError, SourceLost, Uncountable
from daybook.model import exchange_calendar
from daybook.model.interval import Interval
from daybook.model.table_spec import TableSpec
from daybook.model.timezones import local_boundary
from daybook.model.types import Column, Type
from daybook.sources.base import Findings, Span
from daybook.sources.text.typed_csv import Row, TextRows
from daybook.sources.text.value_formats import ISO
from daybook.sources.yahoo import MAX_SYMBOL, Config
from daybook.sources.yahoo.day_ranges import Days, within
from daybook.sources.yahoo.responses import Unanswered, YahooStatus
from daybook.sources.yahoo.retry_budget import RetryBudget
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.sources.yahoo.client import Price, Prices, Yahoo

logger = logging.getLogger(__name__)

_GONE = timedelta(days=14)  # a symbol without a trade for that long before the requested days is delisted
_DAYS_SHOWN = 3  # missing days of a symbol in an error
COLUMNS = {
    "symbol": Type("varchar", MAX_SYMBOL),
    "date": Type("date"),
    "open": Type("double"),
    "high": Type("double"),
    "low": Type("double"),
    "close": Type("double"),
    "volume": Type("bigint"),
    "created_date": Type("timestamptz"),
}


class StockPrices:
    """The daily prices of the symbols of a table. One symbol is requested, and in memory, at a time.

    Days are those of the exchange's clock. A day is loaded once it is over there. `created_date` is the time at which
    the source was opened, the same for all rows.
    """

    def __init__(self, config: Config, table: TableSpec) -> None:
        self._config, self._table = config, table
        self.snapshot_at = datetime.now(UTC)
        self._shortfalls: list[str] = []
        self._since: datetime | None = None

    def columns(self) -> list[Column]:
        """Return the columns, which are the same for all tables."""
        return [Column(name, type, nullable=name not in self._table.key) for name, type in COLUMNS.items()]

    def warnings(self) -> list[str]:
        """Warn about a table without a calendar, whose missing days cannot be detected."""
        if self._table.calendar:
            return []
        return [
            f"{self._table.name}: the table file has no calendar:, so a missing day looks like a holiday. Add one, "
            "such as XNYS for New York"
        ]

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Raise Uncountable, since Yahoo does not send row counts."""
        raise Uncountable(f"{self._table.name}: Yahoo cannot count its prices without sending them")

    def findings(self) -> Findings:
        """Return the symbols and days that Yahoo did not send, and the start of reloaded history."""
        return Findings(tuple(self._shortfalls), self._since)

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Yield the prices of the days in `span`. If a symbol has a split or dividend there, yield all since `start`.

        Raises:
            SourceLost: Yahoo sent no prices at all, or lacks a symbol of a full refresh, and a retry can succeed.
            SourceError: the same, and a retry cannot succeed.
        """
        return self.rows_of(columns, [span], format)

    def rows_of(self, columns: Sequence[Column], spans: Sequence[Span], format: CsvFormat) -> Iterator[Chunk]:
        """Yield the prices of the days in all `spans`, with one request for each symbol. Raises as `rows`."""
        texts = TextRows(self._table, columns, ISO, format)
        return texts.chunks(self._texts([column.name for column in columns], spans))

    def _texts(self, names: Sequence[str], spans: Sequence[Span]) -> Iterator[tuple[str, Row]]:
        whole, calendar = spans[-1].end is None, self._table.calendar
        days = [(self._day(span.start or self._first), self._day(span.end or self.snapshot_at)) for span in spans]
        days = [(start, end) for start, end in days if start < end]
        if not days or (calendar and not any(exchange_calendar.sessions(calendar, *some) for some in days)):
            return
        from daybook.sources.yahoo import client

        budget, failed = RetryBudget(self._table.name, len(self._config.symbols)), dict[str, Unanswered]()
        created = self.snapshot_at.isoformat(" ")
        with client.opened() as yahoo:
            for symbol in self._config.symbols:
                try:
                    found = self._prices(yahoo, budget, symbol, days, whole=whole)
                except Unanswered as reason:
                    failed[symbol] = reason
                    continue
                for price in found:
                    row = _as_texts(symbol, price) | {"created_date": created}
                    yield f"{symbol} {price.day}", [row[name] for name in names]
        self._settle(failed, whole=whole)

    @property
    def _first(self) -> datetime:
        """Return the start of the first interval. `open` has checked that the table has a `start`."""
        assert self._table.start is not None
        if self._table.grid:
            return self._table.grid.first(self._table.start).start
        day = datetime.combine(self._table.start, datetime.min.time())
        return day.replace(tzinfo=ZoneInfo(self._table.timezone))

    def _day(self, instant: datetime) -> date:
        return local_boundary(instant, self._table.timezone).date()

    def _prices(
        self, yahoo: "Yahoo", budget: RetryBudget, symbol: str, days: Days, *, whole: bool
    ) -> "Sequence[Price]":
        """Return the prices of one symbol, and record its missing days."""
        from daybook.sources.yahoo import client

        start, end = days[0][0], days[-1][1]
        try:
            found = budget.ask(symbol, lambda: client.ask(yahoo, symbol, start, end))
        except Unanswered as reason:
            if reason.outcome is not YahooStatus.NOTHING:
                raise
            self._explain_nothing(yahoo, budget, symbol, reason, days)
            return []
        found = within(self._of_days_that_are_over(found), days)
        if whole and found.listed and found.listed < start:
            logger.info(
                "%s: %s has prices since %s, but the table's start is %s: the older ones are left out. To load them, "
                "set an earlier start:",
                *(self._table.name, symbol, found.listed, start),
            )
        self._note_missing(symbol, found, days)
        first = self._day(self._first)
        has_older = first < start or len(days) > 1
        if found.events and not whole and has_older and self._table.strategy.accepts_earlier_rows:
            what = ", ".join(f"a {word} on {day}" for day, word in sorted(found.events.items()))
            try:
                history = budget.ask(symbol, lambda: client.ask(yahoo, symbol, first, end))
            except Unanswered as reason:
                self._note(symbol, f"{what} changed its older prices, but they could not be reloaded: {reason}")
            else:
                logger.info("%s: %s: %s: reloading its prices since %s", self._table.name, symbol, what, first)
                self._since = self._first
                return self._of_days_that_are_over(history).rows
        return found.rows

    def _of_days_that_are_over(self, found: "Prices") -> "Prices":
        """Remove the price of the session that is still open, by the exchange's clock."""
        today = self.snapshot_at.astimezone(ZoneInfo(found.zone)).date()
        return replace(found, rows=[price for price in found.rows if price.day < today])

    def _note_missing(self, symbol: str, found: "Prices", days: Days) -> None:
        """Record sessions without a price, if the calendar has the time zone of the symbol's exchange.

        Raises:
            Unanswered: there are sessions, but no prices at all.
        """
        calendar = self._table.calendar
        if calendar is None:
            return
        if exchange_calendar.zone_of(calendar) != found.zone:
            logger.warning(
                "%s: %s is traded in %s, but the calendar %s is for %s, so a missing day cannot be detected. Move the "
                "symbol to a table with its own calendar",
                *(self._table.name, symbol, found.zone, calendar, exchange_calendar.zone_of(calendar)),
            )
            return
        present = {price.day for price in found.rows}
        listed = found.listed or days[0][0]
        ranges = [(max(start, listed), end) for start, end in days if listed < end]
        sessions = [day for start, end in ranges for day in exchange_calendar.sessions(calendar, start, end)]
        missing = [day for day in sessions if day not in present]
        if missing:
            shown = ", ".join(map(str, missing[:_DAYS_SHOWN]))
            more = f" and {len(missing) - _DAYS_SHOWN} more" if len(missing) > _DAYS_SHOWN else ""
            reason = Unanswered(YahooStatus.MISSING, f"{calendar}: {shown}{more}")
            if not found.rows:
                raise reason
            self._note(symbol, str(reason))

    def _explain_nothing(
        self, yahoo: "Yahoo", budget: RetryBudget, symbol: str, reason: Unanswered, days: Days
    ) -> None:
        """Find out why there are no prices: not listed yet, a holiday, missing days, or delisted.

        Raises:
            Unanswered: the days are missing, or the symbol is delisted.
        """
        from daybook.sources.yahoo import client

        start, end = days[0][0], days[-1][1]
        answer = reason.answer
        if answer is None or not answer.meta:  # the answer has no metadata of the symbol
            answer = budget.ask(symbol, lambda: client.about(yahoo, symbol))
        listed, traded = answer.day_of("firstTradeDate"), answer.day_of("regularMarketTime")
        if listed and end <= listed:
            logger.info("%s: %s was listed on %s, after these days", self._table.name, symbol, listed)
        elif traded and traded < start - _GONE:
            raise Unanswered(YahooStatus.UNKNOWN, f"it was last traded on {traded}")
        else:
            zone = answer.meta.get("exchangeTimezoneName", self._table.timezone)
            self._note_missing(symbol, client.Prices([], {}, zone, listed), days)

    def _note(self, symbol: str, what: str) -> None:
        if self._config.on_missing == "warn":
            logger.warning("%s: %s: %s", self._table.name, symbol, what)
        else:
            self._shortfalls.append(f"{symbol}: {what}")

    def _settle(self, failed: dict[str, Unanswered], *, whole: bool) -> None:
        """Record each symbol that failed. Raise if all failed, or if one of a full refresh did."""
        if failed and (whole or len(failed) == len(self._config.symbols)):
            why = "a full refresh would delete their rows" if whole else "all symbols failed"
            kind = SourceLost if any(reason.outcome.may_pass for reason in failed.values()) else SourceError
            reasons = [f"{symbol}: {reason}" for symbol, reason in failed.items()]
            raise kind("\n- ".join([f"{self._table.name}: nothing was loaded, because {why}:", *reasons]))
        for symbol, reason in failed.items():
            self._note(symbol, str(reason))


def _as_texts(symbol: str, price: "Price") -> dict[str, str]:
    """Return a price as texts, with enough digits to restore each number exactly."""
    numbers = {name: repr(getattr(price, name)) for name in ("open", "high", "low", "close", "volume")}
    return {"symbol": symbol, "date": price.day.isoformat(), **numbers}
