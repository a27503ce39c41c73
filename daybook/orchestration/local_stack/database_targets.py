"""Choose the databases and the stage of the demo: those that environment variables name, or else embedded ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import LocalStack
from daybook.sql.network_limits import limit_waits

PRODUCTION = "DAYBOOK_PRODUCTION_URL"
WAREHOUSE = "DAYBOOK_WAREHOUSE_URL"
STAGE = "DAYBOOK_STAGE_URL"


@dataclass(frozen=True)
class Database:
    """A database, and the environment variable that names it. `own` is True for the user's own database."""

    variable: str
    url: str
    own: bool

    @property
    def address(self) -> str:
        """Return its URL without the password."""
        return _parse(self).render_as_string(hide_password=True)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection and a transaction, which is committed at the end of the block.

        Raises:
            StackError: the database cannot be reached, or refuses a statement.
        """
        try:
            engine = create_engine(_parse(self), poolclass=NullPool)
            limit_waits(engine)
            connection = engine.connect()
        except NoSuchModuleError as error:
            raise StackError(
                f"{self.variable}: {error}. Expected mysql+pymysql://… or postgresql+psycopg2://…"
            ) from None
        except DBAPIError as error:
            raise StackError(
                f"{self.address} ({self.variable}) cannot be reached: {str(error.orig).strip()}. "
                f"Correct {self.variable}, or unset it to use an embedded PostgreSQL."
            ) from None
        try:
            with connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise StackError(
                f"{self.address} ({self.variable}) refused a statement: {str(error.orig).strip()}"
            ) from None


@dataclass(frozen=True)
class Targets:
    """The source (`production`), the stage (a folder or a bucket) and the warehouse of the demo."""

    production: Database
    warehouse: Database
    stage: str

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables for `daybook blocks`."""
        return {PRODUCTION: self.production.url, WAREHOUSE: self.warehouse.url, STAGE: self.stage}


def find_targets(stack: LocalStack) -> Targets:
    """Return the targets that the environment names, and embedded ones for the others. This starts nothing."""

    def database(variable: str, name: str) -> Database:
        url = os.environ.get(variable, "").strip()
        return Database(variable, url, own=True) if url else Database(variable, stack.postgres.url(name), own=False)

    return Targets(
        production=database(PRODUCTION, "production"),
        warehouse=database(WAREHOUSE, "warehouse"),
        stage=os.environ.get(STAGE, "").strip() or str(stack.home / "stage"),
    )


def start_embedded(stack: LocalStack, targets: Targets) -> list[str]:
    """Start the embedded PostgreSQL and create the databases that are needed. Return their names."""
    embedded = [
        name
        for name, target in (("production", targets.production), ("warehouse", targets.warehouse))
        if not target.own
    ]
    if embedded:
        stack.start_postgres()
        for name in embedded:
            stack.postgres.create_database(name)
    return embedded


def _parse(database: Database) -> URL:
    try:
        return make_url(database.url)
    except (ArgumentError, ValueError):  # both messages would show the password
        raise StackError(
            f"{database.variable} is not a database URL: expected driver://user:password@host:port/database, "
            "with @ : / % in the password written as %40 %3A %2F %25."
        ) from None
