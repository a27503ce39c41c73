"""What a run loads: the interval that a date names, the last complete one, a range, or all of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import IntervalError
from daybook.load.planning.plan import plan
from daybook.sources.base import Span

DAY = timedelta(days=1)


def nps(**fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "load": "replace_interval", "start": date(2021, 2, 5), **fields}
    return Table(name="raw.nps", description="x", owner="x", source={"kind": "database", "table": "prod.nps"}, **given)  # type: ignore[arg-type]


def test_a_date_names_the_interval_that_starts_there() -> None:
    planned = plan(nps(timezone="America/New_York"), date(2021, 3, 14))
    assert planned.label == "2021-03-14" and not planned.whole
    assert planned.spans == [Span(datetime(2021, 3, 14, 5, tzinfo=UTC), datetime(2021, 3, 15, 4, tzinfo=UTC))]


def test_a_range_ends_before_until() -> None:
    planned = plan(nps(), date(2021, 2, 5), date(2021, 2, 8))
    assert len(planned.intervals) == 3 and planned.label == "2021-02-05 until 2021-02-08"


def test_scattered_intervals_are_one_plan() -> None:
    """In any order, and each once. Neighbours are read together, and nothing between the others."""
    planned = plan(nps(), intervals=[date(2021, 3, 1), date(2021, 2, 6), datetime(2021, 2, 5), date(2021, 2, 5)])
    assert [interval.start.day for interval in planned.intervals] == [5, 6, 1]
    assert planned.label == "2021-02-05 until 2021-02-07, 2021-03-01"
    february, march = datetime(2021, 2, 5, tzinfo=UTC), datetime(2021, 3, 1, tzinfo=UTC)
    assert planned.spans == [Span(february, february + 2 * DAY), Span(march, march + DAY)]
    assert planned == plan(nps(), intervals=[date(2021, 2, 5), date(2021, 2, 6), date(2021, 3, 1)])
    assert plan(nps(), intervals=[date(2021, 2, 6), date(2021, 2, 5)]) == plan(
        nps(), date(2021, 2, 5), date(2021, 2, 7)
    )


def test_without_a_date_it_is_the_last_complete_one_when_it_was_scheduled() -> None:
    late = datetime(2021, 2, 10, 9, tzinfo=UTC)
    assert plan(nps(), scheduled_at=late).label == "2021-02-09"
    hourly = nps(interval="hour", start=datetime(2021, 2, 4))
    assert plan(hourly, scheduled_at=datetime(2021, 2, 4, 1, tzinfo=UTC)).label == "2021-02-04T00:00"


def test_nothing_is_due_before_the_first_interval_is_over() -> None:
    planned = plan(nps(), scheduled_at=datetime(2021, 2, 5, 23, 59, tzinfo=UTC))
    assert planned.intervals == () and not planned.whole and planned.label == "nothing yet"


def test_all_of_it() -> None:
    planned = plan(nps(), full_refresh=True)
    assert planned.whole and planned.strategy.name == "replace" and planned.label == "all of it"
    assert planned.spans == [Span()], "the start of the table does not limit it"
    assert plan(nps(load="replace", cursor=None, interval=None, start=None)).spans == [Span()]


@pytest.mark.parametrize(
    ("fields", "arguments", "said"),
    [
        ({}, {"execution_date": date(2021, 2, 4)}, "before the table's start, 2021-02-05"),
        ({}, {"execution_date": date(2101, 1, 1)}, "is not over before"),
        ({}, {"execution_date": datetime(2021, 2, 5, 1)}, "Type 2021-02-05"),
        ({}, {"execution_date": date(2021, 2, 6), "until": date(2021, 2, 6)}, "exclusive"),
        ({}, {"until": date(2021, 2, 6)}, "needs execution_date"),
        ({}, {"execution_date": date(2021, 2, 6), "full_refresh": True}, "pass only one of them"),
        ({"load": "replace"}, {"execution_date": date(2021, 2, 6)}, "leave execution_date out"),
        ({"load": "replace"}, {"intervals": [date(2021, 2, 6)]}, "no interval 2021-02-06: leave intervals out"),
        ({}, {"intervals": []}, "intervals is empty: name at least one"),
        ({}, {"intervals": [date(2021, 2, 6)], "until": date(2021, 2, 9)}, "so until=2021-02-09 cannot be passed"),
        ({}, {"intervals": [date(2021, 2, 6)], "full_refresh": True}, "so full_refresh=True cannot be passed"),
        ({}, {"intervals": [date(2021, 2, 6), date(2021, 2, 4)]}, "2021-02-04 is before the table's start"),
        ({}, {"intervals": [date(2021, 2, 6), date(2101, 1, 1)]}, "2101-01-01 is not over before"),
        ({"interval": "week"}, {"intervals": [date(2021, 2, 9)]}, "Type 2021-02-08"),
        ({"start": None}, {"intervals": [date(2000, 1, 1) + n * DAY for n in range(1001)]}, "names 1,001, and one run"),
    ],
)
def test_refuses(fields: dict[str, Any], arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(IntervalError, match=said) as caught:
        plan(nps(**fields), **arguments)
    assert "raw.nps" in str(caught.value)
