"""After a full refresh, Redshift reclaims the space of the old rows. A failure of that never fails the load."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine

from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import Redshift as Server
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL

ON_REDSHIFT = pytest.mark.parametrize(("source", "ends"), [(MYSQL[0], "redshift-s3")], indirect=True)
INTERVALS = {"load": "replace_interval", "key": ["id"], "cursor": "at", "interval": "day"}


@pytest.fixture
def cluster(ends: Endpoints, redshift_statements: Callable[[], list[str]]) -> Callable[..., list[str]]:
    """Return a function that loads the table as a provisioned cluster does, and returns what VACUUM and ANALYZE got."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at datetime, KEY (at))")
    ends.source.run("INSERT INTO things VALUES (1, '2021-02-05')")

    def load(*span: str, reclaims: bool = True, **fields: Any) -> list[str]:
        ends.warehouse.reclaims = reclaims
        before = len(redshift_statements())
        ends.load(ends.table(**fields), *span)
        sent = redshift_statements()[before:]
        return [one.split('"')[0] for one in sent[sent.index("COMMIT") :] if one.startswith(("VACUUM", "ANALYZE"))]

    return load


BOTH = ["VACUUM DELETE ONLY ", "ANALYZE "]


@ON_REDSHIFT
def test_a_load_of_the_whole_table_does_on_a_cluster(cluster: Callable[..., list[str]]) -> None:
    assert cluster() == BOTH
    assert cluster("2021-02-05", **INTERVALS) == []
    assert cluster("2021-02-05", **INTERVALS, vacuum=True) == BOTH
    assert cluster(vacuum=False) == []
    assert cluster(reclaims=False) == []
    assert cluster(reclaims=False, vacuum=True) == BOTH


@ON_REDSHIFT
def test_a_failure_is_only_logged(
    ends: Endpoints, cluster: Callable[..., list[str]], redshift: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with redshift.faults({"match": "^vacuum", "action": "error", "sqlstate": "XX000", "message": "already running"}):
        assert cluster() == BOTH[:1]
    assert ends.rows(ends.table(), "id") == [(1,)]
    assert "the load is committed, but the space of its old rows is not reclaimed: already running" in caplog.text


@pytest.mark.parametrize(
    ("host", "sleeps", "reclaims"),
    [
        ("wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com", True, False),
        ("wg.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn", True, False),
        ("c.abc123.eu-west-1.redshift.amazonaws.com", False, True),
        ("127.0.0.1", False, False),
        ("127.0.0.1?iam=true&region=eu-west-1&serverless_work_group=wg", True, False),
        ("127.0.0.1?iam=true&region=eu-west-1&cluster_identifier=c", False, True),
    ],
)
def test_the_url_says_what_it_is(host: str, sleeps: bool, reclaims: bool) -> None:
    engine = create_engine(f"redshift+psycopg2://{host.replace('?', '/dev?')}")  # it connects at the first query
    found = open_warehouse(engine, copy_iam_role="default")
    assert (found.sleeps, found.reclaims) == (sleeps, reclaims)
