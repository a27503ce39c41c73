"""A command says which Prefect server it uses, in time, and never starts a hidden one."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.cli import main
from daybook.orchestration.server import require
from daybook.orchestration.server.errors import ServerUnreachable
from daybook.orchestration.server.running_stack import HOME_MARK, PART_MARK
from tests.support.servers.ports import free_port

ROOT = Path(__file__).parents[4]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty project, and name no Prefect server."""
    for name in list(os.environ):
        if name.upper().startswith("PREFECT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(require, "_announced", set())
    return tmp_path


@pytest.fixture
def silent() -> Iterator[int]:
    """Yield the port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "command",
    [
        ["load", "raw_data.nps", "2021-02-05"],
        ["backfill", "nps/daily", "2021-02-05", "2021-02-06"],
        ["automations"],
        ["describe", "production", "prod.orders"],
        ["layout"],
    ],
)
def test_without_a_server_the_command_ends_and_names_the_variable(
    command: list[str], nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(command)
    except SystemExit as left:
        code = 1
        print(left, file=sys.stderr)
    said = capsys.readouterr().err
    assert code == 1
    assert "ServerUnreachable: PREFECT_API_URL is not set, so no Prefect server is named" in said
    assert "export PREFECT_API_URL=" in said and "stack up" in said
    assert not list(nowhere.glob("*.db"))


@pytest.mark.servers
@pytest.mark.parametrize("module", ["flows.catch_up", "flows.load_table"])
def test_a_flow_that_is_run_as_a_module_says_so_before_it_imports_prefect(module: str, nowhere: Path) -> None:
    code = [sys.executable, "-X", "importtime", "-m", module, "2021-02-05"]
    done = subprocess.run(code, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 1 and "PREFECT_API_URL is not set" in done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "httpx" in imported and "prefect" not in imported and not list(nowhere.glob("*.db"))


@pytest.mark.servers
def test_a_flow_that_is_called_from_python_starts_no_server(nowhere: Path) -> None:
    code = """
from tests.support.nps_flow import nps
from daybook.orchestration.server.errors import ServerUnreachable
for call in (nps, nps.with_options(retries=0)):
    try:
        call("2021-02-05")
    except ServerUnreachable as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout.count("PREFECT_API_URL is not set, so no Prefect server is named") == 2, done.stderr
    assert not list(nowhere.glob("*.db"))


def test_a_refused_connection_names_the_server_and_where_it_is_set(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    (nowhere / ".env").write_text(f"PREFECT_API_URL={url}\n")
    assert main(["load", "raw_data.nps"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Prefect server: {url} (PREFECT_API_URL from {nowhere}/.env)\n")
    assert f"no Prefect server answers at PREFECT_API_URL={url} (from {nowhere}/.env): " in said
    assert "export PREFECT_API_URL=" in said


def test_a_server_that_does_not_answer_is_named_while_the_command_waits(
    nowhere: Path, silent: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(require, "SLOW", 0.2)
    monkeypatch.setattr(require, "PATIENCE", 0.5)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{silent}/api")
    started = time.monotonic()
    assert main(["load", "raw_data.nps"]) == 1
    assert time.monotonic() - started < 5
    said = capsys.readouterr().err
    assert "has not answered for 0.2 s" in said and "no answer within" in said


@pytest.mark.servers
def test_the_server_of_the_running_local_stack_is_used_and_named(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = nowhere / ".daybook"
    home.mkdir()
    (home / "ports.json").write_text(json.dumps({"ui": 4321}))
    with pytest.raises(ServerUnreachable):
        require.announce_server()  # the stack is stopped: another program may have the port

    marks = {HOME_MARK: str(home), PART_MARK: "server"}
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=os.environ | marks)
    try:
        assert require.announce_server().url == "http://127.0.0.1:4321/api"
        assert require.announce_server().source == "the environment"
        assert os.environ.pop("PREFECT_API_URL") == "http://127.0.0.1:4321/api"
        why = "the local stack of this project: PREFECT_API_URL is not set"
        assert capsys.readouterr().err == f"Prefect server: http://127.0.0.1:4321/api ({why})\n", "it is said once"
        assert "export PREFECT_API_URL=http://127.0.0.1:4321/api" in require.not_named()
    finally:
        running.kill()
        running.wait()


def test_a_temporary_server_is_possible_for_those_who_ask_for_it(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
    require.require_server()
    assert "Prefect server: a temporary one, for this process alone (allowed in the env" in capsys.readouterr().err
