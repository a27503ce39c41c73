"""The local stack: start, stop and list its parts."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daybook.orchestration.local_stack import ports
from daybook.orchestration.local_stack.environment import api_url, prefect_environment
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from daybook.orchestration.local_stack.processes import Part, end, marked_processes
from daybook.orchestration.local_stack.worker import SERVER_START, answers
from daybook.project import checkout

WORK_POOL = "daybook"
UI_PORT = "DAYBOOK_UI_PORT"
POSTGRES_PORT = "DAYBOOK_POSTGRES_PORT"
#: Prefect's own base job template of a process pool, with the command added. Without a command, each run starts Prefect
#: twice: first to find out what the workspace needs. Daybook needs nothing. The command is `python -m prefect.engine`,
#: but searches for garbage as rarely as `daybook.garbage`, also while it imports Prefect.
JOB_TEMPLATE = Path(__file__).with_name("work_pool.json")


@dataclass(frozen=True)
class LocalStack:
    """A Prefect server, a worker and a PostgreSQL for the project in `root`. Their state is in `root/.daybook`."""

    root: Path
    job_template: Path = JOB_TEMPLATE

    @property
    def home(self) -> Path:
        """Return the folder of all state."""
        return self.root / ".daybook"

    @property
    def port_memory(self) -> Path:
        """Return the file that stores the ports of the last start."""
        return self.home / "ports.json"

    @property
    def server(self) -> Part:
        """Return the Prefect server, which also serves the UI."""
        return Part(self.home, "server", ("daybook.orchestration.local_stack.prefect_server",))

    @property
    def worker(self) -> Part:
        """Return the process worker. It waits for the server, and creates the work pool if it does not exist."""
        pool = ("--pool", WORK_POOL, "--type", "process", "--base-job-template", str(self.job_template))
        return Part(self.home, "worker", ("daybook.orchestration.local_stack.worker", *pool, "--name", "local"))

    @cached_property
    def ui_port(self) -> int:
        """Return the port of the Prefect server."""
        return ports.choose_port(self.port_memory, "ui", UI_PORT, default=4200)

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        """Return the embedded PostgreSQL: production and warehouse, unless the user names other databases."""
        port = ports.choose_port(self.port_memory, "postgres", POSTGRES_PORT)
        return EmbeddedPostgres(self.home, port)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every process of the stack and of its clients."""
        return prefect_environment(self.home, self.ui_port)

    @property
    def ui_address(self) -> str:
        """Return the address of the UI."""
        return f"http://{ports.ADDRESS}:{self.ui_port}"

    def check_home(self) -> None:
        """Create the folder of the state. Raises StackError if this user cannot write to it."""
        try:
            folders = [self.home, self.home / "prefect", self.home / "tmp"]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            writable = all(os.access(folder, os.W_OK) for folder in folders)
        except OSError:
            writable = False
        if not writable:
            raise StackError(
                f"{self.home} is not writable: another user, perhaps root, has probably run the demo here before. "
                "As that user, stop it (`daybook stack down`, or `make stop` in a checkout), and delete the folder."
            )

    def start_postgres(self) -> None:
        """Start the embedded PostgreSQL if it is not running. Raises StackError if its port is in use."""
        self.check_home()
        if not self.postgres.running():
            ports.require_free(self.postgres.port, "The embedded PostgreSQL", POSTGRES_PORT)
        self.postgres.start()
        ports.remember_port(self.port_memory, "postgres", self.postgres.port)

    def start_server(self) -> None:
        """Start the Prefect server if it is not running on its port. `wait_for_server` waits until it answers."""
        address = {"PREFECT_API_URL": api_url(self.ui_port)}
        if self.server.runs_with(address):
            return
        end(marked_processes(self.home))  # a server on another port or without its folder, and its worker
        ports.require_free(self.ui_port, "The Prefect server", UI_PORT)
        self.check_home()
        ports.remember_port(self.port_memory, "ui", self.ui_port)
        self.server.start(checkout() or self.root, self.environment)

    def wait_for_server(self) -> None:
        """Wait until the Prefect server answers.

        Raises:
            StackError: it has ended, or did not answer within two minutes. Has the last lines or the path of its log.
        """

        def healthy() -> bool:
            self.server.require_running()
            return answers(api_url(self.ui_port))

        if not wait_until(healthy, SERVER_START):
            raise StackError(f"The Prefect server did not answer within {SERVER_START} s. See {self.server.log}")

    def worker_runs(self) -> bool:
        """Return True if the worker runs and uses the server on the current port."""
        return self.worker.runs_with({"PREFECT_API_URL": api_url(self.ui_port)})

    def start_worker(self) -> None:
        """Start the worker, after ending the processes that an earlier one left. The server may still be starting."""
        self.worker.stop()
        self.worker.start(self.root, self.environment)

    def stop(self) -> int:
        """End every process of the stack, including leftovers of a crash. Return their number."""
        count = self.worker.stop() + self.server.stop() + end(marked_processes(self.home))
        if self.home.exists() and self.postgres.running():
            self.postgres.stop()
            count += 1
        return count

    def status(self) -> list[str]:
        """Return a line for each part: its address and process if it runs, and its log."""
        lines = []
        for part, address in ((self.server, self.ui_address), (self.worker, f"work pool {WORK_POOL}")):
            process = part.process()
            lines.append(
                f"{part.name}: {f'{address}, process {process.pid}' if process else 'stopped'}, log {part.log}"
            )
        pid = self.postgres.pid()
        where = f"{ports.ADDRESS}:{self.postgres.port}, process {pid}" if pid else "stopped"
        return [*lines, f"postgres: {where}, log {self.postgres.log}"]
