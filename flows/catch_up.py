"""Load what was missed: every interval that a table owes and the ledger lacks."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient, get_client

from daybook.definitions.table_files import read_table, table_names
from daybook.errors import BackfillIncomplete, DaybookError
from daybook.ledger.interval_status import read_statuses
from daybook.load.owed_intervals import expected_intervals, with_sessions
from daybook.orchestration.backfill.loop import BackfillResult, BackfillRun, Options
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.deployments import find, find_loading_deployment
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters import TableNames


def run_name() -> str:
    """What is caught up: `catch-up of raw_data.nps`, `catch-up of all tables`."""
    tables = (runtime.flow_run.parameters or {}).get("tables")
    return f"catch-up of {', '.join(tables) if tables else 'all tables'}"


@flow(name="catch-up", flow_run_name=run_name, on_completion=[emit_recovery], retries=0)
def catch_up(tables: TableNames = None) -> dict[str, BackfillResult]:
    """Load what the ledger lacks of each table, from its `start` to now, as its `catch_up:` says."""
    now, results, problems = datetime.now(UTC), dict[str, BackfillResult](), list[str]()
    with get_client(sync_client=True) as client:
        for name in tables or table_names():
            try:
                results[name] = _catch_up(client, name, now)
            except DaybookError as error:
                problems.append(f"{type(error).__name__}: {error}")
    if problems:
        raise BackfillIncomplete("\n".join(problems))
    return results


def _catch_up(client: SyncPrefectClient, name: str, now: datetime) -> BackfillResult:
    logger, table = get_run_logger(), read_table(name)
    intervals = expected_intervals(table, now)
    standings = read_statuses(blocks.warehouse(), name, intervals)
    wanted = with_sessions(table, [standing.interval for standing in standings if standing.entry is None])
    if not wanted:
        logger.info("%s: nothing was missed", name)
        return BackfillResult()
    deployment = find_loading_deployment(client, name)
    if deployment is None:
        logger.warning(
            "%s lacks %d intervals, and no deployment loads it: tag one with %s in prefect.yaml",
            name,
            len(wanted),
            name,
        )
        return BackfillResult()
    found = find(client, deployment)
    label = f"{name}, caught up"
    logger.info("%s: %d of %d intervals were missed; %s loads them", name, len(wanted), len(intervals), deployment)
    return (
        BackfillRun(client, found, standings, wanted, Options().checked(found.limit), label).run().checked(table, label)
    )


if __name__ == "__main__":
    run(catch_up)
