"""Extract: copy the rows of a plan from their source to the stage."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from daybook.errors import ExtractFailed, RowCountMismatch, SourceLost, WarehouseLost
from daybook.ledger.ledger import Entry
from daybook.ledger.schema_version import look_up_with_version
from daybook.load.extraction.file_types import settled
from daybook.load.extraction.long_texts import LongTexts
from daybook.load.extraction.moved_rows import loaded_until, staged_later_keys
from daybook.load.extraction.schema_drift import SchemaDiff
from daybook.load.extraction.source_version import unchanged, version_of
from daybook.load.extraction.source_warnings import logged_warnings
from daybook.load.extraction.target_shape import as_sent, target_of
from daybook.load.extraction.unstaged_files import files_in_place
from daybook.load.planning.plan import Plan
from daybook.model.masks import masked
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sources.base import NOTHING, ConnectionProvider, Findings, Noticing, Source, TypedByFiles
from daybook.sources.spans import rows_of_spans
from daybook.sql.retries import with_retries
from daybook.stage.base import Stage, new_prefix
from daybook.stage.cleanup import RecordedStage
from daybook.stage.csv_format import Chunk
from daybook.stage.manifest import Manifest, Part
from daybook.stage.parts import remove, write_parts
from daybook.warehouses.base import Warehouse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The result of an extraction."""

    plan: Plan
    target: Target
    manifest: Manifest
    """The manifest of the staged parts."""
    rows: int
    """The number of rows that the source sent."""
    snapshot_at: datetime
    """The moment that the rows show, by the source's clock."""
    began_at: datetime
    """The start of the extraction, by the clock of this machine."""
    seconds: float
    findings: Findings = NOTHING
    version: str | None = None
    """The version of the source, for the ledger."""
    unchanged: Entry | None = None
    """The newest entry of the table, if the source has not changed since. Nothing was read then."""
    described: tuple[Column, ...] = ()
    """All columns of the source, after masking."""
    warnings: tuple[str, ...] = ()
    """The warnings of the source: about rows that belong to no interval, and the like. Rows that a filter left out."""
    later: Manifest | None = None
    """The staged keys of rows that have moved past all loaded intervals. Only exact loads of an upsert have them."""


def extract(
    plan: Plan,
    keys: ConnectionProvider,
    warehouse: Warehouse,
    stage: Stage,
    *,
    run_id: str = "",
    on_progress: Callable[[Part], None] | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> Extracted:
    """Stream the rows of `plan` from its source, in one consistent snapshot, into parts on the stage.

    Before it reads a row, Daybook compares the table in the warehouse with the source. After a lost connection, it
    deletes the parts that it has written, and starts again from the beginning, under a new prefix.

    Args:
        plan: the plan of the run.
        keys: the connections of the sources.
        warehouse: the warehouse that will load the rows.
        stage: the stage to write to.
        run_id: a part of the prefix on the stage, to tell runs apart.
        on_progress: called after each part that has reached the stage.
        on_rows: called about every MiB with the number of rows so far, because a part of a slow source takes minutes.

    Raises:
        SourceError: the source cannot be read as the table file says.
        SchemaMismatch: the source has changed, or the table in the warehouse does not fit it.
        StageError: a part could not be written.
        ValueRefused: the source sent a value that cannot be loaded.
        ExtractFailed: the database of the source or of the warehouse failed.
        SourceLost, WarehouseLost: every retry failed.
        RowCountMismatch: the row count of the parts differs from that of the source.
    """

    recorded = RecordedStage(stage)

    def attempt() -> Extracted:
        recorded.discard(f"{plan.table.name} {plan.label} is extracted again")
        return _extract(plan, keys, warehouse, recorded, run_id, on_progress, on_rows)

    return with_retries(attempt, what=f"{plan.table.name} {plan.label}: extract", failed=ExtractFailed, lost=SourceLost)


def _extract(
    plan: Plan,
    keys: ConnectionProvider,
    warehouse: Warehouse,
    stage: Stage,
    run_id: str,
    on_progress: Callable[[Part], None] | None,
    on_rows: Callable[[int], None] | None,
) -> Extracted:
    began, began_at, table = time.monotonic(), datetime.now(UTC), plan.table
    with table.source.open(table, keys) as source:
        compared = _compared(plan, source, warehouse)
        described, target, same, until = compared.described, compared.target, compared.same, compared.until
        if same is not None:
            nothing = Manifest(table.name, "", (), warehouse.csv_format(), ())
            seconds = time.monotonic() - began
            logger.info(
                "%s: the source has not changed since the load at %s UTC",
                table.name,
                f"{same.loaded_at:%Y-%m-%d %H:%M}",
            )
            return Extracted(plan, target, nothing, 0, source.snapshot_at, began_at, seconds, unchanged=same)
        warnings = logged_warnings(source, plan)
        found = {column.name: column for column in described}
        sent = [as_sent(found[column.name], column) for column in target.columns]
        counter = _Counter(on_rows)
        prefix = new_prefix(table.name, run_id)
        logger.info("%s %s: extracting into %s", table.name, plan.label, stage.uri(prefix))
        format = warehouse.csv_format()
        long_texts = compared.long_texts
        in_place = None if long_texts.limits else files_in_place(source, plan, warehouse, stage, sent)
        if in_place:
            logger.info("%s: the warehouse reads %d files in place", table.name, len(in_place.uris))
        manifest = write_parts(
            stage,
            prefix,
            []
            if in_place
            else long_texts.fitted(counter.counted(rows_of_spans(source, sent, plan.spans, format)), format),
            table=table.name,
            columns=target.column_names,
            format=format,
            key=table.key,
            in_place=in_place,
            slices=compared.slices,
            on_progress=on_progress,
        )
        if manifest.rows != counter.rows:
            remove(stage, manifest)
            raise RowCountMismatch(
                f"{table.name}: row counts differ: the source sent {counter.rows} rows, and {manifest.rows} were "
                "staged; nothing was changed. Run it again"
            )
        shortened = long_texts.notices(f"{table.name} {plan.label}")
        for notice in shortened:
            logger.warning(notice)
        later = None
        if until and plan.range:
            # Rows may have moved to an interval in a gap of the plan, which this load does not read.
            until = max(until, plan.range.start)
            later = staged_later_keys(stage, manifest, source, sent, table, until, plan.stretches)
        return Extracted(
            plan,
            target,
            manifest,
            counter.rows,
            source.snapshot_at,
            began_at,
            time.monotonic() - began,
            source.findings() if isinstance(source, Noticing) else NOTHING,
            version_of(plan, source),
            described=tuple(described),
            warnings=(*warnings, *shortened),
            later=later,
        )


@dataclass(frozen=True, slots=True)
class _Compared:
    """The table in the warehouse, compared with the source."""

    described: list[Column]
    """The columns of the source, after masking."""
    target: Target
    long_texts: LongTexts
    slices: int | None
    """The number of staged parts that the warehouse loads at a time."""
    same: Entry | None
    """The newest entry, if the source has not changed since."""
    until: datetime | None
    """The end of the newest loaded interval, for an exact load of an upsert."""


def _compared(plan: Plan, source: Source, warehouse: Warehouse) -> _Compared:
    """Compare the table in the warehouse with the source.

    Raises:
        WarehouseLost: every retry failed. The source stays open during the retries.
        ExtractFailed: the warehouse's database failed in another way.
    """
    table, sent = plan.table, masked(plan.table, source.columns())

    def compare() -> _Compared:
        described = sent
        with warehouse.session() as session:
            look_up_with_version(warehouse, session, table.name)
            diff = SchemaDiff.of(session, warehouse, table, described)
            if isinstance(source, TypedByFiles) and table.columns is None:
                diff = settled(diff, source)
                described = list(diff.found.values())
            target = target_of(table, diff.accepted_columns())
            altered = diff.planned_alterations(target)
            warehouse.check(session, target, altered=altered)
            long_texts = LongTexts.of(table, target, warehouse, diff.existing, altered)
            same = unchanged(plan, source, warehouse, session)
            leaves_moved = plan.exact and table.strategy.rows_move
            until = loaded_until(session, warehouse, table) if leaves_moved else None
            return _Compared(described, target, long_texts, warehouse.slices(session), same, until)

    what = f"{table.name} {plan.label}: extract: reading the warehouse"
    return with_retries(compare, what=what, failed=ExtractFailed, lost=WarehouseLost)


class _Counter:
    """Counts the rows that pass through it, and reports their number to `on_rows`."""

    def __init__(self, on_rows: Callable[[int], None] | None) -> None:
        self.rows, self._on_rows = 0, on_rows

    def counted(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.rows += chunk.rows
            if self._on_rows:
                self._on_rows(self.rows)
            yield chunk
