"""Backfills through a process worker: from MariaDB to PostgreSQL, by runs of the deployments of prefect.yaml."""

import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun

from daybook.errors import BackfillIncomplete
from daybook.orchestration.local_stack.demo.flow_runs import run_deployment
from daybook.orchestration.local_stack.errors import StackError
from tests.support.backfills import DAY, calendar_of, children, days_from, fill, fill_from_here, loaded_days, populate
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.project_copy import Deployed


@pytest.mark.parametrize(
    ("table", "run"),
    [("nps", fill_from_here), pytest.param("visits", fill, marks=pytest.mark.full)],
    ids=["nps", "visits"],
)
def test_the_same_400_days_twice(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
    table: str,
    run: Callable[..., FlowRun],
) -> None:
    """Of a table with a primary key, and of one without."""
    populate(production, 400, table=table)
    how = {"deployment": "load-table/on-demand", "parameters": {"table": f"raw_data.{table}"}, "select": "all"}
    first = run(worker, 400, **how)
    assert on_postgres.rows(table) == production.rows(table=table)
    assert loaded_days(on_postgres, table) == dict.fromkeys(days_from(DAY, 400), 1)
    (child,) = children(worker, first)
    assert child.name == f"raw_data.{table} 2021-02-05 until 2022-03-12 (backfill)"
    assert {"backfill", f"raw_data.{table} 2021-02-05 until 2022-03-12"} <= set(child.tags)

    before = on_postgres.run(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM raw_data.{table} t")
    run(worker, 400, **how, intervals_per_run=200)
    assert on_postgres.run(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM raw_data.{table} t") == before
    assert loaded_days(on_postgres, table) == dict.fromkeys(days_from(DAY, 400), 2)


def test_scattered_missing_days_are_one_run(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    populate(production, 12)
    loaded = [1, 4, 5, 9]
    fill_from_here(worker, 2, DAY + timedelta(days=4))
    fill_from_here(worker, 1, DAY + timedelta(days=1))
    fill_from_here(worker, 1, DAY + timedelta(days=9))
    parent = fill_from_here(worker, 12)
    (child,) = children(worker, parent)
    missing = [DAY + timedelta(days=number) for number in range(12) if number not in loaded]
    assert child.parameters["intervals"] == [str(day) for day in missing]
    assert not {"execution_date", "until"} & {name for name, value in child.parameters.items() if value}
    name = "raw_data.nps 2021-02-05, 2021-02-07 until 2021-02-09, 2021-02-11 until 2021-02-14 and 2 more"
    assert child.name == f"{name} (backfill)"
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 12), 1)
    assert on_postgres.run("SELECT count(DISTINCT load_id) FROM daybook.ledger") == [(4,)]


@pytest.mark.parametrize("days", [10, pytest.param(365, marks=pytest.mark.full)])
def test_one_poisoned_day_fails_alone_and_the_report_names_it(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
    days: int,
) -> None:
    populate(production, days)
    poisoned = DAY + timedelta(days=days * 3 // 4)
    on_postgres.run("CREATE SCHEMA raw_data")
    on_postgres.run(
        "CREATE TABLE raw_data.nps (id bigint PRIMARY KEY, created_at timestamp, score smallint, "
        f"CONSTRAINT no_such_day CHECK (created_at < '{poisoned}' OR created_at >= '{poisoned + timedelta(days=1)}'))"
    )
    with pytest.raises(BackfillIncomplete) as failed:
        fill_from_here(worker, days)
    assert f"{days - 1} days loaded, 1 day failed" in str(failed.value)
    assert f"- {poisoned}: LoadFailed" in str(failed.value)
    assert "no_such_day" in str(failed.value)
    name = FlowRunFilterName(any_=[f"nps/daily {DAY} until {DAY + timedelta(days=days)}"])
    (parent_run,) = worker.client.read_flow_runs(flow_run_filter=FlowRunFilter(name=name))
    assert len(children(worker, parent_run)) - 1 <= 2 * math.log2(days)
    assert loaded_days(on_postgres) == {day: 1 for day in days_from(DAY, days) if day != poisoned}
    assert calendar_of(worker, parent_run).count("❌") == 2, "the day and the legend"

    on_postgres.run("ALTER TABLE raw_data.nps DROP CONSTRAINT no_such_day")
    fill_from_here(worker, days, select="failed")
    assert on_postgres.rows() == production.rows()
    assert set(loaded_days(on_postgres).values()) == {1}, "only the one that failed was loaded"


@pytest.mark.full
def test_an_interval_emptied_at_the_source_is_emptied_in_the_warehouse(
    production: Production, on_postgres: LiveWarehouse, worker: Deployed
) -> None:
    populate(production, 2, table="visits")
    how = {"deployment": "load-table/on-demand", "select": "all"}
    both = {"table": "raw_data.visits", "execution_date": f"{DAY}", "until": f"{DAY + timedelta(days=2)}"}
    run_deployment(worker.stack, worker.client, "load-table/on-demand", both, print)
    production.run(f"DELETE FROM prod.visits WHERE created_at >= '{DAY}' AND created_at < '{DAY}' + INTERVAL 1 DAY")
    with pytest.raises(StackError, match="ShrinkGuard"):
        fill(worker, 1, **how, parameters={"table": "raw_data.visits"})
    assert len(on_postgres.rows("visits")) == 10
    fill(worker, 2, **how, parameters={"table": "raw_data.visits", "allow_shrink": True})
    assert on_postgres.rows("visits") == production.rows(table="visits")
    assert len(on_postgres.rows("visits")) == 5


@pytest.mark.full
def test_a_table_that_was_dropped_is_loaded_again(
    production: Production, on_postgres: LiveWarehouse, worker: Deployed
) -> None:
    populate(production, 3)
    fill_from_here(worker, 3)
    on_postgres.run("DROP TABLE raw_data.nps")
    fill_from_here(worker, 3, intervals_per_run=2)
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 3), 2)


@pytest.mark.full
def test_what_depends_on_the_past_stops_at_the_first_failure(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    populate(production, 4)
    production.run(f"UPDATE prod.nps SET score = 99 WHERE created_at = '{DAY + timedelta(days=1)}' + INTERVAL 5 SECOND")
    with pytest.raises(BackfillIncomplete) as failed:
        fill_from_here(worker, 4, depends_on_past=True, intervals_per_run=2)
    assert "1 day loaded, 1 day failed" in str(failed.value)
    assert "2021-02-06: CheckFailed" in str(failed.value)
    assert "2 days not attempted after that, from 2021-02-07 on" in str(failed.value)
    assert set(loaded_days(on_postgres)) == {DAY}


def test_a_dry_run_lists_the_days_and_loads_nothing(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    populate(production, 3)
    fill_from_here(worker, 2)
    production.run("DELETE FROM prod.nps WHERE id = 1")
    run = fill_from_here(worker, 3, select="all", dry_run=True)
    told = calendar_of(worker, run)
    assert "3 of 3 days would be loaded, 14 rows" in told
    assert "| 2021-02-05 | loaded | reload | 4 | 5 | 0 | 0 | 1 | source changed since |" in told
    assert "| 2021-02-07 | missing | load | 5 | 0 | 5 | 0 | 0 | never loaded |" in told
    assert children(worker, run) == []
    assert set(loaded_days(on_postgres)) == set(days_from(DAY, 2))
