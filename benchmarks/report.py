"""Write the results of the nps benchmark as a Markdown page."""

from collections.abc import Iterable, Sequence

from benchmarks.answers import A_DAY
from benchmarks.plots import MEMORY, SECONDS
from benchmarks.results import PIPE, Figures, Results


def page(results: Results, made: Sequence[str]) -> str:
    """Return the page. `made` has lines about the run: the command, the date, the machine, the versions."""
    return "\n".join(
        [
            "# One table: Daybook, a pipe and pandas",
            "",
            *(f"- {line}" for line in made),
            "",
            *table(("target", "measured", ""), ":--|--:|:--", _targets(results)),
            "",
            f"## {results.rows:,} rows: MariaDB → stage → PostgreSQL",
            "",
            f"![Seconds of each way]({SECONDS})",
            "",
            *table(
                ("way", "seconds", "rows/s", "× the pipe", "CPU s", "CPU s of the servers", "without key and index"),
                ":--|--:|--:|--:|--:|--:|--:",
                _ways(results),
            ),
            "",
            *table(("way", "leg", "seconds", "CPU s", "peak MB"), ":--|:--|--:|--:|--:", _legs(results.compared())),
            "",
            "## Memory of the load's process",
            "",
            f"![Peak memory by rows]({MEMORY})",
            "",
            *table(("way", "rows", "flow's own MB", "peak above it, MB"), ":--|--:|--:|--:", _memory(results)),
            "",
            f"## One day ({A_DAY:,} rows) into a small table and a large one",
            "",
            *table(
                ("strategy", "rows in the table", "extract", "load", "seconds"), ":--|--:|--:|--:|--:", _days(results)
            ),
            "",
            _HOW.strip(),
            "",
        ]
    )


_HOW = r"""
## Method

- The ways take turns, in another order each round. The table shows each way's run with the median time. The peak by
  rows is the highest of any run. Each run is a separate process that has imported `flows.nps` before the measurement,
  so no figure includes the start-up.
- Each run starts without the table, after a checkpoint, and ends with the same table: rows, primary key and an index on
  the cursor, which are created after the rows. Its columns, key, index, row count and a checksum over all columns are
  then compared with the source.
- Daybook stages compressed, checksummed parts, counts the rows, and writes its ledger in the transaction of the rows.
- `mariadb | psql` is `mariadb --quick --batch -e 'SELECT * …' | psql -c '\copy …'`: no stage, both ends at the same
  time. It cannot distinguish the text `NULL` from a missing value.
- pandas is `read_sql`, `to_csv` into a file, and `COPY` of that file.
- CPU seconds are those of the run's process and of the programs that it calls. The servers' CPU seconds are in a
  separate column. Peak memory is that of the process (`VmHWM`, reset before each leg) above its memory after
  `import flows.nps`.
- One day: all of its rows are already in the table and have changed in the source, so all are replaced. The table shows
  medians.
- Servers and loads share the machine. The servers are those of the tests, with PostgreSQL without `fsync` for all ways.
"""


def _targets(results: Results) -> Iterable[Sequence[str]]:
    for target in results.targets():
        yield _escaped(target.text), target.measured, "met" if target.met else "**missed**"


def _ways(results: Results) -> Iterable[Sequence[str]]:
    pipe = results.figures(PIPE, results.rows)
    for way in results.compared():
        yield (
            _name(way),
            f"{way.seconds:.1f}",
            f"{way.rows / way.seconds:,.0f}",
            f"{way.seconds / pipe.seconds:.2f}",
            f"{way.cpu_seconds:.1f}",
            f"{way.servers_cpu_seconds:.1f}",
            f"{way.bare_seconds:.1f}",
        )


def _legs(ways: Iterable[Figures]) -> Iterable[Sequence[str]]:
    for way in ways:
        for leg in way.legs:
            yield _name(way), leg.name, f"{leg.seconds:.2f}", f"{leg.cpu_seconds:.2f}", _megabytes(leg.peak)


def _memory(results: Results) -> Iterable[Sequence[str]]:
    return ((_name(way), f"{way.rows:,}", _megabytes(way.own), _megabytes(way.peak)) for way in results.memory())


def _days(results: Results) -> Iterable[Sequence[str]]:
    for pair in results.day_pairs():
        for day in pair:
            yield day.strategy, f"{day.into:,}", f"{day.extract:.3f}", f"{day.load:.3f}", f"{day.seconds:.3f}"


def _name(way: Figures) -> str:
    return _escaped(f"`{PIPE}`") if way.way == PIPE else way.way


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")  # a bar would end the cell, even within backticks


def _megabytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:.0f}"


def table(head: Sequence[str], alignment: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table. `alignment` is the line below the head, such as `:--|--:`."""
    return [f"| {' | '.join(head)} |", f"|{alignment}|", *(f"| {' | '.join(row)} |" for row in rows)]
