"""The databases and the stage of the demo. All of them are the demo's own: it never uses a server of the user's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import LocalStack
from daybook.sql.network_limits import limit_waits

PRODUCTION = "DAYBOOK_PRODUCTION_URL"
WAREHOUSE = "DAYBOOK_WAREHOUSE_URL"
STAGE = "DAYBOOK_STAGE_URL"


@dataclass(frozen=True)
class DemoDatabases:
    """The URLs of the source (`production`) and the warehouse on the stack's PostgreSQL, and the stage's folder."""

    production: str
    warehouse: str
    stage: str

    @classmethod
    def of(cls, stack: LocalStack) -> "DemoDatabases":
        """Return those of a stack. Starts nothing."""
        return cls(stack.postgres.url("production"), stack.postgres.url("warehouse"), str(stack.home / "stage"))

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables from which `daybook blocks` would make the blocks of the demo."""
        return {PRODUCTION: self.production, WAREHOUSE: self.warehouse, STAGE: self.stage}


def ignored_variables() -> list[str]:
    """Return the names of the variables that name servers of the user's, and that the demo ignores."""
    return [name for name in (PRODUCTION, WAREHOUSE, STAGE) if os.environ.get(name, "").strip()]


@contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """Open a connection and a transaction, which is committed at the end of the block.

    Raises:
        StackError: the database cannot be reached, or refuses a statement.
    """
    engine = create_engine(url, poolclass=NullPool)
    limit_waits(engine)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise StackError(f"The demo's database {shown} failed: {str(error.orig).strip()}") from None
