"""`@flow` for the flows of Daybook: Prefect's decorator, which also records why a failed attempt failed."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import prefect
from prefect import Flow, runtime
from prefect.client.orchestration import get_client

from daybook.orchestration.run_failure import failure_of_error, record_failure

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("daybook.failures")


def flow(**options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return a decorator that turns a function into a flow. Takes the options of `prefect.flow`."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        made: Flow[P, R] = prefect.flow(**options)(function)
        made.fn = _recording_failure(function)  # set last: the flow's version must be that of its own file
        return made

    return decorate


def _recording_failure(function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TimeoutError:
            raise  # Prefect has a separate state for timeouts
        except Exception as error:
            _record(error)
            raise

    return run


def _record(error: Exception) -> None:
    """Record why this run fails. Never raises: the failure itself is what matters."""
    run_id = runtime.flow_run.id
    if not run_id:
        return
    try:
        with get_client(sync_client=True) as client:
            record_failure(client, UUID(run_id), runtime.flow_run.run_count or 0, failure_of_error(error))
    except Exception as problem:
        logger.warning("the failure could not be recorded on the run: %s", type(problem).__name__)
