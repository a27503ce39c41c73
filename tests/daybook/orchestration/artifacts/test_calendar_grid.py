"""The calendar: a square each, on the grid's clock, and the worst state wins."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from itertools import chain

import pytest

from daybook.ledger.interval_status import State
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, Unit
from daybook.orchestration.artifacts import audit
from daybook.orchestration.artifacts.calendar_grid import SQUARES, calendar, worst

F, R, M, L = (SQUARES[state] for state in (State.FAILED, State.RUNNING, State.MISSING, State.LOADED))
NONE = "▫️"
#: The character that asks for the colored, wide form of the sign before it.
WIDE = "\ufe0f"


def drawn(
    grid: Grid, start: date, end: date, state: Callable[[int, Interval], State] = lambda n, interval: State.LOADED
) -> tuple[str, dict[str, tuple[list[str], str]]]:
    """The heading, and by row the groups of squares and how many of them are loaded."""
    intervals = grid.between(start, end)
    heading, line, *rows, empty, legend = calendar(
        grid, [(interval, state(n, interval)) for n, interval in enumerate(intervals)], SQUARES
    ).split("\n")
    assert re.fullmatch(r"\|-+\|:-+\|-+:\|", line) and empty == ""
    assert all(f"{square} {state.value}" in legend for state, square in SQUARES.items())
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len({len(row.replace(WIDE, "")) for _, row, _ in cells}) == 1, "rows are of one width"
    return heading, {name.strip("*"): (row.split(" "), done) for name, row, done in cells}


def test_days_are_rows_of_a_month() -> None:
    heading, rows = drawn(Grid("day"), date(2021, 2, 5), date(2021, 4, 1))
    assert "a square a day, UTC" in heading
    assert rows == {
        "2021-02": ([NONE * 4 + L * 6, L * 10, L * 8 + NONE * 3], "24/24"),
        "2021-03": ([L * 10, L * 10, L * 11], "31/31"),
    }


def test_hours_are_rows_of_a_day() -> None:
    heading, rows = drawn(Grid("hour"), datetime(2021, 2, 5, 22), datetime(2021, 2, 6, 7))
    assert "a square an hour" in heading
    assert rows == {
        "2021-02-05": ([NONE * 6, NONE * 6, NONE * 6, NONE * 4 + L * 2], "2/2"),
        "2021-02-06": ([L * 6, L + NONE * 5, NONE * 6, NONE * 6], "7/7"),
    }


def test_weeks_are_rows_of_a_year_of_weeks() -> None:
    heading, rows = drawn(Grid("week"), date(2020, 12, 21), date(2021, 1, 11))
    assert "a square a week" in heading
    assert rows == {  # ISO 8601: 2020 has 53 weeks, and 2021 begins on January 4
        "2020": ([NONE * 13, NONE * 13, NONE * 13, NONE * 12 + L * 2], "2/2"),
        "2021": ([L + NONE * 12, NONE * 13, NONE * 13, NONE * 14], "1/1"),
    }


def test_months_are_rows_of_a_year() -> None:
    heading, rows = drawn(Grid("month"), date(2020, 11, 1), date(2021, 5, 1))
    assert "a square a month" in heading
    assert rows == {
        "2020": ([NONE * 3, NONE * 3, NONE * 3, NONE + L * 2], "2/2"),
        "2021": ([L * 3, L + NONE * 2, NONE * 3, NONE * 3], "4/4"),
    }


def test_states_show_where_they_are() -> None:
    states = [State.LOADED, State.MISSING, State.FAILED, State.RUNNING]
    _, rows = drawn(Grid("day"), date(2021, 2, 1), date(2021, 2, 5), lambda n, interval: states[n])
    assert rows == {"2021-02": ([L + M + F + R + NONE * 6, NONE * 10, NONE * 11], "1/4")}


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "America/Havana"]
)
@pytest.mark.parametrize("unit", ["day", "month"])
def test_days_and_months_are_the_zones_own(zone: str, unit: Unit) -> None:
    def state(n: int, interval: Interval) -> State:
        return State.FAILED if n == 0 else State.LOADED

    _, rows = drawn(Grid(unit, zone), date(2018, 1, 1), date(2019, 1, 1), state)
    squares = "".join(chain.from_iterable(groups for groups, _ in rows.values()))
    assert squares[0] == F and squares.count(L) == (364 if unit == "day" else 11)
    assert list(rows) == ([f"2018-{month:02}" for month in range(1, 13)] if unit == "day" else ["2018"])


def test_the_hour_that_the_clock_leaves_out_is_no_square_and_the_one_that_it_shows_twice_is_one() -> None:
    new_york = Grid("hour", "America/New_York")
    _, rows = drawn(new_york, date(2021, 3, 14), date(2021, 3, 15))
    assert rows["2021-03-14"] == ([L * 2 + NONE + L * 3, L * 6, L * 6, L * 6], "23/23")
    for failed in (1, 2):  # 01:00 at -04:00, and at -05:00
        _, rows = drawn(
            new_york,
            date(2021, 11, 7),
            date(2021, 11, 8),
            lambda n, interval, failed=failed: State.FAILED if n == failed else State.LOADED,  # type: ignore[misc]
        )
        assert rows["2021-11-07"] == ([L + F + L * 4, L * 6, L * 6, L * 6], "23/24")


@pytest.mark.parametrize(
    ("unit", "years", "square"),
    [
        ("hour", 10, "a month"),
        ("hour", 1, "a day"),
        ("day", 10, "a month"),
        ("day", 5, "a day"),
        ("week", 30, "a week"),
        ("month", 100, "a month"),
    ],
)
def test_a_long_range_stays_a_picture(unit: Unit, years: int, square: str) -> None:
    grid = Grid(unit)
    start = grid.containing(date(1921, 1, 1)).start.date()
    end = grid.containing(date(1921 + years, 1, 1)).start.date()
    failed = grid.containing(datetime(1921, 5, 17, 13)).start

    def state(n: int, interval: Interval) -> State:
        return State.FAILED if interval.start == failed else State.LOADED

    heading, rows = drawn(grid, start, end, state)
    squares = "".join(chain.from_iterable(groups for groups, _ in rows.values()))
    assert f"a square {square}, UTC |" in heading
    assert len(squares.replace(NONE, M)) <= 2000
    assert squares.count(F) == 1, "one hour that failed in ten years is still seen"


def test_the_worst_wins() -> None:
    order = [State.FAILED, State.RUNNING, State.MISSING, State.LOADED]
    for index, one in enumerate(order):
        for other in order[index:]:
            assert worst(one, other, order) is worst(other, one, order) is one


@pytest.mark.parametrize("signs", [SQUARES, audit.SQUARES])
def test_states_differ_in_shape_and_not_in_color_alone(signs: dict[State, str]) -> None:
    colors = r"\b(WHITE|MEDIUM|LARGE|RED|GREEN|BLUE|YELLOW|ORANGE|PURPLE)\b ?"
    shapes = [re.sub(colors, "", unicodedata.name(sign.removesuffix(WIDE))) for sign in signs.values()]
    assert len(set(shapes)) == len(shapes), shapes
