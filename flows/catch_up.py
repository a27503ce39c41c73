"""Load what was missed: every interval that a table owes and the ledger lacks."""

from datetime import UTC, datetime

from prefect.client.orchestration import get_client

from daybook.backfill.result import BackfillResult
from daybook.definitions.table_files import table_names
from daybook.errors import BackfillIncomplete, DaybookError
from daybook.orchestration.backfill.missing import find_missing, load_missing, run_name
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.load import TableNames


@flow(name="catch-up", flow_run_name=run_name, on_completion=[emit_recovery], retries=0)
def catch_up(tables: TableNames = None) -> dict[str, BackfillResult]:
    """Load what the ledger lacks of each table, from its `start` to now, as its `catch_up:` says."""
    now, results, problems = datetime.now(UTC), dict[str, BackfillResult](), list[str]()
    with get_client(sync_client=True) as client:
        for name in tables or table_names():
            try:
                results[name] = load_missing(client, find_missing(name, now))
            except DaybookError as error:  # the other tables are caught up all the same
                problems.append(f"{type(error).__name__}: {error}")
    if problems:
        raise BackfillIncomplete("\n".join(problems))
    return results


if __name__ == "__main__":
    run(catch_up)
