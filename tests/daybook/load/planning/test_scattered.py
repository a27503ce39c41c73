"""Labels, parameters and runs of intervals that need not be neighbours."""

from datetime import date, datetime, timedelta
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.load.planning import scattered as module
from daybook.load.planning.plan import plan
from daybook.load.planning.scattered import label_of, parameters_of, runs_of
from daybook.model.interval import Interval, merged
from daybook.model.interval_grid import Grid, parse
from tests.support.daily_table import daily_table

GRID = Grid("day", "Europe/Berlin")
TABLE = daily_table("raw_data.things", timezone="Europe/Berlin")


def days(*numbers: int) -> list[Interval]:
    return [GRID.at(date(2021, 2, 5) + timedelta(days=number)) for number in numbers]


DAYS = st.sets(st.integers(0, 60), min_size=1, max_size=40).map(lambda numbers: days(*sorted(numbers)))


@pytest.mark.parametrize(
    ("numbers", "label"),
    [
        ([0], "2021-02-05"),
        ([0, 1, 2], "2021-02-05 until 2021-02-08"),
        ([0, 3], "2021-02-05, 2021-02-08"),
        ([0, 1, 3, 5, 6], "2021-02-05 until 2021-02-07, 2021-02-08, 2021-02-10 until 2021-02-12"),
        ([0, 2, 4, 6, 7, 9], "2021-02-05, 2021-02-07, 2021-02-09 and 3 more"),
    ],
)
def test_labels(numbers: list[int], label: str) -> None:
    assert label_of(GRID, days(*numbers)) == label


@given(DAYS)
def test_the_parameters_are_those_of_a_run_that_loads_exactly_these(intervals: list[Interval]) -> None:
    given = parameters_of(GRID, intervals)
    assert ("intervals" in given) == (len(merged(intervals)) > 1)
    typed = {
        name: [parse(one) for one in text] if isinstance(text, list) else parse(text) for name, text in given.items()
    }
    assert list(plan(TABLE, **typed).intervals) == intervals  # type: ignore[arg-type]


def test_hours_that_a_clock_shows_twice() -> None:
    grid = Grid("hour", "Europe/Berlin")
    night = grid.between(datetime(2021, 10, 31, 0), datetime(2021, 10, 31, 5))
    assert parameters_of(grid, night[2::2])["intervals"] == ["2021-10-31T02:00+02:00", "2021-10-31T03:00"]


@given(DAYS, st.integers(1, 45), st.integers(1, 30))
def test_runs_have_gaps_only_if_they_may(intervals: list[Interval], most: int, limit: int) -> None:
    apart = runs_of(intervals, most, scattered=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MAX_SCATTERED", limit)
        together = runs_of(intervals, most, scattered=True)
    assert list(chain(*apart)) == list(chain(*together)) == intervals
    assert all(len(merged(run)) == 1 and len(run) <= most for run in apart)
    assert all(len(run) <= (most if len(merged(run)) == 1 else min(most, limit)) for run in together)
    assert len(together) <= len(apart)
    assert all(len(one) + len(other) > min(most, limit) for one, other in pairwise(together))


def test_five_scattered_days_are_one_run() -> None:
    assert runs_of(days(0, 7, 9, 30, 44), 500, scattered=True) == [tuple(days(0, 7, 9, 30, 44))]
    assert runs_of([], 500, scattered=True) == []
