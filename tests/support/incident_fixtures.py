"""The fixture `shelves`: the session's server without the monitor's documents of earlier tests."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


def forget(client: "SyncPrefectClient") -> None:
    """Delete all incidents and waiting messages, and let the monitor ignore the runs that have failed so far."""
    from daybook.orchestration.variable_store import VariableStore  # imports Prefect, which takes seconds

    for kind in ("incident", "outbox", "thread", "closed"):
        for key in VariableStore(client, kind).all():
            VariableStore(client, kind).delete(key)
    VariableStore(client, "monitor").set("looked", datetime.now(UTC).isoformat())


@pytest.fixture
def shelves(client: "SyncPrefectClient") -> Iterator["SyncPrefectClient"]:
    """Yield a client of a server without open incidents and waiting messages. Clean up after the test, too."""
    forget(client)
    yield client
    forget(client)
