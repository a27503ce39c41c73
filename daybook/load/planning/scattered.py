"""Intervals that need not be neighbours: their label, the parameters of a run that loads them, and their runs."""

from collections.abc import Sequence

from daybook.model.interval import Interval, IntervalRun, coalesce
from daybook.model.interval_grid import Grid

#: The most intervals that the parameter `intervals` may name, in a run or an event.
MAX_SCATTERED = 1_000
#: The parameter of a flow that names intervals that are not neighbours.
INTERVALS = "intervals"
_SHOWN = 3  # stretches in a label


def label_of(grid: Grid, intervals: Sequence[Interval]) -> str:
    """Return the label of ordered intervals: `2021-02-05 until 2021-03-01`; with gaps, `2021-02-05, 2021-03-01`."""
    stretches = coalesce(intervals, len(intervals))
    shown = [grid.stretch_label(stretch[0], stretch[-1]) for stretch in stretches[:_SHOWN]]
    more = sum(map(len, stretches[_SHOWN:]))
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def parameters_of(grid: Grid, intervals: Sequence[Interval]) -> dict[str, str | list[str]]:
    """Return the parameters of a run of these ordered intervals: two dates, or `intervals` if there are gaps."""
    if len(coalesce(intervals, len(intervals))) > 1:
        return {INTERVALS: [grid.label(interval) for interval in intervals]}
    return {**grid.dates(intervals[0], intervals[-1])}


def runs_of(intervals: Sequence[Interval], most: int, *, scattered: bool) -> list[IntervalRun]:
    """Divide ordered intervals into runs of at most `most` neighbours, or of any intervals if they may be scattered."""
    stretches = coalesce(intervals, most)
    return joined(stretches, most) if scattered else stretches


def joined(stretches: Sequence[IntervalRun], most: int) -> list[IntervalRun]:
    """Join ordered stretches of neighbours into runs with gaps of at most `most` intervals, and MAX_SCATTERED."""
    runs, limit = list[IntervalRun](), min(most, MAX_SCATTERED)
    for stretch in stretches:
        if runs and len(runs[-1]) + len(stretch) <= limit:
            runs[-1] += stretch
        else:
            runs.append(stretch)
    return runs
