"""Catch-up of a table that was dropped in the warehouse, and of one that nothing was ever meant to load."""

import logging
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard
from daybook.ledger.interval_status import IntervalStatus
from daybook.model.interval import Interval, IntervalRun
from daybook.orchestration.backfill import loop, missing
from daybook.orchestration.backfill.missing import find_missing, load_missing
from daybook.orchestration.deployments import LoadingDeployment
from tests.daybook.orchestration.backfill.test_loop import Page, Runs
from tests.support.daily_table import daily_table
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

NOW = datetime(2021, 2, 9, 12, tzinfo=UTC)


@pytest.fixture
def ends(from_mysql: Endpoints) -> Endpoints:
    from_mysql.source.run("CREATE TABLE things (id int, at datetime(6), KEY (at))")
    from_mysql.source.insert("things", [(n, f"2021-02-0{5 + n // 10} 08:00:00") for n in range(40)])
    return from_mysql


@pytest.fixture
def found(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load four days of a table, drop it, and return what catch-up finds."""
    monkeypatch.setattr(missing.blocks, "warehouse", lambda: ends.warehouse)
    monkeypatch.setattr(missing, "get_run_logger", lambda: logging.getLogger("daybook.test"))
    monkeypatch.setattr(missing, "find_loading_deployment", lambda client, name: None)

    def find(refresh: bool = False, **fields: Any) -> tuple[Table, missing.Missing]:
        given = {"load": "replace_interval", "cursor": "at", "interval": "day", "start": date(2021, 2, 5), **fields}
        table = ends.table(**given)
        monkeypatch.setattr(missing, "read_table", lambda name: table)
        ends.load(table, *(() if refresh else ("2021-02-05", "2021-02-09")))
        assert find_missing(table.name, NOW).intervals == []
        ends.destination.run(f"DROP TABLE {ends.name(table)}")
        return table, find_missing(table.name, NOW)

    return find


class LoadingRuns(Runs):
    """In place of runs on a server: each loads its intervals at once."""

    def __init__(self, ends: Endpoints, table: Table) -> None:
        super().__init__(lambda *_: None, set())
        self._ends, self._table, self.started = ends, table, list[IntervalRun]()

    def start(self, stretch: IntervalRun) -> FlowRun:
        self.started.append(stretch)
        self._ends.load(self._table, str(stretch[0].start.date()), str(stretch[-1].end.date()))
        return super().start(stretch)


def days(one: missing.Missing) -> list[int]:
    return [interval.start.day for interval in one.intervals]


def load(one: missing.Missing) -> None:
    load_missing(cast(SyncPrefectClient, None), one)


def test_every_interval_is_missing(found: Any, caplog: pytest.LogCaptureFixture) -> None:
    table, lacking = found()
    assert days(lacking) == [5, 6, 7, 8]
    load(lacking)
    assert f"{table.name}: the table is not as the last load left it: it is gone" in caplog.text
    assert "lacks 4 intervals" in caplog.text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"catch_up": "latest"}, [8]),
        ({"start": None}, []),
        ({"refresh": True}, [5, 6, 7, 8]),
    ],
    ids=["only the latest", "none", "a full refresh may have loaded older rows"],
)
def test_a_catch_up_that_cannot_bring_back_all_is_refused(
    fields: dict[str, Any], expected: list[int], found: Any
) -> None:
    table, lacking = found(**fields)
    assert days(lacking) == expected
    with pytest.raises(ShrinkGuard, match=f"{table.name} catch-up: .* gone from the warehouse.* --full-refresh"):
        load(lacking)


def test_years_with_few_rows_are_one_run(found: Any, ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run loads all of them. Two days were loaded before, so the missing ones have a gap."""
    table = ends.table(load="replace_interval", cursor="at", interval="day", start=date(2016, 1, 1))
    monkeypatch.setattr(missing, "read_table", lambda name: table)
    monkeypatch.setattr(missing.blocks, "engine", ends.engine)
    monkeypatch.setattr(missing, "find_loading_deployment", lambda client, name: "load/things")
    deployed = LoadingDeployment(uuid4(), "load/things", table, None, frozenset())
    monkeypatch.setattr(missing, "find_deployment", lambda client, name: deployed)
    monkeypatch.setattr(loop.blocks, "warehouse", lambda: ends.warehouse)
    monkeypatch.setattr(loop, "CalendarPage", lambda *_: Page())
    monkeypatch.setattr(loop, "_POLL", 0)
    runs = LoadingRuns(ends, table)
    monkeypatch.setattr(loop, "ChildRuns", lambda *_: runs)
    ends.load(table, "2018-01-01", "2018-01-03")

    load(find_missing(table.name, NOW))

    assert [(str(run[0].start.date()), str(run[-1].start.date())) for run in runs.started] == [
        ("2016-01-01", "2017-12-31"),
        ("2018-01-03", "2021-02-08"),
    ]
    assert find_missing(table.name, NOW).intervals == []
    assert ends.rows(table) == ends.source.run("SELECT * FROM things ORDER BY id")  # type: ignore[union-attr]


EXAMPLE = "no active schedule or trigger loads it"


@pytest.mark.parametrize(
    ("was_loaded", "deployments", "failed", "why"),
    [
        pytest.param(False, {}, False, EXAMPLE, id="an example"),
        pytest.param(False, {"db.t": ["a"]}, False, None, id="a schedule or a trigger loads it"),
        pytest.param(False, {"db.t": ["a"]}, True, "its first load failed", id="whose run has failed, and says why"),
        pytest.param(True, {}, False, None, id="loaded once, and paused"),
    ],
)
def test_a_table_that_nothing_promises_is_left_out(
    was_loaded: bool, deployments: dict[str, Any], failed: bool, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = list[str]()
    monkeypatch.setattr(missing.blocks, "warehouse", lambda: None)
    monkeypatch.setattr(missing, "never_loaded", lambda warehouse, name: not was_loaded)
    monkeypatch.setattr(missing, "deployments_that_start", lambda client, names: deployments)
    monkeypatch.setattr(missing, "last_run_failed", lambda client, found: failed)
    logger = SimpleNamespace(info=lambda text, *given: logged.append(text % given))
    monkeypatch.setattr(missing, "get_run_logger", lambda: logger)
    table = daily_table("db.t")
    days = [Interval(NOW - timedelta(days=back), NOW - timedelta(days=back - 1)) for back in (2, 1)]
    lacking = missing.Missing(table, [IntervalStatus(day) for day in days], days)
    assert missing.is_expected(cast(SyncPrefectClient, None), lacking) is (why is None)
    left_out = f"db.t was never loaded, and {why}: left out. To load it: daybook catch-up db.t"
    assert logged == ([left_out] if why else [])
