"""The servers of a run, which are those of the tests: MariaDB as source, PostgreSQL as warehouse, and S3."""

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
    """Where a run reads and writes. The URLs are SQLAlchemy's, with a database; `folder` is for files."""

    source: str
    warehouse: str
    folder: str
    s3: S3

    def as_dict(self) -> dict[str, object]:
        """As JSON can hold it, passwords included: to be passed on by a pipe only."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, object]) -> "Addresses":
        """The addresses that `as_dict` was made of."""
        return cls(**{**fields, "s3": S3(**fields["s3"])})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Servers:
    """Running servers: their addresses and their processes."""

    addresses: Addresses
    processes: Sequence[psutil.Process]

    def cpu_seconds(self) -> float:
        """What they have used until now, together, with their children, also those that have ended."""
        total = 0.0
        for server in self.processes:
            ended = server.cpu_times()
            total += ended.children_user + ended.children_system
            for process in (server, *server.children(recursive=True)):
                with contextlib.suppress(
                    psutil.NoSuchProcess
                ):  # then it is among the server's ended children next time
                    times = process.cpu_times()
                    total += times.user + times.system
        return total


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """All of them, with empty databases, until the block ends, and then nothing of them."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-bench-")))
        # A folder each: as root PostgreSQL runs as another account, which has to get through to its own.
        for name in ("postgres", "s3", "files"):
            (folder / name).mkdir()
        source = stack.enter_context(stack.enter_context(running_mariadb()).database())
        s3 = stack.enter_context(running_s3(folder / "s3"))
        children = psutil.Process().children()  # PostgreSQL is none: it detaches itself
        url = stack.enter_context(stack.enter_context(running_postgres(folder / "postgres")).database())
        ((data,),) = warehouse.run(url, "SHOW data_directory")
        postmaster = psutil.Process(int((Path(data) / "postmaster.pid").read_text().splitlines()[0]))
        yield Servers(Addresses(source, url, str(folder / "files"), s3), [*children, postmaster])
