"""The words that the text and the Markdown of a report share."""

from collections import Counter
from collections.abc import Collection, Iterator

from daybook.diff.diff_report import ColumnChange, DatasetDiff, Refill, Report

_COLUMN_WORDS = {"add": "added", "widen": "widened", "change": "retyped", "leave": "no longer loaded", "drop": "gone"}
#: What happens to a column, after its types.
COLUMN_NOTES = {
    "add": "",
    "widen": "the next load widens it",
    "change": "it must be changed by hand",
    "leave": "it stays, and loads no longer write it",
    "drop": "the source no longer sends it",
}
SUMMARY_NOTES = {"add": "", "drop": "the SELECT no longer returns it"}
_ACTIONS = {"create": "created", "update": "updated", "remove": "removed"}
_STATES = ("removed", "changed", "new", "unchanged")


def in_order(report: Report) -> list[DatasetDiff]:
    """Return the tables and summaries of a report: those whose next load fails first, then by state and name."""
    return sorted(report.datasets, key=lambda one: (not one.refused, _STATES.index(one.state), one.name))


def headline(report: Report) -> str:
    """Return what a report is about, and its sums."""
    place = f"{report.project}, target {report.target}{f', since {report.since}' if report.since else ''}"
    return f"{place}: {totals(report)}"


def totals(report: Report) -> str:
    """Return the sums of a report."""
    states = Counter((one.state, one.kind) for one in report.datasets)
    parts = [
        counted(states[state, kind], f"{state} {kind}" if state != "unchanged" else f"{kind} with something to do")
        for state in ("new", "changed", "removed", "unchanged")
        for kind in ("table", "summary")
        if states[state, kind]
    ]
    if refused := sum(bool(one.refused) for one in report.datasets):
        parts.append(f"{refused} whose next run fails")
    changes = [*report.deployments, *(change for one in report.datasets for change in one.deployments)]
    actions = Counter(change.action for change in changes)
    parts += [f"{counted(number, 'deployment')} {_ACTIONS[action]}" for action, number in sorted(actions.items())]
    touched = {name for one in report.datasets for name in one.summaries}
    parts += [f"{counted(len(touched), 'summary')} downstream"] if touched else []
    refills = [refill for one in report.datasets for refill in one.refills]
    if refills:
        known = [refill.rows for refill in refills if refill.rows is not None]
        unknown = "" if len(known) == len(refills) else f", and {len(refills) - len(known)} of unknown size"
        parts.append(f"about {sum(known):,} rows to load{unknown}")
    if report.problems:
        parts.append(f"{counted(len(report.problems), 'thing')} not compared")
    return ", ".join(parts) or "nothing changes"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 table`, `2 summaries`, `3 tables with something to do`."""
    first, _, rest = noun.partition(" with ")
    if number != 1:
        first = f"{first[:-1]}ies" if first.endswith("y") else f"{first}s"
    return f"{number:,} {first}{f' with {rest}' if rest else ''}"


def phrases(diff: DatasetDiff) -> Iterator[str]:
    """Yield what changes of a table, in a few words each."""
    if diff.state in ("new", "removed"):
        yield f"{diff.state} {diff.kind}"
    elif diff.fields:
        yield listed(list(dict.fromkeys(one.field.partition(".")[0] for one in diff.fields)), 4)
    words = Counter(_COLUMN_WORDS[one.action] for one in diff.columns)
    yield from (f"{counted(number, 'column')} {word}" for word, number in words.items())
    actions = Counter(one.action for one in diff.deployments)
    yield from (f"{counted(number, 'deployment')} {_ACTIONS[action]}" for action, number in actions.items())
    if diff.statements:
        yield "key or layout to change by hand"


def rows_text(refill: Refill) -> str:
    """Return the number of rows of a refill: `about 1,200 rows (estimated …)`."""
    if refill.rows is None:
        return "unknown number of rows"
    about = "about " if "estimated" in refill.rows_are else ""
    return f"{about}{counted(refill.rows, 'row')}{f' ({refill.rows_are})' if refill.rows_are else ''}"


def refill_text(refill: Refill) -> str:
    """Return what a refill loads and why, without its command."""
    by_itself = "" if refill.command else "; the next load does it"
    return f"{refill.span}, {rows_text(refill)}: {refill.why}{by_itself}"


def column_note(diff: DatasetDiff, change: ColumnChange) -> str:
    """Return what happens to a column."""
    return (SUMMARY_NOTES if diff.kind == "summary" else COLUMN_NOTES)[change.action]


def listed(names: Collection[str], most: int) -> str:
    """Return names, of which only the first are shown if there are many."""
    shown = list(names)[:most] if len(names) > most + 1 else list(names)
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
