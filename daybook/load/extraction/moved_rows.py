"""Rows of an upsert that have moved on: changed at the source, and so of a later interval, since the table was loaded.

The warehouse has them in their old interval still, until the later one is loaded. That is as it should be: an audit
does not report them, and a load that replaces an interval exactly leaves them where they are, so that no reader misses
them meanwhile. They are known by their keys: those of the source's rows whose cursor lies behind all that was loaded.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from daybook.definitions.table import Table
from daybook.ledger.ledger import Coverage, Ledger
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sources.base import Source, Span
from daybook.stage.base import Stage
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import write_parts
from daybook.strategies.staged_rows import without_keys_sql
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Behind every row. Without an end, a span would have the rows without a cursor, too.
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
#: The format in which keys are read back here: its NULL is a text that no key has.
READ_BACK = CsvFormat(null="\x1enull")


def loaded_until(session: Session, warehouse: Warehouse, table: Table) -> datetime | None:
    """The end of the newest interval of `table` that was ever loaded; None: there is none."""
    return whole_until(table, Ledger(warehouse).ends(session, [table.name]).get(table.name))


def whole_until(table: Table, end: Coverage | None) -> datetime | None:
    """Until when the intervals of a table were loaded whole that has come so far; None: it has none, or never was.

    A full refresh ends in the middle of an interval. What lies in that may have been committed after it.
    """
    grid = table.grid
    return grid.containing(end.until).start if grid and end else None


def keys_only(target: Target) -> Target:
    """The target of nothing but the keys."""
    columns = {column.name: column for column in target.columns}
    return Target(target.name, tuple(columns[name] for name in target.key), target.key)


def later_keys(
    source: Source, sent: Sequence[Column], table: Table, until: datetime, format: CsvFormat
) -> Iterator[Chunk]:
    """The keys of the rows of `table` from `until` on, as CSV. `sent` are the columns as `Source.rows` takes them."""
    columns, grid = {column.name: column for column in sent}, table.grid
    # a cursor may be a date, which begins by the table's clock
    never = grid.containing(_NEVER).start if grid else _NEVER
    return source.rows([columns[name] for name in table.key], Span(until, never), format)


def staged_later_keys(
    stage: Stage, loaded: Manifest, source: Source, sent: Sequence[Column], table: Table, until: datetime
) -> Manifest:
    """Put the keys of the rows of `table` from `until` on beside those that are `loaded`."""
    chunks, key, format = later_keys(source, sent, table, until, loaded.format), table.key, loaded.format
    return write_parts(stage, f"{loaded.prefix}/later", chunks, table=table.name, columns=key, format=format, key=key)


def keep_keys(session: Session, warehouse: Warehouse, target: Target, name: str, chunks: Iterator[Chunk]) -> int:
    """Make the temporary table `name` of the keys in `chunks`, CSV in the format READ_BACK, and return how many it has.

    Memory stays flat, however many there are.
    """
    warehouse.create_staging(session, keys_only(target), name)
    return session.insert(warehouse.quote(name), map(warehouse.quote, target.key), _keys(chunks))


def settled_sql(warehouse: Warehouse, target: Target, table: str, later: str) -> str:
    """Return a FROM item: the rows of `table` that have none of the keys in `later` (both quoted)."""
    return f"(SELECT * FROM {table} WHERE {without_keys_sql(warehouse, target, table, later)}) AS settled"


def _keys(chunks: Iterator[Chunk]) -> Iterator[list[str]]:
    for chunk in chunks:
        for row in csv.reader(io.StringIO(chunk.data.decode(), newline="")):
            if READ_BACK.null not in row:  # a row with NULL in its key was never loaded
                yield row
