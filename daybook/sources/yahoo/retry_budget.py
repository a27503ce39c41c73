"""Retries of requests to Yahoo, with one budget for all symbols of a run."""

import logging
from collections.abc import Callable
from typing import TypeVar

import tenacity

from daybook.sources.yahoo.responses import Unanswered, YahooStatus

logger = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 4  # per request
IN_A_ROW = 3  # symbols in a row with the same failure: then the cause is Yahoo, not the symbols
SECONDS = 5.0  # the maximum of the first wait; it doubles with each retry
_MAX_WAIT = 120.0  # seconds before a retry


class RetryBudget:
    """Sends the requests of one run, and counts them.

    A temporary failure is retried, up to TRIES times, with random exponential backoff. The budget of the run is two
    requests per symbol, plus ten. No more requests are sent when the budget is exhausted, or when IN_A_ROW symbols in a
    row have failed in the same way.
    """

    def __init__(self, table: str, symbols: int) -> None:
        self._table = table
        self.budget, self.asked = 2 * symbols + 10, 0
        self._failures: list[YahooStatus] = []

    def ask(self, symbol: str, request: Callable[[], T]) -> T:
        """Send a request about `symbol`, with retries. Return its answer.

        Raises:
            Unanswered: the request failed, or no more requests are sent, with the reason.
        """
        self._check()

        def log_retry(state: tenacity.RetryCallState) -> None:
            reason = state.outcome.exception() if state.outcome else None
            wait = state.next_action.sleep if state.next_action else 0
            logger.warning(
                "%s: %s: try %d of %d: %s; retry in %.1f s",
                *(self._table, symbol, state.attempt_number, TRIES, reason, wait),
            )

        def counted() -> T:
            self.asked += 1
            return request()

        retrying = tenacity.Retrying(
            stop=lambda state: state.attempt_number >= TRIES or self.asked >= self.budget,
            wait=tenacity.wait_random_exponential(multiplier=SECONDS, max=_MAX_WAIT),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Unanswered) and error.outcome.may_pass),
            before_sleep=log_retry,
            reraise=True,
        )
        try:
            answer = retrying(counted)
        except Unanswered as reason:
            self._failures = [*self._failures, reason.outcome] if reason.outcome.may_pass else []
            raise
        self._failures = []
        return answer

    def _check(self) -> None:
        newest = self._failures[-IN_A_ROW:]
        if len(newest) == IN_A_ROW and len(set(newest)) == 1:
            raise Unanswered(YahooStatus.NOT_ASKED, f"{IN_A_ROW} symbols in a row have failed: {newest[0].value}")
        if self.asked >= self.budget:
            raise Unanswered(
                YahooStatus.NOT_ASKED, f"the symbols before it have used all of the run's {self.budget} requests"
            )
