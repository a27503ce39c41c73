"""The steps of the flow `catch-up`: find the intervals of a table that the ledger lacks, and load them."""

from dataclasses import dataclass
from datetime import datetime

from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient

from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.ledger.interval_status import IntervalStatus, read_statuses
from daybook.load.planning.owed_intervals import expected_intervals, with_sessions
from daybook.model.interval import Interval
from daybook.orchestration.backfill.loop import BackfillRun
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import find_deployment, find_loading_deployment


@dataclass(frozen=True)
class Missing:
    """The status of every expected interval of a table, and the intervals that the ledger lacks, both in order."""

    table: Table
    statuses: list[IntervalStatus]
    intervals: list[Interval]


def find_missing(name: str, now: datetime) -> Missing:
    """Return the intervals of the table `name` that the ledger lacks at `now`, by the rules of its file."""
    table = read_table(name)
    statuses = read_statuses(blocks.warehouse(), name, expected_intervals(table, now))
    return Missing(table, statuses, with_sessions(table, [one.interval for one in statuses if one.entry is None]))


def load_missing(client: SyncPrefectClient, missing: Missing) -> BackfillResult:
    """Load the missing intervals through the deployment that loads the table. If there is none, log a warning.

    Raises:
        BackfillIncomplete: some intervals could not be loaded.
    """
    name, lacking = missing.table.name, len(missing.intervals)
    if not lacking:
        get_run_logger().info("%s: nothing is missing", name)
        return BackfillResult()
    deployment = find_loading_deployment(client, name)
    if deployment is None:
        get_run_logger().warning(
            "%s lacks %d intervals, and no deployment loads it: tag one with %s in prefect.yaml", name, lacking, name
        )
        return BackfillResult()
    label = f"{name}, caught up"
    get_run_logger().info("%s: loading %d of %d intervals by %s", name, lacking, len(missing.statuses), deployment)
    deployed = find_deployment(client, deployment)
    run = BackfillRun(client, deployed, missing.statuses, missing.intervals, BackfillOptions(), label)
    return run.run().raise_for_failures(missing.table, label)


def run_name() -> str:
    """Return the tables: `catch-up of raw_data.nps`, `catch-up of all tables`."""
    tables = (runtime.flow_run.parameters or {}).get("tables")
    return f"catch-up of {', '.join(tables) if tables else 'all tables'}"
