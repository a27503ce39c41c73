"""Load a table of stock prices with other symbols than its table file names."""

import logging
from collections.abc import Sequence

from daybook.definitions.table import Table
from daybook.errors import SourceError

logger = logging.getLogger(__name__)


def only(table: Table, symbols: Sequence[str] | None, *, keep: bool) -> Table:
    """Return the table with these symbols instead of those of its file. None: unchanged.

    With `keep`, no symbol of the file may be left out. Use it for loads that replace all rows.

    Raises:
        SourceError: a symbol is left out, and its rows would be lost.
    """
    if symbols is None:
        return table
    left_out = [symbol for symbol in table.source.symbols if symbol not in symbols]
    if keep and left_out:
        raise SourceError(
            f"{table.name}: full_refresh replaces the whole table, but symbols leaves out {', '.join(left_out)}: their "
            "rows would be lost. Add them to symbols, load a range of days instead, or set allow_shrink"
        )
    if left_out:
        logger.warning(
            "%s: loads without %s. The ledger records days, not symbols, so these days will count as loaded",
            *(table.name, ", ".join(left_out)),
        )
    return table.model_copy(update={"source": table.source.model_copy(update={"symbols": tuple(symbols)})})
