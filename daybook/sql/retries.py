"""Which failures of a database pass by themselves, and how often they are tried again."""

import logging
from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

import tenacity
from sqlalchemy.exc import DBAPIError

from daybook.errors import DaybookError

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 8

#: PostgreSQL's conditions (appendix A of its manual) that a second try can get past: serialization failure, deadlock,
#: too many connections, shutdown, crash, "starting up", and every connection exception (class 08).
_SQLSTATES = {"40001", "40P01", "53300", "57P01", "57P02", "57P03"}
#: MySQL's: too many connections, lock wait timeout, deadlock, shutdown, and the client's "gone away" and "lost".
_MYSQL = {1040, 1053, 1077, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2055}
_LOST = (
    "server closed the connection",
    "connection already closed",
    "connection not open",
    "could not connect",
    "connection refused",
    "connection reset",
    "could not receive data",
    "ssl syscall error",
    "ssl connection has been closed",
    "terminating connection",
    "the database system is",
    "could not send",
    "no connection to the server",
)


def is_lost_connection(error: BaseException) -> bool:
    """Whether the connection broke, so that nobody knows whether the last statement was carried out."""
    if not is_database_error(error):
        return False
    error = _driver_error(error)
    state = getattr(error, "pgcode", None)
    if state is not None:
        return str(state).startswith("08") or state in {"57P01", "57P02", "57P03"}
    if _mysql_code(error) in {2002, 2003, 2006, 2013, 2055}:
        return True
    text = str(error).lower()
    # libpq reports a connection that broke in mid-statement as a DatabaseError without any SQLSTATE
    return any(phrase in text for phrase in _LOST) or "eof detected" in text or "lost synchronization" in text


def is_transient(error: BaseException) -> bool:
    """Whether the same statements may well work a moment later."""
    if not is_database_error(error):
        return False
    driver = _driver_error(error)
    state = getattr(driver, "pgcode", None)
    # Redshift reports a serialization failure as an internal error whose text begins with its own number, 1023
    serializable = state in ("XX000", None) and "1023" in str(driver)[:80]
    return state in _SQLSTATES or _mysql_code(driver) in _MYSQL or serializable or is_lost_connection(driver)


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
    """A driver's own message without the lines that carry values (`DETAIL`, `LINE 1`, `CONTEXT`)."""
    if error is None:
        return ""
    driver = _driver_error(error)
    diagnosis = getattr(getattr(driver, "diag", None), "message_primary", None)
    if diagnosis and str(diagnosis).isdigit():  # Redshift's 1023: what it is, and of which table, stands in the detail
        return f"{diagnosis}: {driver.diag.message_detail or 'no detail'}".split("\n")[0]  # type: ignore[attr-defined]
    if diagnosis:
        return str(diagnosis)
    code = _mysql_code(driver)
    text = str(driver.args[1]) if code is not None and len(driver.args) > 1 else str(driver)
    return text.strip().split("\n")[0] if text.strip() else type(driver).__name__


def _driver_error(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def is_database_error(error: BaseException) -> bool:
    """Whether a database driver raised it."""
    error = _driver_error(error)
    return any(
        base.__name__ == "Error" and base.__module__.startswith(("psycopg2", "pymysql")) for base in type(error).__mro__
    ) or any(base.__name__ == "MySQLError" for base in type(error).__mro__)


def _mysql_code(error: BaseException) -> int | None:
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) and type(error).__module__.startswith("pymysql") else None
