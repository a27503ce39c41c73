"""Which failures of a database pass by themselves, and how often they are tried again."""

import logging
from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

import tenacity
from sqlalchemy.exc import DBAPIError

from daybook.errors import DaybookError
from daybook.sql import database_error
from daybook.sql.database_error import DatabaseError
from daybook.sql.postgresql_errors import read_error

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 8


def _read(error: BaseException) -> DatabaseError | None:
    """The failure of a database that `error` is; None where it is another."""
    if isinstance(error, DatabaseError):
        return error
    return read_error(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)


def is_lost_connection(error: BaseException) -> bool:
    """Return True if the connection broke, so that nobody knows whether the last statement was carried out."""
    found = _read(error)
    return found is not None and found.lost


def is_transient(error: BaseException) -> bool:
    """Return True if the same statements may succeed a moment later."""
    found = _read(error)
    # Redshift reports a serialization failure as an internal error whose text begins with its own number, 1023
    return found is not None and (found.transient or "1023" in str(found)[:80])


def with_retries(
    work: Callable[[], T],
    *,
    what: str,
    failed: Callable[[str], DaybookError],
    lost: Callable[[str], DaybookError],
    when: Callable[[BaseException], bool] = is_transient,
) -> T:
    """`work()`, again after a failure for which `when` is true: up to ATTEMPTS times, waits doubling from about 0.5 s.

    `what` names the work in the log and in the error. Raises what `work` raises, except that a driver's error becomes
    `failed(story)`, or `lost(story)` where even the last try might have passed: its message, without people's data, and
    those of the earlier tries.
    """
    tries: list[tuple[int, str]] = []

    def tell(state: tenacity.RetryCallState) -> None:
        reason = first_line(state.outcome.exception() if state.outcome else None)
        wait = state.next_action.sleep if state.next_action else 0
        tries.append((state.attempt_number, reason))
        logger.warning("%s: try %d of %d: %s; again in %.1f s", what, state.attempt_number, ATTEMPTS, reason, wait)

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.5, min=0.1, max=20),
        retry=tenacity.retry_if_exception(when),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return retrying(work)
    except Exception as error:
        if not is_database_error(error):
            raise
        story = f"{what}: {first_line(error)}{_earlier(tries)}"
        raise (lost if when(error) else failed)(story) from error


def _earlier(tries: list[tuple[int, str]]) -> str:
    """A line for each reason of the earlier tries: the same one in a row is told once."""
    lines = []
    for reason, group in groupby(tries, key=lambda tried: tried[1]):
        numbers = [number for number, _ in group]
        which = f"try {numbers[0]}" if len(numbers) == 1 else f"tries {numbers[0]} to {numbers[-1]}"
        lines.append(f"\n- {which} of {ATTEMPTS}: {reason}")
    return "".join(lines)


def first_line(error: BaseException | None) -> str:
    """Return a database's own message without the lines that carry values (`DETAIL`, `LINE 1`, `CONTEXT`)."""
    found = _read(error) if error else None
    if found is None:
        return database_error.first_line(error)
    if found.message.isdigit():  # Redshift's 1023: what it is, and of which table, stands in the detail
        return f"{found.message}: {found.detail or 'no detail'}".split("\n")[0]
    return found.message


def is_database_error(error: BaseException) -> bool:
    """Return True if a database raised it."""
    return _read(error) is not None
