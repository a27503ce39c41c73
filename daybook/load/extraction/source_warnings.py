"""The warnings of a source before its rows are read, and the rows that a filter leaves out of a full refresh."""

import logging

from daybook.load.planning.plan import Plan
from daybook.sources.base import Filtered, Source, filtered_out

logger = logging.getLogger(__name__)


def logged_warnings(source: Source, plan: Plan) -> tuple[str, ...]:
    """Return the warnings of `source` for a load, after writing them to the log.

    A full refresh reads the whole table anyway, so it also counts the rows that `where:` leaves out.
    """
    warnings = tuple(source.warnings())
    for warning in warnings:
        logger.warning(warning)
    left_out = source.left_out() if plan.whole and isinstance(source, Filtered) else 0
    if left_out:
        warnings = (*warnings, filtered_out(f"{plan.table.name} {plan.label}", left_out))
        logger.info(warnings[-1])
    return warnings
