"""docs/guides/key-metrics.md says what is there: its columns, its gauges, and SQL that runs."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from daybook.monitoring.key_metrics.gauges import MEANINGS
from daybook.monitoring.key_metrics.metrics_table import COLUMNS, KeyMetrics
from tests.daybook.monitoring.key_metrics.test_weekly_message import BAD, GOOD, MONDAY, before
from tests.support.source_and_warehouse import ON_ONE_WAREHOUSE, Endpoints

PAGE = (Path(__file__).parents[4] / "docs" / "guides" / "key-metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*COLUMNS, *(f"daybook_table_{name}" for name in MEANINGS)])
def test_every_column_and_gauge_is_explained(name: str) -> None:
    assert any(f"`{name}`" in line for line in PAGE.splitlines() if line.startswith("| `"))


def test_no_gauge_is_promised_that_is_not_there() -> None:
    promised = set(re.findall(r"\bdaybook_table_\w+", PAGE))
    assert promised == {f"daybook_table_{name}" for name in MEANINGS}


@ON_ONE_WAREHOUSE
def test_its_sql_runs_and_says_what_it_is_to_say(warehouse_ends: Endpoints) -> None:
    rows = [GOOD, BAD, before(GOOD), before(BAD, intervals_in_time=7, sla_attainment=1.0, runs_failed=None)]
    with warehouse_ends.warehouse.session() as session:
        KeyMetrics(warehouse_ends.warehouse).replace(session, rows)
    weekly, worst = re.findall(r"SELECT .*?;", re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)[0], re.DOTALL)
    last: date = MONDAY - timedelta(days=7)
    found = [(week, float(failed), float(kept)) for week, failed, kept in warehouse_ends.destination.run(weekly)]
    assert found == [(last, 0.0, 100.0), (MONDAY, 13.3, 92.9)]
    assert warehouse_ends.destination.run(worst) == [
        ("analytics.nps_summary", "data-team", 0.857143, 1.0),
        ("raw_data.nps", "data-team", 1.0, 1.0),
    ]
