"""Limits of a comparison: statements that take too long, and rows that a server cannot hash."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from daybook.errors import AuditRefused
from daybook.sql.checksum.side import ComparisonPair
from daybook.sql.database_error import Condition, meets


@contextmanager
def explained(table: str, what: str, remedy: str, seconds: int) -> Iterator[None]:
    """Turn the timeout of a statement that compares `what` of `table` into an error that names the `remedy`.

    Raises:
        AuditRefused: the server cancelled the statement.
    """
    try:
        yield
    except Exception as error:
        if not meets(error, Condition.TIMED_OUT):
            raise
        raise AuditRefused(
            f"{table}: comparing {what} in one statement took longer than the server's time limit (in the source: "
            f"{seconds} s), so the server cancelled it. {remedy}, or run the audit when the server is less busy"
        ) from None


def require_hashes(table: str, both: ComparisonPair, buckets: Sequence[Any]) -> None:
    """Check that both sides can hash every row.

    Raises:
        AuditRefused: a side has rows that it cannot hash.
    """
    unhashed = both.ask(lambda side: side.unhashed(buckets)) if buckets else (0, 0)
    for side, rows in zip((both.source, both.warehouse), unhashed, strict=True):
        if rows:
            raise AuditRefused(f"{table}: {rows} rows {side.too_long}")
