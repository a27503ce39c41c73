"""Logins and privileges on a PostgreSQL and a Redshift with restricted roles."""

import contextlib
import secrets
from collections.abc import Iterator

import psycopg2
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from daybook.orchestration.doctor import databases
from daybook.orchestration.doctor.databases import check_source, check_warehouse
from daybook.orchestration.doctor.findings import Check, Finding, run_checks
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import IAM_ROLE, Redshift

pytestmark = pytest.mark.servers


class Restricted:
    """A database, and a role that may only log in to it."""

    def __init__(self, url: str) -> None:
        self.name = f"reader_{secrets.token_hex(4)}"
        self.admin = make_url(url)
        self.url: URL = self.admin.set(username=self.name, password="x")
        self.database = str(self.admin.database)
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
        return list(run_checks([Check("warehouse", lambda: check_warehouse(opened, ["shop.orders"]))]))


def assert_levels(found: list[Finding], levels: list[str]) -> None:
    """Compare the levels of findings, and show their texts if they differ."""
    assert [one.level for one in found] == levels, found


@pytest.fixture
def restricted(postgres: Postgres) -> Iterator[Restricted]:
    """Yield a new database with a restricted role."""
    with postgres.database() as url:
        made = Restricted(url)
        yield made
        made.run(f'GRANT TEMPORARY ON DATABASE "{made.database}" TO PUBLIC')  # the next test may get it
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
    _, daybook, shop, owner = restricted.warehouse()
    assert f'CREATE SCHEMA "daybook" AUTHORIZATION "{restricted.name}"; or GRANT CREATE ON DATABASE' in daybook.remedy
    assert shop.remedy == f'GRANT USAGE, CREATE ON SCHEMA "shop" TO "{restricted.name}"'

    assert owner.remedy == f'ALTER TABLE "shop"."orders" OWNER TO "{restricted.name}"'

    restricted.run(daybook.remedy.partition(";")[0], shop.remedy, owner.remedy)
    assert_levels(restricted.warehouse(), ["ok", "ok"])

    restricted.run(f'REVOKE TEMPORARY ON DATABASE "{restricted.database}" FROM PUBLIC')
    _, temporary, _ = restricted.warehouse()
    assert temporary.remedy == f'GRANT TEMPORARY ON DATABASE "{restricted.database}" TO "{restricted.name}"'
    restricted.run(temporary.remedy)
    assert_levels(restricted.warehouse(), ["ok", "ok"])


def test_a_missing_schema_needs_create_in_the_database(restricted: Restricted) -> None:
    restricted.run("DROP SCHEMA shop CASCADE")
    assert_levels(restricted.warehouse(), ["ok", "error", "error"])
    restricted.run(f'GRANT CREATE ON DATABASE "{restricted.database}" TO "{restricted.name}"')
    assert_levels(restricted.warehouse(), ["ok", "ok"])


def test_a_member_of_the_owner_may_alter_its_tables(restricted: Restricted) -> None:
    group = f"{restricted.name}_group"
    restricted.run(f"CREATE ROLE {group}", f"GRANT {group} TO {restricted.name}")
    restricted.run(f"ALTER SCHEMA shop OWNER TO {group}", f"ALTER TABLE shop.orders OWNER TO {group}")
    restricted.run(f"CREATE SCHEMA daybook AUTHORIZATION {restricted.name}")
    assert_levels(restricted.warehouse(), ["ok", "ok"])
    restricted.run("DROP SCHEMA shop CASCADE", f"DROP ROLE {group}")


def test_a_role_of_redshift(redshift: Redshift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_SHOWN", 1000)  # the schema daybook has tables of other tests
    user, password = f"u_{secrets.token_hex(4)}", "Secret123"
    url = make_url(redshift.url).set(username=user, password=password)

    with redshift.schema() as schema, contextlib.closing(redshift.connect()) as admin:
        admin.autocommit = True
        run = admin.cursor().execute
        opened = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
        run(f"CREATE TABLE {schema}.orders (id int)")
        run(f"CREATE USER {user} PASSWORD '{password}'")

        def remedies() -> list[str]:
            """Return the statements about the schema: others use the server, too."""
            found = list(run_checks([Check("warehouse", lambda: check_warehouse(opened, [f"{schema}.orders"]))]))
            assert (found[0].level, password in str(found)) == ("ok", False), found
            statements = [part for one in found if one.level == "error" for part in one.remedy.split("; ")]
            return [statement for statement in statements if schema in statement]

        with redshift.estate(users={user: {"password": password, "own_role": True}}):
            assert remedies() == [
                f'GRANT USAGE, CREATE ON SCHEMA "{schema}" TO "{user}"',
                f'ALTER TABLE "{schema}"."orders" OWNER TO "{user}"',
            ]
            run(remedies()[0])
            run(f"DROP TABLE {schema}.orders")
            assert remedies() == []
            absent = make_url(url).set(password="hunter2")
            wrong = open_warehouse(create_engine(absent, poolclass=NullPool), copy_iam_role=IAM_ROLE)
            (refused,) = run_checks([Check("warehouse", lambda: check_warehouse(wrong, []), "correct the URL")])
            assert (refused.level, refused.remedy, "hunter2" in refused.text) == ("error", "correct the URL", False)
            assert "authentication failed" in refused.text
        run(f"REVOKE ALL ON SCHEMA {schema} FROM {user}")
        run(f"DROP USER {user}")


def test_a_percent_sign_in_a_name_is_no_placeholder(restricted: Restricted) -> None:
    restricted.run('CREATE TABLE shop."50% off" (id int)')
    engine = create_engine(restricted.admin, poolclass=NullPool)
    login, written = run_checks([Check("source", lambda: check_source("shop", engine, [("shop", "50% off")]))])
    assert (login.level, written.text) == ("ok", "its user may do more than read: SUPERUSER")
