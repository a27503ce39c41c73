"""`daybook summary check|preview|test|build TABLE`: develop one summary."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.targets.project_target import either_name, file_stem
from daybook.errors import BuildFailed, TableFileError, WarehouseLost
from daybook.project import tables_folder
from daybook.sql.retries import with_retries
from daybook.suggestions import in_full
from daybook.summaries.builder.build import build
from daybook.summaries.builder.select import SummaryQuery
from daybook.summaries.graph import plan_builds
from daybook.summaries.parse.lineage import read
from daybook.summaries.testing.cases import case_files, cases_folder, read_case, run_case
from daybook.summaries.testing.fixtures import Types, declared_types
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

T = TypeVar("T")

_ROWS_SHOWN = 20  # rows of a preview

_DESCRIPTION = f"""\
Develop one summary.

check    check that its inputs and their columns exist, and have the database plan it, without running it
preview  show {_ROWS_SHOWN} of its rows, and change nothing
test     run its cases, tests/tables/<schema>/<table>/*.yaml, on temporary tables
build    build it as the deployment does: readers see it once it has passed its checks
"""


def _blocks_warehouse() -> Warehouse:
    return cast(Warehouse, project_blocks().warehouse())


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook summary",
    warehouse: Callable[[], Warehouse] = _blocks_warehouse,
    folder: Path | None = None,
    cases: Path | None = None,
) -> None:
    """Run one of the four commands. Exit with 1 and the reason if it fails, or if a test case fails.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        warehouse: opens the warehouse. By default by its block.
        folder: the folder of the summary files. None: that of the project.
        cases: the folder of the test cases. None: that of the project.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["check", "preview", "test", "build"])
    parser.add_argument("table", help="nps_summary, analytics.nps_summary, or its file")
    parser.add_argument("--full-refresh", action="store_true", help="build: rebuild all of it, even if nothing changed")
    given = parser.parse_args(arguments)
    folder = folder or tables_folder()
    with exit_with_reason("the warehouse"):
        summary = SummaryCommand(warehouse(), _name(given.table, folder), folder, cases or cases_folder())
        if given.command == "build":
            summary.build(full_refresh=given.full_refresh)
        else:
            getattr(summary, given.command)()


class SummaryCommand:
    """The commands for the summary `name` on a warehouse. They print their results."""

    def __init__(self, warehouse: Warehouse, name: str, folder: Path, cases: Path) -> None:
        self._warehouse, self._name, self._folder, self._cases = warehouse, name, folder, cases
        self._lineage = read(read_summary(name, folder), warehouse.sqlglot_dialect)

    def check(self) -> None:
        """Check that its inputs and their columns exist, and have the database plan it."""
        plan_builds(self._warehouse, [self._name], self._folder)
        names = self._in_session(self._explained)
        print(f"{self._name} is valid. It reads {', '.join(self._lineage.inputs) or 'no table'}")
        print(f"and returns {', '.join(names)}")

    def preview(self) -> None:
        """Print its first rows."""
        plan_builds(self._warehouse, [self._name], self._folder)
        names, rows = self._in_session(self._first_rows)
        _show(names, rows)
        print(f"the first {len(rows)} rows" if len(rows) == _ROWS_SHOWN else f"{len(rows)} rows in total")

    def test(self) -> None:
        """Run its test cases. Exit with 1 if one returns other rows than expected."""
        files = case_files(self._name, self._cases)
        if not files:
            where = self._cases / file_stem(self._name)
            raise TableFileError(f"{self._name} has no cases: write {where}/<case>.yaml with given: and expect:")
        types, failed = declared_types(self._lineage.inputs, self._folder), 0
        for path in files:
            title, problem = self._run_case(path, types)
            failed += problem is not None
            print(f"{'failed' if problem else 'passed'}  {title}")
            if problem:
                print(problem)
        print(f"{len(files) - failed} passed, {failed} failed")
        if failed:
            sys.exit(1)

    def build(self, *, full_refresh: bool) -> None:
        """Build the stale part of it, or all of it."""
        graph = plan_builds(self._warehouse, [self._name], self._folder)
        lineage = graph.lineages[self._name]
        built = build(lineage.summary, lineage, self._warehouse, full_refresh=full_refresh)
        if not built.built:
            print(f"{self._name}: {built.why}. To build it anyway: --full-refresh")
            return
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in built.seconds.items())
        print(f"{self._name}: {built.rows:,} rows, {built.label} ({built.why}); {steps}")
        for warning in built.warnings:
            print(f"a check warns: {warning}")

    def _run_case(self, path: Path, types: Mapping[str, Types]) -> tuple[str, str | None]:
        """Return the title of a case, and its problem: its rows differ, or the case is wrong. None: it passed."""
        title = path.name
        try:
            case = read_case(path)
            title = f"{case.name}: {' '.join(case.description.split())}"
            problem = self._in_session(lambda session: run_case(self._warehouse, session, self._lineage, case, types))
            return title, problem
        except (TableFileError, BuildFailed) as error:
            return title, str(error)

    def _in_session(self, work: Callable[[Session], T]) -> T:
        """Return `work(session)`. It changes no table, so it starts again after a lost connection."""

        def once() -> T:
            with self._warehouse.session() as session:
                return work(session)

        return with_retries(once, what=self._name, failed=BuildFailed, lost=WarehouseLost)

    def _explained(self, session: Session) -> list[str]:
        """Have the database plan the SELECT. Return the names of its columns."""
        select = self._select(session)
        select.explain()
        return select.names

    def _first_rows(self, session: Session) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows of a preview."""
        select = self._select(session)
        return select.names, select.rows(_ROWS_SHOWN)

    def _select(self, session: Session) -> SummaryQuery:
        summary, lineage = self._lineage.summary, self._lineage
        return SummaryQuery(summary, lineage.statement, self._warehouse, session)


def _name(given: str, folder: Path) -> str:
    """Return the summary's name (`schema.table`). `given` is a name with or without a schema, or one of its files."""
    path = Path(given)
    if path.suffix in (".sql", ".yaml"):
        return either_name(f"{path.parent.name}.{path.stem}")
    return in_full(either_name(given), summary_names(folder))


def _show(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    console = Console()
    table = Table(box=box.SIMPLE)
    for name in columns:
        table.add_column(Text(name))  # a bare string would be read as markup, in which [red] is a colour
    for row in rows:
        table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
    console.print(table, width=max(console.width, 100), soft_wrap=False)
