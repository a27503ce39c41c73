"""The interval of a cursor's value is the one whose SQL condition selects the row, in every zone."""

from datetime import UTC, date, datetime

import pytest

from daybook.load.moved_intervals import interval_of
from daybook.model.cursor import Cursor
from daybook.model.interval_grid import Grid, Unit
from daybook.model.types import Type

NEW_YORK, KOLKATA = "America/New_York", "Asia/Kolkata"
CASES: dict[str, tuple[str, Unit, str, date, str]] = {
    "an instant in the evening": ("timestamptz", "day", NEW_YORK, datetime(2021, 2, 2, 3, tzinfo=UTC), "2021-02-01"),
    "a time on the clock": ("timestamp", "day", NEW_YORK, datetime(2021, 2, 2, 3), "2021-02-02"),
    "a date": ("date", "day", "Asia/Tokyo", date(2021, 2, 2), "2021-02-02"),
    "a month of dates": ("date", "month", "Asia/Tokyo", date(2021, 2, 28), "2021-02-01"),
    "a date that the zone skipped": ("date", "day", "Pacific/Apia", date(2011, 12, 30), "2011-12-29"),
    "a date without a midnight": ("date", "day", "America/Santiago", date(2024, 9, 8), "2024-09-08"),
    "the hour before a day without a midnight": (
        "timestamp",
        "day",
        "America/Santiago",
        datetime(2024, 9, 7, 23, 30),
        "2024-09-07",
    ),
    "a column with times instead of dates": ("date", "day", "UTC", datetime(2021, 2, 2, 13), "2021-02-02"),
    "an hour that the clock shows twice": (
        "timestamp",
        "hour",
        NEW_YORK,
        datetime(2021, 11, 7, 1, 30),
        "2021-11-07T01:00-05:00",
    ),
    "a time that the clock skipped": (
        "timestamp",
        "hour",
        NEW_YORK,
        datetime(2021, 3, 14, 2, 30),
        "2021-03-14T01:00",
    ),
    "half an hour": ("timestamptz", "hour", KOLKATA, datetime(2021, 2, 1, 18, 29, tzinfo=UTC), "2021-02-01T23:00"),
}


@pytest.mark.parametrize(("kind", "unit", "zone", "value", "label"), CASES.values(), ids=CASES)
def test_interval_of_a_value(kind: str, unit: Unit, zone: str, value: date, label: str) -> None:
    grid = Grid(unit, zone)
    assert grid.label(interval_of(Cursor("at", Type(kind), zone), grid, value)) == label
