"""Logins and privileges on a PostgreSQL with restricted roles."""

import secrets
from collections.abc import Iterator

import psycopg2
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from daybook.orchestration.doctor.databases import check_source, check_warehouse
from daybook.orchestration.doctor.findings import Check, Finding, run_checks
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.postgres import Postgres

pytestmark = pytest.mark.servers


class Restricted:
    """A database, and a role that may only log in to it."""

    def __init__(self, url: str) -> None:
        self.name = f"reader_{secrets.token_hex(4)}"
        self.admin = make_url(url)
        self.url: URL = self.admin.set(username=self.name, password="x")
        self.run(
            f"CREATE ROLE {self.name} LOGIN PASSWORD 'x'", "CREATE SCHEMA shop", "CREATE TABLE shop.orders (id int)"
        )

    def run(self, *statements: str) -> None:
        """Run statements as the superuser."""
        dsn = self.admin.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)
        connection.close()

    def source(self, url: URL | None = None) -> list[Finding]:
        """Return what the check of the source finds."""
        engine = create_engine(url or self.url, poolclass=NullPool)
        return list(run_checks([Check("source shop", lambda: check_source("shop", engine, [("shop", "orders")]))]))

    def warehouse(self) -> list[Finding]:
        """Return what the check of the warehouse finds."""
        opened = open_warehouse(create_engine(self.url, poolclass=NullPool))
        return list(run_checks([Check("warehouse", lambda: check_warehouse(opened, ["daybook", "shop"]))]))


@pytest.fixture
def restricted(postgres: Postgres) -> Iterator[Restricted]:
    """Yield a new database with a restricted role."""
    with postgres.database() as url:
        made = Restricted(url)
        yield made
        made.run(f"DROP OWNED BY {made.name} CASCADE", f"DROP ROLE {made.name}")


def test_a_source(restricted: Restricted) -> None:
    login, refused, _ = restricted.source()
    assert login.level == "ok" and ":***@" in login.text
    assert (refused.level, refused.text) == (
        "error",
        "shop.orders cannot be read: permission denied for schema shop",
    )
    assert f'GRANT SELECT ON "shop"."orders" TO "{restricted.name}"' in refused.remedy

    restricted.run(*(one.replace('"', "") for one in refused.remedy.split("; ")))
    assert [one.level for one in restricted.source()] == ["ok", "ok"]

    restricted.run(f"GRANT INSERT ON shop.orders TO {restricted.name}")
    assert restricted.source()[-1].level == "warning"
    assert "SUPERUSER" in restricted.source(restricted.admin)[-1].text

    (wrong,) = restricted.source(restricted.url.set(password="hunter2"))
    assert wrong.level == "error" and "password authentication failed" in wrong.text and "hunter2" not in wrong.text


def test_a_warehouse(restricted: Restricted) -> None:
    _, daybook, shop = restricted.warehouse()
    assert f'CREATE SCHEMA "daybook" AUTHORIZATION "{restricted.name}"; or GRANT CREATE ON DATABASE' in daybook.remedy
    assert shop.remedy == f'GRANT USAGE, CREATE ON SCHEMA "shop" TO "{restricted.name}"'

    restricted.run(daybook.remedy.partition(";")[0], shop.remedy)
    assert [one.level for one in restricted.warehouse()] == ["ok", "ok"]


def test_a_percent_sign_in_a_name_is_no_placeholder(restricted: Restricted) -> None:
    restricted.run('CREATE TABLE shop."50% off" (id int)')
    engine = create_engine(restricted.admin, poolclass=NullPool)
    login, written = run_checks([Check("source", lambda: check_source("shop", engine, [("shop", "50% off")]))])
    assert (login.level, written.text) == ("ok", "its user may do more than read: SUPERUSER")
