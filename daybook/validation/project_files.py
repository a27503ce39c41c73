"""Read all files of a project, with every problem instead of the first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daybook.definitions.project_file import FILE, ProjectFile, read_project
from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.table_groups.group_file import group_of, group_problems, read_group
from daybook.definitions.targets.project_target import Target, current_target
from daybook.errors import DaybookError, WarehouseError
from daybook.model.table_name import TableName
from daybook.summaries.parse.lineage import Lineage, read
from daybook.summaries.parse.table_names import kept
from daybook.validation.problem import Problem, Where, line_in_yaml
from daybook.warehouses.registry import find_warehouse

_PLACE = re.compile(r"(?P<path>[^:\n]*?\.(?:yaml|sql|toml))(?:, line (?P<line>\d+))?(?P<rest>\b.*|:.*)", re.DOTALL)
_FIELD = re.compile(r"(?P<field>[^\s:]+): ")
_YAML_LINE = re.compile(r"\bline (\d+), column")
_DEFAULT_WAREHOUSE = "postgresql"


@dataclass(frozen=True)
class ProjectFiles:
    """The files of a project. Those that are invalid have a problem in `problems` instead of an entry."""

    root: Path
    settings: ProjectFile
    tables: Mapping[str, Table]
    summaries: Mapping[str, Summary]
    lineages: Mapping[str, Lineage]
    names: frozenset[str]
    """The names of all tables and summaries with a file, even an invalid one."""
    dialect: str
    """sqlglot's name of the warehouse's dialect."""
    problems: tuple[Problem, ...]
    target: Target
    """The target whose names the tables have."""
    readable: bool = True
    """False if the project's file is invalid, or its target, so that no other file could be read."""

    @cached_property
    def file_names(self) -> frozenset[str]:
        """Return the same names as the files have them, which are those of prod."""
        return frozenset(map(self.target.file_name, self.names))

    @cached_property
    def known(self) -> frozenset[str]:
        """Return every name of a table: that of its file, of the target, and as the warehouse keeps both."""
        names = self.names | self.file_names
        return names | {kept(name, self.dialect) for name in names}

    @property
    def folder(self) -> Path:
        """Return the folder of the table files."""
        return self.root / "tables"

    def file(self, name: str, ending: str = ".yaml") -> Path:
        """Return the file of a table or summary: its own, or that of its group."""
        short = self.target.file_name(name)
        own = _file(self.folder, short, ending)
        group = None if ending != ".yaml" or own.is_file() else group_of(short, self.folder)
        return group or own

    def problem_of(self, name: str, check: str, message: str, where: Where = ()) -> Problem:
        """Return a problem of the table or summary `name`. `where` is the place in its own file, or in its group's."""
        path = self.file(name)
        if path.parent == self.folder:
            table, group = TableName.parse(name).table, read_group(path)
            is_own = not where or where[0] in (group.tables.get(table) or {}) or where[0] not in group.defaults
            where = ("tables", table, *where) if is_own else ("defaults", *where)
            message = f"{name}: {message}"
        return self.problem(path, check, message, where)

    def problem(self, path: Path, check: str, message: str, where: Where | int = ()) -> Problem:
        """Return a problem of the file at `path`. `where` is a line, or a place in a YAML file."""
        line = where if isinstance(where, int) else line_in_yaml(path, where) if where else None
        return Problem(_relative(self.root, path), line, message, check)

    def problems_of(self, error: DaybookError, path: Path, check: str) -> list[Problem]:
        """Return the problems of an error, which has one on each line. `path` is the file if a line names none."""
        return list(_problems_of(self.root, error, path, check))


def read_files(root: Path) -> ProjectFiles:
    """Return the files of the project in `root`, in the current target. This never raises because of a file."""
    folder, problems = root / "tables", list[Problem]()
    try:
        settings, target = read_project(root), current_target(root)
        listed = table_names(folder), summary_names(folder)  # two schemas of the files may be one in the target
    except DaybookError as error:
        problems += _problems_of(root, error, root / FILE, "project")
        empty, dialect = ProjectFile.model_validate({}), _dialect(_DEFAULT_WAREHOUSE)
        return ProjectFiles(root, empty, {}, {}, {}, frozenset(), dialect, tuple(problems), Target(), readable=False)
    tables, summaries = dict[str, Table](), dict[str, Summary]()
    for names, found, read_one in zip(listed, (tables, summaries), (read_table, read_summary), strict=True):
        for name in names:
            try:
                found[name] = read_one(name, folder)  # type: ignore[index]
            except DaybookError as error:
                problems += _problems_of(root, error, _file(folder, target.file_name(name)), "fields")
    for problem in group_problems(folder):
        problems += _problems_of(root, problem, folder, "fields")
    kinds = {kind for one in (*tables.values(), *summaries.values()) for kind in one.layouts}
    try:
        dialect = _dialect(settings.warehouse or min(kinds, default=_DEFAULT_WAREHOUSE))
    except DaybookError as error:
        problems += _problems_of(root, WarehouseError(f"warehouse: {error}"), root / FILE, "project")
        dialect = _dialect(_DEFAULT_WAREHOUSE)
    lineages = dict[str, Lineage]()
    for name, summary in summaries.items():
        try:
            lineages[name] = read(summary, dialect)
        except DaybookError as error:
            problems += _problems_of(root, error, _file(folder, target.file_name(name), ".sql"), "sql")
    every = frozenset(one for names in listed for one in names)
    return ProjectFiles(root, settings, tables, summaries, lineages, every, dialect, tuple(problems), target)


def _dialect(warehouse: str) -> str:
    """Return sqlglot's name of a warehouse's dialect, as far as it is known without a connection."""
    dialect = find_warehouse(warehouse).sqlglot_dialect
    return dialect if isinstance(dialect, str) else warehouse  # it may depend on a setting of the cluster


def _file(folder: Path, name: str, ending: str = ".yaml") -> Path:
    return TableName.parse(name).path(folder, ending)


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _problems_of(root: Path, error: DaybookError, path: Path, check: str) -> Iterator[Problem]:
    """Yield the problems of an error. Each line of it begins with its file: `path: …` or `path, line 3: …`."""
    for text in str(error).splitlines():
        found, file, line = _PLACE.match(text), path, None
        if found and (named := _existing(root, found["path"])):
            file, text = named, found["rest"].removeprefix(":").strip()
            line = int(found["line"]) if found["line"] else None
        if line is None and file.suffix == ".yaml":
            line = _line(file, text)
        yield Problem(_relative(root, file), line, text, check)


def _line(file: Path, text: str) -> int | None:
    if "is not YAML" in text and (marks := _YAML_LINE.findall(text)):
        return int(marks[-1])
    field = _FIELD.match(text)
    return line_in_yaml(file, field["field"].split(".")) if field else None


def _existing(root: Path, named: str) -> Path | None:
    """Return the file that an error names: absolute, or relative to the project or to `tables/`."""
    return next((path for path in (root / named, root / "tables" / named) if path.is_file()), None)
