"""The fixture `mysql`: Oracle's MySQL, with the default authentication of its version, caching_sha2_password."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.orchestration.local_stack.postgres.os_account import ENVIRONMENT
from tests.support.servers.install_mysql import COMMAND, SERVER, UNPACKED
from tests.support.servers.mariadb import HOST, PASSWORD, MariaDB
from tests.support.servers.ports import free_port
from tests.support.servers.processes import remove


class MySQL(MariaDB):
    """A running MySQL. `url` is for root, without a database."""


def _command() -> list[str]:
    """Return the beginning of the command line, with the loader and the libraries that came with the server."""
    if not SERVER.exists():
        pytest.fail(f"MySQL is not installed, and these tests run on the real server. Install it: {COMMAND}", False)
    usr = UNPACKED / "usr"
    (loader,) = usr.glob("lib/*-linux-*/ld-linux-*.so.*")
    libraries = f"{loader.parent}:{usr}/lib/mysql/private"
    # The packages are in the folder of the current user, who may be root.
    user = ["--user=root"] if os.getuid() == 0 else []
    return [
        *(str(loader), "--library-path", libraries, str(SERVER), "--no-defaults", f"--basedir={usr}", *user),
        *(f"--lc-messages-dir={usr}/share/mysql", "--secure-file-priv=NULL", "--mysqlx=0"),
    ]


@contextlib.contextmanager
def running_mysql() -> Iterator[MySQL]:
    """Yield a MySQL with a password for root and its clock in UTC, until the block ends."""
    server = _command()
    folder = Path(tempfile.mkdtemp(prefix="daybook-mysql-"))  # a socket's path may not exceed 107 bytes
    try:
        accounts = folder / "accounts.sql"
        accounts.touch(mode=0o600)
        accounts.write_text(
            f"CREATE USER root@'{HOST}' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO root@'{HOST}' WITH GRANT OPTION;\n"
        )
        port = free_port()
        command = [
            *(*server, f"--datadir={folder / 'data'}", f"--bind-address={HOST}", f"--port={port}"),
            *("--socket=mysql.sock", f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}", "--skip-name-resolve"),
            *("--skip-log-bin", "--default-time-zone=+00:00", "--innodb-flush-log-at-trx-commit=0"),
            *("--max-allowed-packet=64M", "--innodb-redo-log-capacity=16M"),
            *("--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"),  # no data has to survive a power cut
        ]
        made = subprocess.run(
            [*command, "--initialize-insecure"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
        )
        if made.returncode != 0:
            pytest.fail(f"mysqld --initialize-insecure failed:\n{made.stdout}{made.stderr}", False)
        with MySQL.running([*command, f"--init-file={accounts}"], folder, port) as mysql:
            yield mysql
    finally:
        remove(folder)


@pytest.fixture(scope="session")
def mysql() -> Iterator[MySQL]:
    """Yield the session's MySQL."""
    with running_mysql() as server:
        yield server
