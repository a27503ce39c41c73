"""The fixtures `redshift` and `redshift_serializable`: the Redshift emulator, with COPY from the server `s3`."""

import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from tests.support.redshift_emulator.faults import Rule
from tests.support.servers.ports import free_port
from tests.support.servers.processes import SECONDS_TO_ANSWER, serving
from tests.support.servers.s3 import S3

ROOT = Path(__file__).parents[3]
IAM_ROLE = "arn:aws:iam::123456789012:role/daybook-copy"  # the emulator reads with the keys of `s3` for every role


@dataclass(frozen=True)
class Redshift:
    """A running emulator without a password. For `faults_file` and `log` see `faults` and `statements`."""

    url: str
    faults_file: Path
    log: Path
    estate_file: Path
    pid: int = 0

    def connect(self) -> psycopg2.extensions.connection:
        """Return a connection without autocommit."""
        url = make_url(self.url)
        return psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=url.database)

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """Yield the name of a new, empty schema, and drop it with its content when the block ends."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE SCHEMA {name}")
        try:
            yield name
        finally:
            self._execute(f"DROP SCHEMA {name} CASCADE")

    @contextlib.contextmanager
    def faults(self, *rules: Rule) -> Iterator[None]:
        """Make statements fail by `rules` (tests/support/redshift_emulator/faults.py) until the block ends."""
        with _content(self.faults_file, rules):
            yield

    @contextlib.contextmanager
    def estate(self, **fields: object) -> Iterator[None]:
        """Set users, buckets and the network (tests/support/redshift_emulator/estate.py) until the block ends."""
        with _content(self.estate_file, fields):
            yield

    def crash(self) -> None:
        """Crash the cluster, and wait until it is back. All sessions and their uncommitted changes are lost."""
        with contextlib.closing(self.connect()) as witness, contextlib.suppress(psycopg2.Error):
            os.kill(self.pid, signal.SIGUSR1)
            while True:
                witness.cursor().execute("SELECT 1")
                time.sleep(0.01)
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg2.OperationalError):
                self.connect().close()
                return
            time.sleep(0.02)
        raise TimeoutError(f"Redshift is not back {SECONDS_TO_ANSWER} s after its crash")

    def statements(self, since: int = 0) -> list[str]:
        """Return the SQL of every executed or refused statement from byte `since` of the log on, in order."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(since)
            return [json.loads(line)["sql"] for line in log]

    def _execute(self, sql: str) -> None:
        with contextlib.closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)


@contextlib.contextmanager
def _content(file: Path, content: object) -> Iterator[None]:
    """Write a JSON file at once. When the block ends, the file has its earlier content again, or is deleted."""
    made, earlier = file.with_suffix(".new"), file.read_text(encoding="utf-8") if file.exists() else None
    made.write_text(json.dumps(content), encoding="utf-8")
    made.rename(file)
    try:
        yield
    finally:
        if earlier is None:
            file.unlink()
        else:
            made.write_text(earlier, encoding="utf-8")
            made.rename(file)


@contextlib.contextmanager
def running_redshift(folder: Path, s3: S3, isolation: str = "snapshot") -> Iterator[Redshift]:
    """Yield an emulator with its files in `folder` and COPY from `s3`, until the block ends."""
    port = free_port()
    redshift = Redshift(
        url=f"redshift+psycopg2://awsuser@127.0.0.1:{port}/dev?sslmode=prefer",
        faults_file=folder / "faults.json",
        log=folder / "statements.jsonl",
        estate_file=folder / "estate.json",
    )
    command = [
        *(sys.executable, "-m", "tests.support.redshift_emulator.server", f"--port={port}", f"--home={folder}"),
        *(f"--isolation={isolation}", f"--faults={redshift.faults_file}", f"--log={redshift.log}"),
        f"--estate={redshift.estate_file}",
        *(f"--s3-endpoint={s3.endpoint}", f"--s3-access-key={s3.access_key}", f"--s3-secret-key={s3.secret_key}"),
    ]
    with serving(
        command,
        folder / "output",
        lambda: redshift.connect().close(),
        psycopg2.OperationalError,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as pid:
        yield replace(redshift, pid=pid)


@pytest.fixture(scope="session")
def redshift(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Iterator[Redshift]:
    """Yield the session's emulator with snapshot isolation, the default of new clusters."""
    with running_redshift(tmp_path_factory.mktemp("redshift"), s3) as server:
        yield server


@pytest.fixture(scope="session")
def redshift_serializable(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Iterator[Redshift]:
    """Yield the session's emulator with serializable isolation, as in older clusters: conflicts raise error 1023."""
    with running_redshift(tmp_path_factory.mktemp("redshift_serializable"), s3, "serializable") as server:
        yield server


@pytest.fixture
def redshift_schema(redshift: Redshift) -> Iterator[str]:
    """Yield the name of a new schema of the session's emulator, for one test."""
    with redshift.schema() as name:
        yield name


@pytest.fixture
def redshift_statements(redshift: Redshift) -> Callable[[], list[str]]:
    """Return a function that returns the statements that Redshift has received since the test began."""
    begin = redshift.log.stat().st_size if redshift.log.exists() else 0
    return lambda: redshift.statements(begin)
