"""A Python that has imported Prefect already, and forks for each module that it is asked to run.

To import Prefect takes three seconds of a core, and the tests start a flow in some two hundred processes. Here each of
these is a fork of one that has imported Prefect and the libraries, but nothing of the project. All else is as if
`python -m MODULE` had been started: it is a process of its own with its own environment, from which Prefect reads its
settings; it imports the project's modules from its folder; it ends normally. tests/end_to_end/test_worker.py does
without.

`python -m tests.support.preloaded ADDRESS` serves at a Unix socket. tests/support/run_preloaded.py is the command line.
"""

import contextlib
import importlib
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from daybook.orchestration.local_stack.environment import prefect_environment
from daybook.orchestration.local_stack.stack import JOB_TEMPLATE
from tests.support import run_preloaded

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    "prefect.flow_engine",
    "prefect.deployments",
    "prefect._internal.metrics",
    "prefect.cli.deploy",
    "prefect.runner._workspace_starter",
    "prefect_sqlalchemy",
    "prefect_aws",
    "boto3",
    "psycopg2",
    "pymysql",
    "ruamel.yaml",
    "sqlalchemy",
    "sqlglot",
    "tenacity",
)


@contextlib.contextmanager
def preloaded(environment: Mapping[str, str]) -> Iterator[str]:
    """Serve until the block ends, and yield the address. `environment` is that in which the libraries are imported."""
    folder = Path(tempfile.mkdtemp(prefix="preloaded-"))  # a socket's path has at most a hundred characters
    started = [sys.executable, "-m", "tests.support.preloaded", str(folder / "socket")]
    server = subprocess.Popen(started, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert server.stdout and server.stdout.readline() == b"ready\n", "it says why on its standard error"
        yield started[-1]
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


def write_job_template(address: str, folder: Path) -> Path:
    """Write the local stack's job template to `folder`, with a command that runs each flow as a fork of the process."""
    template = json.loads(JOB_TEMPLATE.read_text(encoding="utf-8"))
    template["variables"]["properties"]["command"]["default"] = shlex.join(command(address, "prefect.engine"))
    file = folder / "preloaded_job_template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    return file


def command(address: str, module: str, *arguments: str) -> list[str]:
    """Return the command line that is `python -m MODULE ARGUMENT …`, as a fork of the process."""
    return [sys.executable, "-S", "-E", run_preloaded.__file__, address, module, *arguments]


@pytest.fixture(scope="session")
def preloaded_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Python that has imported Prefect already."""
    with preloaded(prefect_environment(tmp_path_factory.mktemp("preloaded"), 0)) as address:
        yield address


def serve(address: str) -> dict[str, object]:
    """Accept requests for ever. Returns in the forks: the request, whose streams and folder are those of the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the supervisors
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(50)
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    return supervise(connection)


def supervise(connection: socket.socket) -> dict[str, object]:
    """Fork for one request. Returns in the fork; the supervisor stays until the fork or the client has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, *_ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as rest:
        request: dict[str, object] = json.loads(rest.read(int(size)))
    process = os.fork()
    if process == 0:
        connection.close()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request
    for stream in streams:
        os.close(stream)
    connection.sendall(b"%8d" % process)
    ended = os.pidfd_open(process)
    ready, _, _ = select.select([connection, ended], [], [])
    if ended not in ready:
        os.kill(process, signal.SIGKILL)  # the client was killed
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(OSError):
        connection.sendall(b"%8d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def main(address: str) -> None:
    """Serve; in a fork, be the module."""
    for library in LIBRARIES:
        importlib.import_module(library)
    request = serve(address)
    module, arguments, folder, environment = (request[name] for name in run_preloaded.REQUEST)
    assert isinstance(module, str) and isinstance(arguments, list) and isinstance(environment, dict)
    os.chdir(str(folder))
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = str(folder)
    sys.argv = ["", *arguments]

    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
