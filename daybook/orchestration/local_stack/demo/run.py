"""`make demo`: from nothing to a loaded warehouse, step by step. Import it once the environment is the stack's."""

import os
from datetime import date, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.local_stack.console import Narrator
from daybook.orchestration.local_stack.database_targets import Database, Targets, start_embedded
from daybook.orchestration.local_stack.demo.flow_runs import run_deployment, settle_abandoned, wait_for_work_pool
from daybook.orchestration.local_stack.demo.nps_data import has_answers, make_answers, utc_yesterday
from daybook.orchestration.local_stack.demo.report import show_daily_nps, show_ledger
from daybook.orchestration.local_stack.demo.session_data import make_sessions
from daybook.orchestration.local_stack.deploy import deploy_all, make_automations, make_blocks
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack

CATCH_UP = "catch-up/daily"
ALLOW_DEMO_DATA = "DAYBOOK_DEMO_DATA"


def start_all(stack: LocalStack, targets: Targets, narrator: Narrator) -> None:
    """Start what does not run yet."""
    stack.start_server()  # first, because it takes longest, and the rest can go on meanwhile
    with narrator.step("PostgreSQL") as step:
        embedded = start_embedded(stack, targets)
        step.detail = f"127.0.0.1:{stack.postgres.port}: {' and '.join(embedded)}" if embedded else "not needed"
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
    """Start what does not run yet, and have the worker load what was missed while it did not."""
    start_all(stack, targets, narrator)
    with get_client(sync_client=True) as client, narrator.step(CATCH_UP) as step:
        wait_for_work_pool(stack, client)
        try:
            client.create_flow_run_from_deployment(client.read_deployment_by_name(CATCH_UP).id)
            step.detail = "started: what was missed is being loaded"
        except ObjectNotFound:
            step.detail = "nothing is deployed yet: `make deploy` or `make demo` does"


def run_demo(stack: LocalStack, targets: Targets, narrator: Narrator, seconds_before: float) -> None:
    """Start everything, load nps in full and then for yesterday through the worker, and print what came of it.

    `seconds_before` went by before this program started. Raises StackError with what to do.
    """
    yesterday = utc_yesterday()
    start_all(stack, targets, narrator)
    with narrator.step("blocks") as step:
        make_blocks(stack, targets.variables)
        step.detail = "production, warehouse, stage"
    with narrator.step("answers in production") as step:
        step.detail = _prepare_production(targets.production, yesterday)
    with get_client(sync_client=True) as client:
        with narrator.step("deployments") as step:
            wait_for_work_pool(stack, client)
            deploy_all(stack)
            make_automations(stack)
            step.detail = "all of prefect.yaml, and the automations"
        _load(stack, client, narrator, "nps/full-refresh", {})
        _load(stack, client, narrator, "nps/daily", {"execution_date": yesterday.isoformat()})
        _load(stack, client, narrator, CATCH_UP, {"tables": ["raw_data.nps"]})  # the demo needs no internet
        _load(stack, client, narrator, "summaries/daily", {}, may_fail=not targets.production.own)
    narrator.say()
    with targets.warehouse.connect() as warehouse:
        show_ledger(narrator, warehouse)
        show_daily_nps(narrator, warehouse)
    narrator.times(seconds_before)
    _say_what_next(stack, narrator, yesterday)


def _prepare_production(production: Database, yesterday: date) -> str:
    """See that prod.nps has something to load, and say what was done. A user's own production is left alone."""
    with production.connect() as connection:
        filled = has_answers(connection)
        if not production.own or (not filled and os.environ.get(ALLOW_DEMO_DATA) == "1"):
            made = make_answers(connection, yesterday)
            make_sessions(connection, yesterday)
            return f"{made:,} made in prod.nps" if made else f"prod.nps reaches to {yesterday} already"
        if filled:
            return "your own prod.nps, left as it is"
    raise StackError(
        f"{production.address} ({production.variable}) has no prod.nps with answers in it, which the demo loads: "
        "a table prod.nps(id bigint primary key, created_at timestamp(6) or datetime(6), score smallint or tinyint), "
        "with an index on created_at. Make it, or let the demo make it there with invented answers: "
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
    """Run a deployment, and tell of it; where it `may_fail`, on data that are not the demo's, of why it did, too."""
    states: list[str] = []
    with narrator.step(deployment) as step:
        try:
            run = run_deployment(stack, client, deployment, parameters, tell=states.append)
            step.detail = f"{run.name}: {' → '.join([*states, 'Completed'])}"
        except StackError as error:
            if not may_fail:
                raise
            step.detail = str(error)


def _say_what_next(stack: LocalStack, narrator: Narrator, yesterday: date) -> None:
    day = yesterday - timedelta(days=1)
    server = f"PREFECT_API_URL={api_url(stack.ui_port)}"
    narrator.say(f"[bold]The UI[/]  {stack.ui_address}  (runs, schedules, artifacts)")
    narrator.say()
    narrator.say("[bold]Next[/]")
    narrator.say("  load a day again, the table stays the same, here and without the worker")
    narrator.say(f"    {server} .venv/bin/daybook nps {day}")
    narrator.say("  the same through the worker")
    narrator.say(
        f"    {server} .venv/bin/python -m prefect deployment run nps/daily --param execution_date={day} --watch"
    )
    narrator.say("  any range again; first what would happen, then for real")
    range = f"nps/daily {yesterday - timedelta(days=30)} {yesterday}"
    narrator.say(f"    {server} .venv/bin/daybook backfill {range} --select all --dry-run")
    narrator.say("  end all of it; the data stays for the next time")
    narrator.say("    make stop")
