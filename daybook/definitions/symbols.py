"""The symbols of a table of stock prices, where a run loads other ones than its table file names."""

import logging
from collections.abc import Sequence

from daybook.definitions.table import Table
from daybook.errors import SourceError

logger = logging.getLogger(__name__)


def only(table: Table, symbols: Sequence[str] | None, *, keep: bool) -> Table:
    """The table with these symbols instead of those of its file; None: as it is.

    With `keep`, none of the file's may be left out: for a load that replaces all rows.

    Raises:
        SourceError: one is left out, and its rows would be lost.
    """
    if symbols is None:
        return table
    gone = [symbol for symbol in table.source.symbols if symbol not in symbols]
    if keep and gone:
        raise SourceError(
            f"{table.name}: full_refresh replaces the whole table, and symbols leaves out {', '.join(gone)}: their "
            "rows would be lost. Name them too, load a range of days instead, or set allow_shrink"
        )
    if gone:
        logger.warning(
            "%s: without %s: the ledger knows days, not symbols, and will call these days loaded",
            *(table.name, ", ".join(gone)),
        )
    return table.model_copy(update={"source": table.source.model_copy(update={"symbols": tuple(symbols)})})
