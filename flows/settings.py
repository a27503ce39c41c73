"""How every flow behaves in Prefect: its retries, and where the lines of `daybook`'s loggers go."""

import logging
from typing import TypedDict

from prefect.settings import get_current_settings


class Retries(TypedDict):
    """The two arguments of `@flow` that say how often and when a failed run is tried again."""

    retries: int
    retry_delay_seconds: float


def retries() -> Retries:
    """One retry after three minutes, unless PREFECT_FLOWS_DEFAULT_RETRIES and …_RETRY_DELAY_SECONDS say otherwise.

    A deployment sets those for itself under `job_variables: env:` in prefect.yaml.
    """
    settings = get_current_settings().flows
    said = settings.model_fields_set
    delay = settings.default_retry_delay_seconds
    return {
        "retries": settings.default_retries if "default_retries" in said else 1,
        "retry_delay_seconds": delay
        if "default_retry_delay_seconds" in said and isinstance(delay, int | float)
        else 180,
    }


def forward_logs() -> None:
    """Send what `daybook` logs to the run's page and the terminal, as PREFECT_LOGGING_EXTRA_LOGGERS would."""
    logger, extra = logging.getLogger("daybook"), logging.getLogger("prefect.extra")
    if not logger.handlers:
        logger.setLevel(extra.level or logging.INFO)
        for handler in extra.handlers:
            logger.addHandler(handler)
        logger.propagate = False


forward_logs()
