"""DDL at the source while a load waits for the table: the load reads the rows after the DDL, never an empty table."""

import contextlib
import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from daybook.audit.interval_audit import audit
from daybook.definitions.table import Table
from daybook.integrations.google_sheets.export import select
from daybook.model.interval import Interval
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse

DAYS = [datetime(2021, 2, day, tzinfo=UTC) for day in range(5, 8)]
INTERVALS = [Interval(day, day + timedelta(days=1)) for day in DAYS]
ROWS = "SELECT n, timestamp '2021-02-05' + n * interval '1 hour', 'row ' || n FROM generate_series(0, 71) AS n"

#: For each kind of table: the statements that create `orders` with 72 rows, and DDL in one transaction.
BASE = "CREATE TABLE orders (id int PRIMARY KEY, at timestamp NOT NULL, note text)"
PLAIN = [BASE, f"INSERT INTO orders {ROWS}"]
REFILLED = ["TRUNCATE orders", f"INSERT INTO orders {ROWS}"]
PARTS = [
    "CREATE TABLE orders (id int, at timestamp NOT NULL, note text) PARTITION BY RANGE (at)",
    "CREATE TABLE orders_5 PARTITION OF orders FOR VALUES FROM ('2021-02-05') TO ('2021-02-06')",
    "CREATE TABLE orders_rest PARTITION OF orders DEFAULT",
    f"INSERT INTO orders {ROWS}",
]
VIEW = [BASE.replace("orders", "base"), f"INSERT INTO base {ROWS}", "CREATE VIEW inner_view AS SELECT * FROM base"]
POSTGRES_DDL = {
    "a column changes its type": (PLAIN, ["ALTER TABLE orders ALTER COLUMN id TYPE bigint"]),
    "truncated and filled again": (PLAIN, REFILLED),
    "another table takes its place": (
        [*PLAIN, "CREATE TABLE fresh (LIKE orders INCLUDING ALL)"],
        [
            "LOCK orders",
            f"INSERT INTO fresh {ROWS}",
            "ALTER TABLE orders RENAME TO old",
            "ALTER TABLE fresh RENAME TO orders",
        ],
    ),
    "dropped and created again": (PLAIN, ["DROP TABLE orders", *PLAIN]),
    "one partition is truncated": (
        PARTS,
        ["TRUNCATE orders_5", f"INSERT INTO orders SELECT * FROM ({ROWS}) AS r (id, at, note) WHERE at < '2021-02-06'"],
    ),
    "one partition is replaced": (
        [*PARTS, "CREATE TABLE fresh (LIKE orders)"],
        [
            "INSERT INTO fresh SELECT * FROM orders_5",
            "ALTER TABLE orders DETACH PARTITION orders_5",
            "ALTER TABLE orders ATTACH PARTITION fresh FOR VALUES FROM ('2021-02-05') TO ('2021-02-06')",
        ],
    ),
    "the table of a view of a view": (
        [*VIEW, "CREATE VIEW orders AS SELECT * FROM inner_view"],
        ["TRUNCATE base", f"INSERT INTO base {ROWS}"],
    ),
    "a materialized view is refreshed": (
        [*VIEW, "CREATE MATERIALIZED VIEW orders AS SELECT * FROM base"],
        ["REFRESH MATERIALIZED VIEW orders"],
    ),
    "a materialized view in a view": (
        [*VIEW, "CREATE MATERIALIZED VIEW kept AS SELECT * FROM base", "CREATE VIEW orders AS SELECT * FROM kept"],
        ["REFRESH MATERIALIZED VIEW kept"],
    ),
    "a child table is rewritten": (
        [BASE, "CREATE TABLE child () INHERITS (orders)", f"INSERT INTO child {ROWS}"],
        ["ALTER TABLE orders ALTER COLUMN note TYPE varchar(40)", "ALTER TABLE orders ALTER COLUMN id TYPE bigint"],
    ),
}


def orders(ends: Endpoints, **fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "start": date(2021, 2, 5), "shrink_limit": 0, **fields}
    return ends.table("orders", load="replace_interval", **given)


@contextlib.contextmanager
def ddl_in_progress(source: Database, statements: list[str]) -> Iterator[Any]:
    """Execute statements in a transaction of PostgreSQL. Yield a function that commits it once a session waits."""
    with source.connection() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

        def commit(*waiting: Future[Any]) -> None:
            query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            waits = wait_until(lambda: bool(source.run(query)), 60)
            connection.commit()  # even if nothing waits, so that no thread of the test waits forever
            assert waits, [one.exception() for one in waiting if one.done()]

        yield commit


@contextlib.contextmanager
def refilled(warehouse: Database) -> Iterator[Any]:
    """Empty raw.orders in the warehouse and fill it again with the same rows, as `ddl_in_progress`."""
    same = ["CREATE TEMP TABLE same AS SELECT * FROM raw.orders", "TRUNCATE raw.orders"]
    with ddl_in_progress(warehouse, [*same, "INSERT INTO raw.orders SELECT * FROM same"]) as commit:
        yield commit


@pytest.mark.parametrize("kind", POSTGRES_DDL)
def test_a_load_sees_the_rows_after_it(from_postgres: Endpoints, kind: str) -> None:
    ends, (made, changed) = from_postgres, POSTGRES_DDL[kind]
    ends.source.run("; ".join(made))
    table = orders(ends)
    with ddl_in_progress(ends.source, changed) as commit, ThreadPoolExecutor(1) as pool:
        loading = pool.submit(ends.load, table, "2021-02-05", "2021-02-08")
        commit(loading)
        assert loading.result(60).rows == 72
    assert ends.rows(table, "id, note") == [(n, f"row {n}") for n in range(72)]


def test_an_audit_sees_the_rows_after_it(from_postgres: Endpoints) -> None:
    ends = from_postgres
    ends.source.run("; ".join(PLAIN))
    table = orders(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    with ddl_in_progress(ends.source, REFILLED) as commit, ThreadPoolExecutor(1) as pool:
        auditing = pool.submit(audit, table, INTERVALS, ends.warehouse, ends)
        commit(auditing)
        assert [result.verdict for result in auditing.result(60)] == ["equal"] * 3


@pytest.fixture
def on_postgres_only(postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(postgres_source, "postgres-folder", request, tmp_path) as both:
        both.source.run("; ".join(PLAIN))
        both.load(orders(both), "2021-02-05", "2021-02-08")
        yield both


def test_an_audit_sees_the_rows_after_it_in_the_warehouse(on_postgres_only: Endpoints) -> None:
    ends = on_postgres_only
    with refilled(ends.destination) as commit, ThreadPoolExecutor(1) as pool:
        auditing = pool.submit(audit, orders(ends), INTERVALS, ends.warehouse, ends)
        commit(auditing)
        assert [result.verdict for result in auditing.result(60)] == ["equal"] * 3


def test_an_export_selects_the_rows_after_it(on_postgres_only: Endpoints) -> None:
    ends = on_postgres_only
    with refilled(ends.destination) as commit, ThreadPoolExecutor(1) as pool:
        selecting = pool.submit(select, ends.warehouse, "SELECT * FROM raw.orders WHERE note LIKE 'row 1%'")
        commit(selecting)
        assert len(selecting.result(60).rows) == 12


def test_the_columns_may_be_granted_one_by_one(from_postgres: Endpoints) -> None:
    """LOCK TABLE would need SELECT on the whole table."""
    ends = from_postgres
    owner, reader = ends.source, f"reader_{secrets.token_hex(4)}"
    owner.run(
        "; ".join([*PLAIN, f"CREATE ROLE {reader} LOGIN PASSWORD 'x'; GRANT SELECT (id, at) ON orders TO {reader}"])
    )
    url = make_url(owner.url).set(username=reader, password="x").render_as_string(hide_password=False)
    ends.source = Database(url, "public")
    table = orders(ends, mask={"note": "drop"})
    try:
        with ddl_in_progress(owner, REFILLED) as commit, ThreadPoolExecutor(1) as pool:
            loading = pool.submit(ends.load, table, "2021-02-05", "2021-02-08")
            commit(loading)
            assert loading.result(60).rows == 72
    finally:
        owner.run(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


MYSQL_ROWS = (
    "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 71) "
    "SELECT n, '2021-02-05' + INTERVAL n HOUR, CONCAT('row ', n) FROM numbers"
)


@pytest.mark.parametrize("view", [False, True], ids=["table", "view"])
def test_another_table_of_mysql_takes_its_place(from_mysql: Endpoints, view: bool) -> None:
    """As online schema changes do. The new table has its rows since a moment after the load began to wait."""
    ends, name = from_mysql, "base" if view else "orders"
    for table in (name, "replacement"):
        ends.source.run(f"CREATE TABLE {table} (id int PRIMARY KEY, at datetime NOT NULL, note text)")
    ends.source.run(f"INSERT INTO {name} {MYSQL_ROWS}")
    if view:
        ends.source.run("CREATE VIEW orders AS SELECT * FROM base")

    def waiting() -> int:
        query = "SELECT count(*) FROM information_schema.processlist WHERE state = 'Waiting for table metadata lock'"
        return int(ends.source.run(query)[0][0])

    # The connection closes first, so that nothing waits forever if an assertion fails.
    with ThreadPoolExecutor(2) as pool, ends.source.connection() as reader, reader.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {name} LIMIT 1")  # the swap waits for the end of this transaction
        swapping = pool.submit(ends.source.run, f"RENAME TABLE {name} TO old, replacement TO {name}")
        assert wait_until(lambda: waiting() == 1, 60), swapping
        loading = pool.submit(ends.load, orders(ends), "2021-02-05", "2021-02-08")
        assert wait_until(lambda: waiting() == 2, 60), loading
        ends.source.run(f"INSERT INTO replacement {MYSQL_ROWS}")
        reader.rollback()
        swapping.result(60)
        assert loading.result(60).rows == 72
