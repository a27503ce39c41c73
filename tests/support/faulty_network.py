"""A source, a warehouse and a stage behind gates, for tests of loads over a network that fails."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from sqlalchemy import make_url

from daybook.definitions.table import Table
from daybook.stage.s3 import S3Stage
from tests.support.servers.gate import Gate, gate
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Database, Endpoints, warehouse_of
from tests.support.source_warehouse_fixtures import ends_of, source_database

#: Seconds without a byte after which a connection through a gate is given up.
SILENCE = 1
FIRST, DAY, ROWS = datetime(2021, 2, 5), "2021-02-05", 600
#: The options of `Gate.hold`. Each fault happens once.
FAULTS: dict[str, dict[str, bool]] = {
    "FIN": {"hang_up": True},
    "RST": {"reset": True},
    "silence": {"always": False},
}
by_fault = pytest.mark.parametrize("fault", FAULTS)
#: Without FIN, which most drivers treat as RST.
by_some_faults = pytest.mark.parametrize("fault", [pytest.param("FIN", marks=pytest.mark.full), "RST", "silence"])


@dataclass(frozen=True)
class Network:
    """Both ends of a load, directly (`ends`) and through gates (`through`)."""

    ends: Endpoints
    through: Endpoints
    source: Gate
    warehouse: Gate


@pytest.fixture
def net(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """Yield `request.param`, a source and a warehouse such as `mysql-redshift-s3`, with gates between them."""
    source, _, warehouse = request.param.partition("-")
    with (
        source_database(source, request) as database,
        ends_of(database, warehouse, request, tmp_path) as ends,
        network(ends) as found,
    ):
        yield found


@contextlib.contextmanager
def network(ends: Endpoints) -> Iterator[Network]:
    """Yield gates to the source and to the warehouse. Connections through them have short time limits."""
    assert ends.source is not None
    with _behind(ends.source) as (source_gate, source), _behind(ends.destination) as (warehouse_gate, destination):
        through = replace(ends, source=source, destination=destination, warehouse=warehouse_of(destination))
        yield Network(ends, through, source_gate, warehouse_gate)


@contextlib.contextmanager
def _behind(database: Database) -> Iterator[tuple[Gate, Database]]:
    url = make_url(database.url)
    with gate(url.host or "", url.port or 0) as way:
        limited = url.set(host="127.0.0.1", port=way.port).update_query_dict(
            {"connect_timeout": "2", "read_timeout": str(SILENCE)}
        )
        yield way, Database(limited.render_as_string(hide_password=False), database.namespace)


@contextlib.contextmanager
def stage_behind(s3: S3, stage: Any, tries: int = 1) -> Iterator[tuple[Gate, S3Stage]]:
    """Yield a gate to the S3 server, and `stage` through it, with `tries` of each request."""
    host, _, port = s3.endpoint.removeprefix("http://").partition(":")
    with gate(host, int(port)) as way:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{way.port}",
            region_name=s3.region,
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key,
            config=Config(retries={"total_max_attempts": tries}, connect_timeout=SILENCE, read_timeout=SILENCE),
        )
        yield way, S3Stage(client, stage.bucket, stage.prefix)


def make(ends: Endpoints, strategy: str = "replace_interval") -> Table:
    """Fill the source with 60 kB of rows of one day, which hardly compress."""
    assert ends.source is not None
    clock = "datetime" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {clock}, word varchar(80), n int)")
    words = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(ROWS)]
    rows = [f"({n}, '{FIRST + timedelta(seconds=n)}', '{words[n]}', 0)" for n in range(ROWS)]
    ends.source.run(f"INSERT INTO things VALUES {', '.join(rows)}")
    grid = {} if strategy == "replace" else {"cursor": "at", "interval": "day"}
    return ends.table(load=strategy, key=["id"], **grid)


def change(ends: Endpoints) -> None:
    """Change 50 rows of the source, and add one."""
    assert ends.source is not None
    ends.source.run("UPDATE things SET n = 1 WHERE id < 50")
    ends.source.run("INSERT INTO things VALUES (9999, '2021-02-05 23:00:00', 'new', 2)")


def at_source(ends: Endpoints) -> list[tuple[Any, ...]]:
    """Return the rows of the source."""
    assert ends.source is not None
    return ends.source.run("SELECT * FROM things ORDER BY id")
