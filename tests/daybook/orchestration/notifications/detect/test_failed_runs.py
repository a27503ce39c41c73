"""What is found of failed runs on a real Prefect server, whatever somebody typed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from daybook.definitions.summary_files import summary_names
from daybook.errors import AuditDiffers, RepairRefused, SummariesFailed
from daybook.monitoring.incidents.impact import Impact
from daybook.orchestration.notifications.detect.failed_runs import FailedRuns
from daybook.orchestration.notifications.detect.failures import report_failure
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.messages import rerun
from daybook.orchestration.variable_store import VariableStore
from tests.support.flow_runs import failed_with

MESSAGE = "Flow run encountered an exception: LoadFailed: it did not work"


def ended(client: SyncPrefectClient, state: Any = None, *, by: str = "export", **parameters: Any) -> FlowRun:
    """A run that has ended in this state (None: it failed), as the server knows it."""

    @flow(name=by)
    def any_flow() -> None: ...

    state = state or Failed(message=MESSAGE)
    run = client.create_flow_run(any_flow, parameters=parameters, name="a run", tags=["daybook"], state=state)
    return client.read_flow_run(run.id)


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"table": ["raw_data.nps"], "execution_date": None, "until": None}, id="a list as table"),
        pytest.param({"table": "raw_data.nps", "execution_date": {"a": 1}, "until": 5}, id="no date"),
        pytest.param({"tables": 5}, id="a number as tables"),
        pytest.param({"tables": [["x"], None]}, id="lists as tables"),
    ],
)
def test_a_run_with_parameters_that_make_no_sense_is_told_too(
    shelves: SyncPrefectClient, parameters: dict[str, Any]
) -> None:
    run = ended(shelves, **parameters)
    found = FailedRuns(shelves).unreported(datetime.now(UTC), [run.id])
    assert [one.run.id for one in found] == [run.id]


def test_a_secret_that_somebody_typed_into_a_parameter_is_told_to_nobody(shelves: SyncPrefectClient) -> None:
    known, typed = "hunter2hunter2", "ge heim und noch mehr"
    run = ended(shelves, password=typed, target=f"x-{known}", nested={"api_key": typed})
    (failed,) = FailedRuns(shelves).unreported(datetime.now(UTC), [run.id])
    failed = replace(failed, deployment="export/daily", error=f"{known} was refused")
    for _ in range(2):  # by two passes, for which it is the same incident
        report_failure(
            IncidentStore(shelves, None, [known]), FailedRuns(shelves), failed, Impact(None, datetime.now(UTC))
        )
    assert [(one.times, one.error) for one in IncidentStore(shelves, None).open] == [(1, "*** was refused")]
    kept = json.dumps([VariableStore(shelves, kind).all() for kind in ("incident", "outbox")])
    assert "export/daily --param" in kept
    for part in (known, "heim", "mehr"):
        assert part not in kept


def test_the_owner_of_an_audited_table_is_told_and_what_repairs_it(shelves: SyncPrefectClient) -> None:
    run = ended(shelves, by="reconcile", table="raw_data.nps", last=90)
    failed_with(shelves, run.id, AuditDiffers("raw_data.nps: 1 of 90 days differs"))
    runs = FailedRuns(shelves)
    (failed,) = runs.unreported(datetime.now(UTC), [run.id])
    weekly = replace(failed, deployment="reconcile/nps-weekly", passed={})
    report_failure(IncidentStore(shelves, None), runs, weekly, Impact(None, datetime.now(UTC)))
    again = weekly.run.model_copy(update={"state": Failed(message="RepairRefused: no")})
    refused = replace(weekly, run=again, kind=RepairRefused, passed={"repair": True, "max_repair": 0.04})
    report_failure(IncidentStore(shelves, None), runs, refused, Impact(None, datetime.now(UTC)))
    (incident,) = IncidentStore(shelves, None).open
    assert (incident.owner, incident.subject, incident.awaits) == ("data-team", "reconcile/nps-weekly", ())
    assert incident.times == 2, "a repair that is refused is about the same"
    notices = [kept["notice"] for kept in VariableStore(shelves, "outbox").all().values()]
    (notice,) = [one for one in notices if one["title"] == "raw_data.nps differs from its source"]
    assert notice["command"] == "prefect deployment run reconcile/nps-weekly --param repair=true"
    assert rerun(replace(weekly, passed={"whole": True})) is None, "which repairs nothing"


def test_each_summary_that_failed_is_reported_by_itself_and_very_many_at_once(shelves: SyncPrefectClient) -> None:
    """By the data of the failure: what the words of an error look like does not matter."""
    names = summary_names()[:4]
    words = {name: f"DuplicateKey: {name}\n- {name}: CheckFailed: no\n- {name} waits for nothing" for name in names}
    run = ended(shelves, by="summaries")
    failed_with(
        shelves, run.id, SummariesFailed("some failed", {name: words[name] for name in names[:2]} | {"x.y": "?"})
    )
    found = FailedRuns(shelves).unreported(datetime.now(UTC), [run.id])
    assert [(one.tables, one.error) for one in found] == [((name,), words[name]) for name in names[:2]]
    assert {one.kind for one in found} == {SummariesFailed}

    failed_with(shelves, run.id, SummariesFailed("all failed", words))
    (one,) = FailedRuns(shelves).unreported(datetime.now(UTC), [run.id])
    assert (one.tables, one.error) == (tuple(names), "SummariesFailed: all failed")
