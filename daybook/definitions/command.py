"""How a command of `daybook/` ends that cannot do what was typed: in plain words, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from daybook.errors import DaybookError
from daybook.sql.retries import first_line, is_database_error


@contextmanager
def in_plain_words(database: str) -> Iterator[None]:
    """Exit with 1, and the reason, where the block fails; `database` is what a person calls the one that it asks."""
    try:
        yield
    except DaybookError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except Exception as error:
        if not is_database_error(error):
            raise
        sys.exit(f"{database} failed: {first_line(error)}")
