"""The sources and warehouses of the flows: prod.nps and prod.visits on MariaDB or MySQL, and each kind of warehouse."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import psycopg2
import pytest
from sqlalchemy import make_url

from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.declared_blocks import make_blocks
from tests.support.prefect_databases import give_job_template
from tests.support.project_copy import Deployed, add_examples
from tests.support.servers.mariadb import MariaDB
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.s3 import S3

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

Row = tuple[object, ...]
COLUMNS = "id bigint, created_at datetime(6) NOT NULL, score tinyint NOT NULL"


@dataclass(frozen=True)
class Production:
    """The database `prod` with the tables nps (with a key) and visits (without), on MariaDB or MySQL."""

    server: MariaDB

    @property
    def url(self) -> str:
        """Return the URL of the database."""
        return make_url(self.server.url).set(database="prod").render_as_string(hide_password=False)

    def run(self, *statements: str) -> list[Row]:
        """Run statements, and return the rows of the last one."""
        with contextlib.closing(self.server.connect(database="prod")) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def fill(self, day: date | str, rows: int, *, table: str = "nps", first_id: int = 1, seed: int = 0) -> None:
        """Add `rows` rows, one per second from midnight (UTC) of `day` on. Another `seed` gives other scores."""
        with contextlib.closing(self.server.connect(database="prod")) as connection, connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO prod.{table} (id, created_at, score) VALUES (%s, %s + INTERVAL %s SECOND, %s)",
                [(first_id + seq, str(day), seq, (seq * 7 + seed) % 11) for seq in range(rows)],
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock prod.nps, as an ALTER does, until the block ends: a load waits for its first row."""
        with contextlib.closing(self.server.connect(database="prod")) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLES prod.nps WRITE")
            yield

    def rows(self, day: date | str | None = None, *, table: str = "nps") -> list[Row]:
        """Return the rows of the table (on `day`, if given), sorted."""
        where = f"WHERE created_at >= '{day}' AND created_at < '{day}' + INTERVAL 1 DAY" if day else ""
        return self.run(f"SELECT id, created_at, score FROM prod.{table} {where} ORDER BY 2, 1, 3")


@dataclass(frozen=True)
class LiveWarehouse:
    """A warehouse and a stage, with the `variables` from which `python -m blocks` makes their blocks."""

    connect: Callable[[], psycopg2.extensions.connection] = field(repr=False)
    variables: dict[str, str] = field(repr=False)
    staged: Callable[[], list[str]] = field(repr=False)

    def run(self, statement: str) -> list[Row]:
        """Run one statement, commit, and return its rows, if any."""
        with contextlib.closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def rows(self, table: str = "nps") -> list[Row]:
        """Return the rows of raw_data.<table>, sorted, or none if the table does not exist."""
        try:
            return self.run(f"SELECT id, created_at, score FROM raw_data.{table} ORDER BY 2, 1, 3")
        except psycopg2.errors.UndefinedTable:
            return []

    def ledger(self, table: str = "nps") -> list[tuple[datetime, datetime, int, str]]:
        """Return (start, end, rows, flow run) of each ledger row of raw_data.<table>, oldest first."""
        try:
            found = self.run(
                "SELECT interval_start, interval_end, rows_loaded, flow_run_id FROM daybook.ledger "
                f"WHERE table_name = 'raw_data.{table}' ORDER BY loaded_at"
            )
        except psycopg2.errors.UndefinedTable:
            return []
        return [(start.astimezone(UTC), end.astimezone(UTC), rows, run) for start, end, rows, run in found]  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def locked(self, table: str = "nps") -> Iterator[None]:
        """Lock raw_data.<table> for reads and writes until the block ends: a load waits."""
        with contextlib.closing(self.connect()) as connection:
            connection.cursor().execute(f"LOCK TABLE raw_data.{table} IN ACCESS EXCLUSIVE MODE")
            yield

    def empty(self) -> None:
        """Drop the schemas raw_data and daybook, as if nothing had ever been loaded."""
        for schema in ("raw_data", "daybook"):
            if self.run(f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'"):
                self.run(f"DROP SCHEMA {schema} CASCADE")


@contextlib.contextmanager
def production_on(server: MariaDB) -> Iterator[Production]:
    """Yield a new database `prod` on the server, and drop it when the block ends."""
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE prod CHARACTER SET utf8mb4")
    production = Production(server)
    production.run(
        f"CREATE TABLE prod.nps ({COLUMNS}, PRIMARY KEY (id), KEY (created_at))",
        f"CREATE TABLE prod.visits ({COLUMNS}, KEY (created_at))",
    )
    yield production
    production.run("DROP DATABASE prod")


@pytest.fixture(scope="session")
def production_server(mariadb: MariaDB) -> Iterator[Production]:
    """Yield the session's `prod` on MariaDB."""
    with production_on(mariadb) as production:
        yield production


@pytest.fixture
def production(production_server: Production) -> Production:
    """Return production with both tables empty."""
    production_server.run("TRUNCATE prod.nps", "TRUNCATE prod.visits")
    return production_server


@pytest.fixture(scope="session")
def on_postgres(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWarehouse]:
    """Yield a PostgreSQL as the warehouse and a folder as the stage."""
    folder = tmp_path_factory.mktemp("stage")

    def staged() -> list[str]:
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())

    with postgres.database() as url:
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        yield LiveWarehouse(
            lambda: psycopg2.connect(dsn), {"DAYBOOK_WAREHOUSE_URL": url, "DAYBOOK_STAGE_URL": str(folder)}, staged
        )


def s3_variables(s3: S3, prefix: str) -> dict[str, str]:
    """Return the variables of a stage below `prefix`."""
    return {
        "DAYBOOK_STAGE_URL": f"{s3.url}/{prefix}",
        "AWS_ACCESS_KEY_ID": s3.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_ENDPOINT_URL": s3.endpoint,
    }


@pytest.fixture(scope="session")
def on_postgres_by_s3(on_postgres: LiveWarehouse, s3: S3) -> LiveWarehouse:
    """Return the same PostgreSQL with S3 as the stage."""
    variables = on_postgres.variables | s3_variables(s3, "for-postgres")
    return LiveWarehouse(on_postgres.connect, variables, lambda: s3.keys(s3.bucket, "for-postgres/"))


@pytest.fixture(scope="session")
def on_redshift(redshift: Redshift, s3: S3) -> LiveWarehouse:
    """Return the Redshift emulator with S3 as the stage."""
    variables = {"DAYBOOK_WAREHOUSE_URL": redshift.url, "DAYBOOK_COPY_IAM_ROLE": IAM_ROLE}
    variables |= s3_variables(s3, "for-redshift")
    return LiveWarehouse(redshift.connect, variables, lambda: s3.keys(s3.bucket, "for-redshift/"))


@pytest.fixture(params=["on_postgres", "on_postgres_by_s3", "on_redshift"])
def target(request: pytest.FixtureRequest) -> LiveWarehouse:
    """Return each kind of warehouse and stage in turn, empty."""
    target: LiveWarehouse = request.getfixturevalue(request.param)
    target.empty()
    return target


@pytest.fixture
def use(prefect_server: str, production: Production) -> Callable[[LiveWarehouse], None]:
    """Return a function that saves the blocks of production and of a target, as `python -m blocks` does."""

    def use(target: LiveWarehouse, **other: str) -> None:
        variables = {"DAYBOOK_PRODUCTION_URL": production.url} | target.variables | other
        make_blocks(variables)

    return use


@pytest.fixture
def without_heartbeat(prefect_server: str) -> Iterator[None]:
    """Turn the heartbeat off: a thread of every run in this process would outlive it by up to a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


@pytest.fixture
def client(prefect_server: str) -> Iterator["SyncPrefectClient"]:
    """Yield a client of the server that the flows in this process use."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="session")
def deployed(
    stack: LocalStack, prefect_server: str, preloaded_python: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """Yield the session's server with a process worker and every deployment of prefect.yaml.

    Runs are forks of a process that has imported Prefect, so each takes one second of CPU time instead of four.
    """
    from prefect.client.orchestration import SyncPrefectClient  # slow, and most tests do not need it

    with SyncPrefectClient(api=prefect_server) as client:
        give_job_template(client, preloaded_python, tmp_path_factory.mktemp("pool"))
        stack.start_worker()
        yield Deployed(stack, client, preloaded_python)


@pytest.fixture(scope="module")
def examples(deployed: Deployed) -> Deployed:
    """Add the example project to the server and the worker. It stays until the end of the session."""
    add_examples(deployed.stack.root)
    deployed.deploy("--all")
    for automation in deployed.client.read_automations():
        deployed.client.delete_automation(automation.id)  # those of the deployments' triggers
    return deployed


@pytest.fixture
def worker(deployed: Deployed, production: Production, on_postgres: LiveWarehouse) -> Deployed:
    """Return the server and the worker, with the blocks of an empty warehouse."""
    on_postgres.empty()
    deployed.make_blocks({"DAYBOOK_PRODUCTION_URL": production.url} | on_postgres.variables)
    return deployed
