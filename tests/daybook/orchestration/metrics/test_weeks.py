"""Which weeks the key metrics are computed for."""

from datetime import UTC, date, datetime

import pytest

from daybook.errors import IntervalError
from daybook.orchestration.metrics.weeks import choose


@pytest.mark.parametrize(
    ("week", "number", "firsts"),
    [
        pytest.param(date(2026, 7, 26), 1, [20], id="its Sunday"),
        pytest.param(date(2026, 7, 20), 2, [13, 20], id="its Monday, and the week before"),
    ],
)
def test_any_day_names_its_week(week: date, number: int, firsts: list[int]) -> None:
    assert [chosen.start.day for chosen in choose(week, number)] == firsts


def test_a_week_that_has_not_begun_is_refused() -> None:
    with pytest.raises(IntervalError, match="give a day of a week that has begun"):
        choose(date(2999, 1, 1), 1)


def test_left_out_it_is_the_last_week_that_was_over_when_the_run_was_meant_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meant = datetime(2026, 7, 27, 8, 10, tzinfo=UTC)
    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", meant, raising=False)
    monkeypatch.setattr("prefect.runtime.flow_run.parent_flow_run_id", None, raising=False)
    assert [chosen.start.day for chosen in choose(None, 2)] == [13, 20]
