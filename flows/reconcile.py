"""Hold a table of the warehouse against its source and the ledger, and load again just what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient, get_client

from daybook.audit.interval_audit import Audited
from daybook.audit.repair import MAX_REPAIR, to_repair
from daybook.audit.selection import intervals_of
from daybook.audit.table_audit import AuditedRange
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.errors import AuditDiffers, AuditRefused, DaybookError, RepairRefused
from daybook.ledger.interval_status import read_statuses
from daybook.load.owed_intervals import with_sessions
from daybook.model.interval import Interval
from daybook.model.interval_grid import parse
from daybook.orchestration.artifacts import audit
from daybook.orchestration.artifacts.live_artifact import LivePage
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.audit_tasks import audited, audited_whole
from daybook.orchestration.backfill.loop import BackfillResult, BackfillRun, Options
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.deployments import LoadingDeployment, find, find_loading_deployment
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.notifications.messages import command
from daybook.orchestration.parameters import AuditedTable, AuditEnd, AuditStart, Last, MaxRepair, Repair, Whole
from daybook.orchestration.run_tags import tag


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What came of it: what was found last of each interval, in order, and those that were loaded again before that.

    Of a table that was compared whole, what was found of each range of its keys.
    """

    table: str
    found: tuple[Audited, ...] = ()
    repaired: tuple[Interval, ...] = ()
    ranges: tuple[AuditedRange, ...] = ()


def run_name() -> str:
    """The table and the range: `reconcile raw_data.nps 2021-02-05 until 2021-03-01`."""
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


@flow(name="reconcile", flow_run_name=run_name, retries=0, on_completion=[emit_recovery])
def reconcile(
    table: AuditedTable,
    start: AuditStart = None,
    end: AuditEnd = None,
    repair: Repair = False,
    max_repair: MaxRepair = MAX_REPAIR,
    last: Last = None,
    whole: Whole = False,
) -> Reconciled:
    """Compare each interval of a table with its source and the ledger. What differs is told, or loaded again."""
    known = read_table(table)
    tag(known.name)
    if whole:
        if repair or any(value is not None for value in (start, end, last)):
            raise AuditRefused(f"{table}: whole=true compares all of it, and repairs nothing: pass no other parameters")
        return _whole(known)
    intervals = intervals_of(known, start, end, last)
    label, what_repairs = f"{known.name} {known.label(intervals)}", _repairing(known, intervals)
    with get_client(sync_client=True) as client:
        deployed = _deployed(client, known) if repair else None
        page = LivePage(client, page_key("reconcile", known.name), label)
        result = _shown(page, known, Reconciled(known.name, tuple(audited(known, intervals))), what_repairs)
        if deployed is not None and (wanted := with_sessions(known, to_repair(known, result.found, max_repair))):
            filled = _repair(client, deployed, intervals, wanted, label)
            again = {one.interval: one for one in audited(known, wanted)}
            found = tuple(again.get(one.interval, one) for one in result.found)
            result = _shown(page, known, Reconciled(known.name, found, tuple(sorted(filled.loaded))), what_repairs)
            filled.checked(known, label)
    return _checked(known, result, label, what_repairs)


def _deployed(client: SyncPrefectClient, table: Table) -> LoadingDeployment:
    """The deployment that loads the table, whose runs are to load it exactly."""
    name = find_loading_deployment(client, table.name)
    if name is None:
        raise RepairRefused(
            f"{table.name}: no deployment loads it by intervals: tag one with {table.name} in prefect.yaml, and run "
            "`make deploy`"
        )
    return find(client, name).with_parameters({"exact": True})


def _repair(
    client: SyncPrefectClient,
    deployed: LoadingDeployment,
    intervals: Sequence[Interval],
    wanted: Sequence[Interval],
    label: str,
) -> BackfillResult:
    """Load what is wanted again, by runs of the deployment: the ordinary load, with all of its guards."""
    logger, table = get_run_logger(), deployed.table
    logger.info("%s: %d of %d intervals are loaded again by %s", label, len(wanted), len(intervals), deployed.name)
    standings = read_statuses(blocks.warehouse(), table.name, intervals)
    # the newest first: a row that moved on is taken along by its new interval before the old one lets go of it
    options = Options(order="descending").checked(deployed.limit)
    return BackfillRun(client, deployed, standings, wanted, options, f"{label}, repaired").run()


def _shown(page: LivePage, table: Table, result: Reconciled, what_repairs: str) -> Reconciled:
    assert table.grid is not None
    headline = audit.headline(table.grid, result.found, len(result.repaired))
    page.show(headline, None, audit.markdown(table, result.found, what_repairs))
    get_run_logger().info("%s: %s", table.name, headline)
    return result


def _whole(table: Table) -> Reconciled:
    ranges = audited_whole(table)
    headline, what_mends = audit.whole_headline(ranges), _mending(table)
    with get_client(sync_client=True) as client:
        page = LivePage(client, page_key("reconcile", table.name), f"all of {table.name}")
        page.show(headline, None, audit.whole_markdown(table, ranges, what_mends))
    get_run_logger().info("all of %s: %s", table.name, headline)
    if lines := audit.whole_sentences(ranges, table.key[0]):
        raise AuditDiffers("\n".join([f"all of {table.name}: {headline}", *lines, f"What mends it: {what_mends}"]))
    return Reconciled(table.name, ranges=tuple(ranges))


def _mending(table: Table) -> str:
    """What to type to have all of a table as its source has it."""
    refresh = f"python -m flows.load_table {table.name} --full-refresh"
    if table.load_grid is None:
        return refresh
    return f"python -m flows.reconcile {table.name} --repair (by intervals), or {refresh}"


def _checked(table: Table, result: Reconciled, label: str, what_repairs: str) -> Reconciled:
    """The result, where every interval that was loaded is equal.

    One that was never loaded is no mistake of the warehouse: `due:` and `catch_up` are about those.
    """
    assert table.grid is not None
    differing = [one for one in result.found if one.verdict.is_difference]
    if not differing:
        return result
    headline = audit.headline(table.grid, result.found, len(result.repaired))
    raise AuditDiffers(
        "\n".join(
            [
                f"{label}: {headline}",
                *audit.sentences(table.grid, differing),
                f"To load what differs again, exactly as the source has it: {what_repairs}",
            ]
        )
    )


def _repairing(table: Table, intervals: Sequence[Interval]) -> str:
    """What to type to have the same range repaired: the same deployment once more, or the command."""
    assert table.grid is not None
    if name := runtime.deployment.name:
        usual = (None, False, MAX_REPAIR)
        given = {key: value for key, value in runtime.flow_run.parameters.items() if value not in usual}
        dates = {key: value.isoformat() for key, value in given.items() if isinstance(value, date)}
        return command(f"reconcile/{name}", given | dates | {"repair": True})
    span = f"{table.grid.label(intervals[0])} {table.grid.until(intervals[-1])}"
    return f"python -m flows.reconcile {table.name} {span} --repair"


if __name__ == "__main__":
    run(reconcile)
