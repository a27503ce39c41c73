"""`python -m benchmarks.one_day`: load one day into a large table, with Daybook and with its alternatives.

A load must not take longer because the table is larger, and most of a small load is the start of the program. It
writes one_day.md. `--quick` loads into smaller tables, once, and writes to .daybook/benchmarks. It runs on Linux only.
"""

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, get_args

import pytest

from benchmarks import machine, warehouse
from benchmarks.answers import A_DAY, DAY_ONE, SECONDS_APART, make_answers
from benchmarks.environments import NotInstalled
from benchmarks.full_refresh_source import columns
from benchmarks.in_process import described, load_span
from benchmarks.page import HERE, QUICK, Target, print_targets, table, targets
from benchmarks.project import running_project
from benchmarks.servers import Addresses, Servers, running_servers
from benchmarks.way_job import Job
from benchmarks.ways import FOLDER, WAYS, Daybook
from benchmarks.whole_process import Cost, Failed
from daybook.orchestration.local_stack.errors import StackError

PAGE = "one_day.md"
Strategy = Literal["replace_interval", "upsert"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
SIZES, QUICK_SIZES = (100_000, 10_000_000), (100_000, 500_000)
ROUNDS = 3
MOST_OF_SMALL_TABLE = 1.2  # times the seconds into the small table: the variation of repeated runs
MOST_SECONDS = 3.0  # of a whole process

_SOURCE = "newest_days"
_IN_PROCESS = 20  # days, the first ones
_DAYS = 60  # in the source: the last days of each table. Each load takes another one
#: A setting for many rows changes nothing for a day. dlt's backend pyarrow has other types than the table has.
_WAYS = tuple(
    name for name in WAYS if name not in {"dlt, pyarrow", "Daybook, folder, no start:"} and "part" not in name
)


@dataclass(frozen=True)
class InProcess:
    """The median seconds of loads of one day (A_DAY rows) into a table of `into` rows."""

    strategy: Strategy
    into: int
    extract: float
    load: float

    @property
    def seconds(self) -> float:
        """Return the seconds of the whole load."""
        return self.extract + self.load


@dataclass(frozen=True)
class Whole:
    """The runs of one way, as whole processes, and the seconds of their flows."""

    way: str
    costs: Sequence[Cost]
    flows: Sequence[float]

    @property
    def seconds(self) -> float:
        """Return the median."""
        return statistics.median(cost.seconds for cost in self.costs)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_day", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller tables, one round; into .daybook/benchmarks")
    quick = parser.parse_args().quick
    machine.check()
    made = [
        *(["**a quick run, which only shows what the page looks like**: its tables are too small"] if quick else []),
        *machine.made(f"python -m benchmarks.one_day{' --quick' if quick else ''}"),
    ]
    sizes = QUICK_SIZES if quick else SIZES
    last = max(sizes)
    try:
        with running_servers() as servers:
            print(f"making tables of {' and '.join(f'{size:,}' for size in sizes)} rows", flush=True)
            make_answers(servers.addresses.source, _SOURCE, last - _DAYS * A_DAY, last - 1, changed=1)
            inside = in_process(servers.addresses, sizes)
            ways, versions = whole_processes(servers, last, 1 if quick else ROUNDS)
            made.append(f"{machine.versions(servers.addresses)}, {', '.join(versions)}")
    except (StackError, pytest.fail.Exception) as error:  # a server did not start
        sys.exit(str(error))
    folder = QUICK if quick else HERE
    folder.mkdir(parents=True, exist_ok=True)
    found = [] if quick else [*_targets(inside, ways)]
    (folder / PAGE).write_text(_page(made, found, inside, ways, last), encoding="utf-8")
    print()
    print_targets(found)
    print(f"\nWritten: {folder / PAGE}")


def in_process(addresses: Addresses, sizes: Sequence[int]) -> list[InProcess]:
    """Load days with both strategies into tables of these sizes (rows), in turns, without the start of a process.

    Every row of a day is already in the table and has changed in the source, so all are replaced. The first day of each
    strategy does not count. Exit with a message if a table differs from the source at the end.
    """
    warehouse.reset(addresses.warehouse)
    for size in sizes:
        _make_table(addresses.warehouse, _name(size), max(sizes) - size, max(sizes) - 1)
    taken: dict[tuple[Strategy, int], list[tuple[float, float]]] = {}
    for number in range(_IN_PROCESS):
        strategy = STRATEGIES[number % len(STRATEGIES)]
        for size in sizes if number % 4 < 2 else reversed(sizes):
            described_table = described(_name(size), _SOURCE, strategy)
            legs = load_span(addresses, described_table, addresses.source, _day(max(sizes), number))
            taken.setdefault((strategy, size), []).append((legs["extract"], legs["load"]))
    for size in sizes:
        _require_same(addresses, _name(size), max(sizes), range(_IN_PROCESS))
    return [
        InProcess(strategy, size, *(statistics.median(leg) for leg in zip(*days[1:], strict=True)))
        for (strategy, size), days in taken.items()
    ]


def whole_processes(servers: Servers, last: int, rounds: int) -> tuple[list[Whole], list[str]]:
    """Load days by each way into the largest table, in turns, as whole processes. Return also the ways' versions."""
    addresses, name = servers.addresses, _name(last)
    daybook = WAYS[FOLDER]
    assert isinstance(daybook, Daybook)
    costs: dict[str, list[Cost]] = {}
    flows: dict[str, list[float]] = {}
    versions, ways = dict[str, None](), list[str]()
    for way in _WAYS:
        try:
            versions |= dict.fromkeys(WAYS[way].versions())
            ways.append(way)
        except NotInstalled as error:
            print(f"{way} is left out: {error}", flush=True)
    number = _IN_PROCESS
    with running_project(addresses, {name: daybook.table(_SOURCE)}) as project:
        for turn in range(rounds):
            for way in (*ways[turn:], *ways[:turn]):
                job = _job(addresses, name, way, _day(last, number))
                try:
                    cost, flow = WAYS[way].load(job, servers, project)
                except Failed as error:
                    print(f"{way} failed: {error}", flush=True)
                    continue
                _require_same(addresses, name, last, range(number, number + 1), way)
                number += 1
                print(f"{way}: {cost.seconds:.1f} s, {cost.cpu_seconds:.1f} CPU s", flush=True)
                costs.setdefault(way, []).append(cost)
                flows.setdefault(way, []).extend([] if flow is None else [flow])
    found = [Whole(way, costs[way], flows[way]) for way in costs]
    return sorted(found, key=lambda whole: whole.seconds), list(versions)


def _job(addresses: Addresses, name: str, way: str, day: date) -> Job:
    schema, _, of_schema = name.partition(".")
    return Job(
        addresses.source,
        addresses.warehouse,
        _SOURCE,
        schema,
        tuple(columns("wide")),
        warehouse.CREATE,
        warehouse.KEY_AND_INDEX,
        str(Path(addresses.folder) / WAYS[way].schema),
        table=of_schema,
        day=day.isoformat(),
    )


def _name(size: int) -> str:
    return f"{warehouse.SCHEMA}.nps_{size}"


def _day(last: int, number: int) -> date:
    return date.fromisoformat(DAY_ONE) + timedelta(days=last // A_DAY - _DAYS + number)


def _require_same(addresses: Addresses, name: str, last: int, days: range, way: str = "Daybook") -> None:
    """Exit with a message unless a table has the source's rows of these days."""
    first = last - _DAYS * A_DAY
    where = f"id >= {first + days.start * A_DAY} AND id < {first + days.stop * A_DAY}"
    expected = warehouse.source_content(addresses.source, _SOURCE, where=where)
    found = warehouse.content(addresses.warehouse, name, where)
    if found != expected:
        raise SystemExit(f"{way}: {name} has {found} for {where}, but the source has {expected}")


def _make_table(url: str, name: str, first: int, last: int) -> None:
    made = f"TIMESTAMP '{DAY_ONE}' + floor(n * {SECONDS_APART}) * INTERVAL '1 second'"
    warehouse.run(
        url,
        warehouse.CREATE.format(table=name),
        f"INSERT INTO {name} SELECT n, {made}, n * 7 % 11, n * 48271 % 2147483647, "
        f"'It was what I had ordered and came in time, number ' || n, {made} "
        f"FROM generate_series({first}::bigint, {last}) AS n",
        *(statement.format(table=name) for statement in warehouse.KEY_AND_INDEX),
        f"VACUUM ANALYZE {name}",
        "CHECKPOINT",
    )


def _pairs(found: Sequence[InProcess]) -> Iterable[tuple[InProcess, InProcess]]:
    """Yield for each strategy the loads into the small table and into the large table."""
    for strategy in STRATEGIES:
        of_it = sorted((day for day in found if day.strategy == strategy), key=lambda day: day.into)
        yield of_it[0], of_it[-1]


def _targets(inside: Sequence[InProcess], ways: Sequence[Whole]) -> Iterable[Target]:
    for small, large in _pairs(inside):
        ratio = large.seconds / small.seconds
        text = f"{large.strategy}: one day into {large.into:,} rows takes as long as into {small.into:,}"
        yield Target(text, f"{ratio:.2f} ×", ratio <= MOST_OF_SMALL_TABLE)
    for whole in ways:
        if whole.way == FOLDER:
            text = f"`daybook load` of one day: at most {MOST_SECONDS:.0f} s"
            yield Target(text, f"{whole.seconds:.1f} s", whole.seconds <= MOST_SECONDS)


def _page(
    made: Sequence[str], found: Sequence[Target], inside: Sequence[InProcess], ways: Sequence[Whole], last: int
) -> str:
    return "\n".join(
        [
            f"# One day ({A_DAY:,} rows) into a large table",
            "",
            *(f"- {line}" for line in made),
            "",
            *([*targets(found), ""] if found else []),
            f"## Whole processes, into {last:,} rows",
            "",
            *table(
                ("way", "seconds", "runs", "in the flow", "CPU s", "CPU s of the servers", "peak MB"),
                ":--|--:|--:|--:|--:|--:|--:",
                map(_row, ways),
            ),
            "",
            "## In the flow, by the size of the table",
            "",
            *table(
                ("strategy", "rows in the table", "extract", "load", "seconds"),
                ":--|--:|--:|--:|--:",
                (
                    (day.strategy, f"{day.into:,}", f"{day.extract:.3f}", f"{day.load:.3f}", f"{day.seconds:.3f}")
                    for pair in _pairs(inside)
                    for day in pair
                ),
            ),
            "",
            _HOW.strip(),
            "",
        ]
    )


def _row(whole: Whole) -> Sequence[str]:
    seconds = [cost.seconds for cost in whole.costs]
    spread = "" if len(seconds) == 1 else f" ({min(seconds):.1f}–{max(seconds):.1f})"
    return (
        whole.way,
        f"{whole.seconds:.1f}{spread}",
        str(len(seconds)),
        f"{statistics.median(whole.flows):.1f}" if whole.flows else "–",
        f"{statistics.median(cost.cpu_seconds for cost in whole.costs):.1f}",
        f"{statistics.median(cost.servers_cpu_seconds for cost in whole.costs):.1f}",
        f"{max(cost.peak for cost in whole.costs) / 1e6:,.0f}",
    )


_HOW = """
## Method

- All rows of a day are in the table already and have changed in the source, so all are replaced. Each load takes
  another day of the same table, and its rows are then compared with the source. The ways take turns, and the tables
  show medians, with the fastest and the slowest run in brackets.
- A whole process is a new interpreter, its imports, the load, and its end. Daybook's is `daybook load TABLE DAY`, with
  a Prefect server that is already running. "In the flow" is the flow run's time on that server.
- The pipe, pandas and Airflow delete the day and insert it. dlt merges by `delete-insert`, and Sling runs its mode
  `backfill`. The [page of full refreshes](full_refresh.md#method) describes the ways and their measurement.
- By the size of the table: the load runs in a process that has imported Daybook, without Prefect. The first day of
  each strategy does not count.
- Servers and loads share the machine. The servers are those of the tests, with PostgreSQL without `fsync` for all ways.
"""


if __name__ == "__main__":
    main()
