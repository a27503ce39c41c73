"""Moved rows of an upsert: rows that changed at the source after their interval was loaded.

Their cursor is now in a later interval. Until that interval is loaded, the warehouse has them in their old one. This is
correct: an audit does not report them, and an exact load of the old interval leaves them in place, so that readers
always see them. Daybook finds them by key: they are the source's rows whose cursor is after all loaded intervals.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from daybook.definitions.table import Table
from daybook.ledger.ledger import Coverage, Ledger
from daybook.model.interval import Interval
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sources.base import Source, Span
from daybook.sources.spans import rows_of_spans
from daybook.stage.base import Stage
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import write_parts
from daybook.strategies.staged_rows import without_keys_sql
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: An instant after every row. A span without an end would also have the rows without a cursor.
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
#: The format in which this module reads keys back: its NULL is a text that no key has.
READ_BACK = CsvFormat(null="\x1enull")


def loaded_until(session: Session, warehouse: Warehouse, table: Table) -> datetime | None:
    """Return the end of the newest loaded interval of `table`, or None if no interval was loaded."""
    return whole_until(table, Ledger(warehouse).ends(session, [table.name]).get(table.name))


def whole_until(table: Table, end: Coverage | None) -> datetime | None:
    """Return the end of the newest complete interval that was loaded; None without intervals or loads.

    `end` is the table's coverage in the ledger. A full refresh ends in the middle of an interval. That interval does
    not count, because the source may have committed more of its rows afterwards.
    """
    grid = table.grid
    return grid.containing(end.until).start if grid and end else None


def keys_only(target: Target) -> Target:
    """Return a target that has only the key columns of `target`."""
    columns = {column.name: column for column in target.columns}
    return Target(target.name, tuple(columns[name] for name in target.key), target.key)


def later_keys(
    source: Source,
    sent: Sequence[Column],
    table: Table,
    until: datetime,
    format: CsvFormat,
    loading: Sequence[Interval] = (),
) -> Iterator[Chunk]:
    """Return the keys of the rows of `table` from `until` on, as CSV, except those in the ranges `loading`.

    `sent` are the columns as in `Source.rows`. `loading` is in order.
    """
    columns, grid = {column.name: column for column in sent}, table.grid
    # A cursor may be a date, which begins at midnight in the table's time zone.
    never = grid.containing(_NEVER).start if grid else _NEVER
    spans = list[Span]()
    for stretch in loading:
        if until < stretch.start:
            spans.append(Span(until, stretch.start))
        until = max(until, stretch.end)
    return rows_of_spans(source, [columns[name] for name in table.key], [*spans, Span(until, never)], format)


def staged_later_keys(
    stage: Stage,
    loaded: Manifest,
    source: Source,
    sent: Sequence[Column],
    table: Table,
    until: datetime,
    loading: Sequence[Interval],
) -> Manifest:
    """Write these keys to the stage, under the prefix of the manifest `loaded`. The others are as in `later_keys`."""
    chunks, key, format = later_keys(source, sent, table, until, loaded.format, loading), table.key, loaded.format
    return write_parts(stage, f"{loaded.prefix}/later", chunks, table=table.name, columns=key, format=format, key=key)


def keep_keys(session: Session, warehouse: Warehouse, target: Target, name: str, chunks: Iterator[Chunk]) -> int:
    """Create the temporary table `name` with the keys in `chunks`, and return their number.

    `chunks` are CSV in the format READ_BACK. Memory use does not grow with their number.
    """
    warehouse.create_staging(session, keys_only(target), name)
    return session.insert(warehouse.quote(name), map(warehouse.quote, target.key), _keys(chunks))


def settled_sql(warehouse: Warehouse, target: Target, table: str, later: str) -> str:
    """Return a FROM item with the rows of `table` that have none of the keys in `later` (both quoted)."""
    return f"(SELECT * FROM {table} WHERE {without_keys_sql(warehouse, target, table, later)}) AS settled"


def _keys(chunks: Iterator[Chunk]) -> Iterator[list[str]]:
    for chunk in chunks:
        for row in csv.reader(io.StringIO(chunk.data.decode(), newline="")):
            if READ_BACK.null not in row:  # a row with NULL in its key was never loaded
                yield row
