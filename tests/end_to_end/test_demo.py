"""`daybook demo` of a wheel, in an empty folder: its timeline, the commands that it proposes, what it leaves alone."""

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.servers.ports import free_port

ROOT = Path(__file__).parents[2]
TIMELINE = re.compile(r"^ {2}(\S.*?) {2,}(\d+\.\d) s +(\d+\.\d) s +(\d+\.\d) s *$", re.MULTILINE)
STEPS = (
    "the program starts",
    "PostgreSQL",
    "sample rows",
    "project files",
    "Prefect server",
    "worker",
    "blocks and deployments",
    "nps/full-refresh",
    "nps/daily",
    "catch-up/daily",
    "summaries/daily",
    "automations",
    "total",
)

pytestmark = [pytest.mark.full, pytest.mark.servers]


@contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """Yield a port, and the connections to it, of which each is closed at once."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                connections.append(address)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], connections


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's content, for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", str(folder), str(ROOT), "--quiet"]
    subprocess.run(build, check=True)
    with ZipFile(next(folder.glob("*.whl"))) as packed:
        packed.extractall(folder / "content")
    return folder / "content"


def test_the_demo_loads_and_its_commands_work_when_pasted(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    python = f"{sys.executable} -m daybook"
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(wheel)}
    with listener() as (port, connections):
        profiles = tmp_path / ".prefect" / "profiles.toml"
        profiles.parent.mkdir()
        profiles.write_text(f'active = "work"\n[profiles.work]\nPREFECT_API_URL = "http://127.0.0.1:{port}/api"\n')
        theirs = {
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_PROFILE": "work",
            "DAYBOOK_PRODUCTION_URL": f"postgresql+psycopg2://reader:secret@127.0.0.1:{port}/shop",
            "DAYBOOK_WAREHOUSE_URL": f"postgresql+psycopg2://loader:secret@127.0.0.1:{port}/dwh",
            "SLACK_WEBHOOK_URL": f"http://127.0.0.1:{port}/slack",
            "HTTP_PROXY": f"http://127.0.0.1:{port}",
            "PGHOSTADDR": "192.0.2.1",
            "PGSSLMODE": "require",
            "DAYBOOK_TARGET": "dev",
            "DAYBOOK_PROJECT": str(tmp_path),
        }
        ports = {"DAYBOOK_UI_PORT": str(free_port()), "DAYBOOK_POSTGRES_PORT": str(free_port())}
        try:
            done = subprocess.run(
                shlex.split(f"{python} demo"), cwd=folder, env=clean | theirs | ports, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "ignores DAYBOOK_PRODUCTION_URL, DAYBOOK_WAREHOUSE_URL" in done.stdout
            _check_timeline(done.stdout)
            commands = re.findall(r"(?m)^ {4}(\S.*)$", done.stdout.partition("Next")[2])
            assert len(commands) == 4
            for command in commands:  # in another terminal, and in another folder
                pasted = subprocess.run(command, shell=True, cwd=tmp_path, env=clean, capture_output=True, text=True)
                assert pasted.returncode == 0, f"{command}\n{pasted.stdout}{pasted.stderr}"
        finally:
            subprocess.run(shlex.split(f"{python} stack down"), cwd=folder, env=clean)
        assert connections == []


def _check_timeline(printed: str) -> None:
    """Check that the timeline has every step, and that some step runs at every moment from the start to the end."""
    found = {title: tuple(map(float, times)) for title, *times in TIMELINE.findall(printed)}
    assert tuple(found) == STEPS
    _, total, _ = found.pop("total")
    reached = 0.0
    for begin, end, seconds in sorted(found.values()):
        assert abs(end - begin - seconds) < 0.11  # each is rounded
        assert begin - reached < 0.1 * total, f"nothing runs from {reached} to {begin}"
        reached = max(reached, end)
    assert total - reached < 0.1 * total
