"""The local stack, with real processes: what is found again, what is ended, what is left alone, and what is said."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from daybook.orchestration.local_stack import ports
from daybook.orchestration.local_stack.environment import prefect_environment
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.lock import only_one
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.processes import HOME_MARK, PART_MARK, Part, end, marked_processes
from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.prefect_databases import give_database
from tests.support.quick_stack import QuickStack

pytestmark = pytest.mark.servers  # each starts a process

ROOT = Path(__file__).parents[2]
VARIABLE = "DAYBOOK_TEST_PORT"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A state folder with a space in its path, after whose test nothing of it runs any more."""
    home = tmp_path / "a clone" / ".daybook"
    home.mkdir(parents=True)
    yield home
    end(marked_processes(home))


@pytest.fixture
def part(home: Path) -> Part:
    """A part that starts a child and then waits for ever."""
    (home / "waits.py").write_text(
        textwrap.dedent("""
            import subprocess, sys, time
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            print("waiting", flush=True)
            time.sleep(600)
        """)
    )
    return Part(home, "server", ("waits",))


def start(part: Part, **more: str) -> psutil.Process:
    """Start the part, and return its process once it has its child."""
    part.start(part.home, {**os.environ, **more})
    assert wait_until(lambda: len(marked_processes(part.home)) == 2, 30)
    process = part.process()
    assert process is not None
    return process


def test_a_part_is_found_again_by_whoever_looks_in_the_same_home(part: Part, tmp_path: Path) -> None:
    process = start(part)
    assert Part(part.home, "server", ("waits",)).process() == process
    assert Part(tmp_path, "server", ("waits",)).process() is None
    assert Part(part.home, "worker", ("waits",)).process() is None
    assert os.getsid(process.pid) == process.pid  # Ctrl-C in the terminal does not reach it
    assert "waiting" in part.log_tail()


def test_stop_ends_the_part_and_its_child_and_can_be_repeated(part: Part) -> None:
    start(part)
    assert part.stop() == 2
    assert part.process() is None
    assert marked_processes(part.home) == []
    assert part.stop() == 0


def test_a_child_whose_parent_was_killed_is_no_running_part_but_is_ended(part: Part) -> None:
    start(part).send_signal(signal.SIGKILL)
    assert wait_until(lambda: part.process() is None, 10)
    assert len(marked_processes(part.home)) == 1
    assert part.stop() == 1
    assert marked_processes(part.home) == []


def test_a_process_that_ignores_sigterm_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybook.orchestration.local_stack.processes.GRACE", 1)
    (home / "stubborn.py").write_text(
        textwrap.dedent("""
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            time.sleep(600)
        """)
    )
    stubborn = Part(home, "worker", ("stubborn",))
    stubborn.start(home, dict(os.environ))
    assert wait_until(lambda: "ready" in stubborn.log_tail(), 30)
    assert stubborn.stop() == 1
    assert marked_processes(home) == []


def test_a_process_that_only_looks_like_ours_is_left_alone(part: Part) -> None:
    """The same command, in the same folder, with a pid that could be anyone's: but without the mark of this home."""
    stranger = subprocess.Popen([sys.executable, "-m", "waits"], cwd=part.home, stdout=subprocess.DEVNULL)
    other_clone = subprocess.Popen(
        [sys.executable, "-m", "waits"],
        cwd=part.home,
        stdout=subprocess.DEVNULL,
        env={**os.environ, HOME_MARK: f"{part.home}2", PART_MARK: "server"},
    )
    try:
        (part.home / "server.pid").write_text(str(stranger.pid))  # what a stale pid file would say
        assert part.process() is None
        assert part.stop() == 0
        assert LocalStack(part.home.parent).stop() == 0
        assert stranger.poll() is None
        assert other_clone.poll() is None
    finally:
        end([child for process in (stranger, other_clone) for child in _family(process.pid)])
        stranger.wait()
        other_clone.wait()


def test_a_part_with_another_address_or_a_deleted_folder_does_not_count_as_running(part: Part) -> None:
    start(part, PREFECT_API_URL="http://127.0.0.1:4200/api")
    assert part.runs_with({"PREFECT_API_URL": "http://127.0.0.1:4200/api"})
    assert not part.runs_with({"PREFECT_API_URL": "http://127.0.0.1:4300/api"})
    part.log.unlink()
    assert not part.runs_with({"PREFECT_API_URL": "http://127.0.0.1:4200/api"})


def test_a_part_that_ended_says_why(home: Path) -> None:
    (home / "breaks.py").write_text("raise SystemExit('the disk is full')")
    broken = Part(home, "server", ("breaks",))
    broken.start(home, dict(os.environ))
    assert wait_until(lambda: broken.process() is None and "disk" in broken.log_tail(), 30)
    with pytest.raises(StackError, match="The server has ended") as failure:
        broken.require_running()
    assert "the disk is full" in str(failure.value)
    assert str(broken.log) in str(failure.value)


def test_a_taken_port_is_reported_with_its_holder_and_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StackError) as failure:
            ports.require_free(port, "The Prefect server", VARIABLE)
    said = str(failure.value)
    assert f"port {port}" in said
    assert f"process {os.getpid()}" in said
    suggestion = int(said.split(f"{VARIABLE}=")[1].split()[0])
    ports.require_free(suggestion, "The Prefect server", VARIABLE)
    ports.require_free(port, "The Prefect server", VARIABLE)  # given up by now


@pytest.mark.parametrize("command", ["stack up", "demo"])
def test_what_starts_the_stack_says_that_its_port_is_taken(command: str, home: Path) -> None:
    (home.parent / "daybook.yaml").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        variables = {"DAYBOOK_UI_PORT": str(port := listener.getsockname()[1]), "PYTHONPATH": str(ROOT)}
        tried = [sys.executable, "-m", "daybook", *command.split()]
        done = subprocess.run(tried, cwd=home.parent, env=os.environ | variables, capture_output=True, text=True)
    assert (done.returncode, f"port {port}" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "4200.5"])
def test_a_port_that_is_none_is_refused(value: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(StackError, match=f"{VARIABLE} is '{value}'"):
        ports.choose_port(home / "ports.json", "ui", VARIABLE, default=4200)


def test_a_port_comes_from_the_variable_then_memory_then_the_default_if_it_is_free(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = home / "ports.json"
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(ports, "_is_free", lambda port: port not in taken)
    taken = {4200}
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4201
    taken.clear()
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4200
    ports.remember_port(memory, "ui", 4300)
    ports.remember_port(memory, "postgres", 15500)
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4300
    assert ports.choose_port(memory, "postgres", VARIABLE) == 15500
    monkeypatch.setenv(VARIABLE, "4400")
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4400


@pytest.mark.parametrize("damage", ["", "{", "[1]", "null", json.dumps({"ui": "many"})])
def test_a_damaged_memory_remembers_nothing(damage: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    memory = home / "ports.json"
    memory.write_text(damage)
    monkeypatch.setattr(ports, "_is_free", lambda port: True)
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4200
    ports.remember_port(memory, "ui", 4300)
    assert ports.choose_port(memory, "ui", VARIABLE, default=4200) == 4300


def test_no_server_of_the_user_reaches_the_stack(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://api.prefect.cloud/api/accounts/x")
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_secret")
    monkeypatch.setenv("PREFECT_PROFILE", "work")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.5")
    monkeypatch.setenv("DAYBOOK_PROJECT", "/home/me/shop")
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    monkeypatch.setenv("no_proxy", "example.com")
    environment = prefect_environment(home, 4300)
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4300/api"
    assert environment["PREFECT_HOME"] == str(home / "prefect")
    assert environment["PATH"].split(os.pathsep) == [
        str(Path(sys.executable).parent),
        *os.environ["PATH"].split(os.pathsep),
    ]
    removed = {"PREFECT_API_KEY", "PREFECT_PROFILE", "PGHOSTADDR", "DAYBOOK_PROJECT", "DAYBOOK_TARGET"}
    assert not removed & environment.keys()
    assert environment["no_proxy"] == environment["NO_PROXY"] == "example.com,127.0.0.1,localhost"


def test_a_second_demo_in_the_same_folder_waits_its_turn(home: Path) -> None:
    with only_one(home), pytest.raises(StackError, match="Another demo"), only_one(home):
        pytest.fail("two held the lock")
    with only_one(home):
        assert (home / "lock").exists()


@pytest.mark.full
def test_the_prefect_server_survives_its_starter_and_is_replaced_after_kill_9(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_database: Path
) -> None:
    """Started twice: one server. Killed: a new one on the same database. Folder deleted under it: a new one again."""
    stack = QuickStack(tmp_path)
    give_database(stack, migrated_database)
    monkeypatch.setenv("DAYBOOK_UI_PORT", str(_unused_port()))
    try:
        stack.start_server()
        stack.wait_for_server()
        first = stack.server.process()
        stack.start_server()
        assert stack.server.process() == first
        assert first is not None

        first.kill()
        assert wait_until(lambda: stack.server.process() is None, 10)
        with pytest.raises(StackError, match="The server has ended"):
            stack.wait_for_server()
        stack.start_server()
        stack.wait_for_server()

        second = stack.server.process()
        for file in sorted(stack.home.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        stack.start_server()
        stack.wait_for_server()
        assert stack.server.process() not in (None, first, second)
        assert (stack.home / "prefect" / "prefect.db").exists()
        assert any("server: http://127.0.0.1:" in line for line in stack.status())
        assert stack.stop() == 1
        assert stack.stop() == 0
    finally:
        stack.stop()
    assert marked_processes(stack.home) == []


def test_stopping_where_nothing_was_ever_started_leaves_no_trace(tmp_path: Path) -> None:
    assert LocalStack(tmp_path).stop() == 0
    assert list(tmp_path.iterdir()) == []


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    deadline = time.monotonic() + 10
    while not process.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    return [process, *process.children()]


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
