"""What is found of failed runs on a real Prefect server, whatever somebody typed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from daybook.definitions.summary_files import summary_names
from daybook.errors import AuditDiffers, RepairRefused, SummariesFailed
from daybook.monitoring.incidents.impact import Impact
from daybook.orchestration.load_runs.several_tables import LoadsIncomplete
from daybook.orchestration.notifications.detect.failed_run import FailedRun
from daybook.orchestration.notifications.detect.failed_runs import FailedRuns
from daybook.orchestration.notifications.detect.failures import report_failure
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.messages import rerun
from daybook.orchestration.variable_store import VariableStore
from tests.support.flow_runs import failed_with
from tests.support.small_project import SUMMARY, write_project

pytestmark = pytest.mark.usefixtures("small_project")

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


def test_each_summary_that_failed_is_reported_by_itself_and_very_many_at_once(
    shelves: SyncPrefectClient, small_project: Path
) -> None:
    """By the data of the failure: what the words of an error look like does not matter."""
    write_project(small_project, {"analytics/fourth.yaml": SUMMARY, "analytics/fourth.sql": "select 1 as day\n"})
    names = summary_names()
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


@pytest.fixture
def shared_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return seven tables of a project: five of `many`, one of `ada` and one of `ben`."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    (tmp_path / "tables/s").mkdir(parents=True)
    owners = dict.fromkeys(("m1", "m2", "m3", "m4", "m5"), "many") | {"a": "ada", "b": "ben"}
    for name, owner in owners.items():
        (tmp_path / f"tables/s/{name}.yaml").write_text(
            f"description: One row per thing.\nowner: {owner}\nload: replace_interval\nkey: id\ncursor: at\n"
            f"interval: day\nstart: 2021-02-01\nsource: {{kind: database, block: production, table: {name}}}\n"
        )
    return [f"s.{name}" for name in owners]


def shared_run(client: SyncPrefectClient, tables: list[str], parts: dict[str, str]) -> list[FailedRun]:
    """Return what the monitor finds of a shared run that failed for these reasons."""
    run = ended(client, by="load", tables=tables, execution_date="2021-02-05", until=None, at_once=4)
    if parts:
        failed_with(client, run.id, LoadsIncomplete("some could not be loaded", parts))
    return FailedRuns(client).unreported(datetime.now(UTC), [run.id])


def test_each_owner_hears_of_the_own_tables_of_a_shared_run(
    shelves: SyncPrefectClient, shared_tables: list[str]
) -> None:
    parts = {name: f"CheckFailed: {name} is wrong" for name in shared_tables if name != "s.b"}
    parts["s.a"] = "SourceIncomplete: s.a lacks rows"
    found = shared_run(shelves, shared_tables, parts)
    store = IncidentStore(shelves, None)
    for one in found:
        report_failure(store, FailedRuns(shelves), one, Impact(None, datetime.now(UTC)))
    incidents = {incident.owner: incident for incident in IncidentStore(shelves, None).open}
    assert set(incidents) == {"ada", "many"}, "the table of ben is loaded"
    ada, many = incidents["ada"], incidents["many"]
    assert (ada.subject, ada.title, ada.error) == ("s.a", "s.a failed: 2021-02-05", parts["s.a"])
    assert ada.awaits[0].after == found[0].ended, "the rows that it committed itself are not all"
    assert (many.subject, many.title) == ("load: tables of many", "s.m1, s.m2, s.m3 and others failed")
    assert many.error.startswith("5 of 7 tables could not be loaded\n- s.m1: CheckFailed: s.m1 is wrong\n- s.m2: ")
    assert "s.a" not in many.error
    day = (datetime(2021, 2, 5, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC))
    assert [(one.table, one.start, one.end) for one in many.awaits] == [(f"s.m{n}", *day) for n in range(1, 6)]


def test_a_lost_source_of_a_shared_run_is_one_incident_that_awaits_all_of_its_tables(
    shelves: SyncPrefectClient, shared_tables: list[str]
) -> None:
    parts = dict.fromkeys(("s.m1", "s.a"), "SourceLost: production does not answer") | {"s.b": "CheckFailed: no"}
    for one in shared_run(shelves, shared_tables, parts):
        report_failure(IncidentStore(shelves, None), FailedRuns(shelves), one, Impact(None, datetime.now(UTC)))
    found = {one.subject: [awaited.table for awaited in one.awaits] for one in IncidentStore(shelves, None).open}
    assert found == {"the source production": ["s.m1", "s.a"], "s.b": ["s.b"]}


def test_a_killed_shared_run_is_told_to_every_owner(shelves: SyncPrefectClient, shared_tables: list[str]) -> None:
    found = shared_run(shelves, shared_tables, {})
    assert [(one.tables, one.error, one.passed.get("tables")) for one in found] == [
        (("s.a",), "LoadFailed: it did not work", ["s.a"]),
        (("s.b",), "LoadFailed: it did not work", ["s.b"]),
        (tuple(f"s.m{n}" for n in range(1, 6)), "LoadFailed: it did not work", [f"s.m{n}" for n in range(1, 6)]),
    ]
    command = rerun(replace(found[-1], deployment="load/production-0600"))
    assert command is not None and """--param 'tables=["s.m1", "s.m2", "s.m3", "s.m4", "s.m5"]'""" in command
