"""`python -m benchmarks.nps`: compare the nps load with its alternatives, and write results.md and the plots.

`--quick` measures a tenth of the rows and one round, and writes to .daybook/benchmarks, so that the published figures
stay. It runs on Linux only, because it reads the memory from /proc.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import machine, one_day, plots, report, warehouse
from benchmarks.answers import make_answers
from benchmarks.one_run import Run, run
from benchmarks.results import DAYBOOK, PANDAS, Results
from benchmarks.servers import Servers, running_servers
from benchmarks.ways import WAYS
from daybook.orchestration.local_stack.errors import StackError
from tests.support.servers import install

HERE = Path(__file__).parent
QUICK = HERE.parent / ".daybook" / "benchmarks"


@dataclass(frozen=True)
class Size:
    """The size of a measurement."""

    rows: int
    """The number of rows for the comparison of all ways."""
    rounds: int
    other_rows: Sequence[int]
    """The numbers of rows for which only the memory is compared."""
    days_into: Sequence[int]
    """The sizes of the tables that single days are loaded into, in rows."""


FULL = Size(2_000_000, 5, (200_000, 5_000_000), (100_000, 10_000_000))
SMALL = Size(200_000, 1, (50_000,), (100_000, 1_000_000))


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nps", description="Measure the nps load.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one round; into .daybook/benchmarks")
    quick = parser.parse_args().quick
    if sys.platform != "linux":
        sys.exit("The benchmark reads the memory of processes from /proc, which only Linux has: run it there.")
    if install.main() != 0:  # it prints the reason
        sys.exit(1)
    made = [
        f"`python -m benchmarks.nps{' --quick' if quick else ''}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        *(["a quick run, too small for the targets, which are for 2,000,000 rows"] if quick else []),
        f"{machine.machine()}; load average {os.getloadavg()[0]:.1f} before it began",
    ]
    try:
        with running_servers() as servers:
            made.append(machine.versions(servers.addresses))
            results = measure(servers, SMALL if quick else FULL)
    except (StackError, pytest.fail.Exception) as error:  # a server did not start
        sys.exit(str(error))
    folder = QUICK if quick else HERE
    folder.mkdir(parents=True, exist_ok=True)
    plots.draw(results, folder)
    (folder / "results.md").write_text(report.page(results, made), encoding="utf-8")
    print()
    for target in results.targets():
        print(f"{'met   ' if target.met else 'MISSED'}  {target.measured:>7}  {target.text}")
    print(f"\nWritten: {folder / 'results.md'}, {plots.SECONDS}, {plots.MEMORY}")


def measure(servers: Servers, size: Size) -> Results:
    """Measure everything that the page shows."""
    contents: dict[int, warehouse.Content] = {}
    for rows in (size.rows, *size.other_rows):
        print(f"making {rows:,} rows", flush=True)
        make_answers(servers.addresses.source, _table(rows), 1, rows)
        contents[rows] = warehouse.source_content(servers.addresses.source, _table(rows))
    runs: list[Run] = []
    for way, rows in _turns(size):
        runs.append(run(servers, way, _table(rows), contents[rows]))
        whole = runs[-1].whole
        memory = "" if whole.peak is None else f", {whole.peak / 1e6:.0f} MB"
        print(f"{way}, {rows:,} rows: {whole.seconds:.1f} s, {whole.cpu_seconds:.1f} CPU s{memory}", flush=True)
    print(f"one day into {' and '.join(f'{rows:,}' for rows in size.days_into)} rows", flush=True)
    return Results(size.rows, tuple(runs), tuple(one_day.measure(servers.addresses, size.days_into)))


def _turns(size: Size) -> Iterator[tuple[str, int]]:
    """Yield the way and the number of rows of each run, in order.

    The sizes for which only the memory is compared come first. After them the servers' files have grown, so that all
    rounds start alike. Each round starts with another way. pandas takes five times as long as the others and runs in
    every second round.
    """
    for rows in size.other_rows:
        for way in DAYBOOK + ((PANDAS,) if rows < size.rows else ()):
            yield way, rows
    ways = list(WAYS)
    for number in range(size.rounds):
        start = number % len(ways)
        for way in ways[start:] + ways[:start]:
            if way != PANDAS or number % 2 == 0:
                yield way, size.rows


def _table(rows: int) -> str:
    return f"nps_{rows}"


if __name__ == "__main__":
    main()
