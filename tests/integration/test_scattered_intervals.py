"""A load of scattered intervals does what loads of each of them do, in one transaction: random days, and a model."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import OutsideInterval, ShrinkGuard
from daybook.load.extraction.extract import Extracted, extract
from daybook.load.load import LoadReport, load
from daybook.load.planning.plan import plan
from daybook.sources.base import Source, Span
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

FIRST = datetime(2021, 2, 1)
DAY = timedelta(days=1)
DAYS = 14

Row = tuple[int, datetime, datetime, str | None]


def day(number: int) -> str:
    return f"{FIRST + number * DAY:%Y-%m-%d}"


def make_source(source: Database, rows: Sequence[Row], name: str = "things") -> None:
    clock = "datetime(6)" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE {name} (id int PRIMARY KEY, created {clock}, modified {clock}, note varchar(20))")
    source.insert(name, rows)


def table_of(ends: Endpoints, strategy: str, name: str = "things", **fields: Any) -> Table:
    cursor = "modified" if strategy == "upsert" else "created"
    given = {"load": strategy, "key": ["id"], "cursor": cursor, "interval": "day", "start": FIRST.date(), **fields}
    return ends.table("things", **given).model_copy(update={"name": f"{ends.destination.namespace}.{name}"})


def load_days(ends: Endpoints, table: Table, numbers: Sequence[int], **options: Any) -> LoadReport:
    return load(extract_days(ends, table, numbers, **options), ends.warehouse, ends.stage)


def extract_days(ends: Endpoints, table: Table, numbers: Sequence[int], **options: Any) -> Extracted:
    chosen = [(FIRST + number * DAY).date() for number in numbers]
    return extract(plan(table, intervals=chosen, **options), ends, ends.warehouse, ends.stage)


def rows_at(moment: datetime, ids: Sequence[int], note: str) -> list[Row]:
    return [(id, moment + id * timedelta(seconds=1), moment + id * timedelta(seconds=1), note) for id in ids]


class Changes:
    """Random changes of the source: rows that are inserted, changed, moved to another day, and deleted."""

    def __init__(self, source: Database, seed: int) -> None:
        self._source, self._random, self._ids = source, random.Random(seed), 1000

    def chosen(self) -> list[int]:
        return sorted(self._random.sample(range(DAYS), self._random.randint(1, 7)))

    def __call__(self) -> None:
        ids = [id for (id,) in self._source.run("SELECT id FROM things ORDER BY id")]
        some = self._random.sample(ids, 12)
        for id in some[:4]:  # every change gets a later `modified`, as in production
            self._touch(id, "note = %s", f"changed {self._random.random():.6f}")
        for id in some[4:8]:
            self._touch(id, "created = %s", self._moment(self._random.randrange(DAYS)))
        for id in some[8:10]:
            self._source.run("DELETE FROM things WHERE id = %s", (id,))
        for _ in range(5):
            self._ids += 1
            at = self._moment(self._random.randrange(DAYS))
            self._source.insert("things", [(self._ids, at, at, "new")])

    def _touch(self, id: int, what: str, value: Any) -> None:
        ((modified,),) = self._source.run("SELECT modified FROM things WHERE id = %s", (id,))
        latest = self._moment(self._random.randrange((modified - FIRST).days, DAYS))
        self._source.run(f"UPDATE things SET {what}, modified = %s WHERE id = %s", (value, max(modified, latest), id))

    def _moment(self, number: int) -> datetime:
        return FIRST + number * DAY + timedelta(seconds=self._random.randrange(86_400), microseconds=7)


@pytest.mark.pairwise
@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
@pytest.mark.parametrize("strategy", ["replace_interval", "upsert", "upsert exact"])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_the_same_as_one_load_of_each(ends: Endpoints, strategy: str, seed: int) -> None:
    make_source(
        ends.source, [row for n in range(DAYS) for row in rows_at(FIRST + n * DAY, range(n * 9, n * 9 + 9), "x")]
    )
    kind, exact = strategy.split()[0], strategy.endswith("exact")
    scattered, single = (table_of(ends, kind, name, shrink_limit=0) for name in ("scattered", "single"))
    changes = Changes(ends.source, seed)
    for _ in range(4):
        numbers = changes.chosen()
        report = load_days(ends, scattered, numbers, exact=exact)
        for number in numbers:
            ends.load(single, day(number), exact=exact)
        assert ends.rows(scattered) == ends.rows(single) and ends.rows(single), numbers
        ours, theirs = recorded(ends, scattered, len(numbers)), recorded(ends, single, len(numbers))
        assert [one[:5] for one in ours] == [one[:5] for one in theirs], "an entry an interval, with its checksum"
        assert [one[0] for one in ours] == [(FIRST + n * DAY).replace(tzinfo=UTC) for n in numbers]
        assert len({one[5:] for one in ours}) == 1, "one load of one snapshot"
        assert report.rows == sum(one[2] for one in ours)
        changes()
    assert not [key for key in ends.staged_keys() if "manifest" not in key]


def recorded(ends: Endpoints, table: Table, count: int) -> list[tuple[Any, ...]]:
    """Return the last entries of the table, by interval."""
    found = ends.destination.run(
        "SELECT interval_start, interval_end, rows_loaded, strategy, checksum, load_id, snapshot_at "
        "FROM daybook.ledger WHERE table_name = %s ORDER BY loaded_at, interval_start",
        (table.name,),
    )
    return sorted(found[-count:])


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_hundred_days_are_one_transaction(ends: Endpoints) -> None:
    make_source(ends.source, [row for n in range(300) for row in rows_at(FIRST + n * DAY, [2 * n, 2 * n + 1], "x")])
    table = table_of(ends, "replace_interval")
    numbers = list(range(0, 300, 3))
    assert load_days(ends, table, list(reversed(numbers))).label.startswith("2021-02-01, 2021-02-04, 2021-02-07 and 97")
    assert [row[0] for row in ends.rows(table)] == [id for n in numbers for id in (2 * n, 2 * n + 1)]
    assert len({one[5] for one in recorded(ends, table, 100)}) == 1 and len(ends.ledger(table)) == 100


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_rows_between_the_intervals_stop_the_load(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that sends more than it was asked for: the guard counts by interval, not by the whole range."""
    make_source(ends.source, [row for n in range(5) for row in rows_at(FIRST + n * DAY, [n], "x")])
    table = table_of(ends, "replace_interval")
    planned = plan(table, intervals=[FIRST.date(), (FIRST + 4 * DAY).date()])
    with monkeypatch.context() as patched:
        patched.setattr(type(planned), "spans", [Span(planned.range.start, planned.range.end)])  # type: ignore[union-attr]
        extracted = extract(planned, ends, ends.warehouse, ends.stage)
    load_days(ends, table, [1])
    before = ends.state(table)
    with pytest.raises(OutsideInterval, match="3 of 5 rows are outside of 2021-02-01, 2021-02-05"):
        load(extracted, ends.warehouse, ends.stage)
    assert ends.state(table) == before


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_one_interval_that_shrinks_stops_all_of_them(ends: Endpoints) -> None:
    make_source(ends.source, [row for n in range(5) for row in rows_at(FIRST + n * DAY, range(n * 9, n * 9 + 9), "x")])
    table = table_of(ends, "replace_interval")
    load_days(ends, table, [0, 1, 2, 3, 4])
    ends.source.run("DELETE FROM things WHERE id BETWEEN 20 AND 26")
    ends.source.run("UPDATE things SET note = 'y' WHERE id < 9")
    before = ends.state(table)
    load_days(ends, table, [1, 3])
    assert ends.rows(table) == before[0], "the day that shrank is between these"
    before = ends.state(table)
    with pytest.raises(ShrinkGuard, match="2021-02-03: the source has 2 rows"):
        load_days(ends, table, [0, 2, 4])
    assert ends.state(table) == before


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_an_interval_that_a_newer_snapshot_loaded_is_left_out(ends: Endpoints) -> None:
    make_source(ends.source, [row for n in range(5) for row in rows_at(FIRST + n * DAY, [n], "old")])
    table = table_of(ends, "replace_interval")
    load_days(ends, table, [0, 1, 2, 3, 4])
    ends.source.run("UPDATE things SET note = 'middle'")
    extracted = extract_days(ends, table, [0, 2, 4])
    ends.source.run("UPDATE things SET note = 'new'")
    load_days(ends, table, [1, 2])
    report = load(extracted, ends.warehouse, ends.stage)
    assert [note for *_, note in ends.rows(table)] == ["middle", "new", "new", "old", "middle"]
    assert len(report.entries) == 3, "two of this load, and that of the newer one"


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_row_that_moved_into_a_gap_stays_until_its_interval_is_loaded(ends: Endpoints) -> None:
    make_source(ends.source, [row for n in range(2) for row in rows_at(FIRST + n * DAY, [n], "x")])
    table = table_of(ends, "upsert")
    load_days(ends, table, [0])
    ends.source.run("UPDATE things SET note = 'moved', modified = %s WHERE id = 0", (FIRST + 5 * DAY,))
    load_days(ends, table, [0, 1, 7], exact=True, allow_shrink=True)
    assert [(id, note) for id, *_, note in ends.rows(table)] == [(0, "x"), (1, "x")]
    load_days(ends, table, [0, 5], exact=True, allow_shrink=True)
    assert [(id, note) for id, *_, note in ends.rows(table)] == [(0, "moved"), (1, "x")]


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_lost_table_is_refilled_only_if_all_that_was_lost_is_loaded(ends: Endpoints) -> None:
    make_source(ends.source, [row for n in range(5) for row in rows_at(FIRST + n * DAY, [n], "x")])
    table = table_of(ends, "replace_interval")
    load_days(ends, table, [0, 2, 4])
    ends.destination.run(f"DROP TABLE {ends.name(table)}")
    with pytest.raises(ShrinkGuard, match="it is gone from the warehouse"):
        load_days(ends, table, [0, 1, 4])
    assert load_days(ends, table, [0, 2, 4]).rows == 3


def test_all_spans_are_read_from_one_snapshot(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    make_source(ends.source, [row for n in range(5) for row in rows_at(FIRST + n * DAY, [n], "old")])
    table = table_of(ends, "replace_interval")
    from daybook.load.extraction import extract as extraction

    whole, spans = extraction.rows_of_spans, list[Span]()

    def in_between(source: Source, columns: Any, given: Sequence[Span], format: Any) -> Any:
        for span in given:
            yield from whole(source, columns, [span], format)
            spans.append(span)
            ends.source.run("UPDATE things SET note = 'new'")

    monkeypatch.setattr(extraction, "rows_of_spans", in_between)
    load_days(ends, table, [0, 2, 4])
    assert len(spans) == 3 and [note for *_, note in ends.rows(table)] == ["old"] * 3
