"""The fixture `shelves`: the session's server without what earlier tests had the monitor keep there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


def forget(client: "SyncPrefectClient") -> None:
    """Close every incident, drop every message that waits, and have the monitor ignore the runs that failed so far."""
    from daybook.orchestration.variable_store import VariableStore  # it imports Prefect, which takes seconds

    for kind in ("incident", "outbox", "thread", "closed"):
        for key in VariableStore(client, kind).all():
            VariableStore(client, kind).delete(key)
    VariableStore(client, "monitor").set("looked", datetime.now(UTC).isoformat())


@pytest.fixture
def shelves(client: "SyncPrefectClient") -> Iterator["SyncPrefectClient"]:
    """A server on which no incident is open and no message waits, before and after the test."""
    forget(client)
    yield client
    forget(client)
