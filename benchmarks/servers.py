"""Start the servers of a run, as the tests do: MariaDB and PostgreSQL to read from, a PostgreSQL to load, and S3."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from sqlalchemy import make_url

from benchmarks import warehouse
from tests.support.servers.mariadb import running_mariadb
from tests.support.servers.postgres import running_postgres
from tests.support.servers.s3 import S3, running_s3


@dataclass(frozen=True)
class Addresses:
    """The SQLAlchemy URLs, with a database, the folder for files, and the S3 of a run."""

    source: str
    """The MariaDB."""
    postgres: str
    """A PostgreSQL to read from. The warehouse is another server."""
    warehouse: str
    folder: str
    s3: S3

    def as_dict(self) -> dict[str, object]:
        """Return the fields for JSON. They include passwords, so pass them only through a pipe."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, object]) -> "Addresses":
        """Return the addresses from the fields of `as_dict`."""
        return cls(**{**fields, "s3": S3(**fields["s3"])})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Servers:
    """Running servers: their addresses and their processes."""

    addresses: Addresses
    processes: Sequence[psutil.Process]

    def cpu_seconds(self) -> float:
        """Return the CPU seconds used by all servers and their child processes, including ended ones."""
        total = 0.0
        for server in self.processes:
            ended = server.cpu_times()
            total += ended.children_user + ended.children_system
            for process in (server, *server.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):  # it has ended, and counts as an ended child next time
                    times = process.cpu_times()
                    total += times.user + times.system
        return total


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """Start all servers with empty databases. Stop and delete them at the end of the block."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-bench-")))
        # Separate folders: for root, PostgreSQL runs as another account, which must be able to enter its folder.
        for name in ("source", "postgres", "s3", "files"):
            (folder / name).mkdir()
        source = stack.enter_context(stack.enter_context(running_mariadb()).database())
        s3 = stack.enter_context(running_s3(folder / "s3"))
        children = psutil.Process().children()  # without PostgreSQL, which detaches itself
        postgres, target = (
            _reachable(stack.enter_context(stack.enter_context(running_postgres(folder / name)).database()))
            for name in ("source", "postgres")
        )
        processes = [*children, _postmaster(postgres), _postmaster(target)]
        yield Servers(Addresses(source, postgres, target, str(folder / "files"), s3), processes)


def _reachable(url: str) -> str:
    """Store the password as usual, and return the URL: Sling refuses the quick verifier of the tests' servers."""
    password = make_url(url).password
    warehouse.run(url, f"ALTER USER CURRENT_USER PASSWORD '{password}'")
    return url


def _postmaster(url: str) -> psutil.Process:
    ((data,),) = warehouse.run(url, "SHOW data_directory")
    return psutil.Process(int((Path(data) / "postmaster.pid").read_text().splitlines()[0]))
