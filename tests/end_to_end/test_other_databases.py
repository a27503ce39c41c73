"""A backfill, an audit and a repair through a process worker, from Oracle's MySQL and from PostgreSQL 15."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from prefect.settings import PREFECT_FLOWS_DEFAULT_RETRIES, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from daybook.audit.verdict import Verdict
from daybook.errors import AuditDiffers
from flows.reconcile import Reconciled, reconcile
from tests.support.backfills import DAY, calendar_of, days_from, fill_from_here, loaded_days
from tests.support.flow_fixtures import LiveWarehouse, production_on
from tests.support.project_copy import Deployed
from tests.support.servers.mysql import MySQL
from tests.support.servers.postgres import Postgres
from tests.support.source_and_warehouse import Database

DAYS, ROWS = 4, 5


@pytest.fixture(params=["mysql", "postgres_debian"])
def source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Yield a database with the table prod.nps: some rows on each of four days."""
    server: MySQL | Postgres = request.getfixturevalue(request.param)
    rows = [(n, datetime.combine(DAY, datetime.min.time()) + timedelta(hours=24 / ROWS * n), n % 11) for n in range(20)]
    if isinstance(server, MySQL):
        with production_on(server) as production:
            database = Database(production.url, "prod")
            database.insert("prod.nps", rows)
            yield database
        return
    with server.database() as url:
        database = Database(url, "prod")
        database.run("CREATE SCHEMA prod")
        database.run("CREATE TABLE prod.nps (id bigint PRIMARY KEY, created_at timestamp NOT NULL, score smallint)")
        database.run("CREATE INDEX ON prod.nps (created_at)")
        database.insert("prod.nps", rows)
        yield database


def audit(**options: float) -> Reconciled | Exception:
    """Reconcile the days of raw_data.nps in this process. Return the result, or the error."""
    end = DAY + timedelta(days=DAYS)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_FLOWS_DEFAULT_RETRIES: 0}):
        state = reconcile("raw_data.nps", start=DAY, end=end, return_state=True, **options)  # type: ignore[call-overload]
        result: Reconciled | Exception = state.result(raise_on_failure=False)
        return result


@pytest.mark.full
def test_a_backfill_an_audit_and_a_repair(source: Database, deployed: Deployed, on_postgres: LiveWarehouse) -> None:
    on_postgres.empty()
    deployed.make_blocks({"DAYBOOK_PRODUCTION_URL": source.url} | on_postgres.variables)

    page = calendar_of(deployed, fill_from_here(deployed, DAYS))
    assert "4 of 4" in page
    assert on_postgres.rows() == at_source(source)
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, DAYS), 1)
    equal = audit()
    assert isinstance(equal, Reconciled) and {one.verdict for one in equal.found} == {Verdict.EQUAL}

    source.run("UPDATE prod.nps SET score = 10 - score WHERE id = 6")
    source.run("DELETE FROM prod.nps WHERE id = 17")
    differs = audit()
    assert isinstance(differs, AuditDiffers)
    assert "changed id=6" in str(differs) and "removed id=17" in str(differs)
    repaired = audit(repair=True, max_repair=0.5)
    assert isinstance(repaired, Reconciled)
    assert [interval.start.date() for interval in repaired.repaired] == [date(2021, 2, 6), date(2021, 2, 8)]
    assert on_postgres.rows() == at_source(source)


def at_source(source: Database) -> list[tuple[object, ...]]:
    return source.run("SELECT id, created_at, score FROM prod.nps ORDER BY 2, 1, 3")
