"""How every flow behaves in Prefect: its retries."""

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
