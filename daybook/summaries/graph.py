"""The order in which summaries are built, by what they read; what cannot be built is refused before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import table_names
from daybook.errors import TableFileError
from daybook.suggestions import did_you_mean
from daybook.summaries.parse.interval_filters import loaded_by_others
from daybook.summaries.parse.lineage import Lineage, file_of, read
from daybook.summaries.parse.output_columns import AND_OTHERS, Columns, columns
from daybook.summaries.parse.table_names import kept
from daybook.warehouses.base import Warehouse


@dataclass(frozen=True, slots=True)
class Graph:
    """The summaries that are to be built, by name, and the order: each after those of them that it reads."""

    lineages: Mapping[str, Lineage]
    order: tuple[str, ...]
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those that cannot be built yet: what they read has a file, and was never loaded."""

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """What each of them reads, of the raw tables and of the summaries, in the order of the builds."""
        return {name: self.lineages[name].inputs for name in self.order}

    def downstream(self, name: str) -> tuple[str, ...]:
        """All of them that depend on `name`, a summary or a raw table, at however many removes; in order."""
        reached = {name}
        for one in self.order:
            if reached.intersection(self.lineages[one].inputs):
                reached.add(one)
        return tuple(one for one in self.order if one in reached - {name})


def plan_builds(warehouse: Warehouse, wanted: Sequence[str] | None = None, folder: Path | None = None) -> Graph:
    """The order of the summaries that are `wanted` (None: all that have files below `folder`), all of them checked.

    A wanted summary brings no other one along: what it reads must be in the warehouse, or wanted too. Where all are
    built, one that reads a table which has a file, and was never loaded, waits for that.

    Raises:
        TableFileError: a file is wrong; a table or a column is not there; summaries read each other in a circle. All
            that is wrong is in one error.
    """
    summaries, problems = list[Summary](), list[str]()
    for name in dict.fromkeys(summary_names(folder) if wanted is None else wanted):
        try:
            summaries.append(read_summary(name, folder))
        except TableFileError as error:
            problems.append(str(error))
    ordered = order_builds(summaries, warehouse.sqlglot_dialect, problems)
    order = ordered.order
    lineages = {name: replace(one, by_others=loaded_by_others(one, folder)) for name, one in ordered.lineages.items()}
    with warehouse.session() as session:
        live = warehouse.schema_columns(session, {name for one in lineages.values() for name in one.inputs})
    never_loaded = set(table_names(folder)).difference(live)
    waiting = dict[str, tuple[str, ...]]()
    for name in order:
        awaited = {one for one in lineages[name].inputs if one in never_loaded}
        awaited.update(*(waiting.get(one, ()) for one in lineages[name].inputs))
        if awaited:
            waiting[name] = tuple(sorted(awaited))
    if wanted is not None and waiting:
        lines = [f"{name} reads {', '.join(awaited)}, never loaded so far" for name, awaited in waiting.items()]
        raise TableFileError("\n".join([*lines, f"Load it: python -m flows.load_table {min(min(waiting.values()))}"]))
    order = tuple(name for name in order if name not in waiting)
    check(lineages, order, live, warehouse.system_columns)
    return Graph(lineages, order, waiting)


def order_builds(summaries: Sequence[Summary], dialect: str, problems: Sequence[str] = ()) -> Graph:
    """The order of these summaries, whatever the warehouse has.

    Raises:
        TableFileError: a SELECT is refused; they read each other in a circle. It tells of the `problems` too.
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
) -> None:
    """Whether every table and column is there for each summary at its turn.

    A summary that is built before counts with the columns that its SELECT gives, not with those that it has now.

    Raises:
        TableFileError: what is not there, of all summaries.
    """
    known, problems = dict(live), list[str]()
    for name in order:
        try:
            given = columns(lineages[name], known, system_columns)
            _check_named(lineages[name], given)
        except TableFileError as error:
            problems.append(str(error))
            given = [AND_OTHERS]  # nobody who reads it is to be blamed for it
        known[name] = dict.fromkeys(given, "")
    _refuse(problems)


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
        circle = " → ".join(error.args[1])
        files = ", ".join(file_of(lineages[name].summary) for name in error.args[1][:-1])
        problems.append(f"summaries read each other in a circle: {circle}. Have one of {files} read something else")
        return ()


def _check_named(lineage: Lineage, given: Sequence[str]) -> None:
    summary = lineage.summary
    named = {"key": summary.key, "cursor": (summary.cursor or summary.key[0],), "columns": summary.columns}
    for said, wanted in named.items():
        for name in wanted:
            if kept(name, lineage.dialect) not in given and AND_OTHERS not in given:
                near = did_you_mean(name, given, f"it gives {', '.join(given)}")
                yaml = f"{summary.schema_name}/{summary.table_name}.yaml"
                raise TableFileError(f"{yaml}: {said}: the SELECT gives no column {name}{near}")


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise TableFileError("\n".join(problems))
