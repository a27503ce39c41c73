"""The fixtures `postgres` (PostgreSQL 18, from the wheel) and `postgres_debian` (the system's, which is older)."""

import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from sqlalchemy import make_url

from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from tests.support.servers.ports import free_port
from tests.support.servers.postgres_programs import runnable_programs

PASSWORD = "daybook@postgres:/%"  # tests fail if any code forgets to percent-encode it in a URL
# No data here has to survive a power cut, and twenty concurrent runs hold several connections each.
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}

#: Resets a used database to a new one.
EMPTY = """
DO $$
DECLARE used name;
BEGIN
    FOR used IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', used);
    END LOOP;
    CREATE SCHEMA public;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
END $$
"""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL. `url` is for the superuser and the database postgres."""

    url: str
    _free: list[str] = field(default_factory=list, repr=False)
    """Used and emptied databases: creating and dropping one for each of thousands of tests would take minutes."""

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of an empty database. When the block ends, disconnect all clients and empty it."""
        name = self._free.pop() if self._free else self._new()
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._empty(name)
            self._free.append(name)

    def _new(self) -> str:
        name = f"test_{secrets.token_hex(6)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def _empty(self, name: str) -> None:
        database = sql.Identifier(name)
        others = sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}")
        self.execute(others.format(sql.Literal(name)), sql.SQL("ALTER DATABASE {} RESET ALL").format(database))
        self.execute(sql.SQL(EMPTY), database=name)

    def execute(self, *statements: sql.Composable, database: str | None = None) -> None:
        """Run statements as the superuser, in the database `postgres` or in another one."""
        url = make_url(self.url).set(drivername="postgresql")
        dsn = (url.set(database=database) if database else url).render_as_string(hide_password=False)
        with contextlib.closing(psycopg2.connect(dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


def quick_verifier() -> str:
    """Return what a server stores for PASSWORD if it hashes it once, instead of 4,096 times (RFC 5803).

    The tests connect some ten thousand times, and most of a connection's cost is the hashing of the password.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    parts = [base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))]
    return f"SCRAM-SHA-256$1:{parts[0]}${parts[1]}:{parts[2]}"


@contextlib.contextmanager
def running_postgres(home: Path, programs: Path | None = None) -> Iterator[Postgres]:
    """Yield a PostgreSQL under `home`. When the block ends, stop it and delete its files.

    `programs` is the folder of PostgreSQL's programs, if they are not the wheel's.
    """
    server = EmbeddedPostgres(home, free_port(), password=PASSWORD, settings=SETTINGS, programs=programs)
    try:
        server.start()
        postgres = Postgres(server.url())
        user = sql.Identifier(server.user)
        postgres.execute(sql.SQL("ALTER USER {} PASSWORD {}").format(user, sql.Literal(quick_verifier())))
        yield postgres
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Yield the session's PostgreSQL."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Yield the session's PostgreSQL from the system's package: version 15 on Debian 12."""
    home = tmp_path_factory.mktemp("postgres-debian")
    with runnable_programs() as programs, running_postgres(home, programs) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Yield the URL of an empty database of the session's PostgreSQL, for one test."""
    with postgres.database() as url:
        yield url
