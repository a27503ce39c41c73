"""What an audit shows: a calendar of verdicts, the intervals that are not equal, and what to type."""

from collections import Counter
from collections.abc import Sequence

from daybook.audit.audit import Audited
from daybook.audit.verdict import Verdict
from daybook.audit.whole import AuditedRange
from daybook.calendar import calendar
from daybook.grid import Grid
from daybook.table import Table
from flows.page_text import one_line

#: The worst first.
SQUARES = {
    Verdict.BOTH: "🟥",
    Verdict.WAREHOUSE_ALTERED: "🟧",
    Verdict.SOURCE_CHANGED: "🟨",
    Verdict.DIFFERS: "🟪",
    Verdict.NEVER_LOADED: "⬜",
    Verdict.EQUAL: "🟩",
}
_KINDS = ("added", "changed", "removed")
_SHOWN = 200  # intervals on the page: all of them are in daybook.audits
_TOLD = 10  # and in the error
_HEADING = "| to be added | changed | removed | some keys |"


def headline(grid: Grid, found: Sequence[Audited], repaired: int = 0) -> str:
    """How many intervals are equal, and what the others are: `25 of 28 days equal, 3 source changed since`.

    `repaired` is how many of them were loaded again before this was found.
    """
    counts = Counter(one.verdict for one in found)
    parts = [f"{counts[Verdict.EQUAL]:,} of {grid.counted(len(found))} equal"]
    parts += [f"{repaired:,} of them repaired"] if repaired else []
    parts += [f"{counts[verdict]:,} {verdict}" for verdict in SQUARES if counts[verdict] and verdict != Verdict.EQUAL]
    return ", ".join(parts)


def markdown(table: Table, found: Sequence[Audited], what_repairs: str) -> str:
    """The calendar, a line for each interval that is not equal, what was not compared, and what to type."""
    grid = table.grid
    assert grid is not None
    lines = [calendar(grid, [(one.interval, one.verdict) for one in found], SQUARES)]
    unequal = [one for one in found if one.verdict is not Verdict.EQUAL]
    if unequal:
        lines += ["", f"| {grid.unit} | verdict | rows at the source | by the ledger | in the warehouse {_HEADING}"]
        lines += ["|---|---|---:|---:|---:|---:|---:|---:|---|", *(_line(grid, one) for one in unequal[:_SHOWN])]
        if len(unequal) > _SHOWN:
            lines.append(f"| … | {len(unequal) - _SHOWN:,} more, in daybook.audits | | | | | | | |")
        lines += ["", f"To load these again, exactly as the source has them: `{what_repairs}`"]
    return "\n".join([*lines, *_left_out(found)])


def whole_headline(ranges: Sequence[AuditedRange]) -> str:
    """How many ranges of the key are equal, and how many rows they are: `19 of 20 ranges of keys equal, 2,000 rows`."""
    equal, rows = sum(one.verdict is Verdict.EQUAL for one in ranges), sum(one.source.rows for one in ranges)
    return f"{equal:,} of {len(ranges):,} ranges of keys equal, {rows:,} rows at the source"


def whole_markdown(table: Table, ranges: Sequence[AuditedRange], what_mends: str) -> str:
    """A line for each range that is not equal, what to type, and what was not compared."""
    differing = [one for one in ranges if one.verdict is not Verdict.EQUAL]
    lines = [
        f"| {table.key[0]} | rows at the source | in the warehouse {_HEADING}",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        _row(str(one.range), f"{one.source.rows:,}", f"{one.warehouse.rows:,}", *_cells(one))
        for one in differing[:_SHOWN]
    ]
    if len(differing) > _SHOWN:
        lines.append(f"| … {len(differing) - _SHOWN:,} more | | | | | | |")
    lines += ["", f"What mends it: {what_mends}"]
    return "\n".join([*(lines if differing else []), *_left_out(ranges)])


def whole_sentences(ranges: Sequence[AuditedRange], key: str) -> list[str]:
    """A sentence for each of the first ranges that differ."""
    differing = [one for one in ranges if one.verdict is not Verdict.EQUAL]
    lines = [f"- {key} from {one.range}: {_figures(one)}" for one in differing[:_TOLD]]
    return [*lines, *([f"- and {len(differing) - _TOLD:,} more"] if len(differing) > _TOLD else [])]


def sentences(grid: Grid, differing: Sequence[Audited]) -> list[str]:
    """A sentence for each of the first of these, as an error tells them."""
    lines = [f"- {grid.label(one.interval)}: {one.verdict}: {_figures(one)}" for one in differing[:_TOLD]]
    if len(differing) > _TOLD:
        lines.append(f"- and {len(differing) - _TOLD:,} more, in daybook.audits")
    return lines


def _left_out(found: Sequence[Audited | AuditedRange]) -> list[str]:
    why = found[0].recipe.left_out.values() if found else ()
    return ["", "Not compared:", *(f"- {one_line(one)}" for one in why)] if why else []


def number(rows: int, exact: bool) -> str:
    """So many rows, or at least so many."""
    return f"{rows:,}" if exact or not rows else f"≥ {rows:,}"


def _line(grid: Grid, one: Audited) -> str:
    counts = (one.source.rows if one.source else None, one.rows_by_ledger, one.warehouse.rows)
    rows = ("" if count is None else f"{count:,}" for count in counts)
    return _row(grid.label(one.interval), f"{SQUARES[one.verdict]} {one.verdict}", *rows, *_cells(one))


def _cells(one: Audited | AuditedRange) -> tuple[str, ...]:
    """How many rows are to be added, changed, removed; and some of their keys."""
    there = one.differences
    counts = [number(getattr(there, kind), there.exact) if there else "" for kind in _KINDS]
    why = f" ({one_line(one.why)})" if one.why else ""
    return (*counts, one_line(_some_keys(one)) + why)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _figures(one: Audited | AuditedRange) -> str:
    there = one.differences
    counts = [(kind, getattr(there, kind)) for kind in _KINDS] if there else []
    rows = ", ".join(f"{number(count, there.exact)} {kind}" for kind, count in counts if count and there)
    return "; ".join(part for part in (rows or "its checksums differ", _some_keys(one), one.why) if part)


def _some_keys(one: Audited | AuditedRange) -> str:
    """Some keys of each kind: `added id=5, id=7; changed id=3`."""
    there = one.differences
    found = {kind: getattr(there, f"{kind}_keys") for kind in _KINDS} if there else {}
    return "; ".join(f"{kind} {', '.join(keys)}" for kind, keys in found.items() if keys)
