"""Check that `sources:`, `schemas:` and `where:` of the project's file apply to a table: a wrong name does nothing."""

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from daybook.definitions.defaults import block_of, defaults_of_table
from daybook.definitions.project_file import FILE, PYPROJECT
from daybook.definitions.table_files import file_layers, table_file_names
from daybook.errors import DaybookError
from daybook.suggestions import did_you_mean
from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles


def check_defaults(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each entry of `sources:` and `schemas:` that no table has, in a project with tables."""
    settings, names = project.settings, table_file_names(project.folder)
    if not names or not (settings.sources or settings.schemas):
        return
    schemas = {name.partition(".")[0] for name in names}
    yield from _unused(project, "schemas", settings.schemas, schemas, "no table is in the schema")
    try:
        blocks = {_block(project, name) for name in names} - {None}
    except DaybookError:  # `read_files` has its problem, and the block of this table is unknown
        return
    yield from _unused(project, "sources", settings.sources, blocks, "no table reads from the block")


def check_filters(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each pattern of a target's `where:` that matches no table with such a filter."""
    shown = {project.target.file_name(name): table for name, table in project.tables.items()}
    names = [
        name
        for name in table_file_names(project.folder)
        if name not in shown or "where" in type(shown[name].source).model_fields  # an invalid file may have one
    ]
    for target, settings in project.settings.targets.items() if shown else ():
        for pattern in settings.where:
            if not any(fnmatchcase(name, pattern) for name in names):
                near = did_you_mean(pattern, names, "name tables of a database as schema.table, or as schema.*")
                where = ("targets", target, "where", pattern)
                message = f"no table of a database has this name, so all rows are loaded{near}"
                yield project.problem(_file(project), "targets", f"{'.'.join(where)}: {message}", where)


def _file(project: ProjectFiles) -> Path:
    path = project.root / FILE
    return path if path.is_file() else project.root / PYPROJECT


def _block(project: ProjectFiles, name: str) -> str | None:
    own = file_layers(name, project.folder)
    return block_of([*defaults_of_table(project.folder, name.partition(".")[0], own), *own])


def _unused(
    project: ProjectFiles, part: str, given: Iterable[str], used: Collection[str | None], what: str
) -> Iterator[Problem]:
    known = sorted(name for name in used if name)
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            near = did_you_mean(name, known, f"the tables have {listed}: correct it, or remove it")
            path = _file(project)
            message = f"{part}.{name}: {what} {name}, so this applies to nothing{near}"
            yield project.problem(path, "defaults", message, (part, name))
