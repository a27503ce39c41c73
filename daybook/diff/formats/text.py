"""The report of `daybook diff` for a terminal."""

from collections.abc import Iterator

from daybook.diff.diff_report import DatasetDiff, DeploymentChange, Report
from daybook.diff.field_changes import is_text, line_changes, shortened
from daybook.diff.formats import wording

_DEPLOYMENTS = 20  # that belong to no table of the report
_TABLES = 8  # of one problem


def as_text(report: Report) -> str:
    """Return the report as text."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield wording.headline(report)
    for diff in wording.in_order(report):
        yield ""
        state = "" if diff.state == "unchanged" else f"{diff.state} "
        yield f"{diff.name} ({state}{diff.kind})"
        yield from (f"  {line}" for line in _of_table(diff))
    if report.deployments:
        yield ""
        yield "Deployments of several tables, or of unchanged ones"
        yield from (f"  {_deployment(change)}" for change in report.deployments[:_DEPLOYMENTS])
        if len(report.deployments) > _DEPLOYMENTS:
            left = len(report.deployments) - _DEPLOYMENTS
            yield f"  … and {left} more (daybook deploy --dry-run --verbose lists them)"
    if report.problems:
        yield ""
        yield "Not compared"
        for problem in report.problems:
            hidden = f" ({wording.listed(problem.hides, _TABLES)})" if problem.hides else ""
            first, *more = problem.why.splitlines() or [""]
            yield f"  {problem.where}: {first}{hidden}"
            yield from (f"    {line}" for line in more)


def _of_table(diff: DatasetDiff) -> Iterator[str]:
    for field in diff.fields:
        if is_text(field) and field.before and field.after:
            yield f"field       {field.field}:"
            yield from (f"            {line}" for line in line_changes(field))
        else:
            yield f"field       {field.field}: {shortened(field.before)} → {shortened(field.after)}"
    for column in diff.columns:
        note = wording.column_note(diff, column)
        yield f"column      {column.column}: {column.before or 'none'} → {column.after or 'none'}{note and f'; {note}'}"
    for text in diff.refused:
        first, *more = text.splitlines()
        yield f"fails       {first}"
        yield from (f"            {line}" for line in more)
    for statement in diff.statements:
        yield f"by hand     {statement}"
    for note in diff.notes:
        yield f"note        {note}"
    for change in diff.deployments:
        yield f"deployment  {_deployment(change)}"
    for refill in diff.refills:
        yield f"load        {wording.refill_text(refill)}"
        if refill.command:
            yield f"            {refill.command}"
    if diff.summaries:
        yield f"summaries   {', '.join(diff.summaries)}"


def _deployment(change: DeploymentChange) -> str:
    return f"{change.action} {change.name}: {'; '.join(map(shortened, change.details))}"
