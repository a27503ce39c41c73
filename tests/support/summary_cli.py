"""The fixture `desk`: a warehouse with loaded raw tables, and summaries of them."""

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

#: A raw table of answers, and the summary by day that most tests use.
ANSWERS = "CREATE TABLE {raw}.answers (id int, at timestamp, score int)"
PER_DAY = """
    select cast(at as date) as day, count(*) as answers, sum(score) as total
    from {raw}.answers
    where at >= {{start}} and at < {{end}}
    group by 1
"""


@dataclass
class Desk:
    """A warehouse. Its schema `raw` has the inputs and the summaries."""

    ends: Endpoints
    raw: str
    _loads: int = field(default=0)

    @property
    def database(self) -> Database:
        """Return the database of the warehouse, for direct access without Daybook."""
        return self.ends.destination

    def run(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, in which `{raw}` stands for the schema, and return its rows."""
        return self.database.run(sql.replace("{raw}", self.raw), values)

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return the rows that readers of a table see, sorted."""
        return self.run(f"SELECT {columns} FROM {{raw}}.{table} ORDER BY 1")

    def note(
        self, table: str, first: str | None, until: str | None = None, *, loaded_at: datetime | None = None
    ) -> None:
        """Record a load in the ledger: of the day `first` (or until `until`), or with None of the whole table."""
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
        """Insert rows (id, at, score) into the raw table, and record the load of the day `load`, if given."""
        for row in answers:
            self.run("INSERT INTO {raw}.answers VALUES (%s, %s, %s)", row)
        if load:
            self.note("answers", load, until)

    def summary(self, name: str = "per_day", sql: str = PER_DAY, **fields: Any) -> Summary:
        """Return a summary in this schema, by default an incremental one of the answers per day."""
        if sql is PER_DAY:
            fields = {"key": ["day"], "interval": "day", "cursor": "day"} | fields
        given = {"description": "One row a day.", "owner": "tests", **fields}
        text = sql.replace("{raw}", self.raw).replace("{{", "{").replace("}}", "}")
        return Summary(name=f"{self.raw}.{name}", sql=text, **given)

    def build(self, summary: Summary, **options: Any) -> Built:
        """Build a summary as the flow does."""
        warehouse = self.ends.warehouse
        return build(summary, read(summary, warehouse.sqlglot_dialect), warehouse, **options)

    def ledger(self, table: str) -> list[tuple[str | None, str, int]]:
        """Return (first day, end, rows) of each ledger entry of a table, oldest first."""
        with self.ends.warehouse.session() as session:
            entries = Ledger(self.ends.warehouse).since(
                session, f"{self.raw}.{table}", datetime(2000, 1, 1, tzinfo=UTC)
            )
        entries.sort(key=lambda entry: (entry.loaded_at, entry.start or entry.end))
        return [(f"{e.start:%Y-%m-%d}" if e.start else None, f"{e.end:%Y-%m-%d}", e.rows) for e in entries]

    def left_behind(self) -> list[str]:
        """Return the names of the build tables that exist."""
        found = self.run(
            "SELECT tablename FROM pg_tables WHERE schemaname = '{raw}' AND tablename LIKE '%%build%%'", ()
        )
        return sorted(name for (name,) in found)


def days(built: Built) -> list[str]:
    """Return the days that were built."""
    return [f"{Interval(entry.start, entry.end).start:%Y-%m-%d}" for entry in built.entries if entry.start]


@pytest.fixture
def desk(warehouse_ends: Endpoints) -> Desk:
    """Return a warehouse of each kind in turn, with an empty table of answers."""
    desk = Desk(warehouse_ends, warehouse_ends.destination.namespace)
    desk.run("CREATE SCHEMA IF NOT EXISTS {raw}")
    desk.run(ANSWERS)
    return desk
