"""Daybook's ways to reload a range: the load alone, and a backfill on a Prefect server and worker."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import warehouse
from benchmarks.backfill_source import DAYS, TABLE, day
from benchmarks.full_refresh_source import columns
from benchmarks.in_process import load_span
from benchmarks.servers import Addresses, Servers
from benchmarks.way_job import Job
from benchmarks.ways import DLT, PIPE, Way
from daybook.definitions.table_files import read_table
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import UI_PORT, LocalStack
from tests.support.project_copy import copy_project, run_in
from tests.support.servers.ports import free_port

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


#: The other ways that load the range in one process.
OTHERS = (PIPE, DLT, "Sling")


def copy(source: str, addresses: Addresses) -> float:
    """Load the whole range in this process, without Prefect. Return the seconds."""
    began = time.perf_counter()
    load_span(addresses, read_table(TABLE), source, day(0), day(DAYS))
    return time.perf_counter() - began


def in_one_process(way: Way, source: str, servers: Servers) -> float:
    """Load the whole range by another program, as a new process. Return the seconds."""
    addresses = servers.addresses
    schema, _, name = TABLE.partition(".")
    defined = columns("narrow")
    job = Job(
        source=source,
        warehouse=addresses.warehouse,
        from_table="nps",
        schema=schema,
        table=name,
        columns=tuple(defined),
        create=f"CREATE TABLE {{table}} ({', '.join(f'{column} {kind}' for column, kind in defined.items())})",
        key_and_index=warehouse.KEY_AND_INDEX,
        folder=str(Path(addresses.folder) / way.schema),
        day=day(0).isoformat(),
        days=DAYS,
    )
    if way.name == PIPE:  # the other ways create the table
        statements = (job.create, *job.key_and_index)
        warehouse.run(addresses.warehouse, *(statement.format(table=TABLE) for statement in statements))
    shutil.rmtree(job.folder, ignore_errors=True)
    cost, _ = way.load(job, servers)
    return cost.seconds


@dataclass(frozen=True)
class Daybook:
    """A Prefect server with every deployment of prefect.yaml, and a process worker."""

    stack: LocalStack
    client: "SyncPrefectClient"

    def backfill(self, days: range, **options: Any) -> float:
        """Run backfill/on-demand for these days. Return the seconds from the trigger to the end."""
        dates = {"start": day(days.start).isoformat(), "end": day(days.stop).isoformat()}
        return self._run("backfill/on-demand", {"deployment": "nps/daily", "select": "all", **dates, **options})

    def empty_day(self) -> float:
        """Run nps/daily for a day without rows. Return the seconds, which are those of the start through the worker."""
        return self._run("nps/daily", {"execution_date": day(DAYS).isoformat()})

    def _run(self, deployment: str, parameters: dict[str, Any]) -> float:
        from daybook.orchestration.local_stack.demo.flow_runs import run_deployment

        began = time.time()
        run = run_deployment(self.stack, self.client, deployment, parameters, lambda state: None)
        if run.end_time is None:
            raise StackError(f"{deployment} ended, but the server has no end time")
        return run.end_time.timestamp() - began  # without the polling interval of `run_deployment`


@contextlib.contextmanager
def running_daybook(source: str, addresses: Addresses) -> Iterator[Daybook]:
    """Run the local stack in a copy of the project, until the block ends.

    All schedules are paused, so that no scheduled run interferes. Every program has run once before the measurement.
    """
    from prefect.client.orchestration import SyncPrefectClient

    from daybook.orchestration.local_stack.demo.flow_runs import wait_for_work_pool

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-bench-"))
        os.environ[UI_PORT] = str(free_port())
        local = LocalStack(copy_project(Path(folder) / "project"))
        stack.callback(local.stop)
        local.start_server()
        local.wait_for_server()
        local.start_worker()
        client = stack.enter_context(SyncPrefectClient(api=api_url(local.ui_port)))
        wait_for_work_pool(local, client)
        run_in(
            local,
            "daybook",
            "blocks",
            DAYBOOK_PRODUCTION_URL=source,
            DAYBOOK_WAREHOUSE_URL=addresses.warehouse,
            DAYBOOK_STAGE_URL=str(Path(addresses.folder) / "stage"),
        )
        run_in(local, "prefect", "--no-prompt", "deploy", "--all")
        for deployment in client.read_deployments():
            client.pause_deployment(deployment.id)
        daybook = Daybook(local, client)
        daybook.empty_day()
        daybook.backfill(range(1))
        yield daybook
