"""An analyst's desk in the tests: a warehouse with raw tables that are loaded, and summaries of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval
from daybook.summaries.builder.build import Built, build
from daybook.summaries.parse.lineage import read
from tests.support.source_and_warehouse import Database, Endpoints

#: A raw table of answers, and the summary of its days that most tests are about.
ANSWERS = "CREATE TABLE {raw}.answers (id int, at timestamp, score int)"
PER_DAY = """
    select cast(at as date) as day, count(*) as answers, sum(score) as total
    from {raw}.answers
    where at >= {{start}} and at < {{end}}
    group by 1
"""


@dataclass
class Desk:
    """A warehouse, in the schema `raw` of which there are the inputs, and the summaries too."""

    ends: Endpoints
    raw: str
    _loads: int = field(default=0)

    @property
    def database(self) -> Database:
        """The warehouse, spoken to past Daybook."""
        return self.ends.destination

    def run(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """One statement, in which `{raw}` is the schema."""
        return self.database.run(sql.replace("{raw}", self.raw), values)

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """What readers of a table see, sorted."""
        return self.run(f"SELECT {columns} FROM {{raw}}.{table} ORDER BY 1")

    def note(
        self, table: str, first: str | None, until: str | None = None, *, loaded_at: datetime | None = None
    ) -> None:
        """A load of `table` as its ledger has it: of the day `first` (until `until`), or, with None, of all of it."""
        end = datetime.fromisoformat(until or first or "2030-01-01").replace(tzinfo=UTC)
        start = datetime.fromisoformat(first).replace(tzinfo=UTC) if first else None
        days = [(start, end)]
        if start:
            last = end if until else start + timedelta(days=1)
            days = [(start + timedelta(n), start + timedelta(n + 1)) for n in range((last - start).days)]
        self._loads += 1
        ledger, name = Ledger(self.ends.warehouse), f"{self.raw}.{table}"
        with self.ends.warehouse.session() as session:
            ledger.ensure(session)
            moment = loaded_at or ledger.next_moment(session, name)
            strategy = "replace_interval" if first else "replace"
            ledger.record(
                session,
                [Entry(name, *day, 0, strategy, None, moment, f"load-{self._loads}", moment) for day in days],
            )

    def answer(self, *answers: tuple[int, str, int], load: str | None = None, until: str | None = None) -> None:
        """Rows (id, at, score) of the raw table, and, if given, the load that brought them."""
        for row in answers:
            self.run("INSERT INTO {raw}.answers VALUES (%s, %s, %s)", row)
        if load:
            self.note("answers", load, until)

    def summary(self, name: str = "per_day", sql: str = PER_DAY, **fields: Any) -> Summary:
        """A summary of this schema; by default an incremental one of the answers a day."""
        if sql is PER_DAY:
            fields = {"key": ["day"], "interval": "day", "cursor": "day"} | fields
        given = {"description": "One row a day.", "owner": "tests", **fields}
        text = sql.replace("{raw}", self.raw).replace("{{", "{").replace("}}", "}")
        return Summary(name=f"{self.raw}.{name}", sql=text, **given)

    def build(self, summary: Summary, **options: Any) -> Built:
        """Build it as the flow does."""
        warehouse = self.ends.warehouse
        return build(summary, read(summary, warehouse.sqlglot_dialect), warehouse, **options)

    def ledger(self, table: str) -> list[tuple[str | None, str, int]]:
        """(first day, end, rows) of each entry of a table, the oldest first."""
        with self.ends.warehouse.session() as session:
            entries = Ledger(self.ends.warehouse).since(
                session, f"{self.raw}.{table}", datetime(2000, 1, 1, tzinfo=UTC)
            )
        entries.sort(key=lambda entry: (entry.loaded_at, entry.start or entry.end))
        return [(f"{e.start:%Y-%m-%d}" if e.start else None, f"{e.end:%Y-%m-%d}", e.rows) for e in entries]

    def left_behind(self) -> list[str]:
        """The build tables that are there."""
        found = self.run(
            "SELECT tablename FROM pg_tables WHERE schemaname = '{raw}' AND tablename LIKE '%%build%%'", ()
        )
        return sorted(name for (name,) in found)


def days(built: Built) -> list[str]:
    """The days that were built."""
    return [f"{Interval(entry.start, entry.end).start:%Y-%m-%d}" for entry in built.entries if entry.start]


@pytest.fixture
def desk(warehouse_ends: Endpoints) -> Desk:
    """A warehouse of each kind with an empty table of answers."""
    desk = Desk(warehouse_ends, warehouse_ends.destination.namespace)
    desk.run("CREATE SCHEMA IF NOT EXISTS {raw}")
    desk.run(ANSWERS)
    return desk
