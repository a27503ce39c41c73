"""Every deployment of a table that comes in another way than nps: it loads, again, and fails well."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.actions import DeploymentUpdate

from daybook.orchestration.local_stack.environment import api_url
from tests.support.backfills import fill_from_here
from tests.support.flow_fixtures import LiveWarehouse, Production, Row, s3_variables
from tests.support.flow_runs import create, wait_for
from tests.support.project_copy import ROOT, Deployed
from tests.support.servers import google as google_module
from tests.support.servers import yahoo as yahoo_module
from tests.support.servers.google import Google
from tests.support.servers.s3 import S3
from tests.support.servers.tls_proxy import TlsProxy, tls_proxy
from tests.support.servers.web import Web
from tests.support.servers.yahoo import Yahoo, share

DAYS = (date(2024, 1, 1), date(2024, 2, 1))


pytestmark = pytest.mark.usefixtures("examples")


@dataclass(frozen=True)
class Way:
    """A deployment, what it is asked for, what it then leaves, and what it says once its source is broken."""

    deployment: str
    parameters: dict[str, Any]
    table: str
    rows: int
    refusal: str


WAYS = [
    Way("stock-symbols/daily", {"execution_date": "2024-01-03"}, "stock_info", 1, "the symbol is unknown to Yahoo"),
    Way("load-table/name-gender", {}, "name_gender", 2, "not a CSV but a web page"),
    Way("load-table/customer-variants-daily", {}, "customer_variants", 2, "DuplicateKey"),
    Way(
        "load-table/customer-interactions-daily",
        {"execution_date": "2024-01-02"},
        "customer_interactions",
        2,
        "2024-01-03",
    ),
    Way("load-table/item-features-daily", {}, "item_features", 1, "'dear' does not fit"),
    Way("load-table/customer-features-daily", {}, "customer_features", 1, "gender"),
    Way("load-table/user-session-channel-daily", {}, "user_session_channel", 3, "CheckFailed"),
    Way("load-table/session-timestamp-daily", {"execution_date": "2024-11-02"}, "session_timestamp", 2, "'ts'"),
    Way("load-table/session-transaction-daily", {}, "session_transaction", 2, "CheckFailed"),
]
#: Those whose runs here are a worker's. The others run in one process, as the worker's would each.
BY_A_WORKER = (
    "stock-symbols/daily",
    "load-table/customer-interactions-daily",
    "load-table/session-timestamp-daily",
    "load-table/user-session-channel-daily",
    "export-sheet/on-demand",
)
FILES = {
    "customer_variants/all.csv": "customer_id,variant\n1,control\n2,blue\n",
    "customer_interactions/dt=2024-01-01/a.csv": "customer_id,datestamp,item_id,clicked,purchased,paidamount\n",
    "customer_interactions/dt=2024-01-02/a.csv": "customer_id,datestamp,item_id,clicked,purchased,paidamount\n"
    "1,2024-01-02,7,1,0,0\n2,2024-01-02,7,1,1,30\n",
    "customer_interactions/dt=2024-01-03/a.csv": "customer_id,datestamp,item_id,clicked,purchased,paidamount\n"
    "1,2024-01-03,8,0,0,0\n",
    "item_features/all.csv": "item_id,quality,popularity,price\n7,0.5,high,30\n",
    "customer_features/all.csv": "customer_id,engagement_level,gender\n1,low,female\n",
}
#: What somebody does to those files.
BROKEN = {
    "customer_variants/all.csv": "customer_id,variant\n1,control\n1,blue\n",
    "customer_interactions/dt=2024-01-02/a.csv": FILES["customer_interactions/dt=2024-01-03/a.csv"],
    "item_features/all.csv": "item_id,quality,popularity,price\n7,0.5,high,dear\n",
    "customer_features/all.csv": "customer_id,engagement_level,sex\n1,low,female\n",
}


@dataclass
class Sources:
    """All that is loaded from, but for production."""

    yahoo: Yahoo
    google: Google
    web: Web
    put: Callable[[dict[str, str]], None]


@pytest.fixture
def proxy(yahoo_server: Yahoo, google_server: tuple[Google, TlsProxy]) -> Iterator[TlsProxy]:
    """Yahoo and Google, where the worker's processes look for both."""
    google = ("127.0.0.1", google_server[0].port)
    with tls_proxy(
        dict.fromkeys(yahoo_module.HOSTS, yahoo_server.address) | dict.fromkeys(google_module.HOSTS, google)
    ) as proxy:
        yield proxy


@pytest.fixture
def sources(
    worker: Deployed,
    on_postgres: LiveWarehouse,
    shop: Production,
    proxy: TlsProxy,
    yahoo_server: Yahoo,
    google_server: tuple[Google, TlsProxy],
    web: Web,
    s3: S3,
) -> Iterator[Sources]:
    """Servers with something to load; the table files name them, and the deployments' processes find them."""
    google = google_server[0]
    yahoo_server.forget()
    yahoo_server.shares["AAPL"] = share(*DAYS)
    web.offers(b"name,gender\nKim,female\nKim,male\n", path="/names.csv")
    keys = {"GOOGLE_SERVICE_ACCOUNT_FILE": str(google.key_file), **s3_variables(s3, "unused")}
    worker.make_blocks({"DAYBOOK_PRODUCTION_URL": shop.url} | keys | on_postgres.variables)
    with s3.new_bucket() as bucket:

        def put(files: dict[str, str]) -> None:
            for key, text in files.items():
                s3.client().put_object(Bucket=bucket, Key=key, Body=text.encode())

        put(FILES)
        said = {"s3://example-ab-test/": f"s3://{bucket}/"}
        said |= {f'url: "{url}"': f'url: "{web.url("/names.csv")}", allow_private: true' for url in _urls(worker)}
        with _table_files(worker.stack.root / "tables" / "raw_data", said), _environment(worker, proxy.environment):
            yield Sources(yahoo_server, google, web, put)


def _urls(worker: Deployed) -> list[str]:
    text = (worker.stack.root / "tables" / "raw_data" / "name_gender.yaml").read_text(encoding="utf-8")
    return re.findall(r'url: "(.*?)"', text)


@contextlib.contextmanager
def _table_files(folder: Path, said: dict[str, str]) -> Iterator[None]:
    """Say other things in the table files below `folder`, until the block ends."""
    before = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}
    for path, text in before.items():
        for old, new in said.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        for path in folder.glob("*.yaml"):
            path.unlink() if path not in before else path.write_text(before[path], encoding="utf-8")


@contextlib.contextmanager
def _environment(worker: Deployed, variables: dict[str, str]) -> Iterator[None]:
    """Give these variables to the worker's processes, which tell of a failure at once, until the block ends."""
    deployments = [worker.client.read_deployment_by_name(name) for name in BY_A_WORKER]
    env = {"env": variables | {"PREFECT_FLOWS_DEFAULT_RETRIES": "0"}}
    for deployment in deployments:
        worker.client.update_deployment(deployment.id, DeploymentUpdate(job_variables=env))
    try:
        yield
    finally:
        for deployment in deployments:
            worker.client.update_deployment(deployment.id, DeploymentUpdate(job_variables=deployment.job_variables))


@pytest.fixture
def shop(production: Production) -> Iterator[Production]:
    """Production with some sessions, and a shop's orders."""
    production.run(
        "CREATE TABLE prod.user_session_channel (userid int, sessionid varchar(32) PRIMARY KEY, channel varchar(32))",
        "CREATE TABLE prod.session_timestamp (sessionid varchar(32) PRIMARY KEY, ts datetime(6), KEY (ts))",
        "CREATE TABLE prod.session_transaction (sessionid varchar(32), refunded boolean, amount int)",
        "INSERT INTO prod.user_session_channel VALUES (1, 'a', 'Naver'), (1, 'b', 'Google'), (2, 'c', 'Organic')",
        "INSERT INTO prod.session_timestamp VALUES ('a', '2024-11-01 10:00'), ('b', '2024-11-02 11:00'), "
        "('c', '2024-11-02 12:00')",
        "INSERT INTO prod.session_transaction VALUES ('a', 0, 20), ('a', 1, 5)",
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id bigint PRIMARY KEY, total decimal(10,2), modified datetime, KEY (modified))",
        "INSERT INTO shop.orders VALUES (1, 5.10, '2024-01-01 00:30'), (2, 7, '2024-01-02 00:30')",
    )
    yield production
    production.run(
        "DROP TABLE IF EXISTS prod.user_session_channel, prod.session_timestamp, prod.session_transaction",
        "DROP DATABASE shop",
    )


def break_all(sources: Sources, shop: Production) -> None:
    """Every source in another way."""
    sources.yahoo.shares.clear()
    sources.web.offers(b"<!DOCTYPE html><title>We moved</title>", path="/names.csv")
    sources.put(BROKEN)
    shop.run(
        "UPDATE prod.user_session_channel SET channel = NULL WHERE sessionid = 'a'",
        "ALTER TABLE prod.session_timestamp CHANGE ts began datetime(6)",
        "UPDATE prod.session_transaction SET amount = -1 WHERE refunded = 1",
    )


#: Runs deployments' flows in one process, where the worker would start one for each, and tells how each ended.
RUN_ALL = """
import importlib, json, sys
for entrypoint, parameters in json.load(sys.stdin):
    path, name = entrypoint.split(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    state = flow.with_options(retries=0)(**parameters, return_state=True)
    print(json.dumps([state.name, state.message]), file=sys.stderr)
"""


def in_one_process(worker: Deployed, proxy: TlsProxy) -> list[tuple[str, str]]:
    """The state and the message of a run of every deployment, without the worker."""
    asked = []
    for way in WAYS:
        deployment = worker.client.read_deployment_by_name(way.deployment)
        asked.append([deployment.entrypoint, deployment.parameters | way.parameters])
    server = {"PREFECT_API_URL": api_url(worker.stack.ui_port), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        cwd=worker.stack.root,
        env=os.environ | proxy.environment | server,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stderr.splitlines() if line.startswith("[")]


@pytest.mark.full
def test_each_loads_and_once_its_source_is_broken_says_so_and_leaves_the_table_alone(
    worker: Deployed, sources: Sources, shop: Production, on_postgres: LiveWarehouse, proxy: TlsProxy
) -> None:
    def tables() -> dict[str, list[Row]]:
        return {way.table: on_postgres.run(f"SELECT * FROM raw_data.{way.table} ORDER BY 1, 2") for way in WAYS}

    def ledger() -> list[Row]:
        return on_postgres.run("SELECT table_name, interval_start, rows_loaded FROM daybook.ledger ORDER BY 1, 2")

    for way, (state, message) in zip(WAYS, in_one_process(worker, proxy), strict=True):
        assert state == "Completed", f"{way.deployment}: {message}"
    loaded, noted = tables(), ledger()
    assert {table: len(rows) for table, rows in loaded.items()} == {way.table: way.rows for way in WAYS}
    assert [(name, rows) for name, _, rows in noted] == sorted((f"raw_data.{way.table}", way.rows) for way in WAYS)
    assert loaded["item_features"] == [(7, 0.5, "high", 30)]

    break_all(sources, shop)
    for way, (state, message) in zip(WAYS, in_one_process(worker, proxy), strict=True):
        assert state == "Failed", way.deployment
        assert f"raw_data.{way.table}" in message, way.deployment
        assert re.search(way.refusal, message), f"{way.deployment}: {message}"
    assert tables() == loaded
    assert ledger() == noted


@pytest.mark.full
def test_those_with_dates_are_filled_again(worker: Deployed, sources: Sources, on_postgres: LiveWarehouse) -> None:
    """By runs that the worker starts."""
    asked = [
        ("stock-symbols/daily", date(2024, 1, 1), 31, "stock_info", 21),
        ("load-table/customer-interactions-daily", date(2024, 1, 1), 3, "customer_interactions", 3),
        ("load-table/session-timestamp-daily", date(2024, 11, 1), 2, "session_timestamp", 3),
    ]
    for deployment, first, days, table, rows in asked:
        fill_from_here(worker, days, first, deployment=deployment, select="all")
        assert on_postgres.run(f"SELECT count(*) FROM raw_data.{table}") == [(rows,)], table
    assert len(sources.yahoo.charts) == 1, "a month by one request"
    (days,) = on_postgres.run("SELECT min(date), max(date), count(DISTINCT date) FROM raw_data.stock_info")
    assert days == (date(2024, 1, 2), date(2024, 1, 31), 21)


@pytest.mark.full
def test_a_sheet_is_filled_and_a_failure_leaves_it_alone(
    worker: Deployed, sources: Sources, shop: Production, on_postgres: LiveWarehouse
) -> None:
    wait_for(worker, create(worker, "load-table/user-session-channel-daily"), "Completed")
    id = sources.google.new("Report")
    where = {"spreadsheet": id, "range": "Report!A1:B"}
    asked = where | {
        "query": "SELECT channel, count(*) AS sessions FROM raw_data.user_session_channel GROUP BY 1 ORDER BY 1"
    }
    wait_for(worker, create(worker, "export-sheet/on-demand", parameters=asked), "Completed")
    written = [["channel", "sessions"], ["Google", 1], ["Naver", 1], ["Organic", 1]]
    assert sources.google.spreadsheets[id].sheets["Report"].all() == written

    sources.google.spreadsheets[id].shared_with.clear()
    failed = wait_for(worker, create(worker, "export-sheet/on-demand", parameters=asked), "Failed")
    assert failed.state
    assert sources.google.email in str(failed.state.message), "whom to share it with"
    assert sources.google.spreadsheets[id].sheets["Report"].all() == written


@pytest.mark.full
def test_a_new_table_is_one_file_as_the_guide_has_it(
    worker: Deployed, sources: Sources, shop: Production, on_postgres: LiveWarehouse
) -> None:
    guide = (ROOT / "docs/guides/load-a-table.md").read_text(encoding="utf-8")
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "shop.orders" in block)
    (worker.stack.root / "tables" / "raw_data" / "orders.yaml").write_text(example, encoding="utf-8")
    (command,) = re.findall(r"`daybook (load raw_data.orders 2024-01-01)`", guide)
    environment = os.environ | {"PREFECT_API_URL": api_url(worker.stack.ui_port)}
    done = subprocess.run(
        [sys.executable, "-m", "daybook", *command.split()],
        cwd=worker.stack.root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert on_postgres.run("SELECT id, total::text FROM raw_data.orders") == [(1, "5.10")]
    assert on_postgres.run("SELECT interval_start::text, rows_loaded FROM daybook.ledger") == [
        ("2023-12-31 23:00:00+00", 1)  # midnight in Berlin
    ]
