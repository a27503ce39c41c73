"""What all pages with results share: tables, targets, the style of the plots, and where the pages are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

HERE = Path(__file__).parent
QUICK = HERE.parent / ".daybook" / "benchmarks"

_INK = "#7d8590"  # a grey with the same contrast to white and to black
#: The settings of matplotlib: an SVG without a background, in colours that are readable on light and dark pages.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "daybook",  # the same figures give the same file
    "font.family": "sans-serif",
    "font.size": 11,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}
DAYBOOK, OTHERS = "#3b82f6", "#e5534b"


@dataclass(frozen=True)
class Target:
    """A target and the measured value."""

    text: str
    measured: str
    met: bool


def table(head: Sequence[str], alignment: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table. `alignment` is the line below the head, such as `:--|--:`."""
    return [f"| {' | '.join(head)} |", f"|{alignment}|", *(f"| {' | '.join(row)} |" for row in rows)]


def targets(found: Iterable[Target]) -> list[str]:
    """Return the lines of a table of targets."""
    rows = ((target.text, target.measured, "met" if target.met else "**missed**") for target in found)
    return table(("target", "measured", ""), ":--|--:|:--", rows)


def print_targets(found: Iterable[Target]) -> None:
    """Print each target with its measured value."""
    for target in found:
        print(f"{'met   ' if target.met else 'MISSED'}  {target.measured:>7}  {target.text}")


def write_right_of(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a text to the right of a point."""
    axes.annotate(text, (x, y), (8, 0), textcoords="offset points", va="center", color=_INK)
