"""One pass after another: what two of them told at the same moment would be told twice."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient
from prefect.concurrency.sync import concurrency

_NAME = "daybook-monitor"
_PATIENCE = 300  # seconds for those before it
_LEASE = 60  # seconds after which a pass whose process was killed holds up nobody any more


@contextmanager
def exclusive_pass(client: SyncPrefectClient) -> Iterator[None]:
    """Wait for the passes before this one, by a limit of Prefect's which is made where it is missing."""
    client.upsert_global_concurrency_limit_by_name(_NAME, 1)
    with concurrency(_NAME, timeout_seconds=_PATIENCE, lease_duration=_LEASE, strict=True):
        yield
