"""`kind: yfinance`: Yahoo's daily prices of stocks, funds, indices and currencies."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from daybook.errors import SourceError
from daybook.sources.base import ConnectionProvider, Source, SourceKind

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

logger = logging.getLogger(__name__)

MAX_SYMBOL = 32  # characters
_SYMBOL = re.compile(rf"[A-Z0-9.^=&$-]{{1,{MAX_SYMBOL}}}")


def checked(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols, if all have Yahoo's spelling: AAPL, BRK-B, 7203.T, ^GSPC, EURUSD=X.

    Raises:
        ValueError: the list is empty, or a symbol is repeated or has another spelling.
    """
    if not symbols:
        raise ValueError("there are no symbols: give at least one, such as AAPL")
    for symbol in symbols:
        plain = symbol.strip().upper()
        if symbol != plain:
            raise ValueError(f"symbols are upper case, without spaces: write {plain!r} instead of {symbol!r}")
        if not _SYMBOL.fullmatch(symbol):
            raise ValueError(f"{symbol!r} is not a symbol of Yahoo; examples: AAPL, BRK-B, 7203.T, ^GSPC, EURUSD=X")
    repeated = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if repeated:
        raise ValueError(f"repeated: {', '.join(repeated)}; give each symbol once")
    return tuple(symbols)


Symbols = Annotated[tuple[str, ...], AfterValidator(checked)]


class Config(SourceKind):
    """Stock prices from Yahoo: `source:` of a table file."""

    masks: ClassVar[bool] = True
    from_start: ClassVar[bool] = True

    kind: Literal["yfinance"]
    symbols: Symbols = Field(description="The symbols to load, in Yahoo's spelling: AAPL, BRK-B, 7203.T, ^GSPC.")
    on_missing: Literal["fail", "warn"] = Field(
        "fail",
        description="What to do if Yahoo does not send some symbols or days. fail: load the others, then fail the run. "
        "warn: only warn.",
    )

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Yield the source. It sends no request before rows are read.

        Raises:
            SourceError: the table file lacks fields that stock prices need.
        """
        _check(table)
        from daybook.sources.yahoo.source import StockPrices

        yield StockPrices(self, table)


def _check(table: "TableSpec") -> None:
    wrong = None
    if table.start is None:
        wrong = "start: is missing: add the first day to load"
    elif set(table.key) != {"symbol", "date"}:
        wrong = "key: must be [symbol, date], which identifies a price"
    elif table.strategy.has_intervals and not table.strategy.accepts_earlier_rows:
        wrong = f"load: {table.load} cannot reload older prices after a split: use upsert"
    elif table.cursor not in (None, "date") or table.interval == "hour":
        wrong = "cursor: must be date, and interval: must be day, week or month, since prices are daily"
    if wrong:
        raise SourceError(f"{table.name}: {wrong}. Correct the table file")
