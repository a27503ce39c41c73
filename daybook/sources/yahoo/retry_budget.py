"""How often Yahoo is asked again, and when it is left in peace: one budget for all of a run's symbols."""

import logging
from collections.abc import Callable
from typing import TypeVar

import tenacity

from daybook.sources.yahoo.responses import Unanswered, YahooStatus

logger = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 4  # of one question
IN_A_ROW = 3  # symbols with one and the same failure: it is Yahoo that fails, and not the symbols
SECONDS = 5.0  # the first wait is up to this long, and each further one up to twice as long as the one before
_MAX_WAIT = 120.0  # seconds before a retry


class Patience:
    """Asks the questions of one run, and counts them.

    A question that may pass is asked up to TRIES times, with waits that grow and are drawn by chance. The budget of the
    run is two questions a symbol and ten more. When it is spent, or Yahoo failed IN_A_ROW symbols in the same way, no
    further one is asked.
    """

    def __init__(self, table: str, symbols: int) -> None:
        self._table = table
        self.budget, self.asked = 2 * symbols + 10, 0
        self._failures: list[YahooStatus] = []

    def ask(self, symbol: str, question: Callable[[], T]) -> T:
        """The answer to a question about `symbol`.

        Raises:
            Unanswered: it has no answer, or is not asked any more, with the reason.
        """
        self._check()

        def tell(state: tenacity.RetryCallState) -> None:
            reason = state.outcome.exception() if state.outcome else None
            wait = state.next_action.sleep if state.next_action else 0
            logger.warning(
                "%s: %s: try %d of %d: %s; again in %.1f s",
                *(self._table, symbol, state.attempt_number, TRIES, reason, wait),
            )

        def counted() -> T:
            self.asked += 1
            return question()

        retrying = tenacity.Retrying(
            stop=lambda state: state.attempt_number >= TRIES or self.asked >= self.budget,
            wait=tenacity.wait_random_exponential(multiplier=SECONDS, max=_MAX_WAIT),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Unanswered) and error.outcome.may_pass),
            before_sleep=tell,
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
            raise Unanswered(YahooStatus.NOT_ASKED, f"before it, {IN_A_ROW} symbols in a row: {newest[0].value}")
        if self.asked >= self.budget:
            raise Unanswered(
                YahooStatus.NOT_ASKED, f"the run's {self.budget} requests were spent on the symbols before it"
            )
