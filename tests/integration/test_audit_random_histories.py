"""Random histories of a table: an audit finds what a full comparison in Python finds, and an exact load repairs it."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from daybook.audit.interval_audit import audit
from daybook.definitions.table import Table
from daybook.model.interval import Interval
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse

FIRST = datetime(2021, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = [Interval(FIRST + n * DAY, FIRST + (n + 1) * DAY) for n in range(3)]
NAMES = itertools.count()

Row = tuple[int, datetime, str | None]


@dataclass
class World:
    """A table in source and warehouse, and the loaded rows of each day as Python computes them."""

    ends: Endpoints
    table: Table
    loaded: dict[Interval, Counter[Row]] = field(default_factory=dict)

    def rows(self, database: Database, table: str) -> list[Row]:
        return database.run(f"SELECT id, at, note FROM {table} WHERE at IS NOT NULL ORDER BY id")

    def at_source(self) -> list[Row]:
        return self.rows(self.ends.source, self.table.table_name)

    def in_warehouse(self) -> list[Row]:
        return self.rows(self.ends.destination, self.ends.name(self.table)) if self.loaded else []


def within(rows: list[Row], day: Interval) -> Counter[Row]:
    return Counter(row for row in rows if day.start <= row[1].replace(tzinfo=UTC) < day.end)


def verdict(source: Counter[Row], loaded: Counter[Row] | None, there: Counter[Row], with_moved: Counter[Row]) -> str:
    """Return the verdict from comparing all rows. `there` has no rows that moved since they were loaded."""
    if loaded is None:
        return "warehouse altered" if there else "never loaded"
    if source == there:
        return "equal"
    if loaded == there:
        return "source changed since"
    if loaded == source:
        return "warehouse altered"
    return "source changed since" if loaded == with_moved else "source changed and warehouse altered"


def numbers(source: Counter[Row], there: Counter[Row]) -> tuple[int, int, int]:
    """Return (added, removed, changed) from comparing all rows."""
    added, removed = source - there, there - source
    found = [0, 0, 0]
    for key in {row[0] for row in [*added, *removed]}:
        more, less = (sum(n for row, n in rows.items() if row[0] == key) for rows in (added, removed))
        found = [found[0] + more - min(more, less), found[1] + less - min(more, less), found[2] + min(more, less)]
    return found[0], found[1], found[2]


def moved_on(world: World) -> set[int]:
    """Return the keys of an upsert whose rows are later than everything that was loaded."""
    until = max((day.end for day in world.loaded), default=None)
    if world.table.load != "upsert" or until is None:
        return set()
    return {row[0] for row in world.at_source() if row[1].replace(tzinfo=UTC) >= until}


class Histories(RuleBasedStateMachine):
    """`world` creates a new table before each history."""

    world: Any = None

    @initialize(rows=st.lists(st.integers(0, 3 * 24 - 1), min_size=3, max_size=8))
    def begin(self, rows: list[int]) -> None:
        self.now: World = type(self).world()
        self.keys = itertools.count(1)
        for hour in rows:
            self.insert_late(hour)
        self.load(0, 2)

    def at(self, hour: int) -> str:
        return f"{FIRST + hour * timedelta(hours=1):%Y-%m-%d %H:%M:%S}"

    def change_source(self, sql: str, *values: Any) -> None:
        self.now.ends.source.run(sql.format(table=self.now.table.table_name), values)

    def change_warehouse(self, sql: str, *values: Any) -> None:
        self.now.ends.destination.run(sql.format(table=self.now.ends.name(self.now.table)), values)

    @rule(hour=st.integers(0, 3 * 24 - 1))
    def insert_late(self, hour: int) -> None:
        self.change_source("INSERT INTO {table} VALUES (%s, %s, %s)", next(self.keys), self.at(hour), "né")

    @rule(which=st.integers(0), note=st.sampled_from([None, "", "x", "x "]), hour=st.none() | st.integers(0, 71))
    def edit(self, which: int, note: str | None, hour: int | None) -> None:
        """Change the text of a row, and perhaps its cursor, which moves it to another day."""
        rows = self.now.at_source()
        if rows:
            row = rows[which % len(rows)]
            at = row[1] if hour is None else self.at(hour)
            self.change_source("UPDATE {table} SET note = %s, at = %s WHERE id = %s", note, at, row[0])

    @rule(which=st.integers(0))
    def delete(self, which: int) -> None:
        rows = self.now.at_source()
        if rows:
            self.change_source("DELETE FROM {table} WHERE id = %s", rows[which % len(rows)][0])

    @precondition(lambda self: self.now.in_warehouse())
    @rule(which=st.integers(0), how=st.sampled_from(["edit", "move", "delete", "duplicate"]))
    def alter(self, which: int, how: str) -> None:
        rows = self.now.in_warehouse()
        row = rows[which % len(rows)]
        if how == "edit":
            self.change_warehouse("UPDATE {table} SET note = 'by hand' WHERE id = %s", row[0])
        elif how == "move":
            self.change_warehouse("UPDATE {table} SET at = %s WHERE id = %s", self.at(which % 72), row[0])
        elif how == "delete":
            self.change_warehouse("DELETE FROM {table} WHERE id = %s", row[0])
        elif self.now.ends.on_redshift:  # PostgreSQL enforces the key
            self.change_warehouse("INSERT INTO {table} VALUES (%s, %s, %s)", *row)

    @rule(hour=st.integers(0, 71))
    def insert_by_hand(self, hour: int) -> None:
        self.change_warehouse("INSERT INTO {table} VALUES (%s, %s, 'new')", next(self.keys), self.at(hour))

    @rule(day=st.integers(0, 2))
    def load_a_day(self, day: int) -> None:
        self.load(day, day + 1)

    def load(self, first: int, until: int, **options: Any) -> None:
        days = DAYS[first:until]
        self.now.ends.load(
            self.now.table, f"{days[0].start:%Y-%m-%d}", f"{days[-1].end:%Y-%m-%d}", allow_shrink=True, **options
        )
        self.now.loaded |= {day: within(self.now.at_source(), day) for day in days}

    @rule()
    def compare(self) -> None:
        """The audit finds the same as comparing all rows."""
        world, later = self.now, moved_on(self.now)
        source, there = world.at_source(), [row for row in world.in_warehouse() if row[0] not in later]
        found = audit(world.table, DAYS, world.ends.warehouse, world.ends)
        for result in found:
            day = result.interval
            mine, theirs = within(source, day), within(there, day)
            with_moved = within(world.in_warehouse(), day)
            assert result.verdict == verdict(mine, world.loaded.get(day), theirs, with_moved), day
            assert (result.source.rows, result.warehouse.rows) == (mine.total(), theirs.total())
            looked = result.differences
            assert looked.exact
            assert (looked.added, looked.removed, looked.changed) == numbers(mine, theirs), day

    @rule()
    def repair(self) -> None:
        """Reload the days that differ. Then everything is equal, and no other day has changed."""
        world = self.now
        differ = {result.interval for result in self.audited() if result.verdict.is_difference}
        later, ledger = moved_on(world), world.ends.ledger(world.table)

        def settled(day: Interval) -> Counter[Row]:
            """Return the rows without those that a load of their new day would move, as every load does."""
            return within([row for row in world.in_warehouse() if row[0] not in later], day)

        alike = {day: settled(day) for day in DAYS if day not in differ}
        for day in differ:
            number = DAYS.index(day)
            self.load(number, number + 1, exact=True)
        assert {day: settled(day) for day in alike} == alike
        written = world.ends.ledger(world.table)[len(ledger) :]
        assert sorted((start, end) for start, end, *_ in written) == sorted((day.start, day.end) for day in differ)
        assert {str(result.verdict) for result in self.audited()} <= {"equal", "never loaded"}
        assert not differ or sum(r.verdict == "equal" for r in self.audited()) == len(world.loaded)

    def audited(self) -> list[Any]:
        return audit(self.now.table, DAYS, self.now.ends.warehouse, self.now.ends, look=0)

    def teardown(self) -> None:
        if hasattr(self, "now"):
            self.compare()
            self.repair()


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def worlds(source: Database, request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Endpoints]:
    """Both sources and both warehouses."""
    with ends_of(source, request.param, request, tmp_path) as both:
        yield both


@pytest.mark.each_value
@pytest.mark.parametrize("strategy", ["replace_interval", "upsert"])
def test_any_history(worlds: Endpoints, strategy: str) -> None:
    ends = worlds

    def world() -> World:
        name = f"things_{next(NAMES)}"
        clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
        ends.source.run(f"CREATE TABLE {name} (id int PRIMARY KEY, at {clock}, note varchar(20))")
        ends.source.run(f"CREATE INDEX {name}_at ON {name} (at)")
        table = ends.table(
            name, load=strategy, key=["id"], cursor="at", interval="day", start=FIRST.date(), shrink_limit=0
        )
        return World(ends, table)

    machine = type("Of", (Histories,), {"world": staticmethod(world)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings().max_examples // 25,  # each is a dozen loads
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # shrinking a history would take hundreds of loads
            suppress_health_check=list(HealthCheck),
        ),
    )
