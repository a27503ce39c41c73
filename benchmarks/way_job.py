"""What a way has to load. Each way runs as a program of its own, with the packages of its own environment.

So this module uses the standard library only. The job comes from standard input, because its URLs have passwords.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

KEY_AND_INDEX = "key and index"


@dataclass(frozen=True)
class Job:
    """One table to load, or one day of it."""

    source: str
    """The SQLAlchemy URL of a MariaDB or a PostgreSQL, and so is `warehouse`."""
    warehouse: str
    from_table: str
    schema: str
    """The schema of the loaded table. Its name is `table`."""
    columns: tuple[str, ...]
    create: str
    """The statement that creates the table, without key and index, for a way that does not create it by itself."""
    key_and_index: tuple[str, ...]
    """The statements that create its key and its index."""
    folder: str
    """For files of the way, which stay until its next load."""
    table: str = "nps"
    day: str | None = None
    """The first day to replace, as 2019-01-01. Without it, the whole table is loaded."""
    days: int = 1
    """The number of days to replace."""
    tables: tuple[str, ...] = ()
    """The tables to load instead, each under its own name, with a primary key on id."""
    most_rows: int | None = None
    """The number of rows to load, by their id, if not all."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the way."""

    @property
    def target(self) -> str:
        """Return the qualified name of the loaded table."""
        return f"{self.schema}.{self.table}"

    @property
    def condition(self) -> str:
        """Return the SQL condition for the rows to load. It is the same in both databases."""
        if self.day is None:
            return "true" if self.most_rows is None else f"id <= {self.most_rows}"
        end = date.fromisoformat(self.day) + timedelta(days=self.days)
        return f"created_at >= '{self.day}' AND created_at < '{end}'"

    @property
    def query(self) -> str:
        """Return the query for the rows to load."""
        where = "" if self.condition == "true" else f" WHERE {self.condition}"
        return f"SELECT {', '.join(self.columns)} FROM {self.from_table}{where}"

    def json(self) -> str:
        """Return the job as JSON."""
        return json.dumps(asdict(self))


def server(url: str) -> SplitResult:
    """Return the parts of a SQLAlchemy URL. Its user and password are still percent-encoded."""
    return urlsplit(url)


def password(url: str) -> str:
    """Return the password of a SQLAlchemy URL."""
    return unquote(urlsplit(url).password or "")


def database(url: str) -> str:
    """Return the name of the database of a SQLAlchemy URL."""
    return urlsplit(url).path.lstrip("/")


def plain(url: str, scheme: str | None = None) -> str:
    """Return a SQLAlchemy URL with another scheme, by default its own without the driver: postgresql://…"""
    return urlsplit(url)._replace(scheme=scheme or urlsplit(url).scheme.partition("+")[0]).geturl()


def read_job() -> Job:
    """Return the job from standard input."""
    fields: dict[str, Any] = json.load(sys.stdin)
    tuples: dict[str, Any] = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Job(**fields | tuples)


class Legs:
    """Measure legs of a way, and write them to standard output as JSON."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def leg(self, name: str) -> Iterator[None]:
        """Measure the block as the leg `name`."""
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def write(self) -> None:
        """Write the legs as the last line of standard output."""
        print(json.dumps(self.seconds))
