"""Draw the plots: SVG without a background, in colours that are readable on GitHub's light and dark pages."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import DAYBOOK, MOST_MEMORY, PANDAS, Results
from benchmarks.ways import KEY_AND_INDEX

SECONDS, MEMORY = "seconds.svg", "memory.svg"

_INK = "#7d8590"  # a grey with the same contrast to white and to black
_READING, _BOTH, _WRITING, _KEYS = "#3b82f6", "#a855f7", "#10a37f", "#d9902f"
_LEGS = {
    "extract": (_READING, "read the source"),
    "read_sql": (_READING, "read the source"),
    "to_csv": ("#e5534b", "to_csv"),
    "pipe": (_BOTH, "read and write at once"),
    "load": (_WRITING, "write the table"),
    "COPY": (_WRITING, "write the table"),
    KEY_AND_INDEX: (_KEYS, "key and index"),
}
#: The settings of matplotlib.
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "daybook",  # the same figures give the same file
    "font.family": "sans-serif",
    "font.size": 11,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}


def draw(results: Results, folder: Path) -> None:
    """Write both plots into `folder`."""
    with matplotlib.rc_context(STYLE):
        for name, height, plot in ((SECONDS, 3.4, _seconds), (MEMORY, 3.6, _memory)):
            figure = Figure(figsize=(8, height), layout="constrained")
            axes = figure.subplots()
            axes.spines[["top", "right"]].set_visible(False)
            plot(axes, results)
            figure.savefig(folder / name, transparent=True, metadata={"Date": None})


def _seconds(axes: Axes, results: Results) -> None:
    ways = results.compared()[::-1]
    for row, way in enumerate(ways):
        left = 0.0
        for leg in way.legs:
            colour, label = _LEGS[leg.name]
            axes.barh(row, leg.seconds, left=left, height=0.6, color=colour, label=label)
            left += leg.seconds
        write_right_of(axes, f"{way.seconds:.1f} s · {way.rows / way.seconds:,.0f} rows/s", left, row)
    axes.set_yticks(range(len(ways)), [way.way for way in ways])
    axes.set_xlim(0, max(way.seconds for way in ways) * 1.32)
    axes.set_xlabel("seconds; shorter is better")
    axes.set_title(f"{results.rows:,} rows, MariaDB to PostgreSQL", loc="left")
    axes.tick_params(axis="y", length=0)
    # each colour once, in the order of the legs
    handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    order = [label for label in dict(_LEGS.values()).values() if label in handles]
    axes.legend([handles[label] for label in order], order, frameon=False, loc="upper right", fontsize=9)


def _memory(axes: Axes, results: Results) -> None:
    lines = {DAYBOOK[0]: (_READING, "o", -4), DAYBOOK[1]: (_WRITING, "s", 0), PANDAS: ("#e5534b", "^", 0)}
    figures = results.memory()
    for way, (colour, marker, up) in lines.items():
        points = [(found.rows, found.peak / 1e6) for found in figures if found.way == way and found.peak is not None]
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=way)
        rows, peak = points[-1]
        write_right_of(axes, f"{peak:,.0f} MB", rows, peak, up, color=colour)
    axes.axhline(MOST_MEMORY / 1e6, color=_INK, linestyle=":", linewidth=1)
    sizes = sorted({found.rows for found in figures})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlim(sizes[0] * 0.8, sizes[-1] * 1.6)
    axes.set_yticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1,000"])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("rows")
    axes.set_ylabel("MB")
    axes.set_title(f"Peak memory above the imported flow's own (dotted: {MOST_MEMORY // 10**6} MB)", loc="left")
    axes.legend(frameon=False, loc="upper left", fontsize=9)


def write_right_of(axes: Axes, text: str, x: float, y: float, up: int = 0, color: str = _INK) -> None:
    """Write a text to the right of a point."""
    axes.annotate(text, (x, y), (8, up), textcoords="offset points", va="center", color=color)
