"""The requests of a run to the Prefect server. Each takes about 10 ms, and the run waits for most of them."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prefect.states import Pending

from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import create
from tests.support.project_copy import Deployed
from tests.support.servers.gate import gate

DAY = "2021-02-05"
_REQUEST = re.compile(rb"\b(GET|POST|PATCH|PUT|DELETE) (/api/\S*) HTTP/1.1\r\n")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What Prefect's engine asks for each run of a flow, whatever the flow does.
ENGINE = Counter(
    {
        "POST flow_runs/ID/set_state": 2,
        "GET flow_runs/ID": 1,
        "PATCH flow_runs/ID": 1,  # its name
        "GET admin/storage": 3,  # where results would be stored
        "GET flows/ID": 1,  # for the events of the run
        "GET events/in": 1,  # a websocket
    }
)
#: What it asks besides for the run of a deployment.
DEPLOYED = Counter(
    {
        "GET flow_runs/ID": 2,
        "GET deployments/ID": 2,  # the pull steps, and for the events
        "GET work_queues/ID": 1,
        "GET work_pools/daybook": 1,
        "PATCH flow_runs/ID": 1,  # how often the flow is retried
        "GET events/in": 1,
        "GET events/out": 1,  # is the run to be suspended?
    }
)
#: What Daybook asks for a load.
LOAD = Counter(
    {
        "POST block_documents/filter": 1,  # all blocks at once
        "POST variables/filter": 1,  # does the load end an incident?
        "POST artifacts/": 1,
    }
)


class Requests:
    """The requests that pass through a gate in front of the session's server, without the batches of the log."""

    def __init__(self) -> None:
        self.url = ""
        self.sent = Counter[str]()

    def watch(self, block: bytes) -> None:
        """Count the requests in a block of bytes."""
        for method, path in _REQUEST.findall(block):
            name = _ID.sub("ID", path.decode().removeprefix("/api/"))
            if name != "logs/":  # one every two seconds
                self.sent[f"{method.decode()} {name}"] += 1

    def of(self, *command: str, folder: Path, **variables: str) -> Counter[str]:
        """Run `python ARGUMENT …` with this gate as its server, and return its requests."""
        self.sent.clear()
        environment = os.environ | {"PREFECT_API_URL": self.url, **variables}
        subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
        return Counter(self.sent)


@pytest.fixture
def requests(prefect_server: str) -> Iterator[Requests]:
    """Yield the requests to the session's server."""
    server, requests = urlsplit(prefect_server), Requests()
    with gate(server.hostname or "", server.port or 0, requests.watch) as way:
        requests.url = f"http://127.0.0.1:{way.port}/api"
        yield requests


def test_a_load_from_the_command_line(
    requests: Requests,
    project: Path,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[[LiveWarehouse], None],
) -> None:
    production.fill(DAY, 100)
    on_postgres.empty()
    use(on_postgres)

    sent = requests.of("-m", "daybook", "load", "raw_data.nps", DAY, folder=project)

    assert len(on_postgres.rows()) == 100
    command = Counter({"GET health": 1, "POST flows/filter": 1, "POST flows/": 1, "POST flow_runs/": 1})
    tags = Counter({"PATCH flow_runs/ID": 1})
    assert sent == ENGINE + LOAD + command + tags


def test_a_run_that_a_worker_starts(
    requests: Requests, worker: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 100)
    run = create(worker, "nps/daily", parameters={"execution_date": DAY}, state=Pending())  # no worker takes it

    sent = requests.of("-m", "prefect.engine", folder=worker.stack.root, PREFECT__FLOW_RUN_ID=str(run.id))

    assert len(on_postgres.rows()) == 100
    assert sent == ENGINE + DEPLOYED + LOAD
