"""Audits and repairs through a process worker: from MariaDB to PostgreSQL, by runs of the deployments."""

from datetime import date, timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.settings import (
    PREFECT_FLOWS_DEFAULT_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_TASKS_DEFAULT_RETRIES,
    temporary_settings,
)

from daybook.audit.verdict import Verdict
from daybook.errors import AuditDiffers, AuditRefused, RepairRefused
from daybook.orchestration.local_stack.demo.flow_runs import run_deployment
from flows.nps import nps
from flows.reconcile import Reconciled, reconcile
from tests.support.backfills import DAY, calendar_of, children, days_from, fill_from_here, loaded_days, populate
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.project_copy import Deployed

DAYS = 40
END = DAY + timedelta(days=DAYS)


def from_here(worker: Deployed, **parameters: Any) -> tuple[FlowRun, Reconciled | Exception]:
    """Reconcile these days of raw_data.nps in this process, whose start is spared: the run, and what came of it."""
    settings: dict[Any, Any] = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_FLOWS_DEFAULT_RETRIES: 0}
    asked = {"start": DAY, "end": END} | parameters
    with temporary_settings(settings | {PREFECT_TASKS_DEFAULT_RETRIES: 0}):
        state = reconcile("raw_data.nps", **asked, return_state=True)
        came = state.result(raise_on_failure=False)
    return worker.client.read_flow_run(state.state_details.flow_run_id), came


def day(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.fixture
def altered(worker: Deployed, production: Production, on_postgres: LiveWarehouse) -> Deployed:
    """Forty days of five answers, all loaded; then one was edited, one deleted, one came late, one was edited here."""
    populate(production, DAYS)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        nps(DAY, END)
    production.run(
        f"UPDATE prod.nps SET score = 10 - score, created_at = created_at WHERE id = {3 * 5 + 1}",
        f"DELETE FROM prod.nps WHERE id = {4 * 5 + 2}",
        f"INSERT INTO prod.nps VALUES (9001, '{day(8)} 23:59:59', 3)",
    )
    on_postgres.run(f"UPDATE raw_data.nps SET score = 10 - score WHERE id = {9 * 5 + 3}")
    return worker


def audits(on_postgres: LiveWarehouse) -> list[tuple[object, ...]]:
    """What was found unequal, in the order in which it was."""
    return on_postgres.run(
        "SELECT (interval_start AT TIME ZONE 'UTC')::date, verdict, added, removed, changed, keys, flow_run_id "
        "FROM daybook.audits WHERE verdict <> 'equal' ORDER BY audited_at, interval_start"
    )


def test_what_differs_is_named_and_repaired_and_nothing_else(
    altered: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    run, told = from_here(altered)
    assert isinstance(told, AuditDiffers)
    assert run.name == f"reconcile raw_data.nps {DAY} until {END}" and "raw_data.nps" in run.tags
    assert f"raw_data.nps {DAY} until {END}: 36 of 40 days equal, 1 warehouse altered, 3 source changed" in str(told)
    assert f"- {day(4)}: source changed since: 1 removed; removed id=22" in str(told)
    assert f"daybook reconcile raw_data.nps {DAY} {END} --repair" in str(told)
    page = calendar_of(altered, run)
    assert (page.count("🔺"), page.count("🔶"), page.count("🟩")) == (3 + 1 + 3, 1 + 1 + 1, 36 + 1), (
        "days, legend, lines"
    )
    assert f"| {day(8)} | 🔺 | 6 | 5 | 5 | 1 | 0 | 0 |" in page and f"- **{day(8)}**: added id=9001" in page
    expected = [
        (day(3), "source changed since", 0, 0, 1, '{"changed": ["id=16"]}', str(run.id)),
        (day(4), "source changed since", 0, 1, 0, '{"removed": ["id=22"]}', str(run.id)),
        (day(8), "source changed since", 1, 0, 0, '{"added": ["id=9001"]}', str(run.id)),
        (day(9), "warehouse altered", 0, 0, 1, '{"changed": ["id=48"]}', str(run.id)),
    ]
    assert audits(on_postgres) == expected
    assert on_postgres.run("SELECT count(*) FROM daybook.audits") == [(DAYS,)]

    before = on_postgres.ledger()
    _, refused = from_here(altered, repair=True, max_repair=0.07)
    assert isinstance(refused, RepairRefused)
    assert "4 of 40 days that were loaded differ, but max_repair=0.07 allows a repair to reload only 3" in str(refused)
    assert on_postgres.ledger() == before

    run, done = from_here(altered, repair=True)
    assert isinstance(done, Reconciled)
    assert [interval.start.date() for interval in done.repaired] == [day(3), day(4), day(8), day(9)]
    assert {one.verdict for one in done.found} == {Verdict.EQUAL} and len(done.found) == DAYS
    assert on_postgres.rows() == production.rows()
    assert on_postgres.ledger()[: len(before)] == before
    assert {of for of, times in loaded_days(on_postgres).items() if times > 1} == {day(3), day(4), day(8), day(9)}
    assert len(children(altered, run)) == 1, "also with gaps between the days"

    range = {"table": "raw_data.nps", "start": f"{DAY}", "end": f"{END}"}
    again = run_deployment(altered.stack, altered.client, "reconcile/on-demand", range, print)
    assert "40 of 40 days equal" in calendar_of(altered, again)


@pytest.mark.full
def test_a_backfill_of_what_differs(altered: Deployed, production: Production, on_postgres: LiveWarehouse) -> None:
    before = on_postgres.ledger()
    told = calendar_of(altered, fill_from_here(altered, DAYS + 1, select="differing", dry_run=True))
    assert "5 of 41 days would be loaded" in told
    assert f"| {day(3)} | loaded | reload | 5 | 5 | 0 | 1 | 0 | source changed since |" in told
    assert f"| {day(4)} | loaded | reload | 4 | 5 | 0 | 0 | 1 | source changed since |" in told
    assert f"| {day(6)} | loaded | skip | 5 | 5 | 0 | 0 | 0 | equal |" in told
    assert f"| {day(DAYS)} | missing | load | 0 | 0 | 0 | 0 | 0 | never loaded |" in told
    assert "would be refused" not in told
    told = calendar_of(altered, fill_from_here(altered, DAYS, select="differing", dry_run=True, max_repair=0.05))
    assert "**The backfill would be refused:** raw\\_data.nps" in told and "max\\_repair=0.1" in told
    assert on_postgres.ledger() == before and not on_postgres.run("SELECT to_regclass('daybook.audits')")[0][0]

    with pytest.raises(RepairRefused, match=r"max_repair=0\.05"):
        fill_from_here(altered, DAYS, select="differing", max_repair=0.05)
    fill_from_here(altered, DAYS, select="differing")
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == {of: 1 + (of in {day(3), day(4), day(8), day(9)}) for of in days_from(DAY, DAYS)}
    assert len(audits(on_postgres)) == 2 * 4


def test_all_of_a_table_by_ranges_of_its_key(altered: Deployed, on_postgres: LiveWarehouse) -> None:
    run, told = from_here(altered, start=None, end=None, whole=True)
    assert isinstance(told, AuditDiffers) and run.name == "reconcile all of raw_data.nps"
    assert "0 of 1 ranges of keys equal, 200 rows at the source" in str(told)
    assert "1 added, 2 changed, 1 removed; added id=9001; changed id=" in str(told)
    assert "To fix it: daybook reconcile raw_data.nps --repair" in str(told)
    assert "removed id=22" in calendar_of(altered, run)
    found = on_postgres.run(
        "SELECT interval_start, verdict, rows_at_source, added, removed, changed FROM daybook.audits"
    )
    assert found == [(None, "differs", 200, 1, 1, 2)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"end": None, "last": 5}, "give either last, or start and end"),
        ({"whole": True}, "pass no other parameters"),
        ({"start": date(2021, 1, 1)}, "before the table's start"),
    ],
    ids=["two ranges", "whole and a range", "too early"],
)
def test_what_makes_no_sense_is_refused(worker: Deployed, given: dict[str, Any], said: str) -> None:
    _, told = from_here(worker, **given)
    assert isinstance(told, AuditRefused) and said in str(told)
