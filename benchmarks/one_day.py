"""Load one day into tables of two sizes: a load must not take longer because the table is larger."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import NullPool, create_engine

from benchmarks import warehouse
from benchmarks.answers import A_DAY, DAY_ONE, SECONDS_APART, make_answers
from benchmarks.servers import Addresses
from benchmarks.ways import Keys, described
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from daybook.stage.folder import FolderStage
from daybook.warehouses.registry import open_warehouse

Strategy = Literal["replace_interval", "upsert"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
SOURCE = "newest_days"
DAYS = 20  # in the source: the last days of every table
REPEATS = DAYS // len(STRATEGIES)


@dataclass(frozen=True)
class OneDay:
    """The median seconds of REPEATS - 1 loads of one day (A_DAY rows) into a table of `into` rows."""

    strategy: Strategy
    into: int
    extract: float
    load: float

    @property
    def seconds(self) -> float:
        """Return the seconds of the whole load."""
        return self.extract + self.load


def measure(addresses: Addresses, sizes: Sequence[int]) -> list[OneDay]:
    """Load days with both strategies into tables of these sizes (rows), in turns.

    Every row of a day is already in the table and has changed in the source, so all are replaced. The first day of each
    strategy does not count. Exit with a message if a table differs from the source at the end.
    """
    last = max(sizes)
    make_answers(addresses.source, SOURCE, last - DAYS * A_DAY, last - 1, other_scores=True)
    warehouse.reset(addresses.warehouse)
    for size in sizes:
        _make_table(addresses.warehouse, _name(size), last - size, last - 1)
    taken: dict[tuple[Strategy, int], list[tuple[float, float]]] = {}
    first_day = date.fromisoformat(DAY_ONE) + timedelta(days=last // A_DAY - DAYS)
    for number in range(DAYS):
        strategy = STRATEGIES[number % len(STRATEGIES)]
        for size in sizes if number % 4 < 2 else reversed(sizes):
            seconds = _load_day(addresses, _name(size), strategy, first_day + timedelta(days=number))
            taken.setdefault((strategy, size), []).append(seconds)
    expected = warehouse.source_content(addresses.source, SOURCE)
    for size in sizes:
        found = warehouse.content(addresses.warehouse, _name(size), f"id >= {last - DAYS * A_DAY}")
        if found != expected:
            raise SystemExit(f"{_name(size)}: its last {DAYS} days have {found}, but the source has {expected}")
    return [
        OneDay(strategy, size, *(statistics.median(leg) for leg in zip(*days[1:], strict=True)))
        for (strategy, size), days in taken.items()
    ]


def _name(size: int) -> str:
    return f"{warehouse.SCHEMA}.nps_{size}"


def _make_table(url: str, table: str, first: int, last: int) -> None:
    made = f"TIMESTAMP '{DAY_ONE}' + floor(n * {SECONDS_APART}) * INTERVAL '1 second'"
    warehouse.run(
        url,
        warehouse.CREATE.format(table=table),
        f"INSERT INTO {table} SELECT n, {made}, n * 7 % 11, n * 48271 % 2147483647, "
        f"'It was what I had ordered and came in time, number ' || n, {made} "
        f"FROM generate_series({first}::bigint, {last}) AS n",
        *(statement.format(table=table) for statement in warehouse.KEY_AND_INDEX),
        f"VACUUM ANALYZE {table}",
        "CHECKPOINT",
    )


def _load_day(addresses: Addresses, name: str, strategy: Strategy, day: date) -> tuple[float, float]:
    table = described(name, SOURCE, strategy)
    target = open_warehouse(create_engine(addresses.warehouse, poolclass=NullPool))
    stage = FolderStage(Path(addresses.folder) / "stage")
    report = load(extract(plan(table, day), Keys(addresses.source), target, stage), target, stage)
    return report.seconds["extract"], report.seconds["load"]
