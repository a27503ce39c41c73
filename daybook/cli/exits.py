"""Exit from a failed subcommand with a readable reason and no traceback, and print results for scripts."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def print_json(result: Any) -> None:
    """Print a result as JSON. A value without a form in JSON, such as a date, is a text."""
    print(json.dumps(result, indent=2, default=str, ensure_ascii=False))
