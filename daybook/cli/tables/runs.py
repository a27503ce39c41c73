"""Refuse a change of a table while a flow run loads it."""

from daybook.cli.tables.ends import Ends
from daybook.lifecycle.errors import ChangeRefused


def refuse_while_loading(ends: Ends, table: str, verb: str) -> None:
    """Ask Prefect's server for running flow runs with the table's tag. A load that extracts holds no lock yet.

    Raises:
        ChangeRefused: such a run is running.
    """
    from daybook.orchestration.lifecycle.table_deployments import running_loads  # imports Prefect

    with ends.server() as client:
        running = running_loads(client, table)
    if running:
        raise ChangeRefused(
            f"{table}: a run is working on it now ({', '.join(running)}), so it cannot be {verb} yet. Nothing was "
            "changed. Wait until it has ended, or cancel it, and run this again"
        )
