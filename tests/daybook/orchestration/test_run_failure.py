"""Why a run failed, as another process reads it from a real Prefect server."""

import time
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Crashed, Failed, Running

from daybook.errors import CheckFailed, SourceIncomplete, SummariesFailed, WarehouseLost
from daybook.orchestration import flow as flow_module
from daybook.orchestration.flow import flow
from daybook.orchestration.run_failure import LABEL, RunFailure, failure_of_run
from tests.support.flow_runs import failed_with

pytestmark = pytest.mark.usefixtures("without_heartbeat")


def fails(client: SyncPrefectClient, error: Exception, *, by: Any = flow, **options: Any) -> FlowRun:
    """A run of a flow that raises this error, as the server has it."""

    @by(name="fails", **options)
    def fails() -> None:
        raise error

    state = fails(return_state=True)
    return client.read_flow_run(state.state_details.flow_run_id)


@pytest.fixture
def ended(client: SyncPrefectClient) -> FlowRun:
    """A run without a process, which has failed in its first try."""

    @flow(name="ended")
    def ended() -> None: ...

    run = client.create_flow_run(ended)
    for state in (Running(), Failed(message="the message")):
        client.set_flow_run_state(run.id, state, force=True)
    return client.read_flow_run(run.id)


@pytest.mark.parametrize(
    "error",
    [
        CheckFailed("raw_data.nps 2021-02-05: score is 42\n- Kind: of a line"),
        WarehouseLost("Flow run encountered an exception: Nothing: 'é' \0"),
        SourceIncomplete(""),
        ValueError("no error of Daybook"),
    ],
    ids=["multi-line", "hard text", "empty", "foreign"],
)
def test_class_and_words_of_a_failure_are_read_from_its_run(client: SyncPrefectClient, error: Exception) -> None:
    failure = failure_of_run(fails(client, error))
    kind = type(error) if type(error) is not ValueError else None
    assert (failure.reason, failure.kind) == (f"{type(error).__name__}: {error}", kind)
    assert failure.error_class == type(error).__name__ and failure.parts == {}


def test_the_reasons_of_several_failures_are_read_apart(client: SyncPrefectClient) -> None:
    parts = {"analytics.a": "BuildFailed: - analytics.b: BuildFailed: no", "analytics.b": "DuplicateKey: id=1\nid=2"}
    failure = failure_of_run(fails(client, SummariesFailed("2 failed", parts)))
    assert (failure.kind, failure.parts) == (SummariesFailed, parts)


def test_whoever_sees_the_state_finds_the_failure(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recorded before the state is proposed."""
    from prefect import flow_engine

    propose, seen = flow_engine.propose_state_sync, []

    def watched(client: SyncPrefectClient, state: Any, **more: Any) -> Any:
        if state.is_failed():
            seen.append(LABEL in client.read_flow_run(more["flow_run_id"]).labels)
        return propose(client, state, **more)

    monkeypatch.setattr(flow_engine, "propose_state_sync", watched)
    fails(client, CheckFailed("no"))
    assert seen == [True]


def test_the_last_try_counts(client: SyncPrefectClient) -> None:
    errors: list[Exception] = [WarehouseLost("gone"), CheckFailed("42")]

    @flow(name="fails", retries=1, retry_delay_seconds=0)
    def fails() -> None:
        raise errors.pop(0)

    state = fails(return_state=True)
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert run.run_count == 2
    assert failure_of_run(run).reason == "CheckFailed: 42"


def test_a_process_that_was_killed_says_nothing_and_an_earlier_try_not_for_it(
    client: SyncPrefectClient, ended: FlowRun
) -> None:
    run = failed_with(client, ended.id, CheckFailed("of the first try"))
    assert failure_of_run(run).kind is CheckFailed
    for state in (Running(), Crashed(message="exit code -9")):
        client.set_flow_run_state(run.id, state, force=True)
    assert failure_of_run(client.read_flow_run(run.id)) == RunFailure("exit code -9")
    client.set_flow_run_state(run.id, Failed(message="set by hand"), force=True)
    assert failure_of_run(client.read_flow_run(run.id)) == RunFailure("set by hand")
    client.set_flow_run_state(run.id, Completed(message="well"), force=True)
    assert failure_of_run(client.read_flow_run(run.id)) == RunFailure("well")


def test_killed_between_the_record_and_the_state_it_is_a_crash(client: SyncPrefectClient, ended: FlowRun) -> None:
    run = failed_with(client, ended.id, CheckFailed("no"))
    client.set_flow_run_state(run.id, Crashed(message="exit code -9"), force=True)
    assert failure_of_run(client.read_flow_run(run.id)) == RunFailure("exit code -9")


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"try": 1}', '{"try": 1, "reason": "x", "error_class": "y"}', 7])
def test_a_label_that_somebody_has_edited_is_ignored(client: SyncPrefectClient, ended: FlowRun, text: object) -> None:
    client.update_flow_run_labels(ended.id, {LABEL: text})
    assert failure_of_run(client.read_flow_run(ended.id)) == RunFailure("the message")


def test_a_flow_that_records_nothing_is_shown_by_its_message(client: SyncPrefectClient) -> None:
    import prefect

    assert failure_of_run(fails(client, CheckFailed("no"), by=prefect.flow)) == RunFailure("CheckFailed: no")


def test_what_took_too_long_is_shown_in_prefects_words(client: SyncPrefectClient) -> None:
    @flow(name="slow", timeout_seconds=0.2)
    def slow() -> None:
        for _ in range(300):  # a timeout does not interrupt a sleep
            time.sleep(0.1)

    state = slow(return_state=True)
    failure = failure_of_run(client.read_flow_run(state.state_details.flow_run_id))
    assert failure == RunFailure("Flow run exceeded timeout of 0.2 second(s)")


def test_a_failure_that_cannot_be_recorded_hides_no_other(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(flow_module, "record_failure", refuse)
    run = fails(client, CheckFailed("42"))
    assert failure_of_run(run) == RunFailure("CheckFailed: 42")
    assert "the failure could not be recorded on the run: RuntimeError" in caplog.text


def test_outside_of_a_run_nothing_is_recorded() -> None:
    @flow(name="fails")
    def fails() -> None:
        raise CheckFailed("42")

    with pytest.raises(CheckFailed):
        fails.fn()
