"""Run a PostgreSQL server from a wheel, on 127.0.0.1. It keeps running after the process that starts it ends.

Its files are in `home`/postgres. For root, this may be a link to a folder below /var/tmp, which its account can enter.
"""

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired

import psycopg2
from psycopg2 import sql
from sqlalchemy import URL

from daybook.extras import extra
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.postgres.binaries import copied_programs, wheel_programs
from daybook.orchestration.local_stack.postgres.cluster import make_cluster
from daybook.orchestration.local_stack.postgres.os_account import Account, server_account

with extra("demo"):
    import psutil

HOST = "127.0.0.1"
SECONDS = 60  # for a start, and for a stop
OUT_OF_HOME = Path("/var/tmp")


@dataclass
class EmbeddedPostgres:
    """A PostgreSQL server with `user` as its superuser.

    `settings` are passed to the server unchanged, such as `{"fsync": "off"}`. `authentication` is the method in
    pg_hba.conf of a new cluster. `programs` is a folder of PostgreSQL's programs to use instead of the wheel's.
    """

    home: Path
    port: int
    password: str = field(default="daybook", repr=False)
    user: str = "daybook"
    settings: dict[str, str] = field(default_factory=dict)
    authentication: str = "scram-sha-256"
    programs: Path | None = None

    def __post_init__(self) -> None:
        self.home = Path(self.home).resolve()

    @property
    def folder(self) -> Path:
        """Return the folder of the data, the log and, if needed, a copy of the programs."""
        # Follow one link only: a link under /var/tmp, which any user can create, must not lead anywhere else.
        return self._pointer.readlink() if self._pointer.is_symlink() else self._pointer

    @property
    def data(self) -> Path:
        """Return the cluster's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Return the path of the server's log."""
        return self.folder / "postgres.log"

    @property
    def _pointer(self) -> Path:
        return self.home / "postgres"

    def start(self) -> None:
        """Start the server if it is not running, and wait until it answers. Create its cluster if there is none.

        Raises:
            StackError: the server did not start. Has the reason and the path of the log.
        """
        if self.running():
            self._require_same_port()
            return
        account = server_account()
        try:
            self._settle(account)
            programs = self._programs()
            if not self.data.exists():
                options = self._initdb_options()
                make_cluster(account, programs, self.data, self.user, self.password, options, self.log)
            self._forget_dead_postmaster()
        except PermissionError as error:
            raise StackError(
                f"{error.filename} belongs to another account: run this as that one, or delete it"
            ) from error
        self._launch(account, programs)
        self._require_answer()

    def stop(self) -> None:
        """Shut the server down, if it is running, and disconnect its clients.

        Raises StackError if it has not ended after a minute.
        """
        if (pid := self.pid()) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)  # PostgreSQL's "fast shutdown"
        deadline = time.monotonic() + SECONDS
        while self.running():
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL (process {pid}) did not stop within {SECONDS} s; see {self.log}")
            time.sleep(0.02)

    def destroy(self) -> None:
        """Stop the server and delete its data, its log and the copy of its programs."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._pointer.is_symlink():
            self._pointer.unlink()

    def running(self) -> bool:
        """Return True if the server's process is running."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """Return the process ID of the server, or None if it is not running."""
        # postmaster.pid remains after kill -9 and after a reboot, and its PID may then belong to another program.
        try:
            process = psutil.Process(int(self._postmaster_lines()[0]))
            return process.pid if str(self.data) in process.cmdline() else None
        except (FileNotFoundError, IndexError, ValueError, psutil.Error):
            return None
        except PermissionError as error:
            raise StackError(f"{error.filename} belongs to another account: run this as that one") from error

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg2") -> str:
        """Return SQLAlchemy's URL of `database`, with the password."""
        return URL.create(driver, self.user, self.password, HOST, self.port, database).render_as_string(False)

    def create_database(self, name: str) -> None:
        """Create the database `name` if it does not exist."""
        connection = self._connect()
        try:
            connection.autocommit = True  # CREATE DATABASE does not run in a transaction
            with connection.cursor() as cursor, contextlib.suppress(psycopg2.errors.DuplicateDatabase):
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        finally:
            connection.close()

    def _settle(self, account: Account) -> None:
        """Create the server's folder. The first call decides where it is."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not self._pointer.exists() and not self._pointer.is_symlink():
            at_home = account.can_enter(self.home) and account.can_run(
                (self.programs or wheel_programs()) / "postgres", "--version"
            )
            if not at_home:
                name = hashlib.sha256(os.fsencode(self._pointer)).hexdigest()[:12]
                self._pointer.symlink_to(OUT_OF_HOME / f"daybook-postgres-{os.getuid()}-{name}")
        folder = self.folder
        folder.mkdir(mode=0o700, exist_ok=True)
        # All users can write to /var/tmp, so another user may have created a folder of that name there.
        if folder.lstat().st_uid != os.getuid():
            raise StackError(f"{folder} belongs to another user: delete it, or choose another home than {self.home}")
        if account.switched:
            folder.chmod(0o755)
        self.log.touch(mode=0o600)
        account.give(self.log)

    def _programs(self) -> Path:
        if self.programs is not None:
            return self.programs
        return copied_programs(self.folder) if self._pointer.is_symlink() else wheel_programs()

    def _initdb_options(self) -> list[str]:
        # The wheel's PostgreSQL 18 has a builtin locale that converts the case of all letters; an older one may not.
        letters = [] if self.programs else ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        durability = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        return ["--encoding=UTF8", "--locale=C", *letters, f"--auth={self.authentication}", *durability]

    def _launch(self, account: Account, programs: Path) -> None:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",  # a socket's path is limited to 107 bytes, and a home is easily longer
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        command: list[str | Path] = [programs / "pg_ctl", "start", "-D", self.data, "-l", self.log, "-o", options]
        deadline = time.monotonic() + SECONDS
        while True:
            before = self.log.stat().st_size
            try:
                started = account.run(*command, "-w", "-t", str(SECONDS), timeout=2 * SECONDS)
            except (OSError, TimeoutExpired) as error:
                raise StackError(f"PostgreSQL could not be started: {error} (log: {self.log})") from error
            if started.returncode == 0:
                return
            with self.log.open("rb") as log:
                log.seek(before)
                output = log.read().decode("utf-8", errors="replace")
            # After kill -9 of the server, its child processes hold the shared memory until they notice.
            if "still in use" not in output or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        if "Address already in use" in output:
            raise StackError(
                f"PostgreSQL cannot listen on {HOST}:{self.port}: another program uses that port. "
                f"End it, or choose another port (log: {self.log})"
            )
        raise StackError(f"PostgreSQL did not start: {_reason(output or started.stderr)} (log: {self.log})")

    def _forget_dead_postmaster(self) -> None:
        """Remove a postmaster.pid whose PID belongs to another program: PostgreSQL would mistake that for a server."""
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            if psutil.pid_exists(int(self._postmaster_lines()[0])):
                (self.data / "postmaster.pid").unlink()

    def _postmaster_lines(self) -> list[str]:
        # https://www.postgresql.org/docs/18/storage-file-layout.html: the PID, the folder, the start time, the port
        return (self.data / "postmaster.pid").read_text().splitlines()

    def _require_same_port(self) -> None:
        lines = self._postmaster_lines()
        if len(lines) > 3 and lines[3].strip() != str(self.port):
            raise StackError(
                f"PostgreSQL of {self.home} runs on port {lines[3].strip()}, not {self.port}: stop it, then start it"
            )

    def _require_answer(self) -> None:
        try:
            self._connect().close()
        except psycopg2.OperationalError as error:
            self.stop()
            raise StackError(
                f"PostgreSQL of {self.home} refuses the login of {self.user!r}: {_reason(str(error))}. It was created "
                f"with another user or password: use those, or delete {self.data} (log: {self.log})"
            ) from error

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=HOST, port=self.port, user=self.user, password=self.password, dbname="postgres", sslmode="disable"
        )


def _reason(text: str) -> str:
    """Return the line that has the reason: the first with FATAL or PANIC, or else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it gave no reason"]
    return next((line for line in lines if "FATAL" in line or "PANIC" in line), lines[-1])
