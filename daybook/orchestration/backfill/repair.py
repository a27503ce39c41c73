"""The repair of the flow `reconcile`: reload the intervals that differ exactly as the source has them."""

from collections.abc import Sequence

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient

from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.errors import RepairRefused
from daybook.ledger.interval_status import read_statuses
from daybook.model.interval import Interval
from daybook.orchestration.backfill.loop import BackfillRun
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import LoadingDeployment, find_deployment, find_loading_deployment
from daybook.orchestration.server.programs import deploy_command


def find_repairing_deployment(client: SyncPrefectClient, table: Table) -> LoadingDeployment:
    """Return the deployment that loads the table by intervals, set to load it exactly.

    Raises:
        RepairRefused: no deployment loads the table by intervals.
    """
    name = find_loading_deployment(client, table.name)
    if name is None:
        raise RepairRefused(
            f"{table.name}: no deployment loads it by intervals: run `{deploy_command()}`. A deployment of a flow of "
            f"your own needs the tag {table.name}"
        )
    return find_deployment(client, name).with_parameters({"exact": True})


def reload(
    client: SyncPrefectClient,
    deployed: LoadingDeployment,
    intervals: Sequence[Interval],
    wanted: Sequence[Interval],
) -> BackfillResult:
    """Reload `wanted`, some of the audited `intervals`, through ordinary loads with all of their guards."""
    table = deployed.table
    label = f"{table.name} {table.label(intervals)}"
    get_run_logger().info("%s: %s reloads %d of %d intervals", label, deployed.name, len(wanted), len(intervals))
    statuses = read_statuses(blocks.warehouse(), table, intervals)
    # Newest first: a row that moved to a later interval is loaded there before the earlier interval drops it.
    options = BackfillOptions(order="descending")
    return BackfillRun(client, deployed, statuses, wanted, options, f"{label}, repaired").run()
