"""Open a connection to a database, with a limit of a few seconds, to find out whether its URL is right."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from daybook.sql.connection import connect
from daybook.sql.database_error import DatabaseError, ErrorReader

SECONDS = 4
#: The server answered, and refused the login. Anything else may be the network between this machine and the server.
_REFUSED = re.compile(
    r"password|access denied|authentication|pg_hba|role .* does not exist|database .* does not exist|unknown database",
    re.IGNORECASE,
)


@contextmanager
def logged_in(engine: Engine, read_error: ErrorReader) -> Iterator[Any]:
    """Yield a new connection of the driver, opened within a few seconds.

    Raises:
        DatabaseError: the database cannot be opened. The message has no password.
    """

    @event.listens_for(engine, "do_connect")
    def limit(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["connect_timeout"] = SECONDS

    with connect(engine, read_error) as connection:
        yield connection


def is_refused(error: DatabaseError) -> bool:
    """Return True if the server has refused the login, False if it may be out of reach of this machine alone."""
    return bool(_REFUSED.search(str(error)))
