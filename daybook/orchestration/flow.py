"""`@flow` and `@task` for the flows and tasks of Daybook.

They are Prefect's decorators. None of them starts a temporary server in silence, and a flow also records why a failed
attempt failed. A run ends without waiting for the thread of its heartbeats."""

import logging
import sys
from collections.abc import Callable
from datetime import date
from functools import partial, wraps
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
        import prefect.flow_engine  # noqa: F401 (Prefect imports it in the next line)

        _leave_heartbeats()
        return super().__call__(*args, **kwargs)

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as JSON, as Prefect does. For plain values, this spares a run the import of FastAPI."""
        if all(_is_plain(value) for value in parameters.values()):
            return {name: value.isoformat() if isinstance(value, date) else value for name, value in parameters.items()}
        return super().serialize_parameters(parameters)

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


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return value is None or type(value) in (bool, int, float, str) or isinstance(value, date)


def _leave_heartbeats() -> None:
    """Let runs end at once. At the end of a run, Prefect's engine waits until the thread of its heartbeats wakes up.

    It sleeps for a second at a time. Once the run has ended, it sends nothing when it wakes, and it does not keep the
    process alive. So nothing has to wait for it, as nothing does in Prefect's own engine for asynchronous flows.
    """
    engine = sys.modules.get("prefect.flow_engine")
    heartbeats = getattr(engine, "_send_heartbeats", None)
    if heartbeats is not None and not isinstance(heartbeats, partial):
        engine._send_heartbeats = partial(heartbeats, join_on_exit=False)  # type: ignore[union-attr]


_leave_heartbeats()  # in a process of a worker, which has imported the engine, and calls it without `__call__`


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
