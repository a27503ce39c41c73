"""`daybook verify-redshift` against the emulator: it finds what is there, and leaves nothing behind."""

import contextlib
import json
import os
import re
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from daybook.cli.verify_redshift import main
from daybook.verify import registry
from daybook.verify.registry import Check
from daybook.verify.workbench import Workbench
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.s3 import S3

PREFIX = "verify"
SECRET = "not-in-the-report"
PAGE = "dg/r_LOCK.html"


@dataclass
class Verifying:
    """The command, in this process, with an emulator, a source and a bucket."""

    redshift: Redshift
    s3: S3
    source: str
    folder: Path
    database: str

    def run(self, *arguments: str, private_source: bool = False) -> tuple[int, dict[str, Any]]:
        """Run the command. Return its exit code and its report."""
        report = self.folder / "report.json"
        source = [] if private_source else ["--source", self.source]
        code = main([*source, "--json", "--output", str(report), "--rows", "2000", *arguments])
        return code, json.loads(report.read_text(encoding="utf-8"))

    def asked(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the cluster."""
        url = make_url(self.redshift.url)
        with contextlib.closing(
            psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=self.database)
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []

    def left_behind(self) -> list[object]:
        """Return the schemas, groups, objects and rows of the command that are still there."""
        left: list[object] = self.asked("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'daybook_verify%'")
        left += self.asked("SELECT groname FROM pg_group WHERE groname LIKE 'daybook_verify%'")
        left += self.asked("SELECT c.relname FROM pg_class c WHERE c.relname LIKE 'lock_daybook_verify%'")
        for (table,) in self.asked(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a "
            "ON a.attrelid = c.oid WHERE n.nspname = 'daybook' AND a.attname = 'table_name'"
        ):
            left += self.asked(f"SELECT table_name FROM daybook.{table} WHERE table_name LIKE 'daybook_verify%'")
        source = make_url(self.source).set(drivername="postgresql").render_as_string(hide_password=False)
        with contextlib.closing(psycopg2.connect(source)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'daybook_verify%'")
            left += cursor.fetchall()
        return left + self.s3.keys(self.s3.bucket, PREFIX)


@pytest.fixture
def verifying(
    redshift: Redshift, s3: S3, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Verifying]:
    """Yield the command, with a new database of the emulator: the schema `daybook` does not exist there."""
    with _verifying(redshift, s3, postgres_url, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def verifying_serializable(
    redshift_serializable: Redshift, s3: S3, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Verifying]:
    """Yield the command, with a new database of the emulator of an older cluster."""
    with _verifying(redshift_serializable, s3, postgres_url, tmp_path, monkeypatch) as found:
        yield found


@contextlib.contextmanager
def _verifying(
    redshift: Redshift, s3: S3, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Verifying]:
    name = f"verify_{secrets.token_hex(4)}"
    found = Verifying(redshift, s3, postgres_url, tmp_path, make_url(redshift.url).database or "")
    found.asked(f"CREATE DATABASE {name}")
    url = make_url(redshift.url).set(database=name, password=SECRET)
    for variable, value in {
        "DAYBOOK_WAREHOUSE_URL": url.render_as_string(hide_password=False),
        "DAYBOOK_COPY_IAM_ROLE": IAM_ROLE,
        "DAYBOOK_STAGE_URL": f"{s3.url}/{PREFIX}",
        "AWS_ACCESS_KEY_ID": s3.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_ENDPOINT_URL": s3.endpoint,
    }.items():
        monkeypatch.setenv(variable, value)
    try:
        yield Verifying(redshift, s3, postgres_url, tmp_path, name)
    finally:
        found.asked(f"DROP DATABASE {name}")


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Workbench], str]], None]:
    """Return a function that makes the command run one check, which a test defines."""

    def choose(find: Callable[[Workbench], str]) -> None:
        check = Check("a test", "nothing", PAGE, find)
        monkeypatch.setattr(registry, "chosen", lambda names: [check])

    return choose


SAMPLE = ("cluster", "audits", "upsert timing")


def test_a_sample_of_the_checks_is_as_expected_and_leaves_nothing_behind(verifying: Verifying) -> None:
    code, report = verifying.run(*(part for name in SAMPLE for part in ("--only", name)))
    assert {one["name"]: one["found"] for one in report["checks"] if one["status"] == "FAILED"} == {}
    assert (code, report["left_behind"], verifying.left_behind()) == (0, [], [])
    assert verifying.asked("SELECT nspname FROM pg_namespace WHERE nspname = 'daybook'") == []
    status = {one["name"]: one["status"] for one in report["checks"]}
    assert status["cluster: nodes"] == "not checked"  # the emulator is not an address of AWS
    assert status["upsert timing: a day of a large table"] == "measured"


@pytest.mark.full
def test_every_check_is_as_expected(verifying: Verifying) -> None:
    code, report = verifying.run()
    assert {one["name"]: one["found"] for one in report["checks"] if one["status"] == "FAILED"} == {}
    assert (code, report["left_behind"], verifying.left_behind()) == (0, [], [])


@pytest.mark.full
def test_loads_of_many_tables_do_not_conflict_with_serializable_isolation(verifying_serializable: Verifying) -> None:
    names = ("cluster: isolation", "parallel", "readers")
    only = [part for name in names for part in ("--only", name)]
    code, report = verifying_serializable.run(*only, private_source=True)
    found = {one["name"]: (one["status"], one["found"]) for one in report["checks"]}
    assert found["cluster: isolation level"] == ("measured", "Serializable")
    assert {name for name, (status, _) in found.items() if status == "FAILED"} == set()
    assert (code, verifying_serializable.left_behind()) == (0, [])


def test_a_failed_check_is_reported_with_its_sql_and_leaves_nothing_behind(
    verifying: Verifying, only: Callable[..., None]
) -> None:
    def find(bench: Workbench) -> str:
        bench.run_in_source("CREATE TABLE {s}.things (id int PRIMARY KEY)")
        bench.load(bench.table("things", "replace"))
        bench.run(f'SELECT \'{SECRET}\' FROM "{{s}}"."no_such_table"')
        return "not reached"

    only(find)
    code, report = verifying.run()
    (found,) = report["checks"]
    assert (code, found["status"], verifying.left_behind()) == (1, "FAILED", [])
    assert "no_such_table" in found["found"]
    assert f'{report["schema"]}"."no_such_table"' in found["sql"]
    assert SECRET not in json.dumps(report)


def test_no_report_has_the_keys_of_a_copy(verifying: Verifying) -> None:
    fault = {"match": "^copy", "action": "error", "sqlstate": "XX000", "message": "no"}
    with verifying.redshift.faults(fault):  # type: ignore[arg-type]
        _, report = verifying.run("--only", "access", "--role", "access_keys")
    (access,) = report["checks"]
    assert access["status"] == "FAILED" and access["sql"].startswith("COPY ")
    text = json.dumps(report)
    assert verifying.s3.secret_key not in text and verifying.s3.access_key not in text
    assert verifying.left_behind() == []


@pytest.mark.parametrize("request_is_missed", [False, True])
def test_ctrl_c_ends_a_waiting_statement_and_leaves_nothing_behind(
    verifying: Verifying, only: Callable[..., None], monkeypatch: pytest.MonkeyPatch, request_is_missed: bool
) -> None:
    """The cluster misses a request to cancel a statement that has not reached it yet."""

    def find(bench: Workbench) -> str:
        if request_is_missed:
            stop = bench.recorder.stop
            monkeypatch.setattr(bench.recorder, "stop", lambda: monkeypatch.setattr(bench.recorder, "stop", stop))
        bench.run_in_source("CREATE TABLE {s}.things (id int PRIMARY KEY)")
        bench.load(bench.table("things", "replace"))
        lock = f'LOCK "{bench.schema}"."things"'
        with bench.transaction() as first, bench.transaction() as second:
            first.run(lock)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            second.run(lock)
        return "not reached"

    only(find)
    code, report = verifying.run()
    assert (code, report["interrupted"], report["checks"]) == (1, True, [])
    assert verifying.left_behind() == []


def test_rows_of_other_tables_in_daybooks_schema_stay(verifying: Verifying) -> None:
    arguments = ("--only", "access")
    verifying.asked("CREATE SCHEMA daybook")
    verifying.asked("CREATE TABLE daybook.failures (table_name varchar(256), reason varchar(256))")
    verifying.asked("INSERT INTO daybook.failures VALUES ('raw_data.nps', 'x')")
    code, _ = verifying.run(*arguments)
    assert (code, verifying.left_behind()) == (0, [])
    assert verifying.asked("SELECT table_name FROM daybook.failures") == [("raw_data.nps",)]
    tables = verifying.asked("SELECT tablename FROM pg_tables WHERE schemaname = 'daybook' ORDER BY 1")
    assert tables == [("failures",), ("schema_version",)]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DAYBOOK_COPY_IAM_ROLE", "", "--role is missing: pass it, or set DAYBOOK_COPY_IAM_ROLE"),
        ("DAYBOOK_STAGE_URL", "/tmp/stage", "--stage is not on S3"),
        ("DAYBOOK_WAREHOUSE_URL", "postgresql://u:p@h/d", "--warehouse the driver postgresql is not supported here"),
    ],
)
def test_a_wrong_address_is_refused_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    for name, good in {
        "DAYBOOK_WAREHOUSE_URL": "redshift+psycopg2://user@127.0.0.1:1/dev",
        "DAYBOOK_COPY_IAM_ROLE": IAM_ROLE,
        "DAYBOOK_STAGE_URL": "s3://bucket/prefix",
    }.items():
        monkeypatch.setenv(name, value if name == variable else good)
    with pytest.raises(SystemExit) as exit:
        main(["--source", "postgresql+psycopg2://user@127.0.0.1:1/dev"])
    assert words in str(exit.value)


def test_checks_can_be_listed_without_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "strings: hard"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["access", "strings"]


def test_without_access_to_the_bucket_no_other_check_is_made(
    verifying: Verifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_STAGE_URL", "s3://no-such-bucket/verify")
    code, report = verifying.run("--only", "strings")
    access, *others = report["checks"]
    assert (code, access["status"], verifying.left_behind()) == (1, "FAILED", [])
    assert "no-such-bucket" in access["found"]
    assert {one["found"] for one in others} == {"'access: a load' has failed"}


def test_a_user_who_could_not_clean_up_is_refused_with_the_grants(
    verifying: Verifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = f"u_{secrets.token_hex(4)}"
    url = make_url(verifying.redshift.url).set(database=verifying.database, username=user, password="Secret123")
    monkeypatch.setenv("DAYBOOK_WAREHOUSE_URL", url.render_as_string(hide_password=False))
    verifying.asked(f"CREATE USER {user} PASSWORD 'Secret123'")
    grants = [f'GRANT CREATE ON DATABASE "{verifying.database}" TO "{user}"']
    grants.append(f'GRANT DELETE ON ALL TABLES IN SCHEMA daybook TO "{user}"')
    try:
        with verifying.redshift.estate(users={user: {"password": "Secret123", "own_role": True}}):
            with pytest.raises(SystemExit, match=re.escape(grants[0])):
                verifying.run("--only", "access")
            verifying.asked(grants[0])
            verifying.asked("CREATE SCHEMA daybook; CREATE TABLE daybook.ledger (table_name varchar(256))")
            verifying.asked(f'GRANT USAGE ON SCHEMA daybook TO "{user}"')
            with pytest.raises(SystemExit, match=re.escape(grants[1])):
                verifying.run("--only", "access")
        assert verifying.left_behind() == []
    finally:
        verifying.asked("DROP SCHEMA daybook CASCADE")
        verifying.asked(f'REVOKE CREATE ON DATABASE "{verifying.database}" FROM "{user}"')
        verifying.asked(f'DROP USER "{user}"')
