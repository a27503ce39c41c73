"""`kind: yfinance`: the daily prices of stocks, funds, indices and currencies, as Yahoo has them."""

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
    """These symbols as Yahoo spells them: AAPL, BRK-B, 7203.T, ^GSPC, EURUSD=X.

    Raises:
        ValueError: there is none, one is there twice, or one is spelled in another way.
    """
    if not symbols:
        raise ValueError("no symbol is given: name at least one, such as AAPL")
    for symbol in symbols:
        plain = symbol.strip().upper()
        if symbol != plain:
            raise ValueError(f"symbols are upper case, without blanks: write {plain!r} instead of {symbol!r}")
        if not _SYMBOL.fullmatch(symbol):
            raise ValueError(f"{symbol!r} is no symbol of Yahoo's: they are like AAPL, BRK-B, 7203.T, ^GSPC, EURUSD=X")
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise ValueError(f"given twice: {', '.join(twice)}")
    return tuple(symbols)


Symbols = Annotated[tuple[str, ...], AfterValidator(checked)]


class Config(SourceKind):
    """What a table file says of stock prices."""

    masks: ClassVar[bool] = True

    kind: Literal["yfinance"]
    symbols: Symbols = Field(description="What to load, as Yahoo spells it: AAPL, BRK-B, 7203.T, ^GSPC.")
    on_missing: Literal["fail", "warn"] = Field(
        "fail",
        description="What a run does about symbols or days that Yahoo does not give: fail once the others are loaded, "
        "or only warn.",
    )

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Get ready to ask Yahoo for the symbols. Nothing is asked before the rows are read.

        Raises:
            SourceError: the table file lacks what is needed to know which days to ask for.
        """
        _check(table)
        from daybook.sources.yahoo.source import StockPrices

        yield StockPrices(self, table)


def _check(table: "TableSpec") -> None:
    wrong = None
    if table.start is None:
        wrong = "start: is missing: the first day to ask for"
    elif set(table.key) != {"symbol", "date"}:
        wrong = "key: must be [symbol, date]: that tells one price from every other"
    elif table.strategy.has_intervals and not table.strategy.accepts_earlier_rows:
        wrong = f"load: {table.load} takes no older prices along when a split changes them: use upsert"
    elif table.cursor not in (None, "date") or table.interval == "hour":
        wrong = "cursor: must be date, and interval: day, week or month: prices are of days"
    if wrong:
        raise SourceError(f"{table.name}: {wrong}. Correct the table file")
