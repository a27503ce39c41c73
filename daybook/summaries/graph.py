"""The build order of summaries, from the tables that they read. Errors are raised before any build starts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.targets.project_target import file_stem
from daybook.errors import BuildFailed, TableFileError, WarehouseLost
from daybook.model.dataset import Dataset
from daybook.shell import command
from daybook.sql.retries import with_retries
from daybook.suggestions import did_you_mean
from daybook.summaries.parse.interval_filters import IntervalFilters
from daybook.summaries.parse.lineage import Lineage, file_of, read
from daybook.summaries.parse.output_columns import AND_OTHERS, Columns, columns, qualified
from daybook.summaries.parse.table_names import kept
from daybook.warehouses.base import Warehouse


@dataclass(frozen=True, slots=True)
class Graph:
    """The summaries to build, by name, and their order: each one comes after the summaries that it reads."""

    lineages: Mapping[str, Lineage]
    order: tuple[str, ...]
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The summaries that cannot be built yet, each with the tables that it needs and that were never loaded."""

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Return the tables and summaries that each summary reads, in build order."""
        return {name: self.lineages[name].inputs for name in self.order}

    def downstream(self, name: str) -> tuple[str, ...]:
        """Return the summaries that depend on the table or summary `name`, directly or not, in build order."""
        reached = {name}
        for one in self.order:
            if reached.intersection(self.lineages[one].inputs):
                reached.add(one)
        return tuple(one for one in self.order if one in reached - {name})


def plan_builds(
    warehouse: Warehouse,
    wanted: Sequence[str] | None = None,
    folder: Path | None = None,
    *,
    without: Collection[str] = (),
) -> Graph:
    """Return the build order of the `wanted` summaries, after all checks.

    None: all with files below `folder`, but for those in `without`.

    Only wanted summaries are built: what they read must be in the warehouse, or be wanted, too. If all summaries are
    built, one that reads a table which has a file but was never loaded waits for that table, or for one of `without`.

    Raises:
        TableFileError: a file is wrong, a table or a column does not exist, or summaries depend on each other in a
            cycle. One error lists all problems.
        BuildFailed: the warehouse failed.
        WarehouseLost: every retry failed.
    """
    summaries, problems = list[Summary](), list[str]()
    every = [name for name in summary_names(folder) if name not in without]
    for name in dict.fromkeys(every if wanted is None else wanted):
        try:
            summaries.append(read_summary(name, folder))
        except TableFileError as error:
            problems.append(str(error))
    ordered = order_builds(summaries, warehouse.sqlglot_dialect, problems)
    order = ordered.order
    lineages = dict(ordered.lineages)
    live = _columns_of(warehouse, lineages)
    if wanted is not None:
        _refuse(list(unbuilt_inputs(lineages, order, live, folder)))
    never_loaded = {*table_names(folder), *without}.difference(live)
    waiting = dict[str, tuple[str, ...]]()
    for name in order:
        awaited = {one for one in lineages[name].inputs if one in never_loaded}
        awaited.update(*(waiting.get(one, ()) for one in lineages[name].inputs))
        if awaited:
            waiting[name] = tuple(sorted(awaited))
    if wanted is not None and waiting:
        lines = [f"{name} reads {', '.join(awaited)}, never loaded so far" for name, awaited in waiting.items()]
        raise TableFileError("\n".join([*lines, f"Load it: {command('daybook', 'load', min(min(waiting.values())))}"]))
    order = tuple(name for name in order if name not in waiting)
    schema = check(lineages, order, live, warehouse.system_columns)
    lineages |= {name: _with_filters(lineages[name], folder, schema, live) for name in order}
    return Graph(lineages, order, waiting)


def unbuilt_inputs(
    lineages: Mapping[str, Lineage], order: Sequence[str], live: Columns, folder: Path | None
) -> Iterator[str]:
    """Yield a problem for each summary that reads another one which was never built, and is not built with it."""
    unbuilt = set(summary_names(folder)).difference(live, lineages)
    for name in order:
        if inputs := [one for one in lineages[name].inputs if one in unbuilt]:
            builds = "; ".join(command("daybook", "summary", "build", one) for one in inputs)
            yield f"{name} reads {', '.join(inputs)}, never built so far\nBuild it first: {builds}"


def _columns_of(warehouse: Warehouse, lineages: Mapping[str, Lineage]) -> Columns:
    """Return the columns of the tables in the warehouse that these summaries read."""

    def ask() -> Columns:
        with warehouse.session() as session:
            return warehouse.schema_columns(session, {name for one in lineages.values() for name in one.inputs})

    what = f"reading the inputs of {', '.join(lineages)}"
    return with_retries(ask, what=what, failed=BuildFailed, lost=WarehouseLost)


def order_builds(summaries: Sequence[Summary], dialect: str, problems: Sequence[str] = ()) -> Graph:
    """Return the build order of these summaries, without checking the warehouse.

    Raises:
        TableFileError: a SELECT is refused, or the summaries depend on each other in a cycle. The error includes the
            given `problems`.
    """
    found = list(problems)
    lineages = _read_all(summaries, dialect, found)
    order = _ordered(lineages, found)
    _refuse(found)
    return Graph(lineages, order)


def check(
    lineages: Mapping[str, Lineage],
    order: Sequence[str],
    live: Columns,
    system_columns: frozenset[str] = frozenset(),
) -> Columns:
    """Check that every table and column that a summary reads exists when it is built.

    An input that is built earlier has the columns of its SELECT, not those that it has in the warehouse now.

    Args:
        lineages: the summaries, by name.
        order: the build order.
        live: the columns of the tables in the warehouse.
        system_columns: the columns that every table of this warehouse has.

    Returns:
        The columns of all tables at the end of the build. Those that the build makes have no types.

    Raises:
        TableFileError: lists the missing tables and columns of all summaries.
    """
    schema, problems = dict(live), list[str]()
    for name in order:
        try:
            given = columns(lineages[name], schema, system_columns)
            _check_named(lineages[name], given)
        except TableFileError as error:
            problems.append(str(error))
            given = [AND_OTHERS]  # do not report the same problem for the summaries that read this one
        schema[name] = dict.fromkeys(given, "")
    _refuse(problems)
    return schema


def _with_filters(lineage: Lineage, folder: Path | None, schema: Columns, live: Columns) -> Lineage:
    """Return the lineage of an incremental summary with the fields that say how its SELECT filters its inputs.

    The cursors of the inputs come from their files in `folder`, and their types from the warehouse (`live`).
    """
    summary, files = lineage.summary, dict[str, Dataset]()
    if summary.interval is None:
        return lineage
    files |= {name: read_table(name, folder) for name in set(lineage.inputs).intersection(table_names(folder))}
    files |= {name: read_summary(name, folder) for name in set(lineage.inputs).intersection(summary_names(folder))}
    cursors = {name: kept(file.cursor, lineage.dialect) for name, file in files.items() if file.cursor}
    clocks = {
        name: files[name].timezone
        for name, cursor in cursors.items()
        if files[name].timezone != summary.timezone
        and "with time zone" not in live.get(name, {}).get(cursor, "").lower()
    }
    tree = qualified(lineage, schema)
    if tree is None:
        return replace(lineage, by_others=frozenset(cursors), clocks=clocks)
    zones = {summary.timezone, *(files[name].timezone for name in cursors)}
    filters = IntervalFilters(tree, cursors, summary.interval, zones)
    strict = {name for name, cursor in cursors.items() if cursor not in filters.with_nulls} - filters.unfiltered
    return replace(lineage, by_others=frozenset(filters.unfiltered), without_nulls=frozenset(strict), clocks=clocks)


def _read_all(summaries: Sequence[Summary], dialect: str, problems: list[str]) -> dict[str, Lineage]:
    lineages = dict[str, Lineage]()
    for summary in summaries:
        try:
            lineages[summary.name] = read(summary, dialect)
        except TableFileError as error:
            problems.append(str(error))
    return lineages


def _ordered(lineages: Mapping[str, Lineage], problems: list[str]) -> tuple[str, ...]:
    sorter = TopologicalSorter[str]()
    for name in sorted(lineages):
        sorter.add(name, *(one for one in lineages[name].inputs if one in lineages))
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        cycle = " → ".join(error.args[1])
        files = ", ".join(file_of(lineages[name].summary) for name in error.args[1][:-1])
        problems.append(f"summaries depend on each other in a cycle: {cycle}. Change what one of {files} reads")
        return ()


def _check_named(lineage: Lineage, given: Sequence[str]) -> None:
    summary = lineage.summary
    named = {"key": summary.key, "cursor": (summary.cursor or summary.key[0],), "columns": summary.columns}
    for field_name, wanted in named.items():
        for name in wanted:
            if kept(name, lineage.dialect) not in given and AND_OTHERS not in given:
                near = did_you_mean(name, given, f"it returns {', '.join(given)}")
                yaml = f"{file_stem(summary.name)}.yaml"
                raise TableFileError(f"{yaml}: {field_name}: the SELECT returns no column {name}{near}")


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise TableFileError("\n".join(problems))
