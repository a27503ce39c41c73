"""The chart of the core tables as SVG: one cell per week with the SLA attainment, and the figures of the last week."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from html import escape

from daybook.monitoring.key_metrics.formatting import UNKNOWN, core, minutes, of, percent
from daybook.monitoring.key_metrics.weekly_metrics import Metrics

WEEKS_SHOWN = 8
_ROW, _TOP, _CELL = 34, 84, 50  # pixels
_NAME, _WEEKS = 24, 332  # where the columns begin
_FRESH = _WEEKS + WEEKS_SHOWN * _CELL + 24
_OLDEST = _FRESH + 120
_FAILED, _RECOVERED = _OLDEST + 200, _OLDEST + 310
_WIDTH = _RECOVERED + 110
_MAX_NAME = 38  # characters of a table's name

_LEGEND = (
    "Weeks begin on Monday, 0:00 UTC. Fresh in: the median time from the end of an interval to its load. "
    "Oldest: the greatest age of the newest rows. –: no data."
)

#: The minimum share, the background and the text colour of a cell. The number is there for colour-blind readers, too.
_COLOURS = ((1.0, "#2e7d4f", "#ffffff"), (0.8, "#f2c14e", "#20242a"), (0.0, "#c0392b", "#ffffff"))


def draw(metrics: Iterable[Metrics], week_start: date) -> str:
    """Return the chart of the week that begins at `week_start`, with the earlier weeks that `metrics` have."""
    found = list(metrics)
    weeks = [week_start - timedelta(weeks=back) for back in reversed(range(WEEKS_SHOWN))]
    known = {(row.table, row.week_start): row for row in found}
    rows = core(found, week_start)
    height = _TOP + _ROW * max(len(rows), 1) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="14" fill="#20242a">',
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        _text(_NAME, 34, f"Week of {week_start}", weight=600, size=17),
        _text(_NAME, _TOP - 14, "core table", grey=True),
        _text(_FRESH, _TOP - 14, "fresh in", grey=True),
        _text(_OLDEST, _TOP - 14, "oldest", grey=True),
        _text(_FAILED, _TOP - 14, "runs failed", grey=True),
        _text(_RECOVERED, _TOP - 14, "recovered in", grey=True),
        _text(_WEEKS, 34, "SLA attainment, %", grey=True),
    ]
    for place, week in enumerate(weeks):
        parts.append(
            _text(_WEEKS + place * _CELL + 23, _TOP - 14, f"{week:%m-%d}", grey=True, anchor="middle", size=12)
        )
    for place, row in enumerate(rows):
        history = [known.get((row.table, week)) for week in weeks]
        parts += _row(_TOP + place * _ROW, row, history)
    if not rows:
        parts.append(_text(_NAME, _TOP + 20, "No table has a due time. Add `due:` to a table file."))
    parts.append(_text(_NAME, height - 16, _LEGEND, grey=True, size=12))
    return "\n".join([*parts, "</svg>"])


def _row(top: int, row: Metrics, history: Sequence[Metrics | None]) -> list[str]:
    base = top + 22
    name = row.table if len(row.table) <= _MAX_NAME else row.table[: _MAX_NAME - 1] + "…"
    parts = [_text(_NAME, base, name)]
    for place, week in enumerate(history):
        parts += _cell(_WEEKS + place * _CELL, top + 2, week.sla_attainment if week else None)
    parts.append(_text(_FRESH, base, minutes(row.freshness_minutes)))
    parts.append(_text(_OLDEST, base, minutes(row.oldest_minutes)))
    parts += _line(_OLDEST + 95, top + 6, [week.oldest_minutes if week else None for week in history])
    parts.append(_text(_FAILED, base, of(row.runs_failed, row.runs)))
    parts.append(_text(_RECOVERED, base, minutes(row.minutes_to_recovery)))
    return parts


def _cell(left: int, top: int, share: float | None) -> list[str]:
    back, front = next(((back, front) for least, back, front in _COLOURS if (share or 0) >= least), ("", ""))
    if share is None:
        back, front = "#eceff1", "#607080"
    text = UNKNOWN if share is None else percent(share).removesuffix(" %")
    return [
        f'<rect x="{left}" y="{top}" width="{_CELL - 4}" height="{_ROW - 4}" rx="4" fill="{back}"/>',
        f'<text x="{left + 23}" y="{top + 20}" text-anchor="middle" font-size="13" fill="{front}">{text}</text>',
    ]


def _line(left: int, top: int, values: Sequence[float | None]) -> list[str]:
    """Return a sparkline of the age by week, from zero: lines join adjacent weeks, and each line ends with a dot."""
    highest = max(filter(None, values), default=None)
    if highest is None:
        return []
    points = [
        (left + place * 11, top + 20 - round(18 * value / highest, 1)) if value is not None else None
        for place, value in enumerate(values)
    ]
    pieces, piece = [], list[tuple[int, float]]()
    for point in [*points, None]:
        if point:
            piece.append(point)
        elif piece:
            pieces.append(piece)
            piece = []
    drawn = [
        f'<polyline fill="none" stroke="#3b6ea5" stroke-width="1.8" points="{" ".join(f"{x},{y}" for x, y in piece)}"/>'
        for piece in pieces
        if len(piece) > 1
    ]
    return [*drawn, *(f'<circle cx="{x}" cy="{y}" r="2.6" fill="#3b6ea5"/>' for x, y in (one[-1] for one in pieces))]


def _text(
    x: int, y: int, text: str, *, grey: bool = False, weight: int = 400, size: int = 14, anchor: str = "start"
) -> str:
    colour = ' fill="#607080"' if grey else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"{colour}>'
        f"{escape(text)}</text>"
    )
