"""What a comparison must not do to a server, and what a server must not do to a comparison."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from daybook.errors import AuditRefused
from daybook.sql.checksum.side import ComparisonPair
from daybook.sql.database_error import Condition, meets


@contextmanager
def explained(table: str, what: str, remedy: str, seconds: int) -> Iterator[None]:
    """Say of a statement that took too long, to compare `what` of `table`, what to do about it: the `remedy`.

    Raises:
        AuditRefused: its server has ended it.
    """
    try:
        yield
    except Exception as error:
        if not meets(error, Condition.TIMED_OUT):
            raise
        raise AuditRefused(
            f"{table}: to compare {what} by one statement took longer than its server lets it (at the source: "
            f"{seconds} s), so it was ended. {remedy}, or do it at an hour when the server is quiet"
        ) from None


def require_hashes(table: str, both: ComparisonPair, stretches: Sequence[Any]) -> None:
    """Check that both sides could build the text of every row.

    Raises:
        AuditRefused: one of them could not.
    """
    lacking = both.ask(lambda side: side.unhashed(stretches)) if stretches else (0, 0)
    for side, rows in zip((both.source, both.warehouse), lacking, strict=True):
        if rows:
            raise AuditRefused(f"{table}: {rows} rows {side.too_long}")
