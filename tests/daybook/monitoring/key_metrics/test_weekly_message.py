"""The weekly message and the chart."""

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.monitoring.key_metrics.chart import draw
from daybook.monitoring.key_metrics.formatting import minutes, percent
from daybook.monitoring.key_metrics.weekly_message import has_news, weekly
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from tests.daybook.monitoring.key_metrics.good_week import GOOD, MONDAY

BAD = replace(
    GOOD,
    table="analytics.nps_summary",
    runs=8,
    runs_failed=2,
    failed_share=0.25,
    intervals_in_time=6,
    sla_attainment=0.857143,
    incidents=1,
    minutes_to_recovery=125.0,
    slowest_recovery=125.0,
)
UNKNOWN = replace(
    GOOD,
    table="raw_data.new",
    **dict.fromkeys(["runs", "runs_failed", "intervals_due", "intervals_in_time", "sla_attainment"]),
    freshness_minutes=None,
)


def before(row: Metrics, **changes: object) -> Metrics:
    return replace(row, week_start=MONDAY - timedelta(days=7), **changes)  # type: ignore[arg-type]


def test_the_weekly_message() -> None:
    rows = [GOOD, BAD, UNKNOWN, before(GOOD), before(BAD, runs_failed=0, intervals_in_time=7, sla_attainment=1.0)]
    assert weekly(rows, MONDAY, ("The figures", "http://x")) == Notice(
        tone=Tone.NOTE,
        title="Week of 2026-07-20: 93 % (100 %) in time, 13 % of runs failed",
        facts=(
            (
                "analytics.nps_summary",
                "86 % (100 %) in time, 2 of 8 runs failed (0), recovered in 2 h 5 min, fresh in 9 h 5 min",
            ),
            ("raw_data.nps", "100 % in time, none of 7 runs failed, fresh in 9 h 5 min"),
            ("raw_data.new", "no data"),
        ),
        link=("The figures", "http://x"),
        notes=(
            "In brackets: the previous week, if it was different. Fresh: the median time from the end of an interval "
            "to its load.",
        ),
    )


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        pytest.param([], "no table has a due time", id="no tables"),
        pytest.param([replace(BAD, core=False)], "no table has a due time", id="no core table"),
        pytest.param([before(BAD)], "no table has a due time", id="last week's alone"),
        pytest.param([UNKNOWN], "no data about the core tables", id="no data"),
        pytest.param([GOOD], "100 % in time, no run failed", id="a good week"),
        pytest.param([GOOD, before(BAD)], "100 % (86 %) in time, no run failed", id="better than the last"),
        pytest.param([replace(GOOD, runs_failed=None)], "100 % in time", id="failures are unknown"),
    ],
)
def test_a_lock_screen_has_the_essence(rows: list[Metrics], title: str) -> None:
    assert weekly(rows, MONDAY).title == f"Week of 2026-07-20: {title}"


@pytest.mark.parametrize(
    ("then", "text"),
    [
        pytest.param(540.0, "fresh in 9 h 5 min", id="a change of five minutes is not shown"),
        pytest.param(480.0, "fresh in 9 h 5 min (8 h)", id="a change of an hour is shown"),
        pytest.param(None, "fresh in 9 h 5 min", id="no data about the previous week"),
    ],
)
def test_a_time_is_compared_with_the_previous_week_if_it_changed(then: float | None, text: str) -> None:
    (fact,) = weekly([GOOD, before(GOOD, freshness_minutes=then)], MONDAY).facts
    assert fact[1].endswith(f", {text}")


def test_many_tables_without_problems_share_a_line() -> None:
    many = [replace(GOOD, table=f"raw_data.t{number:02}") for number in range(12)]
    facts = weekly([*many, BAD], MONDAY).facts
    assert len(facts) == 11
    assert facts[0][0] == BAD.table
    assert facts[-1] == ("All in time, no failure", "raw_data.t09, raw_data.t10, raw_data.t11")


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (0.001, "1 %"), (0.857143, "86 %"), (0.9999, "99 %"), (1.0, "100 %")],
)
def test_a_share_is_rounded_to_0_or_100_only_if_it_is_exact(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_minutes_have_two_units() -> None:
    assert [minutes(number) for number in (None, 0.5, 45.0, 125.0, 4000.0)] == [
        "–",
        "30 s",
        "45 min",
        "2 h 5 min",
        "2 days 18 h",
    ]


def test_the_chart_has_a_cell_per_week_and_the_figures_of_the_week() -> None:
    strange = replace(BAD, table="raw_data.<b>&co")
    svg = ElementTree.fromstring(
        draw([GOOD, strange, before(GOOD, sla_attainment=0.5), replace(GOOD, table="x", core=False)], MONDAY)
    )
    text = ["".join(element.itertext()) for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"raw_data.nps", "raw_data.<b>&co", "07-20", "07-13", "06-01"} <= set(text)
    assert "x" not in text
    row = text[text.index("raw_data.nps") :]
    assert row[1:13] == [*["–"] * 6, "50", "100", "9 h 5 min", "1 day 9 h", "0 of 7", "–"]
    row = text[text.index("raw_data.<b>&co") :]
    assert row[1:13] == [*["–"] * 7, "86", "9 h 5 min", "1 day 9 h", "2 of 8", "2 h 5 min"]


def test_a_chart_without_tables_says_why() -> None:
    assert "No table has a due time" in draw([], MONDAY)


def test_a_table_that_nothing_ever_loaded_is_left_out_and_alone_it_is_no_news() -> None:
    never = replace(UNKNOWN, table="raw_data.example", oldest_minutes=None)
    assert [name for name, _ in weekly([GOOD, never], MONDAY).facts] == ["raw_data.nps"]
    assert has_news([GOOD, never], MONDAY)
    assert not has_news([never], MONDAY)
    assert has_news([replace(never, incidents=1)], MONDAY), "it should have been loaded"
    assert has_news([replace(never, runs=1, runs_failed=1)], MONDAY), "a run was tried"
