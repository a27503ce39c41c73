"""Compare a checkout with the warehouse and the sources. Each connection that fails is a problem of the report."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from daybook.definitions.table import Table
from daybook.diff.column_changes import Shape, compare_columns
from daybook.diff.diff_report import DatasetDiff, Report
from daybook.diff.refills import Refills
from daybook.diff.sources import Sources, reason
from daybook.diff.summary_diff import compare_summaries
from daybook.errors import DaybookError
from daybook.ledger.schema_version import TABLE as VERSION_TABLE
from daybook.ledger.schema_version import check_version
from daybook.load.extraction.target_shape import target_of
from daybook.model.masks import masked
from daybook.sources.base import Source
from daybook.sql.database_error import DatabaseError
from daybook.summaries.graph import Graph
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares tables and summaries with their two ends, and writes what it finds into `report`."""

    report: Report
    diffs: Mapping[str, DatasetDiff]
    """The diff of each table and summary to compare, by its name."""
    sources: Sources
    now: datetime

    def run(
        self, open_warehouse: Callable[[], Warehouse], tables: Sequence[Table], graph: Graph, files: Collection[str]
    ) -> None:
        """Compare `tables` and the summaries of `graph` that have a diff. `files` are the names of all tables."""
        names = [table.name for table in tables] + [name for name in graph.order if name in self.diffs]
        waiting = list(tables)
        try:
            warehouse = open_warehouse()
            with warehouse.session() as session:
                warehouse.look_up(session, [*names, VERSION_TABLE])
                check_version(warehouse, session)
                refills, shapes = Refills(session, warehouse, self.now), dict[str, Shape]()
                while waiting:
                    table = waiting[0]
                    with self.sources.opened(table, self.diffs[table.name]) as source:
                        self._compare(session, warehouse, refills, table, source, shapes)
                    waiting.pop(0)
                coverage = refills.coverage
                compare_summaries(session, warehouse, graph, shapes, coverage, self.diffs, sorted(files))
        except Exception as error:  # such as a driver that is not installed
            self.report.fails("warehouse", reason(error))
        for table in waiting:
            self._compare_source(table)

    def _compare(
        self,
        session: Session,
        warehouse: Warehouse,
        refills: Refills,
        table: Table,
        source: Source | None,
        shapes: dict[str, Shape],
    ) -> None:
        diff, is_loaded = self.diffs[table.name], table.name in refills.coverage
        try:
            shapes[table.name] = compare_columns(session, warehouse, table, source, diff)
            if diff.state == "unchanged" and not is_loaded and not shapes[table.name].exists:
                diff.state = "new"
        except DaybookError as error:
            diff.refused.append(str(error))
        except DatabaseError as error:
            self._failed(session, table, error)
        try:
            rows = self.sources.rows_of(table) if source and not is_loaded else None
            refills.add(table, source, rows, diff)
        except DatabaseError as error:
            self._failed(session, table, error)

    def _failed(self, session: Session, table: Table, error: DatabaseError) -> None:
        """Report an error of one table. If the warehouse no longer answers, raise it."""
        if error.lost:
            session.one("SELECT 1")
        self.report.fails(table.name, reason(error), table.name)

    def _compare_source(self, table: Table) -> None:
        """Compare a table with its source alone, as the warehouse cannot be read."""
        with self.sources.opened(table, self.diffs[table.name]) as source:
            try:
                if source:
                    target_of(table, masked(table, source.columns()))
            except DaybookError as error:
                self.diffs[table.name].refused.append(str(error))
            except DatabaseError as error:
                self.report.fails(table.name, reason(error), table.name)
