"""The embedded PostgreSQL: started, found again, stopped, and right after whatever happened to it."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.postgres.binaries import wheel_programs
from daybook.orchestration.local_stack.postgres.os_account import server_account
from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.servers  # each starts a process

ROOT = Path(__file__).parents[5]
HASTE = {"fsync": "off"}


def scalar(server: EmbeddedPostgres, query: str, database: str = "postgres") -> object:
    engine = sa.create_engine(server.url(database))
    try:
        with engine.begin() as connection:
            return connection.execute(sa.text(query)).scalar()
    finally:
        engine.dispose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that is not started yet, in a home whose path no socket's would fit in."""
    home = tmp_path / ("a long name, with blanks " * 5).strip()
    server = EmbeddedPostgres(home, free_port(), password="p@ss:w/rd %", settings=dict(HASTE))
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server that runs, for tests that only look at it."""
    settings = {**HASTE, "work_mem": "7MB"}
    server = EmbeddedPostgres(tmp_path_factory.mktemp("home"), free_port(), password="p@ss:w/rd %", settings=settings)
    server.start()
    yield server
    server.destroy()


def test_it_starts_twice_and_stops_twice(server: EmbeddedPostgres):
    assert not server.running()
    server.start()
    first = server.pid()
    server.start()
    assert (server.running(), server.pid()) == (True, first)
    assert str(scalar(server, "SELECT version()")).startswith("PostgreSQL 18")
    server.stop()
    server.stop()
    assert not server.running()
    with pytest.raises(sa.exc.OperationalError):
        scalar(server, "SELECT 1")


@pytest.mark.full
def test_what_was_written_is_there_after_a_restart(server: EmbeddedPostgres):
    server.start()
    for _ in range(2):
        server.create_database('Ünusual "name"')
    with contextlib.closing(psycopg2.connect(server.url('Ünusual "name"', driver="postgresql"))) as connection:
        connection.cursor().execute("CREATE TABLE t AS SELECT 42 AS answer")
        connection.commit()
    server.stop()
    server.start()
    assert scalar(server, "SELECT answer FROM t", 'Ünusual "name"') == 42


def test_it_has_utf8_utc_and_the_settings_given(running: EmbeddedPostgres):
    assert scalar(running, "SHOW server_encoding") == "UTF8"
    assert scalar(running, "SHOW timezone") == "UTC"
    assert scalar(running, "SELECT lower('ÉÑ')") == "éñ"
    assert scalar(running, "SHOW work_mem") == "7MB"
    assert scalar(running, "SHOW fsync") == "off"


def test_it_listens_on_the_loopback_alone_and_wants_the_password(running: EmbeddedPostgres):
    assert scalar(running, "SHOW listen_addresses") == "127.0.0.1"
    assert scalar(running, "SHOW unix_socket_directories") == ""
    for password in ("wrong", ""):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(
                host="127.0.0.1",
                port=running.port,
                user=running.user,
                password=password,
                dbname="postgres",
                passfile="",
            )


def test_the_password_is_in_no_representation(running: EmbeddedPostgres):
    assert running.password not in repr(server)
    command = " ".join(psutil.Process(running.pid()).cmdline())
    assert running.password not in command
    assert not list(running.folder.glob("password*"))
    assert running.password not in running.log.read_text()


@pytest.mark.full
def test_another_object_of_the_same_home_finds_it_running(server: EmbeddedPostgres):
    server.start()
    again = EmbeddedPostgres(server.home, server.port, password=server.password)
    assert again.pid() == server.pid()
    again.start()
    again.stop()
    assert not server.running()


def test_it_outlives_the_process_that_starts_it_and_its_group(server: EmbeddedPostgres):
    code = textwrap.dedent(f"""
        from pathlib import Path
        from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
        EmbeddedPostgres(Path({str(server.home)!r}), {server.port}, {server.password!r}, settings={HASTE!r}).start()
        input()
    """)
    starter = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert starter.stdin and starter.stderr
    while not server.running() and starter.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            starter.wait(0.05)
    assert starter.poll() is None, starter.stderr.read().decode()
    os.killpg(starter.pid, signal.SIGINT)  # what Ctrl-C does
    starter.communicate()
    server.start()
    assert scalar(server, "SELECT 1") == 1


def test_after_kill_9_it_starts_again_with_what_was_committed(server: EmbeddedPostgres):
    server.start()
    with contextlib.closing(psycopg2.connect(server.url(driver="postgresql"))) as connection:
        connection.cursor().execute("CREATE TABLE t AS SELECT 42 AS answer")
        connection.commit()
        killed = server.pid()
        assert killed
        os.kill(killed, signal.SIGKILL)  # while a client is there
        psutil.wait_procs([psutil.Process(killed)] if psutil.pid_exists(killed) else [])
        assert not server.running()
        server.start()
    assert server.pid() != killed
    assert scalar(server, "SELECT answer FROM t") == 42


@pytest.mark.full
def test_a_postmaster_pid_whose_number_is_another_programs_does_no_harm(server: EmbeddedPostgres):
    """After a reboot the number is anybody's; PostgreSQL would refuse to start, and a kill would hit a stranger."""
    server.start()
    content = (server.data / "postmaster.pid").read_text()
    server.stop()
    account = server_account()
    switch = {"user": account.uid, "group": account.gid} if account.switched else {}
    stranger = subprocess.Popen(["sleep", "600"], cwd="/", **switch)
    try:
        (server.data / "postmaster.pid").write_text(content.replace(content.split()[0], str(stranger.pid), 1))
        assert not server.running()
        server.stop()
        server.start()
        assert scalar(server, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.full
def test_a_broken_earlier_initdb_does_no_harm(server: EmbeddedPostgres):
    server.start()
    server.stop()
    server.data.rename(server.folder / "data-new")  # as a run leaves it that was killed within initdb
    (server.folder / "data-new" / "PG_VERSION").unlink()
    (server.folder / "password-new").write_text("left behind")
    server.start()
    assert scalar(server, "SELECT 1") == 1
    assert not (server.folder / "data-new").exists()


def test_a_taken_port_is_said(server: EmbeddedPostgres):
    with socket.create_server(("127.0.0.1", server.port)):
        with pytest.raises(StackError, match=rf"127.0.0.1:{server.port}: another program uses that port") as error:
            server.start()
        assert str(server.log) in str(error.value)
        assert not server.running()
    server.start()
    assert server.running()


def test_another_port_than_the_one_it_runs_on_is_said(running: EmbeddedPostgres):
    moved = EmbeddedPostgres(running.home, free_port(), password=running.password)
    with pytest.raises(StackError, match=f"runs on port {running.port}, not {moved.port}: stop it"):
        moved.start()


@pytest.mark.full
def test_another_password_than_the_clusters_is_said(server: EmbeddedPostgres):
    server.start()
    server.stop()
    other = EmbeddedPostgres(server.home, server.port, password="another", settings=HASTE)
    with pytest.raises(StackError, match="created with another user or password") as error:
        other.start()
    assert "another'" not in str(error.value)
    assert not other.running()


def test_a_setting_that_postgres_refuses_is_said_with_its_reason(server: EmbeddedPostgres):
    server.settings["shared_buffers"] = "a lot"
    with pytest.raises(StackError, match=r'FATAL.*"shared_buffers"') as error:
        server.start()
    assert str(server.log) in str(error.value)


def test_programs_that_cannot_be_run_are_said(server: EmbeddedPostgres, tmp_path: Path):
    server.programs = tmp_path
    with pytest.raises(StackError, match=f"cannot run {tmp_path}/initdb"):
        server.start()


@pytest.mark.full
def test_no_folder_above_its_own_is_loosened(server: EmbeddedPostgres):
    server.home.mkdir(mode=0o700)
    above = [server.home, *server.home.parents]
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in above]
    server.start()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in above] == before
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert server.data.stat().st_uid == server_account().uid


def test_destroy_leaves_nothing(server: EmbeddedPostgres):
    server.start()
    folder = server.folder
    server.destroy()
    assert not server.running()
    assert not folder.exists()
    assert list(server.home.iterdir()) == []


def test_it_lives_under_its_home_where_its_account_gets_there(running: EmbeddedPostgres):
    account = server_account()
    if account.can_enter(running.home) and account.can_run(wheel_programs() / "postgres", "--version"):
        assert running.folder == running.home / "postgres"
    else:
        assert account.switched, "an ordinary user always gets to its own folders"
        assert (running.home / "postgres").readlink() == running.folder
        assert running.folder.parent == Path("/var/tmp")
        assert running.folder.stat().st_uid == os.getuid()  # so that the server cannot change its own programs
