"""`python -m benchmarks.backfill`: compare the backfill with a single load and Airflow. Write backfill.md and .svg.

`--quick` measures one round and fewer days, and writes to .daybook/benchmarks, so that the published figures stay. It
runs on Linux only, because it reads the memory from /proc.
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from benchmarks import backfill_planning, backfill_report, machine, warehouse
from benchmarks.airflow_server import VERSION, NoAirflow, running_airflow
from benchmarks.backfill_results import AIRFLOW, BACKFILL, COPY, DAILY, START, Results
from benchmarks.backfill_source import DAYS, TABLE, day, make_production, require_same
from benchmarks.backfill_ways import OTHERS, copy, in_one_process, running_daybook
from benchmarks.environments import NotInstalled
from benchmarks.page import HERE, QUICK, print_targets
from benchmarks.servers import Addresses, Servers, running_servers
from benchmarks.ways import WAYS
from benchmarks.whole_process import Failed
from daybook.orchestration.local_stack.errors import StackError

_AIRFLOWS_TABLE = (
    f"CREATE TABLE {TABLE} (id bigint PRIMARY KEY, created_at timestamp, score smallint)",
    f"CREATE INDEX ON {TABLE} (created_at)",
)


@dataclass(frozen=True)
class Size:
    """The size of a measurement."""

    rounds: int
    daily: int
    """The number of days that the backfill with one run a day loads."""
    airflow: int
    """The number of days that Airflow loads in each round."""


FULL, SMALL = Size(3, 10, 40), Size(1, 2, 10)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description="Measure the backfill.")
    parser.add_argument("--quick", action="store_true", help="one round, fewer days; into .daybook/benchmarks")
    quick = parser.parse_args().quick
    machine.check()
    made = machine.made(f"python -m benchmarks.backfill{' --quick' if quick else ''}")
    try:
        with running_servers() as servers:
            made.append(f"{machine.versions(servers.addresses)}, apache-airflow {VERSION}")
            results = measure(servers, SMALL if quick else FULL)
    except (StackError, pytest.fail.Exception) as error:  # a server did not start
        sys.exit(str(error))
    folder = QUICK if quick else HERE
    folder.mkdir(parents=True, exist_ok=True)
    backfill_report.draw(results, folder)
    (folder / "backfill.md").write_text(backfill_report.page(results, made), encoding="utf-8")
    print()
    print_targets(results.targets())
    print(f"\nWritten: {folder / 'backfill.md'}, {backfill_report.PLOT}")


def measure(servers: Servers, size: Size) -> Results:
    """Measure everything that the page shows."""
    addresses = servers.addresses
    print(f"making {DAYS} days", flush=True)
    source = make_production(addresses.source)
    days = {COPY: DAYS, BACKFILL: DAYS, DAILY: size.daily, AIRFLOW: size.airflow}
    others = {f"{name}, one process": WAYS[name] for name in OTHERS}
    days |= dict.fromkeys(others, DAYS)
    seconds: dict[str, list[float]] = {}
    start: list[float] = []

    def loaded(name: str, load: Callable[[], float]) -> None:
        warehouse.reset(addresses.warehouse)
        _take(seconds.setdefault(name, []), name, load())
        require_same(source, addresses.warehouse, range(days[name]))

    with running_daybook(source, addresses) as daybook:
        for _ in range(size.rounds):
            loaded(COPY, lambda: copy(source, addresses))
            loaded(BACKFILL, lambda: daybook.backfill(range(DAYS)))
            _take(start, START, daybook.empty_day())
            for name, way in others.items():
                try:
                    loaded(name, functools.partial(in_one_process, way, source, servers))
                except (NotInstalled, Failed) as error:
                    print(f"{name} was not measured: {error}", flush=True)
        loaded(DAILY, lambda: daybook.backfill(range(size.daily), intervals_per_run=1))
    no_airflow = ""
    try:
        for taken in _airflow(source, addresses, size):
            _take(seconds.setdefault(AIRFLOW, []), AIRFLOW, taken)
    except NoAirflow as error:
        no_airflow = str(error)
        print(f"Airflow was not measured: {no_airflow}", flush=True)
    backfill_planning.fill_ledger(addresses.warehouse)
    zones = backfill_planning.ZONES * size.rounds
    plannings = [backfill_planning.measure(addresses.warehouse, zone) for zone in zones]
    return Results(days, seconds, start, plannings, no_airflow)


def _airflow(source: str, addresses: Addresses, size: Size) -> Iterator[float]:
    """Yield the seconds of each of Airflow's backfills, which load different days. Raises NoAirflow if it fails."""
    warehouse.reset(addresses.warehouse)
    warehouse.run(addresses.warehouse, *_AIRFLOWS_TABLE, "CREATE DATABASE airflow")
    metadata = make_url(addresses.warehouse).set(database="airflow").render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="daybook-airflow-") as folder:
        span = (day(0), day(DAYS))
        with running_airflow(Path(folder), source, addresses.warehouse, metadata, span) as airflow:
            for number in range(size.rounds):
                yield airflow.backfill(day(number * size.airflow), size.airflow)
                require_same(source, addresses.warehouse, range((number + 1) * size.airflow))


def _take(into: list[float], name: str, seconds: float) -> None:
    into.append(seconds)
    print(f"{name}: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
