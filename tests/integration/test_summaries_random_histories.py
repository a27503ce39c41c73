"""After any history of changes and loads, each summary is what its SELECT returns, and at last what the source has."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from daybook.definitions.table import Table
from daybook.summaries.builder.build import build
from daybook.summaries.graph import plan_builds
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

FIRST, DAYS = datetime(2021, 2, 1), 10  # a Monday
HOURS = DAYS * 24
NAMES = itertools.count()
WITHIN = "where {seen} >= {start} and {seen} < {end} group by 1"
IN_KOLKATA = "(seen at time zone 'UTC' at time zone 'Asia/Kolkata')"
TOTALS = "count(*) as rows, sum(n) as total"

#: The summaries: the SELECT, and the fields of the file. `{seen}` is the column that is compared.
SUMMARIES: dict[str, tuple[str, str]] = {
    "daily": (f"select cast(seen as date) as day, {TOTALS} from {{events}} {WITHIN}", "interval: day"),
    "weekly": (
        f"select cast(date_trunc('week', seen) as date) as day, {TOTALS} from {{events}} {WITHIN}",
        "interval: week",
    ),
    "of_kolkata": (
        f"select cast({IN_KOLKATA} as date) as day, {TOTALS} from {{events}} {WITHIN}".replace("{seen}", IN_KOLKATA),
        "interval: day\ntimezone: Asia/Kolkata",
    ),
    "on_another_clock": (
        f"select cast(seen as date) as day, {TOTALS} from {{events}} {WITHIN}",
        "interval: day\ntimezone: America/New_York",
    ),
    "rolling": (
        "select d.day, count(*) as rows, sum(e.n) as total "
        "from (select distinct cast(seen as date) as day from {events} where seen >= {start} and seen < {end}) d "
        "join {events} e on e.seen >= d.day - 2 and e.seen < d.day + 1 "
        "and e.seen >= {start} and e.seen < {end} group by 1",
        "interval: day\nlookback: 2",
    ),
    "joined": (
        "select cast(e.seen as date) as day, count(*) as rows, sum(e.n + coalesce(o.n, 0)) as total "
        "from {events} e left join {events} o on o.id = e.id - 1 where e.seen >= {start} and e.seen < {end} group by 1",
        "interval: day",
    ),
    "of_daily": (
        "select cast(date_trunc('week', day) as date) as day, sum(rows) as rows, sum(total) as total "
        "from {daily} where day >= {start} and day < {end} group by 1",
        "interval: week",
    ),
}

Step = tuple[Any, ...]
HOUR, ROW = st.integers(0, HOURS - 1), st.integers(0, 99)
STEPS = st.one_of(
    st.tuples(st.just("insert"), HOUR, st.integers(0, 9)),
    st.tuples(st.just("move"), ROW, HOUR | st.none()),
    st.tuples(st.just("edit"), ROW, st.integers(0, 9)),
    st.tuples(st.just("delete"), ROW),
    st.tuples(st.just("flag"), ROW, HOUR),
    st.tuples(st.just("load"), st.integers(0, DAYS - 1), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("load"), st.integers(0, DAYS - 1), st.just(1), st.booleans()),
    st.tuples(st.just("refresh")),
    st.tuples(st.just("build"), st.sets(st.sampled_from(sorted(SUMMARIES)))),
    st.tuples(st.just("build"), st.just(set(SUMMARIES))),
)


@dataclass
class History:
    """A table at the source, in the warehouse, and its summaries."""

    ends: Endpoints
    folder: Path
    strategy: str
    table: Table = field(init=False)
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        number = next(NAMES)
        self.name, source = f"events_{number}", self.ends.source
        self.names = {name: f"{name}_{number}" for name in SUMMARIES}
        clock = "datetime(6)" if source.is_mysql else "timestamp"
        source.run(f"CREATE TABLE {self.name} (id int PRIMARY KEY, seen {clock}, n int, gone int)")
        source.run(f"CREATE INDEX {self.name}_seen ON {self.name} (seen)")
        deletes = {"deleted": "gone", "on_delete": "apply"} if self.strategy == "upsert" else {}
        self.table = self.ends.table(
            self.name, load=self.strategy, key=["id"], cursor="seen", interval="day", shrink_limit=0, **deletes
        )
        self.write_files()

    def write_files(self) -> None:
        schema = self.folder / self.ends.destination.namespace
        schema.mkdir(exist_ok=True)
        own = "description: x\nowner: x\n"
        more = f"load: {self.strategy}\nkey: id\nsource: {{kind: database, table: a.b}}\ncursor: seen\ninterval: day\n"
        (schema / f"{self.name}.yaml").write_text(own + more, encoding="utf-8")
        for name, (_, fields) in SUMMARIES.items():
            file = f"{own}key: [day]\ncursor: day\nallow_empty: true\n{fields}\n"
            (schema / f"{self.names[name]}.yaml").write_text(file, encoding="utf-8")
            (schema / f"{self.names[name]}.sql").write_text(self.select(name), encoding="utf-8")

    def select(self, name: str) -> str:
        raw = self.ends.destination.namespace
        events, daily = f"{raw}.{self.name}", f"{raw}.{self.names['daily']}"
        text = SUMMARIES[name][0].replace("{seen}", "seen")
        return text.replace("{events}", events).replace("{daily}", daily)

    def run(self, steps: Sequence[Step]) -> None:
        for hour in (5, 30, 31, 100, 180):
            self.insert(hour, 1)
        self.load(0, DAYS, False)
        for step in steps:
            getattr(self, step[0])(*step[1:])
        self.refresh() if self.has_rows_without_day() else self.load(0, DAYS, True)
        self.build(set(SUMMARIES))
        source = self.at_source()
        loaded = self.ends.rows(self.table, "id, seen, n")
        assert [tuple(row) for row in loaded] == source
        assert self.rows("daily") == totals(source, lambda at: at.date())
        assert self.rows("of_kolkata") == totals(
            source, lambda at: at.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata")).date()
        )
        by_week = totals(source, lambda at: at.date() - timedelta(days=at.weekday()))
        assert self.rows("weekly") == self.rows("of_daily") == by_week

    def at_source(self) -> list[tuple[int, datetime | None, int]]:
        """Return the rows of the source that are not deleted."""
        return self.ends.source.run(f"SELECT id, seen, n FROM {self.name} WHERE {self.live} ORDER BY id")

    @property
    def live(self) -> str:
        return "gone = 0" if self.strategy == "upsert" else "1 = 1"

    def has_rows_without_day(self) -> bool:
        query = "SELECT 1 FROM {} WHERE seen IS NULL LIMIT 1"
        here = self.ends.source.run(query.format(self.name))
        return bool(here or self.ends.destination.run(query.format(self.ends.name(self.table))))

    def insert(self, hour: int, n: int) -> None:
        row = (next(self.keys), FIRST + timedelta(hours=hour), n, 0)
        self.ends.source.run(f"INSERT INTO {self.name} VALUES (%s, %s, %s, %s)", row)

    def change(self, which: int, setting: str, *values: Any) -> None:
        rows = self.at_source()
        if rows:
            self.ends.source.run(f"{setting} WHERE id = %s", (*values, rows[which % len(rows)][0]))

    def move(self, which: int, hour: int | None) -> None:
        at = None if hour is None else FIRST + timedelta(hours=hour)
        self.change(which, f"UPDATE {self.name} SET seen = %s", at)

    def edit(self, which: int, n: int) -> None:
        self.change(which, f"UPDATE {self.name} SET n = %s", n)

    def delete(self, which: int) -> None:
        self.change(which, f"DELETE FROM {self.name}")

    def flag(self, which: int, hour: int) -> None:
        self.change(which, f"UPDATE {self.name} SET gone = 1, seen = %s", FIRST + timedelta(hours=hour))

    def load(self, first: int, length: int, exact: bool) -> None:
        days = [f"{FIRST + timedelta(days=day):%Y-%m-%d}" for day in (first, min(first + length, DAYS))]
        self.ends.load(self.table, *days, allow_shrink=True, **({"exact": True} if exact else {}))

    def refresh(self) -> None:
        self.ends.load(self.table, allow_shrink=True)

    def build(self, wanted: set[str]) -> None:
        """Build the stale part of some summaries. Each must then be what its SELECT returns for all rows."""
        raw, warehouse = self.ends.destination.namespace, self.ends.warehouse
        names = {f"{raw}.{self.names[name]}": name for name in wanted | {"daily"}}
        graph = plan_builds(warehouse, list(names), self.folder)
        for full_name in graph.order:
            lineage, name = graph.lineages[full_name], names[full_name]
            build(lineage.summary, lineage, warehouse)
            every = self.select(name).replace("{start}", "TIMESTAMP '0002-01-01'")
            every = every.replace("{end}", "TIMESTAMP '9000-01-01'")
            assert self.rows(name) == self.ends.destination.run(f"{every} ORDER BY 1"), name

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        raw = self.ends.destination.namespace
        return self.ends.destination.run(f"SELECT * FROM {raw}.{self.names[name]} ORDER BY 1")


def totals(rows: Sequence[tuple[int, datetime | None, int]], day_of: Any) -> list[tuple[date, int, int]]:
    """Return (day, rows, total) of the rows that have a day, as Python computes them."""
    found = defaultdict[date, list[int]](list)
    for _, at, n in rows:
        if at is not None:
            found[day_of(at)].append(n)
    return sorted((day, len(values), sum(values)) for day, values in found.items())


#: A history with each kind of step, which `make test` runs. Histories that fail in `make test-all` belong here, too.
NAMED: list[list[Step]] = [
    [
        ("build", set(SUMMARIES)),
        ("move", 0, 100),
        ("load", 4, 1, False),
        ("build", {"daily", "of_kolkata", "joined"}),
        ("insert", 53, 7),
        ("move", 1, None),
        ("edit", 2, 5),
        ("load", 1, 2, True),
        ("build", {"of_daily", "on_another_clock"}),
        ("move", 1, 75),
        ("delete", 3),
        ("flag", 0, 60),
        ("load", 2, 2, False),
        ("build", set(SUMMARIES)),
        ("refresh",),
        ("move", 2, 239),
        ("load", 9, 1, False),
    ]
]


@pytest.mark.parametrize("strategy", ["replace_interval", "upsert"])
@pytest.mark.parametrize("steps", NAMED)
def test_a_named_history(
    strategy: str, steps: list[Step], postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with ends_of(postgres_source, "postgres-folder", request, tmp_path) as ends:
        History(ends, tmp_path, strategy).run(steps)


@pytest.mark.full
@pytest.mark.parametrize(
    ("source_kind", "warehouse_kind", "examples"),
    [
        ("postgres", "postgres-folder", 50),
        ("mariadb", "redshift-s3", 30),
        ("mariadb", "duckdb-folder", 30),
    ],
)
@pytest.mark.parametrize("strategy", ["replace_interval", "upsert"])
def test_any_history(
    source_kind: str,
    warehouse_kind: str,
    examples: int,
    strategy: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    with source_database(source_kind, request) as source, ends_of(source, warehouse_kind, request, tmp_path) as ends:

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # shrinking a history would take hundreds of loads
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(STEPS, min_size=8, max_size=14))
        def of(steps: list[Step]) -> None:
            History(ends, tmp_path, strategy).run(steps)

        of()
