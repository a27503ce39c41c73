"""How the session's server forgets what tests had the monitor keep there."""

from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient

from daybook.orchestration.variable_store import VariableStore


def forget(client: SyncPrefectClient) -> None:
    """Let no incident be open and no message wait; and what other tests left failed is nobody's business any more."""
    for kind in ("incident", "outbox", "thread", "closed"):
        for key in VariableStore(client, kind).all():
            VariableStore(client, kind).delete(key)
    VariableStore(client, "monitor").set("looked", datetime.now(UTC).isoformat())
