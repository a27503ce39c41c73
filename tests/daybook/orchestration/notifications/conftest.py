"""What the monitor's tests share."""

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient

from tests.daybook.orchestration.notifications.forgetting import forget


@pytest.fixture
def shelves(client: SyncPrefectClient) -> Iterator[SyncPrefectClient]:
    """A server on which nothing is open, nothing waits, and what failed until now is nobody's business."""
    forget(client)
    yield client
    forget(client)
