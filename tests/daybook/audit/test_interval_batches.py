"""The number of intervals that one statement compares."""

from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.interval_batches import batches
from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval

FIRST, DAY = datetime(2021, 2, 5, tzinfo=UTC), timedelta(days=1)


def day(number: int) -> Interval:
    return Interval(FIRST + number * DAY, FIRST + (number + 1) * DAY)


def entry(of: Interval, rows: int) -> Entry:
    return Entry("raw.things", of.start, of.end, rows, "replace_interval", None, of.end, "load", of.end)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        pytest.param([], [], id="no interval"),
        pytest.param([10] * 5, [5], id="all at once"),
        pytest.param([40] * 5, [2, 2, 1], id="as many as have about that many rows"),
        pytest.param([300, 10, 300, 300], [1, 1, 1, 1], id="a single interval may have more"),
        pytest.param([0] * 900, [400, 400, 100], id="never too many"),
        pytest.param([None] * 250, [100, 100, 50], id="unknown row counts"),
        pytest.param([50, None, None, None], [2, 2], id="an unknown row count is the average of the others"),
    ],
)
def test_batches_have_about_the_same_row_count(rows: list[int | None], sizes: list[int]) -> None:
    intervals = [day(number) for number in range(len(rows))]
    entries = [None if count is None else entry(one, count) for one, count in zip(intervals, rows, strict=True)]
    cut = [intervals[part] for part in batches(intervals, entries, 100)]
    assert [len(part) for part in cut] == sizes
    assert [one for part in cut for one in part] == intervals


def test_the_row_count_of_a_combined_load_is_not_used() -> None:
    month = entry(Interval(day(0).start, day(3).end), 1000)
    cuts = batches([day(0), day(1), day(2), day(3)], [month, month, month, entry(day(3), 30)], 100)
    assert [cut.stop - cut.start for cut in cuts] == [3, 1]
