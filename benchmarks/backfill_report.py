"""Write the results of the backfill benchmark: a Markdown page and a plot."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.answers import A_DAY
from benchmarks.backfill_planning import HOURS
from benchmarks.backfill_results import BACKFILL, COPY, DAILY, START, Results, Way
from benchmarks.backfill_source import DAYS
from benchmarks.page import DAYBOOK, OTHERS, STYLE, table, targets, write_right_of

PLOT = "backfill.svg"


def draw(results: Results, folder: Path) -> None:
    """Write the plot into `folder`: a bar for each way on a logarithmic scale, pale if it is extrapolated."""
    ways = results.ways()[::-1]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 0.9 + 0.55 * len(ways)), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        for row, way in enumerate(ways):
            colour = DAYBOOK if way.name in {COPY, BACKFILL, DAILY} else OTHERS
            axes.barh(row, way.of_all, height=0.6, color=colour, alpha=0.55 if way.extrapolated else 1)
            note = f" (from {way.days} days)" if way.extrapolated else ""
            write_right_of(axes, f"{_seconds_of_all(way)}{note}", way.of_all, row)
        axes.set_xscale("log")
        axes.set_xlim(1, max(way.of_all for way in ways) * 200)  # room for the longest note
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_yticks(range(len(ways)), [way.name for way in ways])
        axes.set_xlabel("seconds, on a logarithmic scale; shorter is better")
        axes.set_title(f"{DAYS} days of {A_DAY:,} rows, MariaDB to PostgreSQL", loc="left")
        axes.tick_params(axis="y", length=0)
        figure.savefig(folder / PLOT, transparent=True, metadata={"Date": None})


def page(results: Results, made: Sequence[str]) -> str:
    """Return the page. `made` has lines about the run: the command, the date, the machine, the versions."""
    fewest, most = min(results.start), max(results.start)
    return "\n".join(
        [
            "# Backfill: 400 days of one table",
            "",
            *(f"- {line}" for line in made),
            "",
            *targets(results.targets()),
            "",
            f"## {DAYS} days of {A_DAY:,} rows: MariaDB → PostgreSQL",
            "",
            f"![Seconds of each way]({PLOT})",
            "",
            *table(
                ("way", "days measured", "seconds", "runs", "seconds a day", f"{DAYS} days"),
                ":--|--:|--:|--:|--:|--:",
                _ways(results),
            ),
            "",
            f"≈ is extrapolated, not measured. {START.capitalize()}, measured with a run that loads nothing: "
            f"{results.seconds_to_start():.1f} s ({fewest:.1f} to {most:.1f} s, {len(results.start)} runs).",
            *(["", f"Airflow was not measured: {results.no_airflow}"] if results.no_airflow else []),
            "",
            f"## Planning ten years of hours ({HOURS:,} intervals)",
            "",
            *table(("zone", "leg", "seconds", "peak MB"), ":--|:--|--:|--:", _legs(results)),
            "",
            _HOW.strip(),
            "",
        ]
    )


_HOW = """
## Method

- The table is `raw_data.nps` with its own table file (three columns, `load: upsert`), from MariaDB, with a folder as
  the stage. The servers are those of the tests, with PostgreSQL without `fsync` for all ways, and share the machine
  with the benchmark.
- The load alone, the backfill and one start take turns, and the table shows medians. Each starts with an empty schema,
  after a checkpoint. At the end, the row count and a checksum are compared with the source.
- The load alone is `plan`, `extract` and `load` for all days, without Prefect, in one process that has imported them.
- The pipe, dlt and Sling replace the whole range in one new process, and plan nothing. The pipe deletes and inserts,
  dlt merges by `delete-insert`, and Sling runs its mode `backfill` ([the ways](full_refresh.md#method)).
- The backfill is `backfill/on-demand` with `deployment=nps/daily` and `select=all` on the local stack: a Prefect server
  on SQLite and a process worker that polls every second. The time is from the trigger to the end that the server
  records, and includes the start of the backfill's process and of its run. `nps/daily` runs one at a time.
- One start is a run of `nps/daily` for a day without rows.
- One run a day is the same backfill with `intervals_per_run=1`. Its seconds a day include a share of the backfill's own
  start, and so does the extrapolation. The same is true for Airflow.
- Airflow has a separate environment (`airflow_requirements.txt`) and starts after Daybook's server and worker have
  ended: api-server, scheduler with LocalExecutor, dag-processor, metadata on the same PostgreSQL. It runs `airflow
  backfill create` with its default of 10 active runs, and a DAG (`airflow_dag.py`) that reads a day, deletes it and
  copies it in one transaction, without a stage or a ledger. The time is from the backfill's entry in Airflow's database
  to the end of the last run, without the start of the command. Each round loads other days.
- Planning is `expected_in_range`, `read_statuses` with a ledger that has a row for every hour, and `coalesce`, in a
  separate process that has imported the flow. Its peak memory (`VmHWM`, reset before each leg) is above that.
"""


def _ways(results: Results) -> Iterable[Sequence[str]]:
    for way in results.ways():
        yield (
            way.name,
            str(way.days),
            f"{way.seconds:.1f}",
            str(way.runs),
            f"{way.seconds / way.days:.3f}",
            _seconds_of_all(way),
        )


def _seconds_of_all(way: Way) -> str:
    return f"≈ {way.of_all:,.0f} s" if way.extrapolated else f"{way.of_all:.1f} s"


def _legs(results: Results) -> Iterable[Sequence[str]]:
    for planning in results.by_zone():
        for leg in planning.legs:
            yield planning.zone, leg.name, f"{leg.seconds:.3f}", f"{(leg.peak or 0) / 1e6:.0f}"
        yield planning.zone, "all", f"{planning.seconds:.3f}", f"{planning.peak / 1e6:.0f}"
