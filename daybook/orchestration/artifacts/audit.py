"""The page of an audit: a calendar of verdicts, the intervals that are not equal, and the command that repairs them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from daybook.audit.interval_audit import Audited
from daybook.audit.table_audit import AuditedRange
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.model.interval_grid import Grid
from daybook.orchestration.artifacts.calendar_grid import calendar
from daybook.orchestration.artifacts.text import one_line

#: The worst first.
SQUARES = {
    Verdict.BOTH: "❌",
    Verdict.WAREHOUSE_ALTERED: "🔶",
    Verdict.SOURCE_CHANGED: "🔺",
    Verdict.DIFFERS: "❓",
    Verdict.NEVER_LOADED: "⚪️",
    Verdict.EQUAL: "🟩",
}
_KINDS = ("added", "changed", "removed")
_INTERVALS_SHOWN = 200  # intervals on the page: daybook.audits has all of them
_SHOWN_IN_ERROR = 10  # intervals in the error
# Cells do not wrap on Prefect's page, and the right side of a wide table is out of sight. So headings are short, and
# keys are listed below the table.
_HEADING = "| to be added | changed | removed |"


def headline(grid: Grid, found: Sequence[Audited], repaired: int = 0) -> str:
    """Return how many intervals are equal, and the other verdicts: `25 of 28 days equal, 3 source changed since`.

    `repaired` is how many of them were reloaded before this comparison.
    """
    counts = Counter(one.verdict for one in found)
    parts = [f"{counts[Verdict.EQUAL]:,} of {grid.counted(len(found))} equal"]
    parts += [f"{repaired:,} of them repaired"] if repaired else []
    parts += [f"{counts[verdict]:,} {verdict}" for verdict in SQUARES if counts[verdict] and verdict != Verdict.EQUAL]
    return ", ".join(parts)


def markdown(table: Table, found: Sequence[Audited], what_repairs: str) -> str:
    """Return the calendar, a line for each interval that is not equal, the command, and what was not compared."""
    grid = table.grid
    assert grid is not None
    lines = [calendar(grid, [(one.interval, one.verdict) for one in found], SQUARES)]
    unequal = [one for one in found if one.verdict is not Verdict.EQUAL]
    # Intervals that differ come before those that were never loaded, because a table may have very many of the latter.
    shown = sorted(
        sorted(unequal, key=lambda one: not one.verdict.is_difference)[:_INTERVALS_SHOWN], key=lambda one: one.interval
    )
    if unequal:
        lines += ["", "Rows on each side, and what a repair would do:", ""]
        lines += [
            f"| {grid.unit} | | source | ledger | warehouse {_HEADING}",
            "|---|---|---:|---:|---:|---:|---:|---:|",
        ]
        lines += [_line(grid, one) for one in shown]
        if len(unequal) > _INTERVALS_SHOWN:
            lines += ["", f"And {len(unequal) - _INTERVALS_SHOWN:,} more, in daybook.audits"]
        lines += ["", *_keys((grid.label(one.interval), one) for one in shown)]
        lines += ["", f"To reload these exactly as the source has them: `{what_repairs}`"]
    return "\n".join([*lines, *_left_out(found)])


def whole_headline(ranges: Sequence[AuditedRange]) -> str:
    """Return how many ranges of the key are equal, and the rows: `19 of 20 ranges of keys equal, 2,000 rows …`."""
    equal, rows = sum(one.verdict is Verdict.EQUAL for one in ranges), sum(one.source.rows for one in ranges)
    return f"{equal:,} of {len(ranges):,} ranges of keys equal, {rows:,} rows at the source"


def whole_markdown(table: Table, ranges: Sequence[AuditedRange], remedy: str) -> str:
    """Return a line for each range that is not equal, the remedy, and what was not compared."""
    differing = [one for one in ranges if one.verdict is not Verdict.EQUAL]
    lines = [
        "Rows on each side, and what a load would do:",
        "",
        f"| {one_line(table.key[0])} | source | warehouse {_HEADING}",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        _row(str(one.range), f"{one.source.rows:,}", f"{one.warehouse.rows:,}", *_counts(one))
        for one in differing[:_INTERVALS_SHOWN]
    ]
    if len(differing) > _INTERVALS_SHOWN:
        lines += ["", f"And {len(differing) - _INTERVALS_SHOWN:,} more"]
    lines += ["", *_keys((str(one.range), one) for one in differing[:_INTERVALS_SHOWN])]
    lines += ["", f"To fix it: {remedy}"]
    return "\n".join([*(lines if differing else []), *_left_out(ranges)])


def whole_sentences(ranges: Sequence[AuditedRange], key: str) -> list[str]:
    """Return a sentence for each of the first ranges that differ."""
    differing = [one for one in ranges if one.verdict is not Verdict.EQUAL]
    lines = [f"- {key} from {one.range}: {_figures(one)}" for one in differing[:_SHOWN_IN_ERROR]]
    return [*lines, *([f"- and {len(differing) - _SHOWN_IN_ERROR:,} more"] if len(differing) > _SHOWN_IN_ERROR else [])]


def sentences(grid: Grid, differing: Sequence[Audited]) -> list[str]:
    """Return a sentence for each of the first of these intervals, for an error."""
    lines = [f"- {grid.label(one.interval)}: {one.verdict}: {_figures(one)}" for one in differing[:_SHOWN_IN_ERROR]]
    if len(differing) > _SHOWN_IN_ERROR:
        lines.append(f"- and {len(differing) - _SHOWN_IN_ERROR:,} more, in daybook.audits")
    return lines


def _left_out(found: Sequence[Audited | AuditedRange]) -> list[str]:
    why = found[0].recipe.left_out.values() if found else ()
    return ["", "Not compared:", *(f"- {one_line(one)}" for one in why)] if why else []


def number(rows: int, exact: bool) -> str:
    """Return the number of rows as text, with `≥` in front of a lower bound."""
    return f"{rows:,}" if exact or not rows else f"≥ {rows:,}"


def _line(grid: Grid, one: Audited) -> str:
    counts = (one.source.rows, one.rows_by_ledger, one.warehouse.rows)
    rows = ("" if count is None else f"{count:,}" for count in counts)
    return _row(grid.label(one.interval), SQUARES[one.verdict], *rows, *_counts(one))


def _counts(one: Audited | AuditedRange) -> list[str]:
    """Return how many rows a repair would add, change and remove."""
    return [number(getattr(one.differences, kind), one.differences.exact) for kind in _KINDS]


def _keys(named: Iterable[tuple[str, Audited | AuditedRange]]) -> Iterator[str]:
    """Yield a line for each finding that has keys or a reason."""
    for name, one in named:
        if details := "; ".join(filter(None, (_some_keys(one), one.why))):
            yield f"- **{name}**: {one_line(details)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _figures(one: Audited | AuditedRange) -> str:
    rows = ", ".join(f"{count} {kind}" for kind, count in zip(_KINDS, _counts(one), strict=True) if count != "0")
    return "; ".join(part for part in (rows or "its checksums differ", _some_keys(one), one.why) if part)


def _some_keys(one: Audited | AuditedRange) -> str:
    """Return some keys of each kind: `added id=5, id=7; changed id=3`."""
    found = {kind: getattr(one.differences, f"{kind}_keys") for kind in _KINDS}
    return "; ".join(f"{kind} {', '.join(keys)}" for kind, keys in found.items() if keys)
