"""Failures that pass are tried again, a COMMIT whose answer was lost is looked up, and what stays is told in full."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import tenacity
from sqlalchemy import NullPool, create_engine

from daybook.definitions.table import Table
from daybook.errors import LoadFailed, WarehouseLost
from daybook.load.extraction.extract import Extracted
from daybook.load.load import load
from daybook.sources.database.mysql import MySQLTable
from daybook.sources.database.postgresql import PostgreSQLTable
from daybook.sql import retries
from daybook.sql.database_error import DatabaseError
from daybook.sql.postgresql_errors import read_error
from daybook.stage.csv_format import Chunk
from tests.support.redshift_emulator.faults import Rule
from tests.support.servers.gate import gate
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, Endpoints, warehouse_of
from tests.support.source_warehouse_fixtures import ends_of

FIRST = datetime(2021, 2, 5)


def without_key(ends: Endpoints) -> Table:
    """Ten rows a day for three days. A key would hide rows that were loaded twice."""
    ends.source.run(f"CREATE TABLE things (id int, at {'datetime' if ends.source.is_mysql else 'timestamp'})")
    ends.source.insert("things", [(n, FIRST + timedelta(days=n // 10)) for n in range(30)])
    return ends.table(load="replace_interval", cursor="at", interval="day")


@pytest.fixture
def on_redshift(mysql_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(mysql_source, "redshift-s3", request, tmp_path) as ends:
        yield ends


@pytest.fixture
def on_postgres(mysql_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(mysql_source, "postgres-folder", request, tmp_path) as ends:
        yield ends


def loaded_once(ends: Endpoints, table: Table, entries: int) -> None:
    assert ends.rows(table) == ends.source.run("SELECT * FROM things ORDER BY id")
    assert len(ends.ledger(table)) == entries
    assert ends.staged_keys() == []


def error(match: str, sqlstate: str, message: str, times: int = 1) -> Rule:
    return {"match": match, "action": "error", "sqlstate": sqlstate, "message": message, "times": times}


@pytest.mark.parametrize(
    "rule",
    [
        {"match": "^commit", "action": "drop_after"},
        {"match": "^commit", "action": "drop_before"},
        {"match": "^copy", "action": "drop_before"},
        {"match": "^copy", "action": "drop_mid_copy"},
        {"match": "^insert into .*things", "action": "drop_after"},
        {"match": r"^select max\(loaded_at\)", "action": "drop_before"},  # on the session that reads the ledger
        error("^commit", "XX000", "1023\nDETAIL:  Serializable isolation violation on table"),
        error("^lock", "40P01", "deadlock detected"),
        error("^commit", "XX000", "could not complete because of conflict with concurrent transaction"),
        error("^create temp", "XX000", "could not open relation with OID 100123", times=2),
        error("^commit", "57P01", "terminating connection due to administrator command", times=3),
    ],
    ids=lambda rule: f"{rule['action']} {rule.get('sqlstate', '')} {rule['match']}",
)
@pytest.mark.each_value
@pytest.mark.parametrize("first", [True, False], ids=["first load", "later load"])
def test_redshift_faults(on_redshift: Endpoints, redshift: Redshift, rule: Rule, first: bool) -> None:
    table = without_key(on_redshift)
    if not first:
        on_redshift.load(table, "2021-02-05", "2021-02-08")
    with redshift.faults({**rule}):
        report = on_redshift.load(table, "2021-02-05", "2021-02-08")
    assert report.rows == 30 and [entry.rows for entry in report.entries] == [10, 10, 10]
    loaded_once(on_redshift, table, 3 if first else 6)


@pytest.mark.parametrize("first", [True, False], ids=["first load", "later load"])
def test_the_answer_to_commit_is_lost_on_postgresql(on_postgres: Endpoints, first: bool) -> None:
    ends, table = on_postgres, without_key(on_postgres)
    if not first:
        ends.load(table, "2021-02-05", "2021-02-08")
    url = ends.destination.engine.url
    with gate(url.host or "", url.port or 0) as proxy:
        proxy.hold(b"COMMIT\0", answer=True, hang_up=True)
        through = create_engine(url.set(host="127.0.0.1", port=proxy.port), poolclass=NullPool)
        warehouse = warehouse_of(Database(through.url.render_as_string(hide_password=False), "raw"))
        report = load(ends.extract(table, "2021-02-05", "2021-02-08"), warehouse, ends.stage)
        assert proxy.reached.is_set()
    assert report.rows == 30
    loaded_once(ends, table, 3 if first else 6)


def test_a_backend_is_killed_while_it_waits_for_the_lock(on_postgres: Endpoints) -> None:
    ends, table = on_postgres, without_key(on_postgres)
    ends.load(table, "2021-02-05", "2021-02-08")
    extracted = ends.extract(table, "2021-02-05", "2021-02-08")
    with ends.destination.connection() as blocker:
        with blocker.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {ends.name(table)} IN EXCLUSIVE MODE")
        result: list[Any] = []
        loading = threading.Thread(target=lambda: result.append(load(extracted, ends.warehouse, ends.stage)))
        loading.start()
        killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        for attempt in tenacity.Retrying(stop=tenacity.stop_after_delay(60), wait=tenacity.wait_fixed(0.05)):
            with attempt:
                assert ends.destination.run(killed) == [(True,)]
        blocker.rollback()
    loading.join()
    assert result[0].rows == 30
    loaded_once(ends, table, 6)


def test_a_deadlock_is_got_past(on_postgres: Endpoints) -> None:
    ends, table = on_postgres, without_key(on_postgres)
    ends.load(table, "2021-02-05", "2021-02-08")
    raised = "RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'"
    ends.destination.run("CREATE SEQUENCE tries")
    ends.destination.run(
        f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF nextval('tries') <= 2 THEN {raised}; END IF; RETURN NULL; END $$"
    )
    ends.destination.run(f"CREATE TRIGGER fails AFTER INSERT ON {ends.name(table)} EXECUTE FUNCTION fail()")
    assert ends.load(table, "2021-02-05", "2021-02-08").rows == 30
    loaded_once(ends, table, 6)


def test_what_stays_is_told_in_full(
    on_redshift: Endpoints, redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, table = on_redshift, without_key(on_redshift)
    ends.load(table, "2021-02-05", "2021-02-08")
    before = ends.state(table)
    monkeypatch.setattr(retries, "ATTEMPTS", 3)
    extracted = ends.extract(table, "2021-02-05")
    with (
        redshift.faults(error("^commit", "40P01", "deadlock detected", times=99)),
        pytest.raises(LoadFailed) as caught,
    ):
        load(extracted, ends.warehouse, ends.stage)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert table.name in said and "2021-02-05" in said and "deadlock detected" in said
    assert "tries 1 to 2 of 3: deadlock detected" in said
    assert extracted.manifest.prefix in said
    assert len(ends.staged_keys()) >= 2, "the parts are kept"
    assert ends.state(table) == before
    again: Extracted = replace(extracted)
    assert load(again, ends.warehouse, ends.stage).rows == 10
    assert ends.staged_keys() == []


def test_the_source_is_lost_while_it_is_read(
    source: Database, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ends_of(source, "postgres-folder", request, tmp_path) as ends:
        table = without_key(ends)
        kind: Any = MySQLTable if source.is_mysql else PostgreSQLTable
        rows: Callable[..., Iterator[Chunk]] = kind.rows
        lost: list[bool] = []

        def cut_once(self: Any, *args: Any) -> Iterator[Chunk]:
            """Reads like the real one; the first time, the server ends the connection before the query."""
            if not lost:
                lost.append(True)
                if source.is_mysql:
                    source.run(f"KILL {self._connection.thread_id()}")
                else:
                    source.run("SELECT pg_terminate_backend(%s)", (self._connection.info.backend_pid,))
            yield from rows(self, *args)

        monkeypatch.setattr(kind, "rows", cut_once)
        assert ends.load(table, "2021-02-05", "2021-02-08").rows == 30
        assert lost
        assert ends.rows(table) == ends.source.run("SELECT * FROM things ORDER BY id")


def test_a_wrong_password_is_not_tried_again(on_postgres: Endpoints) -> None:
    url = on_postgres.destination.engine.url.set(password="wrong")
    table = without_key(on_postgres)
    extracted = on_postgres.extract(table, "2021-02-05")
    wrong = warehouse_of(Database(url.render_as_string(hide_password=False), "raw"))
    with pytest.raises(LoadFailed, match="password authentication failed") as caught:
        load(extracted, wrong, on_postgres.stage)
    assert " of 8:" not in str(caught.value)
    refused = read_error(psycopg2.ProgrammingError("syntax"))
    assert refused is not None and not retries.is_transient(refused)


def test_a_story_tells_each_reason_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 4)
    reasons = iter(["refused", "refused", "deadlock", "given up"])

    def fails() -> None:
        raise DatabaseError(reason := next(reasons), reason)

    with pytest.raises(LoadFailed) as caught:
        retries.with_retries(fails, what="nps: load", failed=LoadFailed, lost=WarehouseLost, when=lambda error: True)
    assert str(caught.value) == "nps: load: given up\n- tries 1 to 2 of 4: refused\n- try 3 of 4: deadlock"
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "nps: load: try 1 of 4: refused",
        "nps: load: try 2 of 4: refused",
        "nps: load: try 3 of 4: deadlock",
    ]
