"""The source of a week's run counts: Prefect, the warehouse, or both."""

from datetime import date, datetime, timedelta

import pytest

from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.run_counts import Count, ReportedRuns, Run, count_runs

WEEK = WEEKS.at(date(2026, 7, 20))
BEFORE, WITHIN, AFTER = WEEK.start - timedelta(hours=1), WEEK.start + timedelta(days=2), WEEK.end + timedelta(seconds=5)
T = "raw_data.t"


def reported(*runs: tuple[str, bool, datetime], since: datetime | None = BEFORE, backfills: str = "") -> ReportedRuns:
    return ReportedRuns(tuple(Run(id, T, *rest) for id, *rest in runs), frozenset(backfills.split()), since)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("prefect", "committed", "failed", "expected"),
    [
        pytest.param(reported(), "", "", Count(0, 0, "prefect"), id="prefect reports that there were none"),
        pytest.param(ReportedRuns(), "", "", Count(), id="no data"),
        pytest.param(
            reported(since=WITHIN),
            "",
            "",
            Count(),
            id="prefect's history begins within the week, and the warehouse has no runs",
        ),
        pytest.param(
            reported(("a", False, WITHIN), ("b", True, WITHIN)),
            "a",
            "b",
            Count(2, 1, "prefect"),
            id="both report the same",
        ),
        pytest.param(reported(("a", True, WITHIN)), "a", "a", Count(1, 1, "prefect"), id="committed all but a part"),
        pytest.param(reported(("a", True, WITHIN)), "", "", Count(1, 1, "prefect"), id="lost with the warehouse"),
        pytest.param(reported(("a", False, WITHIN)), "", "", Count(1, 0, "prefect"), id="had nothing to do"),
        pytest.param(reported(), "by-hand", "", Count(1, 0, "prefect"), id="run by hand, without a deployment's tags"),
        pytest.param(ReportedRuns(), "a b", "c", Count(3, 1, "warehouse"), id="prefect was emptied"),
        pytest.param(
            reported(("c", False, WITHIN), since=WITHIN), "a c", "b", Count(3, 1, "both"), id="emptied within the week"
        ),
        pytest.param(
            reported(("a", False, AFTER)),
            "a",
            "",
            Count(0, 0, "prefect"),
            id="committed as the week ended, ended after it",
        ),
        pytest.param(
            reported(("a", False, AFTER)), "", "a", Count(1, 1, "prefect"), id="failed here, and was retried next week"
        ),
        pytest.param(reported(("a", True, BEFORE)), "", "", Count(0, 0, "prefect"), id="the week before"),
        pytest.param(reported(("a", True, WEEK.end)), "", "", Count(0, 0, "prefect"), id="at the week's end"),
        pytest.param(reported(("a", True, WEEK.start)), "", "", Count(1, 1, "prefect"), id="at the week's start"),
        pytest.param(
            reported(("a", True, WITHIN), backfills="a b c"), "b", "a c", Count(0, 0, "prefect"), id="a backfill's runs"
        ),
    ],
)
def test_each_run_counts_once(prefect: ReportedRuns, committed: str, failed: str, expected: Count) -> None:
    found = count_runs(T, WEEK, prefect, set(committed.split()), set(failed.split()))
    assert found == expected


def test_the_runs_of_another_table_are_not_counted() -> None:
    others = ReportedRuns((Run("a", "raw_data.other", True, WITHIN),), since=BEFORE)
    assert count_runs(T, WEEK, others, set(), set()) == Count(0, 0, "prefect")


def test_without_prefect_the_warehouse_has_commits_and_failures() -> None:
    assert count_runs(T, WEEK, ReportedRuns(), {"a"}, {"b"}) == Count(2, 1, "warehouse")
    assert count_runs(T, WEEK, reported(), {"a"}, set()) == Count(1, 0, "prefect")
