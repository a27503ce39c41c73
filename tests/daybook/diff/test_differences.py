"""What deploying a checkout would change, with a real source and a real warehouse."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from daybook.cli.project.diff import main
from daybook.definitions.table_files import read_table
from daybook.diff import both_ends
from daybook.diff.changed_datasets import Selection
from daybook.diff.diff_report import DatasetDiff, DeploymentChange, Report
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

pytestmark = pytest.mark.servers

TODAY = datetime.now(UTC).date()
FIRST = TODAY - timedelta(days=3)
ORDERS = """\
description: One row per order.
owner: shop
source: {kind: database, table: SOURCE.orders}
key: [id]
cursor: created_at
interval: day
start: START
load: replace_interval
""".replace("START", f"{FIRST}")
WHOLE = """\
description: One row per order.
owner: shop
source: {kind: database, table: SOURCE.orders}
key: [id]
load: replace
"""
DAILY = "description: One row per day.\nowner: shop\nkey: [day]\n"
SELECT = "select created_at::date as day, count(email) as emails from raw.orders group by 1\n"


@dataclass
class Ends:
    """The connections of a diff: those of the test, or none."""

    ends: Endpoints
    changes: list[DeploymentChange] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def keys(self) -> "Ends":
        return self

    def engine(self, name: str) -> Engine:
        if name in self.down:
            return create_engine("postgresql+psycopg2://user:secret-password@127.0.0.1:1/nothing", poolclass=NullPool)
        return self.ends.engine(name)

    def s3(self, name: str) -> Any:
        raise AssertionError

    google = s3

    def warehouse(self) -> Warehouse:
        if "warehouse" in self.down:
            raise RuntimeError("no warehouse today")
        return self.ends.warehouse

    def deployments(self, selection: Selection) -> list[DeploymentChange]:
        return self.changes


@dataclass
class Shop:
    """A project in a repository, with its source and its warehouse."""

    root: Path
    ends: Ends
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.ends.ends.source
        path.write_text(text.replace("SOURCE", self.ends.ends.source.namespace))

    def commit(self) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        for words in (["add", "."], [*identity, "commit", "-qm", "x"]):
            subprocess.run(["git", "-C", str(self.root), *words], check=True)

    def load(self, name: str, first: date | None = None, until: date | None = None) -> None:
        table, ends = read_table(name), self.ends.ends
        load(extract(plan(table, first, until), ends, ends.warehouse, ends.stage), ends.warehouse, ends.stage)

    def diff(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Return the JSON report, with the tables by their names."""
        self.capsys.readouterr()
        assert main([*arguments, "--json"], ends=self.ends) == code
        report: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        report["datasets"] = {one["name"]: one for one in report["datasets"]}
        return report


@pytest.fixture
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shop]:
    """Yield a project with a table that is loaded until now, and a summary of it."""
    with source_database("postgres", request) as source, ends_of(source, "postgres-folder", request, tmp_path) as ends:
        source.run(
            "CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamp NOT NULL, email varchar(200)); "
            "CREATE INDEX ON orders (created_at)"
        )
        source.insert(
            "orders",
            [(n, datetime.combine(FIRST + timedelta(days=n), datetime.min.time()), f"{n}@x") for n in range(3)],
        )
        found = Shop(tmp_path / "shop", Ends(ends), capsys)
        found.write("daybook.yaml", "name: shop\n")
        found.write("tables/raw/orders.yaml", ORDERS)
        found.write("tables/analytics/daily.yaml", DAILY)
        found.write("tables/analytics/daily.sql", SELECT)
        subprocess.run(["git", "init", "-q", "-b", "main", str(found.root)], check=True)
        found.commit()
        monkeypatch.setenv("DAYBOOK_PROJECT", str(found.root))
        yield found


def test_a_new_table_an_owed_range_and_the_summaries_that_read_it(shop: Shop) -> None:
    shop.ends.changes = [DeploymentChange("load/raw.orders", "create", ("raw.orders",), ("on demand",))]
    report = shop.diff()
    orders, daily = report["datasets"]["raw.orders"], report["datasets"]["analytics.daily"]
    assert [one["name"] for one in orders["deployments"]] == ["load/raw.orders"]
    assert "it gets the columns id bigint, created_at timestamp, email varchar(200)" in orders["notes"]
    assert (orders["state"], orders["summaries"]) == ("new", ["analytics.daily"])
    (owed,) = orders["refills"]
    assert (owed["intervals"], owed["rows"], owed["rows_are"]) == (3, 3, "counted in the source")
    assert owed["command"] == f"daybook backfill load/raw.orders {FIRST} {TODAY} --select failed"
    assert (daily["state"], daily["refills"][0]["command"]) == ("new", "daybook summary build analytics.daily")
    shop.load("raw.orders", FIRST, TODAY)
    report = shop.diff()
    assert list(report["datasets"]) == ["analytics.daily"]
    assert len(report["deployments"]) == 1, "a table without another difference has no section for it"
    assert report["compared"] == 2


def test_a_mask_a_filter_a_key_and_a_schedule(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    assert shop.diff("--since", "main")["datasets"] == {}
    shop.write("tables/raw/orders.yaml", ORDERS + "schedule: 0 6 * * *\nmask: {email: hash}\n")
    orders = shop.diff("--since", "main")["datasets"]["raw.orders"]
    assert [(one["field"], one["before"], one["after"]) for one in orders["fields"]] == [
        ("mask.email", None, "hash"),
        ("schedule.cron", None, "0 6 * * *"),
    ]
    assert [tuple(one.values()) for one in orders["columns"]] == [("email", "change", "varchar(200)", "varchar(64)")]
    assert 'ALTER COLUMN "email" TYPE varchar(64)' in orders["refused"][0]
    (forced,) = orders["refills"]
    assert forced["command"] == f"daybook backfill load/raw.orders {FIRST} {TODAY} --select all"
    assert (forced["rows"], forced["intervals"]) == (3, 3)
    changed = ORDERS.replace("[id]", "[id, created_at]").replace("orders}", "orders, where: id > 1}")
    shop.write("tables/raw/orders.yaml", changed)
    orders = shop.diff("--since", "main")["datasets"]["raw.orders"]
    assert orders["statements"] == [
        'ALTER TABLE "raw"."orders" DROP CONSTRAINT "orders_pkey", ADD PRIMARY KEY ("id", "created_at")'
    ]
    assert orders["refills"][0]["command"] == "daybook load raw.orders --full-refresh"
    # Without a reference, the ledger knows the filter of the last load.
    orders = shop.diff()["datasets"]["raw.orders"]
    assert orders["refills"][0]["why"] == "rows loaded before the change of source.where or source.query"


def test_columns_of_the_source_come_and_go(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    source = shop.ends.ends.source
    assert source
    source.run("ALTER TABLE orders ADD COLUMN vip boolean; ALTER TABLE orders ALTER COLUMN email TYPE varchar(300)")
    shop.write("tables/raw/orders.yaml", ORDERS + "on_new_column: add\n")
    orders = shop.diff()["datasets"]["raw.orders"]
    assert [tuple(one.values()) for one in orders["columns"]] == [
        ("email", "widen", "varchar(200)", "varchar(300)"),
        ("vip", "add", None, "boolean"),
    ]
    assert not orders["refused"]
    assert orders["refills"][0]["why"] == "rows loaded before the change of the new column vip"
    source.run("ALTER TABLE orders DROP COLUMN email")
    report = shop.diff()
    orders = report["datasets"]["raw.orders"]
    assert ("email", "drop", "varchar(200)", None) in [tuple(one.values()) for one in orders["columns"]]
    assert 'DROP COLUMN "email"' in orders["refused"][0]
    daily = report["datasets"]["analytics.daily"]
    assert "analytics/daily.sql" in daily["refused"][0] and "email" in daily["refused"][0]


def test_a_file_that_is_gone_and_a_summary_that_changed(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    shop.write("tables/analytics/daily.sql", SELECT + "limit 1\n")
    report = shop.diff("--since", "HEAD")
    daily = report["datasets"]["analytics.daily"]
    assert (daily["state"], [one["field"] for one in daily["fields"]]) == ("changed", ["SELECT"])
    shop.write("tables/analytics/daily.sql", SELECT)
    (shop.root / "tables/raw/orders.yaml").unlink()
    shop.write("daybook.yaml", "name: shop\nexternal: [raw.orders]\n")
    orders = shop.diff("--since", "HEAD")["datasets"]["raw.orders"]
    assert (orders["state"], orders["summaries"]) == ("removed", ["analytics.daily"])
    assert "daybook remove raw.orders" in orders["notes"][0]


def test_what_cannot_be_reached_is_a_line_and_hides_nothing_else(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    for name in ("a", "b"):
        text = ORDERS.replace("database,", "database, block: elsewhere,") + "columns: {id: bigint, created_at: date}\n"
        shop.write(f"tables/raw/{name}.yaml", text)
    shop.write("tables/raw/gone.yaml", ORDERS.replace("SOURCE.orders", "SOURCE.no_such_table"))
    shop.write("tables/raw/broken.yaml", "load: nonsense\n")
    shop.write("tables/raw/orders.yaml", ORDERS + "mask: {email: null}\n")
    shop.ends.down = {"elsewhere"}
    report = shop.diff("--since", "main", code=1)
    problems = {one["where"]: one for one in report["problems"]}
    assert set(problems) == {"files", "source elsewhere"}
    assert problems["source elsewhere"]["tables"] == ["raw.a", "raw.b"]
    assert "onnection refused" in problems["source elsewhere"]["why"]
    assert "secret-password" not in json.dumps(report)
    assert "no_such_table" in report["datasets"]["raw.gone"]["refused"][0]
    assert report["datasets"]["raw.orders"]["fields"] and report["datasets"]["raw.a"]["state"] == "new"
    shop.ends.down = {"warehouse"}
    report = shop.diff("--since", "main", code=1)
    assert "no warehouse today" in next(one["why"] for one in report["problems"] if one["where"] == "warehouse")
    assert report["datasets"]["raw.orders"]["fields"]


def test_deployments_are_with_their_table_or_apart(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    own = DeploymentChange("load/raw.orders", "update", ("raw.orders",), ("schedule: none → 0 6 * * * UTC",))
    shared = DeploymentChange("load/production-0600", "create", ("raw.a", "raw.orders"), ("0 6 * * * UTC",))
    shop.ends.changes = [own, shared]
    report = shop.diff()
    assert [one["name"] for one in report["datasets"]["raw.orders"]["deployments"]] == ["load/raw.orders"]
    assert [one["name"] for one in report["deployments"]] == ["load/production-0600"]


def test_a_table_that_lost_its_rows_and_one_that_another_session_locks(shop: Shop) -> None:
    shop.load("raw.orders", FIRST, TODAY)
    destination = shop.ends.ends.destination
    with destination.connection() as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE raw.orders")
        assert "raw.orders" not in shop.diff()["datasets"]
        other.rollback()
    destination.run("DROP TABLE raw.orders")
    orders = shop.diff()["datasets"]["raw.orders"]
    assert "it is gone from the warehouse, but by the ledger it has 3 rows" in " ".join(orders["notes"])
    assert [one["intervals"] for one in orders["refills"]] == [3]


def test_a_warehouse_that_is_lost_in_between_is_one_line(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(session: Session, *_: object) -> None:
        session.connection.close()
        raise DatabaseError("x", "the connection broke", lost=True)

    shop.write("tables/raw/zebras.yaml", ORDERS.replace("SOURCE.orders", "SOURCE.zebras"))
    monkeypatch.setattr(both_ends, "compare_columns", lost)
    report = shop.diff(code=1)
    assert [one["where"] for one in report["problems"]] == ["warehouse"]
    assert "zebras" in report["datasets"]["raw.zebras"]["refused"][0], "its source is compared all the same"


def test_nothing_is_written(shop: Shop) -> None:
    shop.diff()
    assert shop.ends.ends.destination.run("SELECT nspname FROM pg_namespace WHERE nspname IN ('raw', 'daybook')") == []


def test_a_field_is_empty_in_a_report_without_differences() -> None:
    assert not DatasetDiff("a.b", "table").says_something
    assert Report("a", "prod", None).problems == []


@pytest.mark.full
def test_a_layout_and_a_key_on_redshift(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with source_database("mariadb", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as ends:
        source.run("CREATE TABLE orders (id bigint PRIMARY KEY, created_at datetime NOT NULL, email varchar(20))")
        source.insert("orders", [(1, datetime(2021, 2, 5), "a@x")])
        shop, name = Shop(tmp_path / "shop", Ends(ends), capsys), f"{ends.destination.namespace}.orders"
        file = f"tables/{name.replace('.', '/')}.yaml"
        shop.write("daybook.yaml", "name: shop\nwarehouse: redshift\n")
        shop.write(file, WHOLE)
        monkeypatch.setenv("DAYBOOK_PROJECT", str(shop.root))
        shop.load(name)
        assert shop.diff()["datasets"] == {}
        source.run("ALTER TABLE orders MODIFY email varchar(200)")
        shop.write(file, WHOLE.replace("[id]", "[id, email]") + "redshift: {distkey: id, sortkey: created_at}\n")
        orders = shop.diff()["datasets"][name]
        assert orders["statements"] == [f"daybook layout {name} --apply"], "no key: Redshift enforces none"
        assert any("DISTKEY" in note for note in orders["notes"]) and any("SORTKEY" in note for note in orders["notes"])
        assert [(one["column"], one["action"]) for one in orders["columns"]] == [("email", "widen")]
