"""The steps of the flow `reconcile` for a range: compare its intervals, compare repaired ones again, conclude."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient

from daybook.audit.repair import MAX_REPAIR, to_repair
from daybook.audit.selection import intervals_of
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.errors import AuditDiffers, DaybookError
from daybook.load.planning.owed_intervals import with_sessions
from daybook.model.interval import Interval
from daybook.model.interval_grid import parse
from daybook.orchestration.artifacts import audit
from daybook.orchestration.artifacts.live_artifact import LivePage
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.audit.compare import audited
from daybook.orchestration.audit.reconciled import Reconciled
from daybook.orchestration.deployments import run_command
from daybook.shell import command


class RangeAudit:
    """The audit of adjacent intervals of a table, in order. The run's page shows the findings."""

    def __init__(self, client: SyncPrefectClient, table: Table, intervals: Sequence[Interval]) -> None:
        assert table.grid is not None
        self.table, self.intervals, self._grid = table, intervals, table.grid
        self.label = f"{table.name} {table.label(intervals)}"
        self._page = LivePage(client, page_key("reconcile", table.name), self.label)
        self._result, self._repairs = Reconciled(table.name), BackfillResult()

    def compare(self) -> None:
        """Compare each interval of the source with the ledger and the warehouse."""
        self._show(Reconciled(self.table.name, tuple(audited(self.table, self.intervals))))

    def to_repair(self, max_repair: float) -> list[Interval]:
        """Return the intervals that a repair reloads, in order.

        Raises:
            RepairRefused: more than the share `max_repair` of the intervals differ.
        """
        return with_sessions(self.table, to_repair(self.table, self._result.found, max_repair))

    def compare_again(self, repaired: Sequence[Interval], result: BackfillResult) -> None:
        """Compare the intervals `repaired` once more. `result` says which of them were loaded."""
        latest = {one.interval: one for one in audited(self.table, repaired)}
        found = tuple(latest.get(one.interval, one) for one in self._result.found)
        self._repairs = result
        self._show(Reconciled(self.table.name, found, tuple(sorted(result.loaded))))

    def conclude(self) -> Reconciled:
        """Return the findings if every interval that was loaded is equal.

        An interval that was never loaded does not count as a difference: `due:` and `catch_up` handle those.

        Raises:
            BackfillIncomplete: an interval could not be repaired.
            AuditDiffers: an interval differs.
        """
        self._repairs.raise_for_failures(self.table, self.label)
        differing = [one for one in self._result.found if one.verdict.is_difference]
        if not differing:
            return self._result
        lines = [f"{self.label}: {self._headline()}", *audit.sentences(self._grid, differing)]
        lines.append(f"To reload what differs exactly as the source has it: {self._repair_command()}")
        raise AuditDiffers("\n".join(lines))

    def _show(self, result: Reconciled) -> None:
        self._result = result
        self._page.show(self._headline(), None, audit.markdown(self.table, result.found, self._repair_command()))
        get_run_logger().info("%s: %s", self.table.name, self._headline())

    def _headline(self) -> str:
        return audit.headline(self._grid, self._result.found, len(self._result.repaired))

    def _repair_command(self) -> str:
        """Return the command that repairs the range: by the run's deployment, or by the flow in a terminal."""
        if name := runtime.deployment.name:
            defaults = (None, False, MAX_REPAIR)
            given = {key: value for key, value in runtime.flow_run.parameters.items() if value not in defaults}
            dates = {key: value.isoformat() for key, value in given.items() if isinstance(value, date)}
            return run_command(f"reconcile/{name}", given | dates | {"repair": True})
        span = self._grid.label(self.intervals[0]), self._grid.until(self.intervals[-1])
        return command("daybook", "reconcile", self.table.name, *span, "--repair")


def run_name() -> str:
    """Return the table and the range: `reconcile raw_data.nps 2021-02-05 until 2021-03-01`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    if given.get("whole"):
        return f"reconcile all of {given.get('table')}"
    try:
        table = read_table(str(given.get("table")))
        start, end = (parse(v) if isinstance(v, str) else v for v in (given.get("start"), given.get("end")))
        label = table.label(intervals_of(table, start, end, given.get("last")))
    except DaybookError:
        label = ""
    return f"reconcile {given.get('table')} {label}".strip()
