"""The summaries of the project, built by a worker: all of them, what has changed, and not what is wrong."""

from datetime import date

import pytest
from prefect.client.schemas.objects import FlowRun

from daybook.definitions.summary_files import summary_names
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_fixtures import LiveWarehouse, Production, Row
from tests.support.flow_runs import PATIENCE, create, wait_for
from tests.support.project_copy import Deployed

pytestmark = pytest.mark.usefixtures("examples")

#: Sessions, purchases and an A/B test as their own deployments load them, which test_other_sources.py shows.
RAW = """
CREATE TABLE raw_data.user_session_channel AS
    SELECT n % 500 AS userid, 's' || n AS sessionid, (ARRAY['Google', 'Naver', 'Youtube'])[1 + n % 3] AS channel
    FROM generate_series(1, 5000) n;
CREATE TABLE raw_data.session_timestamp AS
    SELECT 's' || n AS sessionid, timestamp '2024-11-01' + n * interval '20 minutes' AS ts
    FROM generate_series(1, 5000) n;
CREATE TABLE raw_data.session_transaction AS
    SELECT 's' || n * 7 AS sessionid, n % 10 = 0 AS refunded, n % 90 AS amount FROM generate_series(1, 700) n;
CREATE TABLE raw_data.customer_variants AS
    SELECT n AS customer_id, CASE WHEN n % 2 = 0 THEN 'control' ELSE 'blue' END AS variant
    FROM generate_series(1, 1000) n;
CREATE TABLE raw_data.customer_interactions AS
    SELECT n % 1000 + 1 AS customer_id, date '2024-01-01' + n / 1000 AS datestamp, n % 13 AS item_id,
        (n % 3 = 0)::int AS clicked, (n % 9 = 0)::int AS purchased, CASE WHEN n % 9 = 0 THEN n % 50 END AS paidamount
    FROM generate_series(1, 5000) n;
CREATE TABLE raw_data.item_features AS SELECT 1 AS item_id, 0.5 AS quality, 'high' AS popularity, 30 AS price;
CREATE TABLE raw_data.customer_features AS SELECT 1 AS customer_id, 'low' AS engagement_level, 'female' AS gender;
"""


@pytest.fixture
def warehouse(worker: Deployed, production: Production, on_postgres: LiveWarehouse) -> LiveWarehouse:
    """Twelve days of 13,000 answers at the source, and all other inputs in the warehouse."""
    on_postgres.run("DROP SCHEMA IF EXISTS analytics CASCADE")
    on_postgres.run("CREATE SCHEMA IF NOT EXISTS raw_data")
    on_postgres.run(RAW)
    for day in range(12):
        production.fill(date(2021, 2, 5 + day), 13000, first_id=day * 100000, seed=day)
    return on_postgres


def messages(worker: Deployed, run: FlowRun) -> str:
    return str(worker.client.read_flow_run(run.id).state)


def days_of(warehouse: LiveWarehouse) -> list[Row]:
    return warehouse.run("SELECT date, nps FROM analytics.nps_summary ORDER BY date")


def test_all_are_built_when_their_inputs_land_and_what_is_wrong_is_held_back(
    worker: Deployed, production: Production, warehouse: LiveWarehouse
) -> None:
    worker.deploy("--name", "summaries/when-inputs-land")  # other tests delete the automations of the deployments
    (landing,) = worker.client.read_automations_by_name("when-inputs-land__automation_1")
    worker.client.resume_automation(landing.id)
    try:
        wait_for(worker, create(worker, "nps/full-refresh"), "Completed")
        built = "SELECT DISTINCT table_name FROM daybook.ledger WHERE table_name LIKE 'analytics.%'"
        assert wait_until(lambda: len(warehouse.run(built)) == len(summary_names()), PATIENCE)
    finally:
        worker.client.delete_automation(landing.id)
    counts = {name: warehouse.run(f"SELECT count(*) FROM {name}")[0][0] for name in summary_names()}
    assert all(counts.values())
    assert (counts["analytics.nps_summary"], counts["analytics.gross_revenue_top_users"]) == (12, 10)

    # A day that was loaded late: its day of NPS is built again, and nothing else of it.
    old = days_of(warehouse)
    warehouse.run("UPDATE analytics.nps_summary SET nps = -100")
    production.run("UPDATE prod.nps SET score = 10 WHERE created_at >= '2021-02-07' AND created_at < '2021-02-08'")
    wait_for(worker, create(worker, "nps/daily", parameters={"execution_date": "2021-02-07"}), "Completed")
    run = wait_for(
        worker, create(worker, "summaries/daily", parameters={"tables": ["analytics.nps_summary"]}), "Completed"
    )
    assert [(day, nps) for day, nps in days_of(warehouse) if nps != -100] == [(date(2021, 2, 7), 100)]
    assert len(days_of(warehouse)) == len(old)

    # One that is wrong holds back what reads it, and the others are built.
    folder = worker.stack.root / "tables" / "analytics"
    (folder / "after.sql").write_text("select channel from analytics.broken", encoding="utf-8")
    (folder / "after.yaml").write_text("description: One row a channel.\nowner: x\nkey: channel\n", encoding="utf-8")
    (folder / "broken.sql").write_text("select channel from raw_data.user_session_channel", encoding="utf-8")
    (folder / "broken.yaml").write_text("description: One row a channel.\nowner: x\nkey: channel\n", encoding="utf-8")
    try:
        variables = {"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": "0"}}
        started = create(worker, "summaries/daily", parameters={"tables": []}, job_variables=variables)
        run = wait_for(worker, started, "Failed")
    finally:
        for file in folder.glob("*"):
            if file.stem in ("after", "broken"):
                file.unlink()
    said = messages(worker, run)
    assert "1 failed, 1 skipped" in said
    assert "analytics.broken: DuplicateKey" in said
    assert "analytics.after: skipped, because analytics.broken failed" in said
    assert days_of(warehouse)[2] == (date(2021, 2, 7), 100)
