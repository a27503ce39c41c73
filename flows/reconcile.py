"""Compare a table of the warehouse with its source and the ledger, and reload the intervals that differ."""

from prefect.client.orchestration import get_client

from daybook.audit.repair import MAX_REPAIR
from daybook.audit.selection import intervals_of
from daybook.definitions.table_files import read_table
from daybook.orchestration.audit.range_audit import RangeAudit, run_name
from daybook.orchestration.audit.reconciled import Reconciled
from daybook.orchestration.audit.whole_audit import reconcile_whole
from daybook.orchestration.backfill.repair import find_repairing_deployment, reload
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.audit import AuditedTable, AuditEnd, AuditStart, Last, MaxRepair, Repair, Whole
from daybook.orchestration.run_tags import tag


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
    """Compare each interval of a table with its source and the ledger. Report differences, and repair them if asked."""
    known = read_table(table)
    tag(known.name)
    if whole:
        return reconcile_whole(known, start=start, end=end, repair=repair, last=last)
    intervals = intervals_of(known, start, end, last)
    with get_client(sync_client=True) as client:
        deployed = find_repairing_deployment(client, known) if repair else None
        audit = RangeAudit(client, known, intervals)
        audit.compare()
        if deployed and (wanted := audit.to_repair(max_repair)):
            audit.compare_again(wanted, reload(client, deployed, intervals, wanted))
        return audit.conclude()


if __name__ == "__main__":
    run(reconcile)
