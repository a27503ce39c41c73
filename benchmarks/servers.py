"""Start the servers of a run, as the tests do: MariaDB as the source, PostgreSQL as the warehouse, and S3."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks import warehouse
from tests.support.servers.mariadb import running_mariadb
from tests.support.servers.postgres import running_postgres
from tests.support.servers.s3 import S3, running_s3


@dataclass(frozen=True)
class Addresses:
    """The SQLAlchemy URLs, with a database, the folder for files, and the S3 of a run."""

    source: str
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
        for name in ("postgres", "s3", "files"):
            (folder / name).mkdir()
        source = stack.enter_context(stack.enter_context(running_mariadb()).database())
        s3 = stack.enter_context(running_s3(folder / "s3"))
        children = psutil.Process().children()  # without PostgreSQL, which detaches itself
        url = stack.enter_context(stack.enter_context(running_postgres(folder / "postgres")).database())
        ((data,),) = warehouse.run(url, "SHOW data_directory")
        postmaster = psutil.Process(int((Path(data) / "postmaster.pid").read_text().splitlines()[0]))
        yield Servers(Addresses(source, url, str(folder / "files"), s3), [*children, postmaster])
