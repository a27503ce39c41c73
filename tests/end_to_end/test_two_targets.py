"""Two targets of one project in one database, deployed and run by one worker: neither touches the other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from sqlalchemy import make_url

from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_runs import PATIENCE, PAUSE
from tests.support.servers.postgres import Postgres

pytestmark = [pytest.mark.full, pytest.mark.servers]

ROOT = Path(__file__).parents[2]
TODAY = date.today()
DAYS = [(TODAY - timedelta(days=number)).isoformat() for number in range(5, 0, -1)]
PROJECT = """\
name: two-targets
work_pool: two-targets
targets:
  prod: {schedules: false}  # only the test's own runs may start
  dev: {blocks: {production: production}, last: 2 days, where: {raw_data.customers: country = 'DE'}}
"""
ORDERS = f"""\
description: One row per order.
owner: data
load: upsert
key: id
cursor: at
interval: day
start: {DAYS[0]}
retries: 0
due: "00:01"
schedule: "0 6 * * *"
source: {{kind: database, table: shop.orders}}
"""
CUSTOMERS = """\
description: One row per customer.
owner: data
load: replace
key: id
source: {kind: database, table: shop.customers}
"""
DAILY = """\
select o.at::date as day, count(*) as orders
from raw_data.orders o join raw_data.customers c on c.id = o.customer group by 1
"""


class Scratch:
    """A project with a source and a warehouse, on the session's server, with a worker of its own."""

    def __init__(self, root: Path, server: str, source: str, warehouse: str, client: SyncPrefectClient) -> None:
        self.root, self.source, self.warehouse, self.client = root, source, warehouse, client
        for name, text in {
            "daybook.yaml": PROJECT,
            "tables/raw_data/orders.yaml": ORDERS,
            "tables/raw_data/customers.yaml": CUSTOMERS,
            "tables/analytics/daily.sql": DAILY,
            "tables/analytics/daily.yaml": "description: Orders per day.\nowner: data\nkey: day\n",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DAYBOOK_")}
        self.environment = kept | {
            "PREFECT_API_URL": server,
            "PYTHONPATH": str(ROOT),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "DAYBOOK_WAREHOUSE_URL": warehouse,
            "DAYBOOK_STAGE_URL": str(root / "stage"),
        }

    def daybook(self, *words: str, **variables: str) -> str:
        """Run `daybook` with these words in the project, and return its output. It must succeed."""
        command, environment = [sys.executable, "-m", "daybook", *words], self.environment | variables
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(self, deployment: str, state: str = "Completed", /, **parameters: Any) -> FlowRun:
        """Run a deployment by the worker until it has ended in `state`, and return the run."""
        found = self.client.read_deployment_by_name(deployment)
        run = self.client.create_flow_run_from_deployment(found.id, parameters=parameters)

        def ended() -> bool:
            now = self.client.read_flow_run(run.id).state
            return now is not None and now.is_final()

        assert wait_until(ended, PATIENCE, PAUSE), deployment
        run = self.client.read_flow_run(run.id)
        assert run.state is not None and run.state.name == state, f"{deployment}: {run.state}"
        return run

    def rows(self, sql: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run SQL in the warehouse, or in another database."""
        dsn = make_url(url or self.warehouse).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetchall() if cursor.description else []
        connection.close()
        return found

    def ledger(self) -> dict[str, int]:
        """Return the rows that the ledger has of each table."""
        return dict(self.rows("SELECT table_name, sum(rows_loaded)::int FROM daybook.ledger GROUP BY 1"))

    def variables(self) -> list[str]:
        """Return the names of the variables on the server."""
        answer = self.client.request("POST", "/variables/filter", json={"limit": 200})
        return sorted(one["name"] for one in answer.json() if one["name"].startswith("daybook_"))


@pytest.fixture
def scratch(prefect_server: str, no_blocks: None, postgres: Postgres, tmp_path: Path) -> Iterator[Scratch]:
    with ExitStack() as stack:
        source, warehouse = (stack.enter_context(postgres.database()) for _ in range(2))
        client = stack.enter_context(get_client(sync_client=True))
        made = Scratch(tmp_path / "shop", prefect_server, source, warehouse, client)
        made.rows(
            "CREATE SCHEMA shop; CREATE TABLE shop.customers (id int PRIMARY KEY, country text);"
            "INSERT INTO shop.customers VALUES (1, 'DE'), (2, 'FR');"
            "CREATE TABLE shop.orders (id int PRIMARY KEY, customer int, at timestamp);"
            "CREATE INDEX ON shop.orders (at);"
            + "".join(f"INSERT INTO shop.orders VALUES ({n}, {n % 2 + 1}, '{day}');" for n, day in enumerate(DAYS)),
            source,
        )
        made.daybook("blocks", DAYBOOK_PRODUCTION_URL=source)
        made.daybook("blocks", "--target", "dev")
        made.daybook("deploy")
        made.daybook("deploy", "--target", "dev")
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "two-targets", "--type", "process"]
        worker = subprocess.Popen(command, cwd=made.root, env=made.environment, stdout=subprocess.DEVNULL)
        try:
            yield made
        finally:
            worker.terminate()
            worker.wait()
            made.daybook("uninstall", "--yes")


def test_two_targets_share_a_database_a_server_and_a_worker(scratch: Scratch) -> None:
    for table in ("customers", "orders"):
        scratch.run(f"load/raw_data.{table}")
    scratch.run("summaries/daily")
    prod = scratch.ledger()
    assert prod == {"raw_data.customers": 2, "raw_data.orders": 1, "analytics.daily": 1}

    # Dev: catch_up loads its two days, a sample of the customers and the summary, by the deployments of dev.
    scratch.run("load/dev_raw_data.customers")
    scratch.run("load/dev_raw_data.orders")  # catch_up leaves out a table that was never loaded and has no schedule
    scratch.run("catch-up/daily-dev")
    scratch.run("backfill/on-demand-dev", deployment="load/dev_raw_data.orders", start=DAYS[-2], end=DAYS[-1])
    scratch.run("reconcile/on-demand-dev", table="raw_data.orders", last=2)
    scratch.run("summaries/daily-dev")
    dev = {name: rows for name, rows in scratch.ledger().items() if name.startswith("dev_")}
    assert dev == {"dev_raw_data.customers": 1, "dev_raw_data.orders": 2, "dev_analytics.daily": 1}
    assert scratch.rows("SELECT count(*) FROM dev_raw_data.orders") == [(2,)]
    assert scratch.rows("SELECT DISTINCT table_name FROM daybook.audits") == [("dev_raw_data.orders",)]

    # The failure of a run of dev is an incident of dev alone.
    scratch.run("load/dev_raw_data.orders", "Failed", execution_date="2019-01-01")
    scratch.run("monitor/quarter-hourly")
    assert not [name for name in scratch.variables() if "_dev_" in name]
    scratch.run("monitor/quarter-hourly-dev")
    assert [name for name in scratch.variables() if name.startswith("daybook_dev_incident_dev_raw_data_orders_")]
    assert not [name for name in scratch.variables() if name.startswith("daybook_incident_dev_raw_data")]

    # Commands stay in their target, too, and the hint names it.
    assert "2 of 2 done in target dev" in scratch.daybook(
        "clone", "raw_data.orders", "raw_data.customers", "--last", "2", "--target", "dev"
    )
    assert "--target dev" in scratch.daybook("reset", "raw_data.orders", "--yes", "--target", "dev")
    assert scratch.rows("SELECT count(*) FROM dev_raw_data.orders") == [(0,)]
    listed = json.loads(scratch.daybook("tables", "--json"))
    assert {row["name"]: row["state"] for row in listed if row["name"] != "raw_data.orders"} == {
        "analytics.daily": "loaded",
        "raw_data.customers": "loaded",
    }
    left = {name: rows for name, rows in scratch.ledger().items() if not name.startswith("dev_")}
    assert left == prod, "no run and no command of dev has touched prod"

    scratch.daybook("uninstall", "--target", "dev", "--blocks", "--yes")
    assert not [name for name in scratch.variables() if "_dev_" in name]
    names = {one.name for one in scratch.client.read_deployments()}
    assert "raw_data.orders" in names and not [name for name in names if "dev" in name]
    scratch.run("load/raw_data.customers")
