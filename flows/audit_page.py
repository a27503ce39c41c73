"""What an audit shows: a calendar of verdicts, the intervals that are not equal, and what to type."""

from collections import Counter
from collections.abc import Sequence

from daybook.audit.audit import Audited
from daybook.audit.verdict import Verdict
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
_SHOWN = 200  # intervals on the page: all of them are in daybook.audits
_TOLD = 10  # and in the error


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
        lines += [
            "",
            f"| {grid.unit} | verdict | rows at the source | by the ledger | in the warehouse | to be added | changed "
            "| removed | some keys |",
            "|---|---|---:|---:|---:|---:|---:|---:|---|",
        ]
        lines += [_line(grid, one) for one in unequal[:_SHOWN]]
        if len(unequal) > _SHOWN:
            lines.append(f"| … | {len(unequal) - _SHOWN:,} more, in daybook.audits | | | | | | | |")
        lines += ["", f"To load these again, exactly as the source has them: `{what_repairs}`"]
    left_out = {why: None for one in found for why in one.recipe.left_out.values()}
    if left_out:
        lines += ["", "Not compared:", *(f"- {one_line(why)}" for why in left_out)]
    return "\n".join(lines)


def sentences(grid: Grid, differing: Sequence[Audited]) -> list[str]:
    """A sentence for each of the first of these, as an error tells them."""
    lines = [f"- {grid.label(one.interval)}: {one.verdict}: {_figures(one)}" for one in differing[:_TOLD]]
    if len(differing) > _TOLD:
        lines.append(f"- and {len(differing) - _TOLD:,} more, in daybook.audits")
    return lines


def number(rows: int, exact: bool) -> str:
    """So many rows, or at least so many."""
    return f"{rows:,}" if exact or not rows else f"≥ {rows:,}"


def some_keys(one: Audited) -> str:
    """Some keys of each kind: `added id=5, id=7; changed id=3`."""
    there = one.differences
    return "; ".join(
        f"{kind} {', '.join(keys)}"
        for kind in ("added", "changed", "removed")
        if there and (keys := getattr(there, f"{kind}_keys"))
    )


def _line(grid: Grid, one: Audited) -> str:
    ledger, there = one.rows_by_ledger, one.differences
    rows = (one.source.rows if one.source else None, ledger, one.warehouse.rows)
    figures = [number(getattr(there, kind), there.exact) if there else "" for kind in ("added", "changed", "removed")]
    keys = " ".join([one_line(some_keys(one)), f"({one_line(one.why)})" if one.why else ""]).strip()
    cells = [
        grid.label(one.interval),
        f"{SQUARES[one.verdict]} {one.verdict}",
        *("" if count is None else f"{count:,}" for count in rows),
        *figures,
        keys.replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def _figures(one: Audited) -> str:
    there = one.differences
    counts = [(kind, getattr(there, kind)) for kind in ("added", "changed", "removed")] if there else []
    rows = ", ".join(f"{number(count, there.exact)} {kind}" for kind, count in counts if count and there)
    return "; ".join(part for part in (rows or "its checksums differ", some_keys(one), one.why) if part)
