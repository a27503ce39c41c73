"""`@flow` and `@task` for the flows and tasks of Daybook.

They are Prefect's decorators. None of them starts a temporary server in silence, and a flow also records why a failed
attempt failed."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import Flow, Task, runtime
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, TaskRunContext

from daybook.orchestration.blocks.server import check_server_is_named
from daybook.orchestration.run_failure import failure_of_error, record_failure

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("daybook.failures")


class NamedServerFlow(Flow[P, R]):
    """A flow that refuses a call if no Prefect server is named. Prefect would start a temporary one for the call."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow.

        Raises:
            ServerUnreachable: no server is named.
        """
        check_server_is_named()
        return super().__call__(*args, **kwargs)

    def with_options(self, **options: Any) -> "NamedServerFlow[P, R]":
        """Return the flow with other options."""
        made = super().with_options(**options)
        made.__class__ = type(self)
        return cast(NamedServerFlow[P, R], made)


class NamedServerTask(Task[P, R]):
    """A task that refuses a call outside of a run if no Prefect server is named, as in a notebook."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task. Raises `ServerUnreachable` if no server is named."""
        _check_call()
        return super().__call__(*args, **kwargs)

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Submit the task. Raises `ServerUnreachable` if no server is named."""
        _check_call()
        return super().submit(*args, **kwargs)

    def map(self, *args: Any, **kwargs: Any) -> Any:
        """Submit the task for each value. Raises `ServerUnreachable` if no server is named."""
        _check_call()
        return super().map(*args, **kwargs)

    def with_options(self, **options: Any) -> "NamedServerTask[P, R]":
        """Return the task with other options."""
        made = super().with_options(**options)
        made.__class__ = type(self)
        return cast(NamedServerTask[P, R], made)


def task(**options: Any) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Return a decorator that turns a function into a task. Takes the options of `prefect.task`."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return NamedServerTask(function, **options)

    return decorate


def _check_call() -> None:
    """Check that a server is named, unless this is within a run, which has one."""
    if FlowRunContext.get() is None and TaskRunContext.get() is None:
        check_server_is_named()


def flow(**options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return a decorator that turns a function into a flow. Takes the options of `prefect.flow`."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        made: Flow[P, R] = NamedServerFlow(function, **options)
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
