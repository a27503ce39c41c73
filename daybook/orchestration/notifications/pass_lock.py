"""Run one pass at a time: two at the same moment would send the same messages twice."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient
from prefect.concurrency.sync import concurrency

from daybook.definitions.targets.project_target import current_target

_NAME = "daybook-monitor"
_PATIENCE = 300  # seconds to wait for other passes
_LEASE = 60  # seconds until the lock of a killed process expires


@contextmanager
def exclusive_pass(client: SyncPrefectClient) -> Iterator[None]:
    """Wait for earlier passes of the same target.

    The lock is a global concurrency limit of Prefect, which is created if it is missing.
    """
    name = current_target().deployment_name(_NAME)
    client.upsert_global_concurrency_limit_by_name(name, 1)
    with concurrency(name, timeout_seconds=_PATIENCE, lease_duration=_LEASE, strict=True):
        yield
