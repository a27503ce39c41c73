"""The stack as a whole: what it consists of, and how it is started and stopped."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx

from daybook.orchestration.local_stack import ports
from daybook.orchestration.local_stack.environment import api_url, prefect_environment
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from daybook.orchestration.local_stack.processes import Part, end, marked_processes
from daybook.project import checkout

WORK_POOL = "daybook"
UI_PORT = "DAYBOOK_UI_PORT"
POSTGRES_PORT = "DAYBOOK_POSTGRES_PORT"
#: Prefect's own for a process pool, but that it names the command. Without it each run starts Prefect twice: first to
#: look for what the workspace needs, and then by this command. Ours needs nothing, and a run takes two seconds less.
JOB_TEMPLATE = Path(__file__).with_name("work_pool.json")
SERVER_START = 120  # seconds; its first start makes its database, which takes a slow machine a while


@dataclass(frozen=True)
class LocalStack:
    """Prefect's server and a worker, and a PostgreSQL, for the repository in `root`. State lives in `root/.daybook`."""

    root: Path
    job_template: Path = JOB_TEMPLATE

    @property
    def home(self) -> Path:
        """Where all state is kept."""
        return self.root / ".daybook"

    @property
    def port_memory(self) -> Path:
        """The file that remembers the ports of the last time."""
        return self.home / "ports.json"

    @property
    def server(self) -> Part:
        """The Prefect server, with its UI."""
        return Part(self.home, "server", ("daybook.orchestration.local_stack.prefect_server",))

    @property
    def worker(self) -> Part:
        """The process worker. It makes the work pool where there is none."""
        pool = ("--pool", WORK_POOL, "--type", "process", "--base-job-template", str(self.job_template))
        return Part(self.home, "worker", ("prefect", "worker", "start", *pool, "--name", "local"))

    @cached_property
    def ui_port(self) -> int:
        """The port of the Prefect server."""
        return ports.choose_port(self.port_memory, "ui", UI_PORT, default=4200)

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        """The PostgreSQL that is production and warehouse, where the user has named no other."""
        port = ports.choose_port(self.port_memory, "postgres", POSTGRES_PORT)
        return EmbeddedPostgres(self.home, port)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of everything that runs in the stack or talks to it."""
        return prefect_environment(self.home, self.ui_port)

    @property
    def ui_address(self) -> str:
        """Where a browser finds the UI."""
        return f"http://{ports.ADDRESS}:{self.ui_port}"

    def check_home(self) -> None:
        """Make the state folder. Raises StackError where another user owns it or the disk refuses it."""
        try:
            folders = [self.home, self.home / "prefect", self.home / "tmp"]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            writable = all(os.access(folder, os.W_OK) for folder in folders)
        except OSError:
            writable = False
        if not writable:
            raise StackError(
                f"{self.home} cannot be written to: somebody else has probably run `make demo` here before (as root?). "
                "Run `make stop` as that user, and delete the folder."
            )

    def start_postgres(self) -> None:
        """Start the embedded PostgreSQL if it does not run. Raises StackError where its port is taken."""
        self.check_home()
        if not self.postgres.running():
            ports.require_free(self.postgres.port, "The embedded PostgreSQL", POSTGRES_PORT)
        self.postgres.start()
        ports.remember_port(self.port_memory, "postgres", self.postgres.port)

    def start_server(self) -> None:
        """Start the Prefect server if it does not run on its port; `wait_for_server` waits until it answers."""
        address = {"PREFECT_API_URL": api_url(self.ui_port)}
        if self.server.runs_with(address):
            return
        end(marked_processes(self.home))  # a server on another port or without its folder, and its worker
        ports.require_free(self.ui_port, "The Prefect server", UI_PORT)
        self.check_home()
        ports.remember_port(self.port_memory, "ui", self.ui_port)
        self.server.start(checkout() or self.root, self.environment)

    def wait_for_server(self) -> None:
        """Raises StackError with the end of its log if it ends instead, or does not answer within two minutes."""

        def healthy() -> bool:
            self.server.require_running()
            try:
                return httpx.get(f"{api_url(self.ui_port)}/health", timeout=5, trust_env=False).status_code == 200
            except httpx.HTTPError:
                return False

        if not wait_until(healthy, SERVER_START):
            raise StackError(
                f"The Prefect server has not answered for {SERVER_START} s. See {self.server.log}; `make stop` ends it."
            )

    def worker_runs(self) -> bool:
        """Whether the worker runs, and asks the server on the right port for work."""
        return self.worker.runs_with({"PREFECT_API_URL": api_url(self.ui_port)})

    def start_worker(self) -> None:
        """Start the worker. What an earlier one left running is ended first."""
        self.worker.stop()
        self.worker.start(self.root, self.environment)

    def stop(self) -> int:
        """End all of it, also what an earlier stop or a crash left over. Returns how many processes that were."""
        count = self.worker.stop() + self.server.stop() + end(marked_processes(self.home))
        if self.home.exists() and self.postgres.running():
            self.postgres.stop()
            count += 1
        return count

    def status(self) -> list[str]:
        """A line for each part: whether it runs, where, and its log."""
        lines = []
        for part, address in ((self.server, self.ui_address), (self.worker, f"work pool {WORK_POOL}")):
            process = part.process()
            lines.append(
                f"{part.name}: {f'{address}, process {process.pid}' if process else 'stopped'}, log {part.log}"
            )
        pid = self.postgres.pid()
        where = f"{ports.ADDRESS}:{self.postgres.port}, process {pid}" if pid else "stopped"
        return [*lines, f"postgres: {where}, log {self.postgres.log}"]
