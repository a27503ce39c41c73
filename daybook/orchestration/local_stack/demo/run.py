"""Run `daybook demo`: from nothing to a loaded warehouse. Import this module after `replace_environment`.

Prefect's server takes longest to start. The worker, PostgreSQL, the sample rows and the modules of the flows are ready
before it answers.
"""

import importlib
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from daybook.errors import DaybookError
from daybook.orchestration.automations.apply import apply
from daybook.orchestration.automations.spec import read
from daybook.orchestration.blocks.block_plan import plan_blocks
from daybook.orchestration.blocks.registry import declared_blocks
from daybook.orchestration.blocks.save_blocks import save
from daybook.orchestration.local_stack.console import Narrator
from daybook.orchestration.local_stack.demo.demo_databases import DemoDatabases, transaction
from daybook.orchestration.local_stack.demo.flow_runs import start_run, wait_for_run, wait_for_work_pool
from daybook.orchestration.local_stack.demo.nps_data import make_answers, utc_yesterday
from daybook.orchestration.local_stack.demo.prefect_yaml import create_deployments, read_deployments
from daybook.orchestration.local_stack.demo.report import show_daily_nps, show_ledger
from daybook.orchestration.local_stack.demo.session_data import make_sessions
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack
from daybook.orchestration.server.programs import deploy_command
from daybook.shell import command

FULL_REFRESH, DAILY, CATCH_UP, SUMMARIES = "nps/full-refresh", "nps/daily", "catch-up/daily", "summaries/daily"
#: The deployments that the demo runs.
DEMO_DEPLOYMENTS = (FULL_REFRESH, DAILY, CATCH_UP, SUMMARIES)


def start_postgres(stack: LocalStack, narrator: Narrator) -> None:
    """Start the embedded PostgreSQL, and create the databases `production` and `warehouse`."""
    with narrator.step("PostgreSQL") as step:
        stack.start_postgres()
        for name in ("production", "warehouse"):
            stack.postgres.create_database(name)
        step.detail = f"127.0.0.1:{stack.postgres.port}: production and warehouse"


def wait_for_prefect(stack: LocalStack, client: SyncPrefectClient, narrator: Narrator) -> None:
    """Wait for the Prefect server and the worker, which were started at the beginning."""
    with narrator.step("Prefect server", begin=0.0) as step:
        stack.wait_for_server()
        step.detail = stack.ui_address
    with narrator.step("worker", begin=0.0) as step:
        wait_for_work_pool(stack, client)
        step.detail = f"process worker of the work pool {WORK_POOL}"


def start_and_catch_up(stack: LocalStack, narrator: Narrator) -> None:
    """Wait for the parts of the stack, and have the worker load the intervals that were missed."""
    start_postgres(stack, narrator)
    with get_client(sync_client=True) as client:
        wait_for_prefect(stack, client, narrator)
        with narrator.step(CATCH_UP) as step:
            try:
                client.create_flow_run_from_deployment(client.read_deployment_by_name(CATCH_UP).id)
                step.detail = "started: it loads the intervals that were missed"
            except ObjectNotFound:
                step.detail = f"nothing is deployed yet: run `{deploy_command()}`"


@dataclass(frozen=True)
class Started:
    """A run of a deployment that was started `begin` seconds after the narrator began."""

    deployment: str
    run: FlowRun
    begin: float


def run_demo(stack: LocalStack, narrator: Narrator, seconds_before: float) -> None:
    """Load all of nps and then yesterday's answers through the worker, and print the results.

    The server and the worker have been started. `seconds_before` is the time before this program started.

    Raises:
        StackError: a step failed. Has the reason and the fix.
    """
    yesterday, databases = utc_yesterday(), DemoDatabases.of(stack)
    start_postgres(stack, narrator)
    with narrator.step("sample rows") as step:
        with transaction(databases.production) as production:
            made = make_answers(production, yesterday)
            make_sessions(production, yesterday)
        step.detail = f"{made:,} added to prod.nps" if made else f"prod.nps already has answers up to {yesterday}"
    with narrator.step("project files") as step:
        declared = read_deployments(stack.root)
        plan = plan_blocks(declared_blocks(importlib.import_module("daybook.blocks")), databases.variables)
        step.detail = f"{len(declared)} deployments in prefect.yaml"
    with get_client(sync_client=True) as client:

        def start(deployment: str, **parameters: Any) -> Started:
            return Started(deployment, start_run(client, deployment, parameters), narrator.now())

        def wait(*runs: Started) -> None:
            for run in runs:
                _wait(stack, client, narrator, run)

        wait_for_prefect(stack, client, narrator)
        with narrator.step("blocks and deployments") as step:
            list(save(plan, force=True))
            # Not while runs load: the server's SQLite refuses requests that meet, which are repeated after seconds
            create_deployments(client, stack.root, [one for one in declared if not one.starts_by_event])
            step.detail = f"production, warehouse, stage; {len(declared)} deployments of prefect.yaml"
        wait(start(FULL_REFRESH))
        wait(start(DAILY, execution_date=yesterday.isoformat()))
        # Neither needs the other: a catch-up that finds nothing to load, and the summaries.
        wait(start(CATCH_UP, tables=["raw_data.nps"]), start(SUMMARIES))  # the demo needs no internet
        with narrator.step("automations") as step:
            # Last, because the events of the runs above would start runs of these
            create_deployments(client, stack.root, [one for one in declared if one.starts_by_event])
            _create_automations()
            step.detail = "what starts runs after events: summaries when their inputs are loaded, and notifications"
    narrator.say()
    with transaction(databases.warehouse) as warehouse:
        show_ledger(narrator, warehouse)
        show_daily_nps(narrator, warehouse)
    narrator.timeline(seconds_before)
    _say_what_next(stack, narrator, yesterday)


def _create_automations() -> None:
    try:
        for _ in apply(read()):
            pass
    except DaybookError as error:
        raise StackError(str(error)) from error


def _wait(stack: LocalStack, client: SyncPrefectClient, narrator: Narrator, started: Started) -> None:
    """Wait for a run, and print its states."""
    states: list[str] = []
    with narrator.step(started.deployment, started.begin) as step:
        run = wait_for_run(stack, client, started.deployment, started.run, on_state=states.append)
        step.detail = f"{run.name}: {' → '.join([*states, 'Completed'])}"


def _say_what_next(stack: LocalStack, narrator: Narrator, yesterday: date) -> None:
    """Print commands that work in any terminal and folder, whichever project and server that one has."""
    day = yesterday - timedelta(days=1)
    programs = Path(sys.executable).parent
    daybook, prefect = command(str(programs / "daybook")), f"{command(sys.executable)} -m prefect"
    project = f"DAYBOOK_PROJECT={command(str(stack.root))}"
    server = f"PREFECT_API_URL={api_url(stack.ui_port)}"
    narrator.say(f"[bold]The UI[/]  {stack.ui_address}  (runs, schedules, artifacts)")
    narrator.say()
    narrator.say("[bold]Next[/]")
    narrator.say("  reload a day in this terminal, without the worker; the table stays the same")
    narrator.say(f"    {project} {server} {daybook} nps {day}")
    narrator.say("  reload it through the worker")
    narrator.say(f"    {server} {prefect} deployment run nps/daily --param execution_date={day} --watch")
    narrator.say("  show what a backfill of a range would load; without --dry-run, load it")
    range = f"nps/daily {yesterday - timedelta(days=30)} {yesterday}"
    narrator.say(f"    {project} {server} {daybook} backfill {range} --select all --dry-run")
    narrator.say("  stop everything; the data stays")
    narrator.say(f"    {project} {daybook} stack down")
