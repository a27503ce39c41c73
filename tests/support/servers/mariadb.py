"""The fixture `mariadb`: a MariaDB of the system's package with its own data folder."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pymysql
import pytest
from sqlalchemy import make_url

from daybook.orchestration.local_stack.postgres.os_account import ENVIRONMENT, server_account
from tests.support.servers import debian_packages
from tests.support.servers.install import COMMAND
from tests.support.servers.ports import free_port
from tests.support.servers.processes import program, remove, serving

HOST = "127.0.0.1"
PASSWORD = "root@maria:db/%"  # tests fail if any code forgets to percent-encode it in a URL


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB. `url` is for root, without a database."""

    url: str

    @classmethod
    @contextlib.contextmanager
    def running(cls, command: Sequence[str], folder: Path, port: int, **account: object) -> Iterator[Self]:
        """Run `command` in `folder`, and yield the server once it answers on `port`. `account` is for Popen."""
        url = make_url("mysql+pymysql://root@/").set(host=HOST, port=port, password=PASSWORD)
        server = cls(url.render_as_string(hide_password=False))
        options = {"cwd": folder, "env": ENVIRONMENT, **account}
        refusals = pymysql.err.OperationalError
        with serving(command, folder / "log", lambda: server.connect().close(), refusals, **options):
            yield server

    def connect(self, **options: object) -> pymysql.Connection:
        """Return a connection of root, with autocommit unless `options` (of pymysql.connect) turn it off."""
        url = make_url(self.url)
        given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        given |= {"autocommit": True, "ssl_disabled": True}
        return pymysql.connect(**{**given, **options})  # type: ignore[call-overload]

    @contextlib.contextmanager
    def database(self, character_set: str = "utf8mb4") -> Iterator[str]:
        """Yield the URL of a new, empty database, and drop it when the block ends."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE `{name}` CHARACTER SET {character_set}")
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._execute(f"DROP DATABASE `{name}`")

    def _execute(self, sql: str) -> None:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)


def _commands(folder: Path) -> tuple[list[str], list[str]]:
    """Return the beginnings of the two command lines. Unpacked programs are linked in `folder`."""
    server, install = program("mariadbd", COMMAND), program("mariadb-install-db", COMMAND)
    if not Path(server).is_relative_to(debian_packages.UNPACKED):
        return [server, "--no-defaults"], [install, "--no-defaults"]
    programs = folder / "programs"  # mariadb-install-db fails if the path contains a space
    programs.symlink_to(Path(server).parents[1])
    libraries = f"LD_LIBRARY_PATH={':'.join(map(str, debian_packages.library_folders()))}"
    last = ("--no-defaults", f"--basedir={programs}")
    return (
        ["env", libraries, f"{programs}/sbin/mariadbd", *last],
        ["env", libraries, f"{programs}/bin/mariadb-install-db", *last],
    )


@contextlib.contextmanager
def running_mariadb() -> Iterator[MariaDB]:
    """Yield a MariaDB with a password for root and its clock in UTC, until the block ends."""
    # Never run as root: mariadb-install-db would also change the owner of the PAM plugin of the system's MariaDB.
    account = server_account()
    # Not in pytest's folder, which the account cannot read; and a socket's path may not exceed 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="daybook-mariadb-"))
    try:
        account.give(folder)
        data = folder / "data"
        server, install = _commands(folder)
        made = account.run(
            *(*install, f"--datadir={data}", "--skip-test-db", "--skip-name-resolve"),
            *("--auth-root-authentication-method=normal", "--innodb-log-file-size=16M", f"--tmpdir={folder}"),
        )
        if made.returncode != 0:
            pytest.fail(f"mariadb-install-db failed:\n{made.stdout}{made.stderr}", False)
        accounts = folder / "accounts.sql"
        accounts.touch(mode=0o600)
        account.give(accounts)
        accounts.write_text(
            f"ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';\n"
            f"CREATE OR REPLACE USER root@'{HOST}' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO root@'{HOST}' WITH GRANT OPTION;\n"
        )
        port = free_port()
        command = [
            *(*server, f"--datadir={data}", f"--bind-address={HOST}", f"--port={port}"),
            *("--socket=mariadb.sock", f"--pid-file={folder / 'pid'}", f"--init-file={accounts}"),
            *("--skip-name-resolve", "--skip-log-bin", "--default-time-zone=+00:00", "--max-connections=300"),
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
            *("--max-allowed-packet=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0"),
            f"--tmpdir={folder}",  # in a shared folder, a starting MariaDB would delete the temporary tables of others
        ]
        with MariaDB.running(command, folder, port, **account.switch) as mariadb:
            yield mariadb
    finally:
        remove(folder)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """Yield the session's MariaDB."""
    with running_mariadb() as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb: MariaDB) -> Iterator[str]:
    """Yield the URL of a new database of the session's MariaDB, for one test."""
    with mariadb.database() as url:
        yield url
