"""`python -m benchmarks.full_refresh`: reload a whole table with Daybook and with what a user would take instead.

Each part is a source: an engine, a shape and a number of rows. A run of the benchmark replaces the parts that it
measures in full_refresh.json, and writes full_refresh.md and full_refresh.svg from all of them. So the parts may be
measured one by one. `--quick` measures few rows once, and writes to .daybook/benchmarks. It runs on Linux only.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import full_refresh_report, machine, warehouse
from benchmarks.environments import NotInstalled
from benchmarks.full_refresh_results import Part, Run, memory_target, read, title, write
from benchmarks.full_refresh_source import (
    ENGINES,
    SHAPES,
    STATES,
    TABLE,
    Engine,
    Shape,
    Source,
    State,
    columns,
    make_source,
)
from benchmarks.page import HERE, QUICK, print_targets
from benchmarks.project import Project, running_project
from benchmarks.reader import Reader, Seen
from benchmarks.servers import Servers, running_servers
from benchmarks.way_job import Job
from benchmarks.ways import PIPE, WAYS, Daybook, Program, Way
from benchmarks.whole_process import Failed
from daybook.orchestration.local_stack.errors import StackError

ROWS, QUICK_ROWS = 2_000_000, 50_000
_SECONDS_IDLE = 3.0


@dataclass(frozen=True)
class Plan:
    """One part to measure."""

    engine: Engine
    shape: Shape
    rows: int
    states: tuple[State, ...]
    ways: tuple[str, ...]
    rounds: int


def main() -> None:
    """Measure, and write the results."""
    options = _options()
    machine.check()
    folder = QUICK if options.quick else HERE
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "full_refresh.json"
    try:
        with running_servers() as servers, _running_project(servers) as project:
            for plan in _plans(options):
                part = measure(servers, project, plan)
                write(data, [*(other for other in read(data) if other.key != part.key), part])
    except (StackError, pytest.fail.Exception) as error:  # a server did not start
        sys.exit(str(error))
    parts = read(data)
    full_refresh_report.draw(parts, folder)
    (folder / "full_refresh.md").write_text(full_refresh_report.page(parts), encoding="utf-8")
    print()
    for part in parts:
        print_targets(part.targets())
    print_targets(memory_target(parts))
    print(f"\nWritten: {folder / 'full_refresh.md'}, {full_refresh_report.PLOT}, {data.name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full_refresh", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows, one round; into .daybook/benchmarks")
    parser.add_argument("--source", nargs="+", choices=ENGINES, help="the engines to read from. Default: both")
    parser.add_argument("--shape", nargs="+", choices=SHAPES, help="narrow: three columns. wide: six, with text")
    parser.add_argument("--rows", nargs="+", type=int, metavar="N", help=f"the sizes of the table. Default: {ROWS:,}")
    parser.add_argument("--states", nargs="+", choices=STATES, help="before the load. Default: all")
    parser.add_argument("--ways", nargs="+", choices=WAYS, metavar="WAY", help=f"of {', '.join(WAYS)}. Default: all")
    parser.add_argument("--rounds", type=int, help="how often each way loads from each state. Default: 3")
    return parser.parse_args()


def _plans(options: argparse.Namespace) -> Iterator[Plan]:
    """Yield the parts to measure.

    Without options, all states are measured with wide rows from MariaDB, and two states with the others. A table of
    more rows shows whether memory grows.
    """
    rounds = options.rounds or (1 if options.quick else 3)
    ways = tuple(options.ways or WAYS)
    chosen = options.source or options.shape or options.rows
    sizes = options.rows or [QUICK_ROWS if options.quick else ROWS]
    pairs = [(engine, shape) for engine in options.source or ENGINES for shape in options.shape or reversed(SHAPES)]
    if options.quick and not chosen:
        pairs = [pairs[0], pairs[-1]]
    for rows in sizes:
        for engine, shape in pairs:
            main_part = bool(chosen) or (engine, shape) == ("mariadb", "wide")
            states = tuple(options.states or (STATES if main_part else STATES[:2]))
            yield Plan(engine, shape, rows, states, ways, rounds)
    if not chosen and not options.quick:
        few = tuple(way for way in ways if isinstance(WAYS[way], Daybook) or way == PIPE)
        more = sizes[0] * 5 // 2
        yield Plan("mariadb", "wide", more, tuple(options.states or STATES[:2]), few, 1)


@contextmanager
def _running_project(servers: Servers) -> Iterator[Project]:
    tables = {f"{way.schema}.nps": way.table(TABLE) for way in WAYS.values() if isinstance(way, Daybook)}
    with running_project(servers.addresses, tables) as project:
        yield project


def measure(servers: Servers, project: Project, plan: Plan) -> Part:
    """Measure one part."""
    made = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, rounds: {plan.rounds}; load average {os.getloadavg()[0]:.1f} before"
    )
    print(f"making {plan.rows:,} {plan.shape} rows in {plan.engine}", flush=True)
    ways, versions, left_out = _installed(plan.ways)
    sizes = {None, *(rows for way in ways if (rows := _most_rows(way, plan)) is not None)}
    source = make_source(servers.addresses, plan.engine, plan.shape, plan.rows, plan.states, sizes)
    loader = _Loader(servers, project, plan, source)
    loader.warm_up()
    runs: list[Run] = []
    for number in range(plan.rounds):
        loader.forget(ways)
        for state in plan.states:
            source.become(state)
            start = number % len(ways)
            for way in [*ways[start:], *ways[:start]]:
                if isinstance(way, Program) and way.once and (number or state not in plan.states[:2]):
                    continue
                try:
                    runs.append(loader.load(way, state))
                except Failed as error:
                    left_out[way.name] = str(error).splitlines()[-1]
                    print(f"{way.name} failed: {error}", flush=True)
        ways = [way for way in ways if way.name not in left_out]
    runs = [run for run in runs if run.way not in left_out]
    watched = loader.watch(ways)
    seen, idle = tuple(watched), loader.idle()
    source.drop()
    loader.forget(ways)
    description = f"{made}; {machine.machine()}"
    found = f"{machine.versions(servers.addresses)}, {', '.join(versions)}"
    return Part(plan.engine, plan.shape, plan.rows, description, found, tuple(runs), seen, idle, left_out)


def _installed(names: Iterable[str]) -> tuple[list[Way], list[str], dict[str, str]]:
    """Install the ways. Return those that can be had here, their versions, and the others with the reason."""
    ways, versions, left_out = list[Way](), dict[str, None](), dict[str, str]()
    for name in names:
        try:
            versions |= dict.fromkeys(WAYS[name].versions())
        except NotInstalled as error:
            left_out[name] = str(error)
            print(f"{name} is left out: {error}", flush=True)
        else:
            ways.append(WAYS[name])
    return ways, list(versions), left_out


def _most_rows(way: Way, plan: Plan) -> int | None:
    """Return the number of rows that the way loads, or None if it loads all."""
    most = way.most_rows if isinstance(way, Program) else None
    return None if most is None or most >= plan.rows else most


@dataclass(frozen=True)
class _Loader:
    """Loads the table nps of one source, and compares what was loaded with it."""

    servers: Servers
    project: Project
    plan: Plan
    source: Source

    def forget(self, ways: Sequence[Way]) -> None:
        """Drop the tables of all ways, and what Daybook and dlt have recorded about them."""
        schemas = [name for way in ways for name in (way.schema, f"{way.schema}_staging")]
        url = self.servers.addresses.warehouse
        warehouse.run(url, *(f"DROP SCHEMA IF EXISTS {name} CASCADE" for name in ("daybook", *schemas)))
        warehouse.run(url, *(f"CREATE SCHEMA {way.schema}" for way in ways), "CHECKPOINT")
        for way in ways:
            shutil.rmtree(self._job(way).folder, ignore_errors=True)

    def warm_up(self) -> None:
        """Load twice without a measurement: the source was written just now, and the warehouse's files have to grow."""
        way = WAYS[PIPE]
        for _ in range(2):
            self.forget([way])
            way.load(self._job(way), self.servers)
            os.sync()
        self.forget([way])

    def load(self, way: Way, state: State) -> Run:
        """Load by one way, and return the run. Exit with a message if the loaded rows are not those of the source."""
        warehouse.run(self.servers.addresses.warehouse, "CHECKPOINT")
        cost, flow_seconds = way.load(self._job(way), self.servers, self.project)
        most = _most_rows(way, self.plan)
        self._require_same(way, state, most)
        flow = "" if flow_seconds is None else f" ({flow_seconds:.1f} s in the flow)"
        print(
            f"{way.name}, {title(state)}: {cost.seconds:.1f} s{flow}, {cost.cpu_seconds:.1f} CPU s, "
            f"{cost.servers_cpu_seconds:.1f} CPU s of the servers, {cost.peak / 1e6:.0f} MB",
            flush=True,
        )
        return Run(way.name, state, most or self.plan.rows, cost, flow_seconds)

    def watch(self, ways: Sequence[Way]) -> Iterator[tuple[str, State, Seen]]:
        """Load once more, and yield what a reader saw: with Daybook from each later state, with others from the last.

        A way that is much slower than the others is left out.
        """
        later = [state for state in self.plan.states if state != "first"]
        for state in later:
            self.source.become(state)
            for way in ways:
                if isinstance(way, Program) and (way.once or state != later[-1]):
                    continue
                with Reader(self.servers.addresses.warehouse, f"{way.schema}.nps") as reader:
                    way.load(self._job(way), self.servers, self.project)
                self._require_same(way, state, None)
                yield way.name, state, reader.seen

    def idle(self) -> Seen:
        """Return what a reader sees while nothing is loaded."""
        way = next(iter(self.plan.ways))
        with Reader(self.servers.addresses.warehouse, f"{WAYS[way].schema}.nps") as reader:
            time.sleep(_SECONDS_IDLE)
        return reader.seen

    def _job(self, way: Way) -> Job:
        chosen = columns(self.plan.shape)
        defined = ", ".join(f"{name} {kind}" for name, kind in chosen.items())
        return Job(
            self.source.url,
            self.servers.addresses.warehouse,
            TABLE,
            way.schema,
            tuple(chosen),
            f"CREATE TABLE {{table}} ({defined})",
            warehouse.KEY_AND_INDEX,
            str(Path(self.servers.addresses.folder) / way.schema),
        )

    def _require_same(self, way: Way, state: State, most_rows: int | None) -> None:
        url, name = self.servers.addresses.warehouse, f"{way.schema}.nps"
        found = warehouse.content(url, name, columns=columns(self.plan.shape))
        expected = self.source.content(state, most_rows)
        if found != expected:
            raise SystemExit(f"{way.name}, {title(state)}: {name} has {found}, but the source has {expected}")
        if not warehouse.has_key_and_index(url, name):
            raise SystemExit(f"{way.name}: {name} lacks its key or its index")


if __name__ == "__main__":
    main()
