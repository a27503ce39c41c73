"""Check the references between files: tables that no file defines, columns that no input has, cycles."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.errors import TableFileError
from daybook.model.checks import Check
from daybook.suggestions import did_you_mean
from daybook.summaries.graph import check, order_builds
from daybook.summaries.parse.table_names import fold, kept, named_tables
from daybook.validation.problem import Problem, Where
from daybook.validation.project_files import ProjectFiles

#: The schemas that every warehouse has.
_SYSTEM = ("pg_catalog.*", "information_schema.*", "daybook.*")
_CHECK_FIELDS = ("checks", "input_checks", "output_checks")


def undefined(project: ProjectFiles, name: str) -> str | None:
    """Return the problem with a reference to the table `name`, or None if a file or `external:` has it."""
    if name in project.known or any(fnmatchcase(name, pattern) for pattern in (*project.settings.external, *_SYSTEM)):
        return None
    near = did_you_mean(name, sorted(project.file_names), "write its file.", most=2, cutoff=0.75)
    return f"no file defines {name}{near} If another tool makes it, list it under external: in daybook.yaml"


def check_inputs(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each table that a summary reads and that no file defines."""
    for name, lineage in project.lineages.items():
        for table in lineage.inputs:
            if message := undefined(project, table):
                place = next(one for one in lineage.places if one.table == table)
                line = lineage.summary.sql[: place.start].count("\n") + 1
                yield project.problem(project.file(name, ".sql"), "references", message, line)


def check_summaries(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each cycle of summaries, and for each column that no input has as far as files say."""
    first = next(iter(project.lineages), None)
    if first is None:
        return
    try:
        graph = order_builds([one.summary for one in project.lineages.values()], project.dialect)
    except TableFileError as error:  # a cycle: all SELECTs have been parsed
        in_cycle = next((name for name in project.lineages if f" {name} " in f"{error} "), first)
        yield from project.problems_of(error, project.file(in_cycle, ".sql"), "references")
        return
    live: dict[str, dict[str, str]] = {kept(name, project.dialect): {} for name in project.names}
    live |= {name: {} for lineage in project.lineages.values() for name in lineage.inputs if name not in live}
    live |= {kept(name, project.dialect): columns for name, columns in _declared(project).items()}
    try:
        check(graph.lineages, graph.order, live)
    except TableFileError as error:
        yield from project.problems_of(error, project.file(first, ".sql"), "columns")


def _declared(project: ProjectFiles) -> dict[str, dict[str, str]]:
    """Return the columns of the tables whose files list all of them."""
    return {
        name: {kept(column, project.dialect): "" for column in table.columns if table.mask.get(column) != "drop"}
        for name, table in project.tables.items()
        if table.columns is not None and table.new_columns != "add"
    }


def check_schedules(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each table that `schedule: {after: …}` names and that no file defines, and for each cycle."""
    sorter, awaited = TopologicalSorter[str](), dict[str, tuple[str, ...]]()
    datasets: dict[str, Table | Summary] = {**project.tables, **project.summaries}
    for name, dataset in datasets.items():
        after = dataset.schedule.after if dataset.schedule else ()
        awaited[name] = tuple(map(project.target.either, after))  # files have the names of prod
        sorter.add(name, *awaited[name])
        for one in after:
            if message := undefined(project, one):
                yield project.problem_of(name, "schedules", f"schedule.after: {message}", ("schedule",))
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = error.args[1]
        first = next(name for name in cycle if name in awaited)
        message = f"schedule.after: tables wait for each other: {' → '.join(reversed(cycle))}. Remove one of them"
        yield project.problem_of(first, "schedules", message, ("schedule",))


def check_checks(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each check whose SQL cannot be parsed, or that reads a table that no file defines."""
    for name, dataset in (*project.tables.items(), *project.summaries.items()):
        for field in _CHECK_FIELDS:
            for number, one in enumerate(getattr(dataset, field, ())):
                yield from _problems_of(project, name, one, (field, number))


def _problems_of(project: ProjectFiles, name: str, one: Check, where: Where) -> Iterator[Problem]:
    tables = [one.table] if one.table else []
    if one.relationship is not None:
        tables.append(one.relationship.to.rpartition(".")[0])
    if one.sql is not None:
        where = (*where, "sql")
        try:
            (tree,) = parse(one.sql.replace("{table}", name), dialect=project.dialect)
            assert tree is not None
            tables += _tables_of(tree, project.dialect)
        except (SqlglotError, ValueError, RecursionError) as error:
            details = getattr(error, "errors", None)
            near = f" at {details[0]['highlight']!r}" if details else ""
            yield project.problem_of(name, "sql", f"the check's SQL cannot be parsed{near}: {one.asked}", where)
    for table in dict.fromkeys(tables):
        if table != name and (message := undefined(project, table)):
            yield project.problem_of(name, "references", f"the check {one.asked:.80}: {message}", where)


def _tables_of(tree: exp.Expr, dialect: str) -> list[str]:
    named = [
        [part for part in table.parts if isinstance(part, exp.Identifier)] for table in named_tables(tree, dialect)
    ]
    return [".".join(fold(part, dialect) for part in parts) for parts in named if len(parts) == 2]
