"""Record on a flow run why it failed, as data that any other process can read.

A failed state carries the exception only in the process that raised it. So a failing attempt writes the failure to a
label of its run before Prefect sets the state: a process that sees the failed state also finds the failure. A killed
process writes no label, and a label of an earlier attempt is ignored. The state's message is for people.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State

from daybook.errors import DaybookError

logger = logging.getLogger("daybook.failures")

#: The label of a flow run with the failure of its last failed attempt, as JSON.
LABEL = "daybook.failure"
_PREFECTS_WORDS = "Flow run encountered an exception: "


@dataclass(frozen=True, slots=True)
class RunFailure:
    """The failure of a run. `reason` is a text such as `CheckFailed: raw_data.nps 2021-02-05: …`."""

    reason: str
    error_class: str | None = None
    """The name of the exception's class, or None if the run's process was killed before it recorded one."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The reason of each part that failed, by name: for example, of each summary that a run builds."""
    failed_at: datetime | None = None
    """The time of the failure. None: it was not recorded."""

    @property
    def kind(self) -> type[DaybookError] | None:
        """Return the class of Daybook's error, or None for any other failure."""
        return kind_of(self.error_class) if self.error_class else None


def failure_of_error(error: BaseException) -> RunFailure:
    """Return an exception as a failure."""
    name = type(error).__name__
    return RunFailure(f"{name}: {error}", name, error.parts if isinstance(error, DaybookError) else {})


def failure_of_state(state: State[Any]) -> RunFailure:
    """Return the failure of a run's final state, in a hook. Without an exception, the reason is the state's message."""
    has_error = state.is_failed() and state.name != "TimedOut" and state.data is not None
    error = state.result(raise_on_failure=False) if has_error else None
    return failure_of_error(error) if isinstance(error, Exception) else RunFailure(_message(state))


def failure_of_run(run: FlowRun) -> RunFailure:
    """Return the failure of a run that ended without success, as Prefect's server has it."""
    state = run.state
    if state is not None and state.is_failed() and (found := _recorded(run)) and found[0] == run.run_count:
        return found[1]
    return RunFailure(_message(state))


def failure_before_retry(run: FlowRun) -> RunFailure | None:
    """Return the failure of the last failed attempt of a run that waits for its retry or retries now."""
    found = _recorded(run)
    return found[1] if found else None


def _recorded(run: FlowRun) -> tuple[int, RunFailure] | None:
    """Return the number of the attempt whose failure the run's label has, and that failure. None: it has none."""
    text = run.labels.get(LABEL)
    if not text:
        return None
    try:
        document = json.loads(str(text))
        parts, moment = dict(document["parts"]), document.get("failed_at")  # an older release records no moment
        at = datetime.fromisoformat(moment) if moment else None
        return document["try"], RunFailure(document["reason"], document["error_class"], parts, at)
    except (LookupError, TypeError, ValueError):  # a person edited the label
        logger.warning("%s: its label %s is not a valid failure, so the state's message is used", run.name, LABEL)
        return None


def record_failure(client: SyncPrefectClient, run_id: UUID, attempt: int, failure: RunFailure) -> None:
    """Write the failure of attempt number `attempt` to the run's label."""
    document = {
        "try": attempt,
        "error_class": failure.error_class,
        "reason": failure.reason,
        "parts": dict(failure.parts),
        "failed_at": datetime.now(UTC).isoformat(),
    }
    client.update_flow_run_labels(run_id, {LABEL: json.dumps(document)})


def kind_of(name: str) -> type[DaybookError] | None:
    """Return the class of an error that another process reported by name, or None if it is not Daybook's."""
    kinds = [DaybookError]
    for kind in kinds:
        if kind.__name__ == name:
            return kind
        kinds += kind.__subclasses__()
    return None


def _message(state: State[Any] | None) -> str:
    message = (state.message if state else None) or "failed without a reason"
    return message.removeprefix(_PREFECTS_WORDS)
