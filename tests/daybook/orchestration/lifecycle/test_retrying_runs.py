"""Tables that failed in a run that is not over, as a real Prefect server has it."""

from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.states import AwaitingRetry, Completed, Failed, Pending, Retrying, Running

from daybook.errors import CheckFailed, SummariesFailed
from daybook.orchestration.flow import flow
from daybook.orchestration.lifecycle.retrying_runs import failed_before_retry
from daybook.orchestration.run_failure import LABEL, failure_of_error, record_failure

SEVERAL = SummariesFailed("2 failed", {"analytics.a": "BuildFailed: no", "analytics.b": "DuplicateKey: id=1"})


@flow(name="waits")
def waits() -> None: ...


def run(client: SyncPrefectClient, error: Exception, state: State, *tags: str) -> None:
    """A run whose first attempt failed with `error`, and that is in `state` now."""
    run = client.create_flow_run(waits, tags=tags)
    for one in (Pending(), Running()):
        client.set_flow_run_state(run.id, one, force=True)
    record_failure(client, run.id, 1, failure_of_error(error))
    client.set_flow_run_state(run.id, state, force=True)


def test_tables_that_wait_for_their_retry(client: SyncPrefectClient) -> None:
    soon, began = datetime.now(UTC) + timedelta(minutes=3), datetime.now(UTC)
    run(client, SEVERAL, AwaitingRetry(scheduled_time=soon), "of.several")
    run(client, CheckFailed("no"), Retrying(), "of.one")
    run(client, CheckFailed("no"), Failed(), "of.ended")
    run(client, CheckFailed("no"), Completed(), "of.good")
    run(client, CheckFailed("no"), AwaitingRetry(scheduled_time=soon), "of.dev", "daybook-target:dev")
    found = failed_before_retry(client)
    names = {"analytics.a", "analytics.b", "of.one"}
    assert {name for name in found if name.startswith(("of.", "analytics."))} == names
    assert all(began <= found[name] <= datetime.now(UTC) for name in names)


@pytest.mark.parametrize("label", ["{}", "no JSON", '{"try": 1, "error_class": "X", "reason": "r", "parts": {}}'])
def test_a_label_without_a_moment_is_left_out(client: SyncPrefectClient, label: str) -> None:
    """A person edited it, or an older release wrote it."""
    found = client.create_flow_run(waits, tags=["of.label"])
    client.update_flow_run_labels(found.id, {LABEL: label})
    client.set_flow_run_state(found.id, Retrying(), force=True)
    assert "of.label" not in failed_before_retry(client)
