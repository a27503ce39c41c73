"""Load every interval that a table should have and that the ledger does not have."""

from datetime import UTC, datetime

from prefect.client.orchestration import get_client

from daybook.backfill.result import BackfillResult
from daybook.definitions.table_files import table_names
from daybook.errors import BackfillIncomplete, DaybookError
from daybook.orchestration.backfill.missing import find_missing, is_expected, load_missing, run_name
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.load import TableNames


@flow(name="catch-up", flow_run_name=run_name, on_completion=[emit_recovery], retries=0)
def catch_up(tables: TableNames = None) -> dict[str, BackfillResult]:
    """Load the missing intervals of each table, from its `start:` to now. Its `catch_up:` can limit them."""
    now, results, problems = datetime.now(UTC), dict[str, BackfillResult](), list[str]()
    with get_client(sync_client=True) as client:
        for name in tables or table_names():
            try:
                missing = find_missing(name, now)
                if tables or is_expected(client, missing):
                    results[name] = load_missing(client, missing)
            except DaybookError as error:  # continue with the other tables
                problems.append(f"{type(error).__name__}: {error}")
    if problems:
        raise BackfillIncomplete("\n".join(problems))
    return results


if __name__ == "__main__":
    run(catch_up)
