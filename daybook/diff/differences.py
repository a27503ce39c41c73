"""Compare the checkout with everything that a deploy of it would change, and return the report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from daybook.definitions.targets.project_target import current_target
from daybook.diff.both_ends import Comparison
from daybook.diff.changed_datasets import Selection, select
from daybook.diff.diff_report import DatasetDiff, DeploymentChange, Report
from daybook.diff.field_changes import reload_reasons
from daybook.diff.sources import Sources, reason
from daybook.errors import TableFileError
from daybook.sources.base import ConnectionProvider
from daybook.warehouses.base import Warehouse


class DiffEnds(Protocol):
    """The connections of a diff. Each method may raise any error, which becomes a problem of the report."""

    def keys(self) -> ConnectionProvider:
        """Return the provider of the sources' connections."""
        ...

    def warehouse(self) -> Warehouse:
        """Return the warehouse."""
        ...

    def deployments(self, selection: Selection) -> list[DeploymentChange]:
        """Return what a deploy would change on the Prefect server."""
        ...


def differences(root: Path, since: str | None, ends: DiffEnds) -> Report:
    """Return what deploying the project in `root` would change in the current target. Nothing is written.

    Args:
        root: the folder of the project.
        since: a git reference: only what differs from the merge base with it is compared. None: everything.
        ends: the connections.

    Raises:
        DiffRefused: git does not know the reference.
        TableFileError: the project has no such target.
    """
    report = Report("", current_target(root).name, None)
    selection = select(root, since, report)
    report.project, report.compared = selection.project.settings.name, len(selection.diffs)
    try:
        keys = ends.keys()
    except Exception as error:  # any failure is a line of the report
        report.fails("connections", reason(error))
    else:
        changes = _deployments(report, selection, ends)
        comparison = Comparison(report, selection.diffs, Sources(keys, report), datetime.now(UTC))
        comparison.run(ends.warehouse, selection.tables, selection.graph, selection.project.names)
        _attach(report, selection, changes)  # now it is known which tables are new
    report.datasets = [_finished(selection, one) for _, one in sorted(selection.diffs.items()) if one.says_something]
    return report


def _deployments(report: Report, selection: Selection, ends: DiffEnds) -> Sequence[DeploymentChange]:
    try:
        return ends.deployments(selection)
    except Exception as error:
        invalid = isinstance(error, TableFileError) and selection.project.problems
        report.fails("deployments", "there is no plan of them, as files are invalid" if invalid else reason(error))
        return ()


def _attach(report: Report, selection: Selection, changes: Sequence[DeploymentChange]) -> None:
    """Give each change to the table that it loads. Those of several tables, or of tables not compared, stay apart."""
    for change in changes:
        diff = selection.diffs.get(change.tables[0]) if len(change.tables) == 1 else None
        if diff is None or (change.action == "create" and diff.state == "unchanged"):
            report.deployments.append(change)
        else:
            diff.deployments.append(change)


def _finished(selection: Selection, diff: DatasetDiff) -> DatasetDiff:
    """Add the summaries that a change of rows or columns touches."""
    is_other = any(one.field == "SELECT" for one in diff.fields) or any(reload_reasons(diff.fields))
    if is_other or diff.state in ("new", "removed") or diff.columns or diff.refused or diff.refills:
        diff.summaries = selection.downstream(diff.name)
    return diff
