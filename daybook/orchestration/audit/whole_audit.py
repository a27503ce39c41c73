"""The step of the flow `reconcile` for a whole table: compare it by ranges of its key, and fail if it differs."""

from prefect import get_run_logger
from prefect.client.orchestration import get_client

from daybook.definitions.table import Table
from daybook.errors import AuditDiffers, AuditRefused
from daybook.orchestration.artifacts import audit
from daybook.orchestration.artifacts.live_artifact import LivePage
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.audit.compare import audited_whole
from daybook.orchestration.audit.reconciled import Reconciled
from daybook.shell import command


def reconcile_whole(table: Table, **other: object) -> Reconciled:
    """Compare the whole table, show the findings, and return them if it is equal.

    `other` are the flow's other parameters, which do not apply to a whole table.

    Raises:
        AuditRefused: one of `other` is set.
        AuditDiffers: a range of keys differs.
    """
    if any(value is not None and value is not False for value in other.values()):
        raise AuditRefused(
            f"{table.name}: whole=true compares the whole table and repairs nothing: pass no other parameters"
        )
    ranges = audited_whole(table)
    headline, remedy = audit.whole_headline(ranges), _remedy(table)
    with get_client(sync_client=True) as client:
        page = LivePage(client, page_key("reconcile", table.name), f"all of {table.name}")
        page.show(headline, None, audit.whole_markdown(table, ranges, remedy))
    get_run_logger().info("all of %s: %s", table.name, headline)
    if lines := audit.whole_sentences(ranges, table.key[0]):
        raise AuditDiffers("\n".join([f"all of {table.name}: {headline}", *lines, f"To fix it: {remedy}"]))
    return Reconciled(table.name, ranges=tuple(ranges))


def _remedy(table: Table) -> str:
    """Return the command that makes the whole table equal to its source."""
    refresh = command("daybook", "load", table.name, "--full-refresh")
    if table.load_grid is None:
        return refresh
    return f"{command('daybook', 'reconcile', table.name, '--repair')} (by intervals), or {refresh}"
