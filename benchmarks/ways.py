"""The ways to load a table that the benchmarks compare. Each is a program, and loads the same rows into its own table.

Each table ends with the same rows, a primary key, and an index on created_at.
"""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.environments import python_of, requirements
from benchmarks.project import CHECKOUT, Project
from benchmarks.servers import Servers
from benchmarks.way_job import Job
from benchmarks.whole_process import Cost, legs_as_json, measure
from daybook.orchestration.local_stack.postgres.binaries import wheel_programs
from tests.support.servers.install import COMMAND, find_program


@dataclass(frozen=True)
class Way:
    """A way to load a table."""

    name: str
    schema: str
    """The schema of its table in the warehouse."""

    def versions(self) -> list[str]:
        """Install the way, and return the packages whose versions matter.

        Raises:
            NotInstalled: the way cannot be had here.
        """
        return []

    def load(self, job: Job, servers: Servers, project: Project | None = None) -> tuple[Cost, float | None]:
        """Do a job. Return its cost, and the seconds of its flow if it has one. Only Daybook needs a project."""
        raise NotImplementedError


@dataclass(frozen=True)
class Daybook(Way):
    """`daybook load`, against a Prefect server that runs."""

    stage: str = "folder"
    start: bool = True
    """Whether the table file has `start:`, so that a full refresh records a checksum for each interval."""

    def table(self, from_table: str) -> dict[str, Any]:
        """Return the content of the table file."""
        return {
            "description": "One answer a row.",
            "owner": "benchmarks",
            "source": {"kind": "database", "block": "production", "table": from_table},
            "key": ["id"],
            "cursor": "created_at",
            "interval": "day",
            "load": "replace_interval",
            **({"start": "2019-01-01"} if self.start else {}),
        }

    def load(self, job: Job, servers: Servers, project: Project | None = None) -> tuple[Cost, float | None]:
        assert project is not None
        project.use(job.source, self.stage)
        command = project.command(job.target, *([job.day] if job.day else ["--full-refresh"]))
        began = datetime.now(UTC)
        both = Servers(servers.addresses, [*servers.processes, *project.server])
        cost = measure(command, both, environment=project.environment, folder=project.stack.root, legs=_logged_legs)
        return cost, project.flow_seconds(since=began)


def _logged_legs(lines: Sequence[str]) -> dict[str, float]:
    """Return the legs that a flow logs: `raw_data.nps …: 5,000 rows, extract 0.1 s, load 0.2 s`."""
    for line in reversed(lines):
        if found := re.findall(r", ([a-z][a-z ]*) (\d+\.\d) s(?=,|$)", line):
            return {name: float(seconds) for name, seconds in found}
    return {}


@dataclass(frozen=True)
class Program(Way):
    """A module `benchmarks.way_…` that runs with the packages of an environment."""

    module: str = ""
    environment: str = ""
    """The environment, or "" for Daybook's own."""
    packages: tuple[str, ...] = ()
    """The packages whose versions the results name."""
    options: dict[str, Any] = field(default_factory=dict)
    once: bool = False
    """Whether it is slow or a variant, so that it loads twice only: the first time and again."""
    most_rows: int | None = None
    """The most rows that it loads, if it is too slow for all of them."""

    def versions(self) -> list[str]:
        if not self.environment:
            return []
        python_of(self.environment)
        pinned = requirements(self.environment)
        return [f"{package} {pinned[package]}" for package in self.packages]

    def load(self, job: Job, servers: Servers, project: Project | None = None) -> tuple[Cost, float | None]:
        python = str(python_of(self.environment)) if self.environment else sys.executable
        command = [python, "-m", f"benchmarks.{self.module}"]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        job = Job(**{**vars(job), "options": self._options(), "most_rows": self.most_rows})
        return measure(
            command, servers, text=job.json(), environment=environment, folder=CHECKOUT, legs=legs_as_json
        ), None

    def _options(self) -> dict[str, Any]:
        return self.options


@dataclass(frozen=True)
class Pipe(Program):
    """The clients of both databases, joined by a pipe."""

    def _options(self) -> dict[str, Any]:
        return pipe_options()


def pipe_options() -> dict[str, str]:
    """Return the paths of the clients of both databases."""
    mariadb = find_program("mariadb")
    if mariadb is None:
        raise SystemExit(f"the client program `mariadb` is not installed: {COMMAND}")
    return {"mariadb": str(mariadb), "psql": str(wheel_programs() / "psql")}


PIPE, DLT, FOLDER = "the bare pipe", "dlt, connectorx", "Daybook, folder"


def _dlt(name: str, schema: str, backend: str, partitions: int | None = None, *, once: bool = False) -> Way:
    packages = ("dlt", "connectorx", "adbc-driver-postgresql", "pyarrow")
    options = {"backend": backend, "partitions": partitions}
    return Program(name, schema, module="way_dlt", environment="dlt", packages=packages, options=options, once=once)


#: The ways, in the order of the tables.
WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Pipe(PIPE, "pipe", module="way_pipe"),
        Daybook(FOLDER, "daybook_folder"),
        Daybook("Daybook, S3", "daybook_s3", stage="s3"),
        Daybook("Daybook, folder, no start:", "daybook_no_start", start=False),
        _dlt(DLT, "dlt_connectorx", "connectorx"),
        _dlt("dlt, connectorx, 2 partitions", "dlt_connectorx_2", "connectorx", 2, once=True),
        _dlt("dlt, connectorx, 4 partitions", "dlt_connectorx_4", "connectorx", 4, once=True),
        _dlt("dlt, pyarrow", "dlt_pyarrow", "pyarrow", once=True),
        Program(
            "Sling",
            "sling",
            module="way_sling",
            environment="sling",
            packages=("sling-linux-amd64",),
        ),
        Program("pandas", "pandas", module="way_pandas", once=True),
        Program(
            "Airflow, GenericTransfer",
            "airflow",
            module="way_airflow",
            environment="airflow",
            packages=("apache-airflow", "apache-airflow-providers-common-sql"),
            once=True,
            most_rows=100_000,
        ),
    )
}
