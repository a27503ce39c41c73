"""Choose the tables and summaries of a diff: those whose definition differs from a git reference, or all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.diff.checkout import base_of, project_at
from daybook.diff.diff_report import DatasetDiff, Report
from daybook.diff.field_changes import field_changes
from daybook.errors import TableFileError
from daybook.shell import command
from daybook.summaries.graph import Graph, order_builds
from daybook.summaries.parse.table_names import kept
from daybook.validation.project_files import ProjectFiles, read_files

_LISTED = 5  # problems of files


@dataclass(frozen=True)
class Selection:
    """The checkout, and what to compare of it."""

    project: ProjectFiles
    graph: Graph
    diffs: dict[str, DatasetDiff] = field(default_factory=dict)

    def downstream(self, name: str) -> tuple[str, ...]:
        """Return the summaries that read a table or summary, directly or not."""
        return self.graph.downstream(kept(name, self.project.dialect))

    @property
    def tables(self) -> list[Table]:
        """Return the tables to compare with their ends, by name."""
        return [self.project.tables[name] for name in sorted(self.diffs) if name in self.project.tables]


def select(root: Path, since: str | None, report: Report) -> Selection:
    """Return what to compare of the project in `root`. Problems of its files go to `report`.

    Args:
        root: the folder of the project.
        since: a git reference. Only what differs from the merge base with it is compared, and the summaries that read
            it. None: everything.
        report: the report of the comparison.

    Raises:
        DiffRefused: git does not know the reference.
    """
    project = read_files(root)
    _report_files(project, report)
    selection = Selection(project, _graph(project, report))
    datasets: dict[str, Table | Summary] = {**project.tables, **project.summaries}
    if since is None:
        for name, one in sorted(datasets.items()):
            selection.diffs[name] = DatasetDiff(name, "summary" if isinstance(one, Summary) else "table")
        return selection
    commit = base_of(root, since)
    report.since = since if commit.startswith(since) else f"{since} ({commit[:9]})"
    before, unreadable = _datasets_at(root, commit)
    for name in sorted({*before, *datasets}):
        if name in project.names and name not in datasets:  # its file is invalid, which is reported
            continue
        old, new = before.get(name), datasets.get(name)
        diff = DatasetDiff(name, "summary" if isinstance(new or old, Summary) else "table")
        if new is None:
            diff.state = "removed"
            diff.notes.append(_removed(diff))
        elif old is None:
            diff.state = "changed" if name in unreadable else "new"
            diff.notes += ["its file was invalid before, so its fields are not compared"] * (name in unreadable)
        elif changes := field_changes(old, new):
            diff.state, diff.fields = "changed", changes
        else:
            continue
        selection.diffs[name] = diff
    for name in list(selection.diffs):
        for reader in selection.downstream(name):
            selection.diffs.setdefault(reader, DatasetDiff(reader, "summary"))
    return selection


def _removed(diff: DatasetDiff) -> str:
    remove = command("daybook", "remove", diff.name)
    return f"its file is gone: nothing loads or builds it any more. The warehouse keeps it until: {remove}"


def _datasets_at(root: Path, commit: str) -> tuple[Mapping[str, Table | Summary], frozenset[str]]:
    """Return the tables and summaries at a commit, and the names of those whose files were invalid."""
    with project_at(root, commit) as folder:
        try:
            old = read_files(folder)
        except TableFileError:  # the target did not exist
            return {}, frozenset()
        return {**old.tables, **old.summaries}, old.names


def _report_files(project: ProjectFiles, report: Report) -> None:
    if project.problems:
        shown = "; ".join(map(str, project.problems[:_LISTED]))
        more = f" and {len(project.problems) - _LISTED} more" if len(project.problems) > _LISTED else ""
        report.fails("files", f"{shown}{more}. `daybook validate` lists all problems")


def _graph(project: ProjectFiles, report: Report) -> Graph:
    try:
        return order_builds([one.summary for one in project.lineages.values()], project.dialect)
    except TableFileError as error:  # a cycle: each SELECT was parsed alone
        report.fails("summaries", str(error))
        return Graph({}, ())
