"""Exit from a failed subcommand with a readable reason and no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from daybook.errors import DaybookError
from daybook.sql.database_error import DatabaseError


@contextmanager
def exit_with_reason(database: str) -> Iterator[None]:
    """Exit with 1 and the reason if the block fails. `database` names the database that the block uses."""
    try:
        yield
    except DaybookError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except DatabaseError as error:
        sys.exit(f"{database} failed: {error.message}")
