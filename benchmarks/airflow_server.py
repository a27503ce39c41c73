"""Run Airflow 3 from a separate environment, with LocalExecutor and its metadata on PostgreSQL."""

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from benchmarks import warehouse
from benchmarks.environments import NotInstalled, python_of, requirements, run
from tests.support.servers.ports import free_port
from tests.support.servers.processes import serving

HERE = Path(__file__).parent
VERSION = requirements("airflow")["apache-airflow"]
SECONDS_TO_BACKFILL = 300
SECONDS_TO_START = 300
_PARTS = ("api-server", "scheduler", "dag-processor")


class NoAirflow(Exception):
    """Airflow could not be installed or failed. The message has the reason."""


@dataclass(frozen=True)
class Airflow:
    """A running Airflow with the DAG of `airflow_dag.py`. `metadata` is the URL of its database."""

    program: Path
    home: Path
    environment: dict[str, str]
    metadata: str

    def backfill(self, first: date, days: int) -> float:
        """Backfill `days` days from `first` on. Return the seconds from the backfill's entry to the last run's end.

        Raises:
            NoAirflow: a run failed, or the runs did not end in time.
        """
        last = first + timedelta(days=days - 1)
        self._run("backfill", "create", "--dag-id=nps", f"--from-date={first}", f"--to-date={last}")
        deadline = time.monotonic() + SECONDS_TO_BACKFILL
        while time.monotonic() < deadline:
            time.sleep(1)
            ((ended, failed, seconds),) = warehouse.run(
                self.metadata,
                "SELECT count(*) FILTER (WHERE state IN ('success', 'failed')), "
                "count(*) FILTER (WHERE state = 'failed'), "
                "extract(epoch FROM max(end_date) - (SELECT max(created_at) FROM backfill)) "
                "FROM dag_run WHERE backfill_id = (SELECT max(id) FROM backfill)",
            )
            if failed:
                raise NoAirflow(f"{failed} of its runs failed")
            if ended == days:
                self._wait_until_closed()
                return float(seconds)
        raise NoAirflow(f"{ended} of {days} days were done after {SECONDS_TO_BACKFILL} s")

    def _wait_until_closed(self) -> None:
        """Wait until the scheduler has closed the backfill. Before that, it does not start another one."""
        for _ in range(120):
            if not warehouse.run(self.metadata, "SELECT 1 FROM backfill WHERE completed_at IS NULL"):
                return
            time.sleep(0.5)
        raise NoAirflow("it did not close a backfill within a minute after its last run")

    def require_dag(self) -> None:
        """Wait until the scheduler has read the DAG. Raises NoAirflow if that takes longer than a minute."""
        for _ in range(120):
            if warehouse.run(self.metadata, "SELECT 1 FROM serialized_dag WHERE dag_id = 'nps'"):
                return
            for (error,) in warehouse.run(self.metadata, "SELECT stacktrace FROM import_error"):
                raise NoAirflow(f"it cannot read the DAG: {error.strip().splitlines()[-1]}")
            time.sleep(0.5)
        raise NoAirflow("its dag-processor did not read the DAG within a minute")

    def _run(self, *arguments: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        run([self.program, *arguments], self.environment, SECONDS_TO_START, NoAirflow, self.home)


@contextlib.contextmanager
def running_airflow(folder: Path, source: str, target: str, metadata: str, days: Sequence[date]) -> Iterator[Airflow]:
    """Run Airflow, with its files below `folder`, until the block ends. `days` are the range's start and end.

    `source`, `target` and `metadata` are SQLAlchemy URLs: the MariaDB, the PostgreSQL to load, and an empty database of
    that PostgreSQL.

    Raises:
        NoAirflow: Airflow cannot be installed or started here.
    """
    try:
        program = python_of("airflow").with_name("airflow")
    except NotInstalled as error:
        raise NoAirflow(str(error)) from None
    home = folder / "home"
    (home / "dags").mkdir(parents=True)
    shutil.copy(HERE / "airflow_dag.py", home / "dags" / "nps.py")
    port = free_port()
    airflow = Airflow(program, home, _environment(home, port, source, target, metadata, days), metadata)
    airflow._run("db", "migrate")
    with contextlib.ExitStack() as stack:
        try:
            for part in _PARTS:
                options = {"cwd": home, "env": airflow.environment}
                command: list[str | Path] = [program, part]
                answers = (lambda: _require_health(port)) if part == _PARTS[0] else (lambda: None)
                stack.enter_context(serving(command, home / f"{part}.log", answers, httpx.HTTPError, **options))
        except pytest.fail.Exception as error:
            raise NoAirflow(str(error)) from None
        airflow.require_dag()
        yield airflow


def _require_health(port: int) -> None:
    httpx.get(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5, trust_env=False).raise_for_status()


def _environment(
    home: Path, port: int, source: str, target: str, metadata: str, days: Sequence[date]
) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    production = make_url(source)
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": metadata,
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "API__SECRET_KEY": secrets.token_hex(32),
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
    }
    return (
        own
        | {f"AIRFLOW__{name}": value for name, value in settings.items()}
        | {
            "AIRFLOW_HOME": str(home),
            "BENCHMARK_DAYS": json.dumps([day.isoformat() for day in days]),
            "BENCHMARK_SOURCE": json.dumps(
                {
                    "host": production.host,
                    "port": production.port,
                    "user": production.username,
                    "password": production.password,
                    "database": production.database,
                }
            ),
            "BENCHMARK_WAREHOUSE": make_url(target).set(drivername="postgresql").render_as_string(False),
        }
    )
