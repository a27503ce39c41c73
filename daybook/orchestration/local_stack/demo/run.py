"""Run `make demo`: from nothing to a loaded warehouse. Import this module after `replace_environment`."""

import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.local_stack.console import Narrator
from daybook.orchestration.local_stack.database_targets import Database, Targets, start_embedded
from daybook.orchestration.local_stack.demo.flow_runs import run_deployment, settle_abandoned, wait_for_work_pool
from daybook.orchestration.local_stack.demo.nps_data import has_answers, make_answers, utc_yesterday
from daybook.orchestration.local_stack.demo.report import show_daily_nps, show_ledger
from daybook.orchestration.local_stack.demo.session_data import make_sessions
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack
from daybook.orchestration.local_stack.stack_deployments import (
    deploy,
    make_automations,
    start_blocks,
    start_deploying_all,
)
from daybook.shell import command

CATCH_UP = "catch-up/daily"
#: The deployments that the demo runs. It creates the others while they run.
DEMO_DEPLOYMENTS = ("nps/full-refresh", "nps/daily", CATCH_UP, "summaries/daily")
ALLOW_DEMO_DATA = "DAYBOOK_DEMO_DATA"


def start_all(stack: LocalStack, targets: Targets, narrator: Narrator) -> None:
    """Start the parts that are not running."""
    stack.start_server()  # first, because it takes longest: the other parts start in the same time
    start_databases(stack, targets, narrator)
    start_prefect(stack, narrator)


def start_databases(stack: LocalStack, targets: Targets, narrator: Narrator) -> None:
    """Start the embedded PostgreSQL, unless the user names databases of their own."""
    with narrator.step("PostgreSQL") as step:
        embedded = start_embedded(stack, targets)
        step.detail = f"127.0.0.1:{stack.postgres.port}: {' and '.join(embedded)}" if embedded else "not needed"


def start_prefect(stack: LocalStack, narrator: Narrator) -> None:
    """Wait for the Prefect server, and start the worker if it is not running."""
    with narrator.step("Prefect server") as step:
        stack.wait_for_server()
        step.detail = stack.ui_address
    with narrator.step("worker") as step:
        if not stack.worker_runs():
            with get_client(sync_client=True) as client:
                settle_abandoned(client)
            stack.start_worker()
        step.detail = f"process worker of the work pool {WORK_POOL}"


def start_and_catch_up(stack: LocalStack, targets: Targets, narrator: Narrator) -> None:
    """Start the parts that are not running, and have the worker load the intervals that were missed."""
    start_all(stack, targets, narrator)
    with get_client(sync_client=True) as client, narrator.step(CATCH_UP) as step:
        wait_for_work_pool(stack, client)
        try:
            client.create_flow_run_from_deployment(client.read_deployment_by_name(CATCH_UP).id)
            step.detail = "started: it loads the intervals that were missed"
        except ObjectNotFound:
            step.detail = "nothing is deployed yet: run `make deploy` or `make demo`"


def run_demo(stack: LocalStack, targets: Targets, narrator: Narrator, seconds_before: float) -> None:
    """Start everything, load all of nps and then yesterday's answers through the worker, and print the results.

    `seconds_before` is the time before this program started.

    Raises:
        StackError: a step failed. Has the reason and the fix.
    """
    yesterday = utc_yesterday()
    stack.start_server()
    start_databases(stack, targets, narrator)
    with narrator.step("answers in production") as step:  # while the server starts
        step.detail = _prepare_production(targets.production, yesterday)
    start_prefect(stack, narrator)
    blocks = start_blocks(stack, targets.variables)  # while the worker starts
    with get_client(sync_client=True) as client:
        with narrator.step("blocks and deployments") as step:
            wait_for_work_pool(stack, client)
            deploy(stack, *DEMO_DEPLOYMENTS)
            blocks.wait()
            step.detail = f"production, warehouse, stage; {', '.join(DEMO_DEPLOYMENTS)}"
        others = start_deploying_all(stack)  # while the worker loads
        _load(stack, client, narrator, "nps/full-refresh", {})
        _load(stack, client, narrator, "nps/daily", {"execution_date": yesterday.isoformat()})
        _load(stack, client, narrator, CATCH_UP, {"tables": ["raw_data.nps"]})  # the demo needs no internet
        _load(stack, client, narrator, "summaries/daily", {}, may_fail=not targets.production.own)
        with narrator.step("the other deployments") as step:
            others.wait()
            make_automations(stack)
            step.detail = "all of prefect.yaml, and the automations"
    narrator.say()
    with targets.warehouse.connect() as warehouse:
        show_ledger(narrator, warehouse)
        show_daily_nps(narrator, warehouse)
    narrator.times(seconds_before)
    _say_what_next(stack, narrator, yesterday)


def _prepare_production(production: Database, yesterday: date) -> str:
    """Make sure that prod.nps has rows to load, and return a description. A user's own rows are never changed."""
    with production.connect() as connection:
        filled = has_answers(connection)
        if not production.own or (not filled and os.environ.get(ALLOW_DEMO_DATA) == "1"):
            made = make_answers(connection, yesterday)
            make_sessions(connection, yesterday)
            return f"{made:,} added to prod.nps" if made else f"prod.nps already has answers up to {yesterday}"
        if filled:
            return "your own prod.nps, unchanged"
    raise StackError(
        f"{production.address} ({production.variable}) has no answers in prod.nps, but the demo loads them: expected a "
        "table prod.nps(id bigint primary key, created_at timestamp(6) or datetime(6), score smallint or tinyint), "
        "with an index on created_at. Create it, or let the demo create it there with generated answers: "
        f"{ALLOW_DEMO_DATA}=1 make demo"
    )


def _load(
    stack: LocalStack,
    client: SyncPrefectClient,
    narrator: Narrator,
    deployment: str,
    parameters: dict[str, Any],
    *,
    may_fail: bool = False,
) -> None:
    """Run a deployment, and print its states. If it `may_fail`, because the data are the user's, print its error."""
    states: list[str] = []
    with narrator.step(deployment) as step:
        try:
            run = run_deployment(stack, client, deployment, parameters, on_state=states.append)
            step.detail = f"{run.name}: {' → '.join([*states, 'Completed'])}"
        except StackError as error:
            if not may_fail:
                raise
            step.detail = str(error)


def _say_what_next(stack: LocalStack, narrator: Narrator, yesterday: date) -> None:
    day = yesterday - timedelta(days=1)
    daybook, python = _pasteable("daybook"), _pasteable("python")
    project = "" if Path.cwd() == stack.root else f"DAYBOOK_PROJECT={command(str(stack.root))} "
    server = f"{project}PREFECT_API_URL={api_url(stack.ui_port)}"
    narrator.say(f"[bold]The UI[/]  {stack.ui_address}  (runs, schedules, artifacts)")
    narrator.say()
    narrator.say("[bold]Next[/]")
    narrator.say("  reload a day in this terminal, without the worker; the table stays the same")
    narrator.say(f"    {server} {daybook} nps {day}")
    narrator.say("  reload it through the worker")
    narrator.say(f"    {server} {python} -m prefect deployment run nps/daily --param execution_date={day} --watch")
    narrator.say("  show what a backfill of a range would load; without --dry-run, load it")
    range = f"nps/daily {yesterday - timedelta(days=30)} {yesterday}"
    narrator.say(f"    {server} {daybook} backfill {range} --select all --dry-run")
    narrator.say("  stop everything; the data stays")
    narrator.say(f"    {project}{daybook} stack down")


def _pasteable(program: str) -> str:
    """Return the path of a program of this environment, as short as it works from the working directory."""
    path = Path(sys.executable).parent / program
    return command(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
