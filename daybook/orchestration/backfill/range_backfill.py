"""The steps of the flow `backfill`: find the intervals of a range, forecast or choose, and load them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient, get_client

from daybook.audit.repair import refusal, to_repair
from daybook.backfill.dry_run import Forecast, forecast
from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.ledger.interval_status import BackfillSelection, IntervalStatus, read_statuses_and_loss
from daybook.load.planning.owed_intervals import expected_in_range, with_sessions
from daybook.model.interval import Interval
from daybook.orchestration.artifacts import dry_run
from daybook.orchestration.audit.compare import audited, preview
from daybook.orchestration.backfill.loop import BackfillRun
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import LoadingDeployment, find_deployment
from daybook.orchestration.run_tags import tag


class RangeBackfill:
    """A backfill of adjacent `intervals`, in order, through runs of a deployment."""

    def __init__(
        self,
        client: SyncPrefectClient,
        deployed: LoadingDeployment,
        intervals: Sequence[Interval],
        options: BackfillOptions,
    ) -> None:
        self._client, self._deployed, self._intervals, self._options = client, deployed, intervals, options
        self._statuses, loss = read_statuses_and_loss(blocks.warehouse(), self.table, intervals)
        if loss:
            get_run_logger().warning(
                "%s: the table is not as the last load left it: %s. So all of its intervals are missing, and this "
                "backfill loads the table again from those that it selects",
                *(self.table.name, loss),
            )

    @property
    def table(self) -> Table:
        """Return the table that the deployment loads."""
        return self._deployed.table

    @property
    def label(self) -> str:
        """Return the table and the range: `raw_data.nps 2021-02-05 until 2021-03-01`."""
        return f"{self.table.name} {self.table.label(self._intervals)}"

    def forecast(self, select: BackfillSelection, max_repair: float) -> list[Forecast]:
        """Show on the run's page what the backfill would do with each interval, and return that. Load nothing."""
        differing = select == "differing"
        found = preview(self.table, self._intervals, required=differing)
        refused = refusal(self.table, list(found.values()), max_repair) if differing and found else None
        forecasts = forecast(self.table, self._statuses, select, blocks, found)
        return dry_run.show(self.table, forecasts, self.label, refused)

    def choose(self, select: BackfillSelection, max_repair: float) -> list[Interval]:
        """Return the intervals to load, in order. If `select` is `differing`, set the runs to load exactly.

        Raises:
            BackfillRefused: `select` is `differing`, and the deployment's flow cannot load exactly.
            RepairRefused: `select` is `differing`, and more than the share `max_repair` of the intervals differ.
        """
        if select == "differing":
            self._deployed = self._deployed.with_parameters({"exact": True})
            chosen = to_repair(self.table, audited(self.table, self._intervals), max_repair)
        else:
            chosen = [s.interval for s in self._statuses if s.chosen_by(select) and not _loaded_by_this_run(s)]
        wanted = with_sessions(self.table, chosen)
        get_run_logger().info(
            "%s: loading %d of %d intervals (%s)", self.label, len(wanted), len(self._intervals), select
        )
        return wanted

    def load(self, wanted: Sequence[Interval]) -> BackfillResult:
        """Load the intervals `wanted`.

        Raises:
            BackfillIncomplete: some of them could not be loaded.
        """
        run = BackfillRun(self._client, self._deployed, self._statuses, wanted, self._options, self.label)
        return run.run().raise_for_failures(self.table, self.label)


@contextmanager
def range_backfill(
    deployment: str,
    parameters: dict[str, Any] | None,
    start: date | datetime,
    end: date | datetime,
    options: BackfillOptions,
    *,
    allow_before_start: bool,
) -> Iterator[RangeBackfill]:
    """Yield the backfill of a range through runs of `deployment` with these `parameters`.

    Raises:
        BackfillRefused: the deployment, the range or the options are invalid. The text says what to type instead.
    """
    with get_client(sync_client=True) as client:
        deployed = find_deployment(client, deployment, parameters)
        tag(deployed.table.name)
        if allow_before_start:
            deployed = deployed.with_parameters({"allow_before_start": True})
        intervals = expected_in_range(deployed.table, start, end, allow_before_start=allow_before_start)
        yield RangeBackfill(client, deployed, intervals, options.within(deployed.limit))


def run_name() -> str:
    """Return the deployment and the range: `nps/daily 2021-02-05 until 2021-03-01`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    dry = "dry run of " if given.get("dry_run") else ""
    return f"{dry}{given.get('deployment')} {given.get('start')} until {given.get('end')}"


def _loaded_by_this_run(status: IntervalStatus) -> bool:
    """Return True if an earlier attempt of this flow run loaded the interval."""
    began = runtime.flow_run.scheduled_start_time
    return (runtime.flow_run.run_count or 0) > 1 and status.entry is not None and status.entry.loaded_at > began
