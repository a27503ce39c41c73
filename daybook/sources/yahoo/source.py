"""The symbols of a table as a source of rows: which days are wanted, what is missing of them, what has changed."""

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
from daybook.sources.yahoo.responses import Unanswered, YahooStatus
from daybook.sources.yahoo.retry_budget import Patience
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.sources.yahoo.client import Price, Prices, Yahoo

logger = logging.getLogger(__name__)

_GONE = timedelta(days=14)  # without a trade before the days that are wanted: it is delisted, and they are not late
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
    """The daily prices of some symbols, asked for one symbol after the other: memory holds those of one.

    A day is one of the exchange's own clock, and is there once that day is over on it. `created_date` is the moment at
    which this was opened, the same for all rows.
    """

    def __init__(self, config: Config, table: TableSpec) -> None:
        self._config, self._table = config, table
        self.snapshot_at = datetime.now(UTC)
        self._shortfalls: list[str] = []
        self._since: datetime | None = None

    def columns(self) -> list[Column]:
        """Always the same."""
        return [Column(name, type, nullable=name not in self._table.key) for name, type in COLUMNS.items()]

    def warnings(self) -> list[str]:
        """Without a calendar nobody knows whether a day is missing."""
        if self._table.calendar:
            return []
        return [
            f"{self._table.name}: without a calendar: in the table file (XNYS is New York), a day without prices is "
            "taken for a holiday"
        ]

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Yahoo tells no numbers of rows: raises Uncountable."""
        raise Uncountable(f"{self._table.name}: Yahoo does not tell how many prices it has without sending them")

    def findings(self) -> Findings:
        """The symbols and days that Yahoo did not give, and since when it gave history again."""
        return Findings(tuple(self._shortfalls), self._since)

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """The prices of the days in `span`, and for a symbol with a split or dividend in it, all since `start`.

        Raises:
            SourceLost: no symbol could be had, or one of a full refresh, which would lose its rows; it may pass.
            SourceError: the same, and it will not pass by itself.
        """
        texts = TextRows(self._table, columns, ISO, format)
        return texts.chunks(self._texts([column.name for column in columns], span))

    def _texts(self, names: Sequence[str], span: Span) -> Iterator[tuple[str, Row]]:
        start, end = self._day(span.start or self._first), self._day(span.end or self.snapshot_at)
        calendar = self._table.calendar
        if start >= end or (calendar and not exchange_calendar.sessions(calendar, start, end)):
            return
        from daybook.sources.yahoo import client

        patience, failed = Patience(self._table.name, len(self._config.symbols)), dict[str, Unanswered]()
        created = self.snapshot_at.isoformat(" ")
        with client.opened() as yahoo:
            for symbol in self._config.symbols:
                try:
                    found = self._prices(yahoo, patience, symbol, start, end, whole=span.end is None)
                except Unanswered as reason:
                    failed[symbol] = reason
                    continue
                for price in found:
                    row = _spelled(symbol, price) | {"created_date": created}
                    yield f"{symbol} {price.day}", [row[name] for name in names]
        self._settle(failed, whole=span.end is None)

    @property
    def _first(self) -> datetime:
        """The start of the first interval: there is always one, which was checked when the source was opened."""
        assert self._table.start is not None
        if self._table.grid:
            return self._table.grid.first(self._table.start).start
        day = datetime.combine(self._table.start, datetime.min.time())
        return day.replace(tzinfo=ZoneInfo(self._table.timezone))

    def _day(self, instant: datetime) -> date:
        return local_boundary(instant, self._table.timezone).date()

    def _prices(
        self, yahoo: "Yahoo", patience: Patience, symbol: str, start: date, end: date, *, whole: bool
    ) -> "Sequence[Price]":
        """The rows of one symbol. Notes what is missing of it."""
        from daybook.sources.yahoo import client

        try:
            found = patience.ask(symbol, lambda: client.ask(yahoo, symbol, start, end))
        except Unanswered as reason:
            if reason.outcome is not YahooStatus.NOTHING:
                raise
            self._explain_nothing(yahoo, patience, symbol, reason, start, end)
            return []
        found = self._of_days_that_are_over(found)
        self._note_missing(symbol, found, start, end)
        first = self._day(self._first)
        if found.events and not whole and first < start and self._table.strategy.accepts_earlier_rows:
            what = ", ".join(f"a {word} on {day}" for day, word in sorted(found.events.items()))
            try:
                again = patience.ask(symbol, lambda: client.ask(yahoo, symbol, first, end))
            except Unanswered as reason:
                self._note(symbol, f"{what} changed its older prices, and they could not be had: {reason}")
            else:
                logger.info("%s: %s: %s: its prices since %s are loaded again", self._table.name, symbol, what, first)
                self._since = self._first
                return self._of_days_that_are_over(again).rows
        return found.rows

    def _of_days_that_are_over(self, found: "Prices") -> "Prices":
        """Without the session that is still open, on the exchange's own clock."""
        today = self.snapshot_at.astimezone(ZoneInfo(found.zone)).date()
        return replace(found, rows=[price for price in found.rows if price.day < today])

    def _note_missing(self, symbol: str, found: "Prices", start: date, end: date) -> None:
        """Tell of sessions without a price, as far as the calendar is that of the symbol's exchange.

        Raises:
            Unanswered: there is no price at all, and there should be.
        """
        calendar = self._table.calendar
        if calendar is None:
            return
        if exchange_calendar.zone_of(calendar) != found.zone:
            logger.warning(
                "%s: %s is traded in %s, and %s is the calendar of %s: nobody would notice a missing day. Give it a "
                "table of its own",
                *(self._table.name, symbol, found.zone, calendar, exchange_calendar.zone_of(calendar)),
            )
            return
        had = {price.day for price in found.rows}
        since = max(start, found.listed) if found.listed else start
        missing = [day for day in exchange_calendar.sessions(calendar, since, end) if day not in had]
        if missing:
            shown = ", ".join(map(str, missing[:_DAYS_SHOWN]))
            more = f" and {len(missing) - _DAYS_SHOWN} more" if len(missing) > _DAYS_SHOWN else ""
            reason = Unanswered(YahooStatus.MISSING, f"{calendar}: {shown}{more}")
            if not found.rows:
                raise reason
            self._note(symbol, str(reason))

    def _explain_nothing(
        self, yahoo: "Yahoo", patience: Patience, symbol: str, reason: Unanswered, start: date, end: date
    ) -> None:
        """Nothing in these days: not listed yet, a holiday, missing days, or delisted."""
        from daybook.sources.yahoo import client

        answer = reason.answer
        if answer is None or not answer.meta:  # refused without a word about the symbol
            answer = patience.ask(symbol, lambda: client.about(yahoo, symbol))
        listed, traded = answer.day_of("firstTradeDate"), answer.day_of("regularMarketTime")
        if listed and end <= listed:
            logger.info("%s: %s was listed on %s: nothing is missing of it", self._table.name, symbol, listed)
        elif traded and traded < start - _GONE:
            raise Unanswered(YahooStatus.UNKNOWN, f"it was last traded on {traded}")
        else:
            zone = answer.meta.get("exchangeTimezoneName", self._table.timezone)
            self._note_missing(symbol, client.Prices([], {}, zone, listed), start, end)

    def _note(self, symbol: str, what: str) -> None:
        if self._config.on_missing == "warn":
            logger.warning("%s: %s: %s", self._table.name, symbol, what)
        else:
            self._shortfalls.append(f"{symbol}: {what}")

    def _settle(self, failed: dict[str, Unanswered], *, whole: bool) -> None:
        """Raise where nothing may be loaded; else note each symbol that failed."""
        if failed and (whole or len(failed) == len(self._config.symbols)):
            why = "a full refresh would lose their rows" if whole else "no symbol could be had"
            kind = SourceLost if any(reason.outcome.may_pass for reason in failed.values()) else SourceError
            told = [f"{symbol}: {reason}" for symbol, reason in failed.items()]
            raise kind("\n- ".join([f"{self._table.name}: nothing was loaded, since {why}:", *told]))
        for symbol, reason in failed.items():
            self._note(symbol, str(reason))


def _spelled(symbol: str, price: "Price") -> dict[str, str]:
    """A price as texts: each number with the digits that make it again."""
    numbers = {name: repr(getattr(price, name)) for name in ("open", "high", "low", "close", "volume")}
    return {"symbol": symbol, "date": price.day.isoformat(), **numbers}
