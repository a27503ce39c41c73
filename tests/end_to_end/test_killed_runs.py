"""kill -9 at each stage of a load, and a COMMIT whose answer is lost: the old table or the new one, never half.

The flow is a process of its own. Gates between it and its servers hold it at the stage while it is killed.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import make_url

from daybook.definitions.table_files import read_table
from daybook.load import load as loading
from daybook.load.extraction import extract as extracting
from daybook.load.planning import plan as planning
from daybook.orchestration.blocks import open as blocks
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.run_preloaded import Fork
from tests.support.servers.gate import Gate, gate
from tests.support.servers.s3 import S3

DAY = date(2021, 2, 5)
ROWS = 3_000  # 100 kB of CSV


@dataclass(frozen=True)
class Route:
    """A target whose servers, and production's, are reached through gates."""

    target: LiveWarehouse
    source: Gate
    stage: Gate
    warehouse: Gate


@pytest.fixture(scope="module")
def gated(
    request: pytest.FixtureRequest, production_server: Production, s3: S3
) -> Iterator[tuple[Route, LiveWarehouse]]:
    """The way to a kind of warehouse, and the target that leads there through its gates."""
    target: LiveWarehouse = request.getfixturevalue(request.param)
    urls = (production_server.url, s3.endpoint, target.variables["DAYBOOK_WAREHOUSE_URL"])
    with contextlib.ExitStack() as stack:
        gates = [stack.enter_context(gate(str(url.host), int(url.port or 0))) for url in map(make_url, urls)]
        source, stage, warehouse = (f"127.0.0.1:{gate.port}" for gate in gates)
        variables = target.variables | {
            "DAYBOOK_PRODUCTION_URL": through(urls[0], source),
            "AWS_ENDPOINT_URL": f"http://{stage}",
            "DAYBOOK_WAREHOUSE_URL": through(urls[2], warehouse),
        }
        yield Route(target, *gates), replace(target, variables=variables)


def through(url: str, address: str) -> str:
    """The same URL by way of another `host:port`."""
    host, _, port = address.partition(":")
    return make_url(url).set(host=host, port=int(port)).render_as_string(hide_password=False)


@pytest.fixture
def route(gated: tuple[Route, LiveWarehouse], production: Production, use: Callable[..., None]) -> Iterator[Route]:
    """The way to an empty warehouse, all its gates open, with blocks that lead through them."""
    way, target = gated
    way.target.empty()
    use(target)
    yield way
    for each in (way.source, way.stage, way.warehouse):
        each.open()


class Run(Fork):
    """The load of DAY of raw_data.<table> as a process; what it says goes to the file `log`."""

    def __init__(self, preloaded_python: str, project: Path, table: str, log: Path) -> None:
        self.log = log
        arguments = (f"raw_data.{table}", DAY.isoformat())
        with log.open("wb") as said, open(os.devnull, "r+b") as nothing:
            streams = (nothing.fileno(), nothing.fileno(), said.fileno())
            super().__init__(preloaded_python, "flows.load_table", arguments, str(project), os.environ, streams)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def start(project: Path, prefect_server: str, preloaded_python: str, tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    """Starts a `Run`, which ends with the test."""
    started: list[Run] = []

    def start(table: str) -> Run:
        started.append(Run(preloaded_python, project, table, tmp_path / f"run{len(started)}"))
        return started[-1]

    yield start
    for run in started:
        run.send(signal.SIGKILL)
        run.wait()


def load(project: Path, table: str) -> None:
    """The same load in this process, which is quicker where nobody kills it."""
    target = read_table(f"raw_data.{table}", project / "tables")
    keys, warehouse, stage = blocks, blocks.warehouse(), blocks.stage()
    loading.load(extracting.extract(planning.plan(target, DAY), keys, warehouse, stage), warehouse, stage)


def wait_for_the_end(target: LiveWarehouse) -> None:
    """Until no transaction of the killed process holds a lock on the tables any more."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if target.run(
            "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('raw_data', 'daybook') "
            "AND l.pid <> pg_backend_pid()"
        ) == [(0,)]:
            return
        time.sleep(0.1)
    pytest.fail("a transaction of the killed process is still open")


STAGES: dict[str, Callable[[Route], Gate]] = {}


def stage(function: Callable[[Route], Gate]) -> Callable[[Route], Gate]:
    STAGES[function.__name__] = function
    return function


@stage
def extract(route: Route) -> Gate:
    """Some of the rows have come from production."""
    route.source.hold(bytes=40_000)
    return route.source


@stage
def upload(route: Route) -> Gate:
    """The first part is on its way to the stage."""
    route.stage.hold(b"PUT /", answer=True)
    return route.stage


@stage
def copy(route: Route) -> Gate:
    """The warehouse copies, and its answer has not come."""
    route.warehouse.hold(b"COPY ", answer=True)
    return route.warehouse


@stage
def before_commit(route: Route) -> Gate:
    """COMMIT is said, and the warehouse has not heard it."""
    route.warehouse.hold(b"COMMIT\0")
    return route.warehouse


@stage
def after_commit(route: Route) -> Gate:
    """The warehouse has committed, and its answer has not come."""
    route.warehouse.hold(b"COMMIT\0", answer=True)
    return route.warehouse


def change(production: Production, table: str) -> None:
    """What production does between two loads of DAY: it changes, removes and adds rows."""
    production.run(
        f"UPDATE prod.{table} SET score = 10 - score WHERE id % 3 = 0",
        f"INSERT INTO prod.{table} SELECT 1000000 + id, created_at, score FROM prod.{table} WHERE id % 10 = 0",
    )
    if table == "visits":  # an upsert keeps what is gone from the source
        production.run("DELETE FROM prod.visits WHERE id % 7 = 0")


#: Until COPY, no warehouse knows of the load. An upsert (nps) runs one more statement before the same COMMIT.
PLACES = [
    *(("on_postgres_by_s3", where, "visits") for where in STAGES),
    *(("on_redshift", where, "visits") for where in ("copy", "before_commit", "after_commit")),
    *(("on_redshift", where, "nps") for where in ("before_commit", "after_commit")),
]
#: The places that `make test` tries.
SAMPLE = [("on_postgres_by_s3", "extract", "visits"), ("on_redshift", "before_commit", "nps")]


@pytest.mark.parametrize(
    ("gated", "where", "table"),
    [pytest.param(*place, marks=[] if place in SAMPLE else pytest.mark.full) for place in PLACES],
    indirect=["gated"],
)
def test_killed(
    where: str,
    table: str,
    route: Route,
    production: Production,
    project: Path,
    start: Callable[[str], Run],
) -> None:
    production.fill(DAY, ROWS, table=table)
    load(project, table)
    old, entries = route.target.rows(table), route.target.ledger(table)
    assert len(old) == ROWS
    change(production, table)
    new = production.rows(table=table)
    assert new != old

    held = STAGES[where](route)
    run = start(table)
    assert held.reached.wait(60), run.said()
    run.send(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    wait_for_the_end(route.target)
    held.open()

    committed = where == "after_commit"
    assert route.target.rows(table) == (new if committed else old)
    assert [rows for _, _, rows, _ in route.target.ledger(table)] == [ROWS] + [len(new)] * committed
    assert route.target.ledger(table)[:1] == entries

    load(project, table)
    assert route.target.rows(table) == new
    assert [rows for _, _, rows, _ in route.target.ledger(table)][-1] == len(new)


@pytest.mark.parametrize(
    "gated", ["on_postgres_by_s3", pytest.param("on_redshift", marks=pytest.mark.full)], indirect=True
)
def test_the_answer_to_commit_is_lost(route: Route, production: Production, start: Callable[[str], Run]) -> None:
    production.fill(DAY, 1000, table="visits")
    route.warehouse.hold(b"COMMIT\0", answer=True, hang_up=True)

    run = start("visits")

    assert run.wait(60) == 0, run.said()
    assert route.warehouse.reached.is_set()
    assert "the connection was lost during COMMIT, but the commit succeeded" in run.said()
    assert route.target.rows("visits") == production.rows(table="visits")
    assert [rows for _, _, rows, _ in route.target.ledger("visits")] == [1000]
