"""Write the results of the benchmark of full refreshes: a Markdown page and a plot."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.full_refresh_results import Figures, Part, memory_target, title
from benchmarks.page import DAYBOOK, OTHERS, STYLE, table, targets, write_right_of
from benchmarks.ways import PIPE

PLOT = "full_refresh.svg"
_ENGINES = {"mariadb": "MariaDB", "postgres": "PostgreSQL"}
_SHAPES = {"narrow": "narrow rows (id, created_at, score)", "wide": "wide rows (six columns, with text)"}


def draw(parts: Sequence[Part], folder: Path) -> None:
    """Write the plot into `folder`: the ways of the largest part, the first load and the one after it.

    A way whose seconds are extrapolated is left out: it would make all other bars short.
    """
    part = max(parts, key=lambda part: (len(part.ways()), len(part.runs)))
    ways = [way for way in part.ways()[::-1] if all(run.rows == part.rows for run in part.runs if run.way == way)]
    states = part.states()[:2][::-1]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 1.1 + 0.5 * len(ways)), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        longest = 0.0
        for row, way in enumerate(ways):
            for number, state in enumerate(states):
                if figures := part.figures(way, state):
                    longest = max(longest, figures.seconds)
                    height = 0.8 / len(states)
                    place = row + (number - (len(states) - 1) / 2) * height
                    colour = DAYBOOK if way.startswith("Daybook") else OTHERS
                    pale = 0.6 if state == states[0] and len(states) > 1 else 1
                    axes.barh(place, figures.seconds, height=height * 0.9, color=colour, alpha=pale)
                    write_right_of(axes, f"{figures.seconds:.1f} s", figures.seconds, place)
        axes.set_xlim(0, longest * 1.2)
        axes.set_yticks(range(len(ways)), ways)
        axes.set_xlabel(f"seconds; shorter is better. Pale: {title(states[0])}")
        axes.set_title(
            f"{part.rows:,} {part.shape} rows, {_ENGINES[part.engine]} to PostgreSQL, whole processes", loc="left"
        )
        axes.tick_params(axis="y", length=0)
        figure.savefig(folder / PLOT, transparent=True, metadata={"Date": None})


def page(parts: Sequence[Part]) -> str:
    """Return the page."""
    found = [target for part in parts for target in part.targets()]
    lines = [
        "# Full refresh: Daybook, a pipe, dlt, Sling, pandas and Airflow",
        "",
        "`python -m benchmarks.full_refresh` measures this on your machine. Each section says when it was measured.",
        "",
        *(targets([*found, *memory_target(parts)]) if found else [_TOO_SMALL]),
        "",
        f"![Seconds of each way]({PLOT})",
        "",
    ]
    for part in parts:
        lines += _part(part)
    return "\n".join([*lines, _HOW.strip(), ""])


def _part(part: Part) -> list[str]:
    states = part.states()
    lines = [
        f"## {part.rows:,} {_SHAPES[part.shape]}: {_ENGINES[part.engine]} → PostgreSQL",
        "",
        f"- {part.made}",
        f"- {part.versions}",
        *(f"- {way} is missing: {reason}" for way, reason in part.left_out.items()),
        "",
        "Seconds of the whole process: the median, and the fastest and the slowest run.",
        "",
        *table(
            ("way", *(title(state) for state in states), "× the pipe"),
            "|".join([":--", *["--:"] * (len(states) + 1)]),
            _seconds(part),
        ),
        "",
        *table(
            ("way", "load", "seconds", "in the flow", "CPU s", "CPU s of the servers", "peak MB", "legs, seconds"),
            ":--|:--|--:|--:|--:|--:|--:|:--",
            _costs(part),
        ),
        "",
    ]
    if part.seen:
        lines += [
            f"A reader in a loop of `select count(*)`. While nothing is loaded, its longest read takes "
            f"{part.idle.longest * 1000:.0f} ms.",
            "",
            *table(
                ("way", "load", "reads", "longest, ms", "rows that it saw"),
                ":--|:--|--:|--:|:--",
                _seen(part),
            ),
            "",
        ]
    return lines


_TOO_SMALL = (
    "**A quick run, which only shows what the page looks like.** It is too small for the targets, and most of each "
    "figure is the start of the program."
)
_HOW = r"""
## Method

- The ways take turns, in another order each round. A figure is the median of its runs, with the range in brackets. Slow
  ways and variants load only once the first time and once again, and ≈ is extrapolated from fewer rows.
- Each run is a whole process: a new interpreter, its imports, the load, and its end. Daybook's is `daybook load
  TABLE --full-refresh`, with a Prefect server that is already running. "In the flow" is the flow run's time on that
  server, which is without the start of the process.
- In each round, a way starts without its table, and then loads the next contents of the source into the table that it
  has left: the same rows, with 1 % of them changed, and with all of them changed. A checkpoint comes before each run,
  and two loads that do not count come before the first one.
- After each run, the row count and a checksum over all columns are compared with the source, and there must be a
  primary key on `id` and an index on `created_at`.
- CPU seconds are those of the process and of the programs that it calls. Those of the servers are MariaDB's,
  PostgreSQL's, the S3 server's and, for Daybook, the Prefect server's. The peak is the highest resident memory of the
  process and the programs that it calls, of any run.
- The reader runs in a load of its own, which is not timed. It repeats `select count(*)` on the table that is loaded,
  so it takes turns with the load for two cores.
- Servers and loads share the machine. The servers are those of the tests, with PostgreSQL without `fsync` for all ways.

What the ways do:

- **Daybook** stages compressed, checksummed parts, counts the rows, and writes its ledger in the transaction of the
  rows. Its table file has `load: replace_interval`, and `start:` unless its name says otherwise: with it, a full
  refresh records a checksum for each day, for the audit. Daybook has no setting for partitions.
- **The bare pipe** is `mariadb --quick --batch | psql -c '\copy …'`, or `psql | psql`, into a new table, which then
  takes the old one's place and loses what depended on it: grants, views, comments. From MariaDB, it cannot distinguish
  the text `NULL` from a missing value.
- **dlt** reads with its backend `connectorx` (with 2 or 4 partitions by `id`, where named) or `pyarrow`, writes
  Parquet files and loads them by ADBC into a new table that takes the old one's place (`staging-optimized`, its fastest
  way to replace a table again). It creates neither a key nor an index, so both are created by SQL after each run. The
  text has no limit, and with `pyarrow` all numbers become `bigint`.
- **Sling** is 1.4.11, the newest version that PyPI has: later ones are downloaded from elsewhere at their first run. It
  creates key and index by itself (`table_keys`). Its other columns may be NULL.
- **pandas** is `read_sql`, `to_csv` into a file, and `COPY` of that file into a new table, as with the pipe.
- **Airflow** is its operator `GenericTransfer`, called as a task calls it, without the scheduler and the start of a
  task, which would come on top. It reads all rows into memory, and inserts them into a table that it has emptied.
"""


def _seconds(part: Part) -> Iterable[Sequence[str]]:
    first = part.states()[0]
    pipe = part.figures(PIPE, first)
    for way in part.ways():
        found = [part.figures(way, state) for state in part.states()]
        mine = found[0]
        ratio = "–" if pipe is None or mine is None else f"{_of_all(mine, part) / _of_all(pipe, part):.1f}"
        yield way, *(_spread(figures, part) for figures in found), ratio


def _spread(figures: Figures | None, part: Part) -> str:
    if figures is None:
        return "–"
    if figures.rows < part.rows:
        return f"≈ {_of_all(figures, part):.0f} (from {figures.rows:,} rows)"
    if figures.runs == 1:
        return f"{figures.seconds:.1f}"
    return f"{figures.seconds:.1f} ({figures.fastest:.1f}–{figures.slowest:.1f})"


def _of_all(figures: Figures, part: Part) -> float:
    """Return the seconds for all rows, extrapolated if the way has loaded fewer."""
    return figures.seconds * part.rows / figures.rows


def _costs(part: Part) -> Iterable[Sequence[str]]:
    for way in part.ways():
        for state in part.states():
            if figures := part.figures(way, state):
                yield (
                    way,
                    title(state),
                    f"{figures.seconds:.1f}",
                    _maybe(figures.flow_seconds),
                    f"{figures.cpu_seconds:.1f}",
                    f"{figures.servers_cpu_seconds:.1f}",
                    f"{figures.peak / 1e6:,.0f}",
                    ", ".join(f"{leg} {seconds:.1f}" for leg, seconds in figures.legs.items()),
                )


def _maybe(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f}"


def _seen(part: Part) -> Iterable[Sequence[str]]:
    for way, state, seen in part.seen:
        counts = "all" if seen.fewest == seen.most == part.rows else f"{seen.fewest:,} to {seen.most:,}"
        if seen.fewest == 0:
            counts = "none for a while"
        elif seen.fewest < 0:
            counts = "the table was missing for a while"
        yield way, title(state), str(seen.reads), f"{seen.longest * 1000:.0f}", counts
