"""Override the symbols of a table of stock prices for one load."""

import logging
from collections.abc import Sequence

from daybook.definitions.table import Table
from daybook.errors import SourceError

logger = logging.getLogger(__name__)


def only(table: Table, symbols: Sequence[str] | None, *, keep: bool) -> Table:
    """Return the table with these symbols instead of those of its file. None: unchanged.

    Set `keep` for loads that replace all rows: then `symbols` must include all symbols of the file.

    Raises:
        SourceError: `symbols` omits a symbol, whose rows would be lost.
    """
    if symbols is None:
        return table
    left_out = [symbol for symbol in table.source.symbols if symbol not in symbols]
    if keep and left_out:
        raise SourceError(
            f"{table.name}: full_refresh replaces the whole table, but symbols omits {', '.join(left_out)}, so their "
            "rows would be lost. Add them to symbols, load a range of days instead, or set allow_shrink"
        )
    if left_out:
        logger.warning(
            "%s: loading without %s. The ledger records days, not symbols, so these days will count as loaded",
            *(table.name, ", ".join(left_out)),
        )
    return table.model_copy(update={"source": table.source.model_copy(update={"symbols": tuple(symbols)})})
