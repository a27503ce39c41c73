"""The steps of the flow `catch-up`: find the intervals of a table that the ledger lacks, and load them."""

from dataclasses import dataclass
from datetime import datetime

from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient

from daybook.backfill.dry_run import count_rows
from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.ledger.interval_status import IntervalStatus, read_statuses_and_loss
from daybook.ledger.table_loss import Loss
from daybook.load.guards import guard_loss
from daybook.load.planning.owed_intervals import expected_intervals, with_sessions
from daybook.model.interval import Interval
from daybook.orchestration.backfill.loop import BackfillRun
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import find_deployment, find_loading_deployment
from daybook.orchestration.load_runs.first_loads import deployments_that_start, last_run_failed, never_loaded
from daybook.orchestration.server.programs import deploy_command
from daybook.shell import command


@dataclass(frozen=True)
class Missing:
    """The status of every expected interval of a table, and the intervals that are not loaded, both in order."""

    table: Table
    statuses: list[IntervalStatus]
    intervals: list[Interval]
    loss: Loss | None = None
    """Set if the table has lost its rows. Then none of its intervals is loaded."""


def find_missing(name: str, now: datetime) -> Missing:
    """Return the intervals of the table `name` that are not loaded at `now`, by the rules of its file."""
    table = read_table(name)
    statuses, loss = read_statuses_and_loss(blocks.warehouse(), table, expected_intervals(table, now))
    missing = with_sessions(table, [one.interval for one in statuses if one.entry is None])
    return Missing(table, statuses, missing, loss)


def is_expected(client: SyncPrefectClient, missing: Missing) -> bool:
    """Return False if nothing promises the table: it was never loaded, and no schedule or trigger loads it.

    It may be an example, or a table that nobody has deployed. Its history is loaded once a person asks for it. If the
    first load by a schedule failed, the history waits for the first success: it would fail for the same reason.
    """
    name, is_new = missing.table.name, missing.loss is None and all(one.entry is None for one in missing.statuses)
    if not (missing.intervals and is_new and never_loaded(blocks.warehouse(), name)):
        return True
    starting = deployments_that_start(client, [name]).get(name, ())
    if starting and not last_run_failed(client, starting):
        return True
    why = "its first load failed" if starting else "no active schedule or trigger loads it"
    get_run_logger().info(
        "%s was never loaded, and %s: left out. To load it: %s", name, why, command("daybook", "catch-up", name)
    )
    return False


def load_missing(client: SyncPrefectClient, missing: Missing) -> BackfillResult:
    """Load the missing intervals through the deployment that loads the table. If there is none, log a warning.

    If there are many, the source counts their rows first, so that those with few rows share a run.

    Raises:
        SourceError, ExtractFailed, SourceLost: the source cannot be counted, so it cannot be loaded either.
        BackfillIncomplete: some intervals could not be loaded.
        ShrinkGuard: the table has lost its rows, and the missing intervals are only a part of them.
    """
    name, lacking = missing.table.name, len(missing.intervals)
    if missing.loss:
        refilled = missing.loss.all_within([status.interval for status in missing.statuses])
        guard_loss(missing.table, "catch-up", missing.loss, refilled=refilled)
        get_run_logger().warning("%s: the table is not as the last load left it: %s", name, missing.loss)
    if not lacking:
        get_run_logger().info("%s: nothing is missing", name)
        return BackfillResult()
    deployment = find_loading_deployment(client, name)
    if deployment is None:
        get_run_logger().warning(
            "%s lacks %d intervals, and no deployment loads it: run `%s`. A deployment of a flow of your own needs the "
            "tag %s",
            name,
            lacking,
            deploy_command(),
            name,
        )
        return BackfillResult()
    label = f"{name}, caught up"
    get_run_logger().info("%s: loading %d of %d intervals by %s", name, lacking, len(missing.statuses), deployment)
    deployed = find_deployment(client, deployment)
    options = BackfillOptions()
    many = lacking > options.intervals_per_run
    rows = count_rows(missing.table, missing.intervals, blocks) if many else None
    run = BackfillRun(client, deployed, missing.statuses, missing.intervals, options, label, rows)
    return run.run().raise_for_failures(missing.table, label)


def run_name() -> str:
    """Return the tables: `catch-up of raw_data.nps`, `catch-up of all tables`."""
    tables = (runtime.flow_run.parameters or {}).get("tables")
    return f"catch-up of {', '.join(tables) if tables else 'all tables'}"
