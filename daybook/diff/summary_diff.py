"""What a deploy changes of the summaries: their SELECTs, their columns, and the columns that they read."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from daybook.definitions.summary import Summary
from daybook.diff.column_changes import Shape, add_layout
from daybook.diff.diff_report import BY_SELECT, ColumnChange, DatasetDiff, Refill
from daybook.errors import TableFileError
from daybook.ledger.ledger import Coverage, Entry, Ledger
from daybook.shell import command
from daybook.summaries.builder.staleness import version_of
from daybook.summaries.graph import Graph
from daybook.summaries.parse.output_columns import AND_OTHERS, columns
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


def compare_summaries(
    session: Session,
    warehouse: Warehouse,
    graph: Graph,
    shapes: Mapping[str, Shape],
    coverage: Mapping[str, Coverage],
    diffs: Mapping[str, DatasetDiff],
    files: Sequence[str],
) -> None:
    """Add what differs of each summary of `graph` that is in `diffs`.

    Args:
        session: a session of the warehouse.
        warehouse: the warehouse.
        graph: all summaries of the project, in build order.
        shapes: the tables that were compared, as they are after the next load.
        coverage: the ledger's coverage of each table.
        diffs: the diff of each summary to compare, by its name.
        files: the names of all tables with a file.

    Raises:
        DatabaseError: the warehouse failed.
    """
    if not any(name in diffs for name in graph.order):
        return
    read = {name for one in graph.lineages.values() for name in one.inputs}
    live: dict[str, Mapping[str, str]] = dict(warehouse.schema_columns(session, {*read, *graph.order}))
    schema: dict[str, Mapping[str, str]] = {name: {} for name in files} | live
    schema |= {name: shape.columns for name, shape in shapes.items() if shape.columns}
    for name in graph.order:
        lineage, diff = graph.lineages[name], diffs.get(name)
        try:
            given = columns(lineage, schema, warehouse.system_columns)
        except TableFileError as error:
            given = [AND_OTHERS]
            if diff is not None:
                diff.refused.append(str(error))
        schema[name] = dict.fromkeys(given, "")
        if diff is not None:
            exists = name in live
            if exists and AND_OTHERS not in given:
                diff.columns += _columns(live[name], given)
            if exists:
                add_layout(session, warehouse, name, lineage.summary.layouts, diff)
            last = _last(session, warehouse, name, coverage) if exists else None
            _add_build(lineage.summary, last, diff)


def _columns(live: Mapping[str, str], given: Sequence[str]) -> list[ColumnChange]:
    added = [ColumnChange(name, "add", None, BY_SELECT) for name in given if name not in live]
    return added + [ColumnChange(name, "drop", type, None) for name, type in live.items() if name not in given]


def _add_build(summary: Summary, last: Entry | None, diff: DatasetDiff) -> None:
    """Add the rebuild of a summary whose SELECT is not that of its last build."""
    build = command("daybook", "summary", "build", summary.name)
    if last is None:
        if diff.state == "unchanged":
            diff.state = "new"
        diff.refills.append(Refill("never built", None, "all rows", None, "", build))
    elif last.version not in (version_of(summary), version_of(summary, with_moves=False)):
        if diff.state == "unchanged":
            diff.state = "changed"
        rows = last.rows if last.table_rows is None else last.table_rows
        why = "its SELECT, key or types differ from its last build, so the next one builds all of it again"
        diff.refills.append(Refill(why, None, "all rows", rows, "after the last build", build))


def _last(session: Session, warehouse: Warehouse, name: str, coverage: Mapping[str, Coverage]) -> Entry | None:
    if name not in coverage:
        return None
    moment = coverage[name].loaded_at - timedelta.resolution
    return next(iter(reversed(Ledger(warehouse).since(session, name, moment))), None)
