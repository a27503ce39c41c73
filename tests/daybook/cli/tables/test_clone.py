"""`daybook clone`: which loads it runs, and where."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from daybook.cli.tables.clone import Step, main, steps_of
from daybook.definitions.table_files import read_table
from daybook.errors import SourceError, TableFileError

EVENTS = """
description: One row per event.
owner: shop
load: replace_interval
key: id
cursor: at
interval: day
start: 2026-01-05
source: {kind: database, table: shop.events}
"""
KINDS = """
description: One row per kind.
owner: shop
load: replace
key: id
source: {kind: database, table: shop.kinds}
"""
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "daybook.yaml": "targets: {dev: {}, week: {last: 1 week}}",
        "tables/raw_data/events.yaml": EVENTS,
        "tables/raw_data/kinds.yaml": KINDS,
        "tables/analytics/daily.sql": "select id as day from raw_data.events",
        "tables/analytics/daily.yaml": "{description: One row per day., owner: shop, key: day}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    return tmp_path


def test_the_last_intervals_of_a_table_from_its_start_on() -> None:
    (step,) = steps_of([read_table("raw_data.events")], 3, NOW)
    dates = {"execution_date": "2026-01-17", "until": "2026-01-20"}
    assert step.parameters == {"table": "dev_raw_data.events", "allow_before_start": True, **dates}
    (all_of_it,) = steps_of([read_table("raw_data.events")], 100, NOW)
    assert all_of_it.label == "2026-01-05 until 2026-01-20"


def test_tables_by_pattern_then_summaries_and_a_failure_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    ran = list[str]()

    def run(step: Step) -> None:
        ran.append(step.name)
        if step.name.endswith("events"):
            raise SourceError("no such table")

    assert main(["raw_data.*", "analytics.daily", "dev_raw_data.kinds"], run=run) == 1
    assert ran == ["dev_raw_data.events", "dev_raw_data.kinds", "dev_analytics.daily"]
    printed = capsys.readouterr().out
    assert "dev_raw_data.events: SourceError: no such table" in printed
    assert printed.endswith("2 of 3 done in target dev\n")


def test_a_dry_run_loads_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["raw_data.kinds", "--dry-run"], run=lambda step: pytest.fail("it ran")) == 0
    assert capsys.readouterr().out == "dev_raw_data.kinds: all of it\nDry run: nothing was changed.\n"


def test_prod_and_an_unknown_table_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableFileError, match=r"no table 'raw_data.event'; did you mean 'raw_data.events'"):
        main(["raw_data.event"])
    monkeypatch.delenv("DAYBOOK_TARGET")
    with pytest.raises(TableFileError, match="add --target"):
        main(["raw_data.events"])


def test_a_target_owes_its_last_days_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", "week")
    start = read_table("raw_data.events").start
    assert isinstance(start, date) and (datetime.now(UTC).date() - start).days == 7
