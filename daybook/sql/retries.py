"""Retry work on a database after transient failures, with exponential backoff."""

import logging
from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

import tenacity

from daybook.errors import DaybookError
from daybook.sql.database_error import DatabaseError, first_line, is_transient

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 8


def with_retries(
    work: Callable[[], T],
    *,
    what: str,
    failed: Callable[[str], DaybookError] | None,
    lost: Callable[[str], DaybookError],
    when: Callable[[BaseException], bool] = is_transient,
) -> T:
    """Return `work()`. Call it up to ATTEMPTS times, with waits that double from about 0.5 s.

    Errors of `work` other than a DatabaseError are raised unchanged.

    Args:
        work: the work. It must be safe to repeat.
        what: the name of the work, for the log and the error.
        failed: makes the error for a DatabaseError that a retry cannot fix. None: raise it unchanged.
        lost: makes the error if the last of several tries failed, and one more could succeed.
        when: returns True for the exceptions to retry.

    Raises:
        DaybookError: the error that `failed` or `lost` makes. Its message has the reason of each try, without values.
    """
    tries: list[tuple[int, str]] = []

    def log(state: tenacity.RetryCallState) -> None:
        reason = first_line(state.outcome.exception() if state.outcome else None)
        wait = state.next_action.sleep if state.next_action else 0
        tries.append((state.attempt_number, reason))
        logger.warning("%s: try %d of %d: %s; retry in %.1f s", what, state.attempt_number, ATTEMPTS, reason, wait)

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.5, min=0.1, max=20),
        retry=tenacity.retry_if_exception(when),
        before_sleep=log,
        reraise=True,
    )
    try:
        return retrying(work)
    except Exception as error:
        make = lost if when(error) else failed
        if not isinstance(error, DatabaseError) or make is None:
            raise
        story = f"{what}: {first_line(error)}{_earlier(tries)}"
        if make is lost and error.lost:
            story += "\nCheck that the database runs, and that this machine can reach it. Then run this again"
        made = make(story)
        for note in getattr(error, "__notes__", ()):  # such as the address of staged parts that remain
            made.add_note(note)
        raise made from error


def _earlier(tries: list[tuple[int, str]]) -> str:
    """Return one line for each reason of the earlier tries. Consecutive tries with the same reason share a line."""
    lines = []
    for reason, group in groupby(tries, key=lambda tried: tried[1]):
        numbers = [number for number, _ in group]
        which = f"try {numbers[0]}" if len(numbers) == 1 else f"tries {numbers[0]} to {numbers[-1]}"
        lines.append(f"\n- {which} of {ATTEMPTS}: {reason}")
    return "".join(lines)
