"""Run one pass at a time: two at the same moment would send the same messages twice."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient
from prefect.concurrency.sync import concurrency

_NAME = "daybook-monitor"
_PATIENCE = 300  # seconds to wait for other passes
_LEASE = 60  # seconds until the lock of a killed process expires


@contextmanager
def exclusive_pass(client: SyncPrefectClient) -> Iterator[None]:
    """Wait for earlier passes. The lock is a global concurrency limit of Prefect, created if it is missing."""
    client.upsert_global_concurrency_limit_by_name(_NAME, 1)
    with concurrency(_NAME, timeout_seconds=_PATIENCE, lease_duration=_LEASE, strict=True):
        yield
