"""A Python process that has already imported Prefect, and forks for each module that it is asked to run.

Importing Prefect takes three seconds of CPU time, and the tests run flows in some two hundred processes. Each of them
is a fork of one process that has imported Prefect and the libraries, but nothing of the project. Otherwise it behaves
like `python -m MODULE`: it is a separate process with its own environment, from which Prefect reads its settings; it
imports the project's modules from its folder; it exits normally. tests/end_to_end/test_worker.py does not use it.

`python -m tests.support.preloaded ADDRESS` listens on a Unix socket. The client is tests/support/run_preloaded.py.
"""

import contextlib
import gc
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
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlglot",
    "tenacity",
)


@contextlib.contextmanager
def preloaded(environment: Mapping[str, str]) -> Iterator[str]:
    """Serve until the block ends, and yield the address. The libraries are imported with `environment`."""
    folder = Path(tempfile.mkdtemp(prefix="preloaded-"))  # a socket's path has at most 107 bytes
    started = [sys.executable, "-m", "tests.support.preloaded", str(folder / "socket")]
    server = subprocess.Popen(started, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert server.stdout and server.stdout.readline() == b"ready\n", "it did not start: see its standard error"
        yield started[-1]
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


def write_job_template(address: str, folder: Path) -> Path:
    """Write the local stack's job template to `folder`, with a command that runs each flow as a fork."""
    template = json.loads(JOB_TEMPLATE.read_text(encoding="utf-8"))
    template["variables"]["properties"]["command"]["default"] = shlex.join(command(address, "prefect.engine"))
    file = folder / "preloaded_job_template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    return file


def command(address: str, module: str, *arguments: str) -> list[str]:
    """Return the command line that runs `python -m MODULE ARGUMENT …` as a fork."""
    return [sys.executable, "-S", "-E", run_preloaded.__file__, address, module, *arguments]


@pytest.fixture(scope="session")
def preloaded_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a Python process that has already imported Prefect."""
    with preloaded(prefect_environment(tmp_path_factory.mktemp("preloaded"), 0)) as address:
        yield address


def serve(address: str) -> dict[str, object]:
    """Accept requests forever. Return only in a fork, with its request, after its streams are set."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no process waits for the supervisors
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
    """Fork for one request. Return only in the fork; the supervisor waits until the fork or the client has exited."""
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
    ready, _, _ = select.select([connection.fileno(), ended], [], [])
    if ended not in ready:
        os.kill(process, signal.SIGKILL)  # the client was killed
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(OSError):
        connection.sendall(b"%8d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def main(address: str) -> None:
    """Serve. In a fork, run the module."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()  # a fork does not search what is imported here for garbage: that took it 0.7 s
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
