"""Why a flow run failed, as data: the process that runs it records it on the run, and any other process reads it.

A failed state carries the exception only in the process that raised it. So a failing try writes the failure into a
label of its run, before Prefect sets the state: a process that sees the failed state also finds the failure. A killed
process writes none, and a label of an earlier try is ignored. The state's message is for people.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State

from daybook.errors import DaybookError, kind_of

logger = logging.getLogger("daybook.failures")

#: The label of a flow run that has the failure of its last failed try, as JSON.
LABEL = "daybook.failure"
_PREFECTS_WORDS = "Flow run encountered an exception: "


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Why a run failed: `CheckFailed: raw_data.nps 2021-02-05: …`."""

    reason: str
    error_class: str | None = None
    """The name of the exception's class; None if the run's process did not record one, because it was killed."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The reason of each part that failed by itself, by its name: for example, of each summary that a run builds."""

    @property
    def kind(self) -> type[DaybookError] | None:
        """The class of Daybook's error; None for any other failure."""
        return kind_of(self.error_class) if self.error_class else None


def failure_of_error(error: BaseException) -> RunFailure:
    """Return the failure that an exception stands for."""
    name = type(error).__name__
    return RunFailure(f"{name}: {error}", name, error.parts if isinstance(error, DaybookError) else {})


def failure_of_state(state: State[Any]) -> RunFailure:
    """Return the failure of a run's final state, inside a hook. Without an exception, its reason is the message."""
    has_error = state.is_failed() and state.name != "TimedOut" and state.data is not None
    error = state.result(raise_on_failure=False) if has_error else None
    return failure_of_error(error) if isinstance(error, Exception) else RunFailure(_message(state))


def failure_of_run(run: FlowRun) -> RunFailure:
    """Return the failure of a run that ended without success, as Prefect's server has it."""
    state = run.state
    if state is not None and state.is_failed() and (text := run.labels.get(LABEL)):
        try:
            document = json.loads(str(text))
            if document["try"] == run.run_count:
                return RunFailure(document["reason"], document["error_class"], dict(document["parts"]))
        except (LookupError, TypeError, ValueError):  # somebody has edited the label
            logger.warning("%s: its label %s is damaged", run.name, LABEL)
    return RunFailure(_message(state))


def record_failure(client: SyncPrefectClient, run_id: UUID, attempt: int, failure: RunFailure) -> None:
    """Write the failure of the run's try number `attempt` into its label."""
    document = {
        "try": attempt,
        "error_class": failure.error_class,
        "reason": failure.reason,
        "parts": dict(failure.parts),
    }
    client.update_flow_run_labels(run_id, {LABEL: json.dumps(document)})


def _message(state: State[Any] | None) -> str:
    message = (state.message if state else None) or "it failed, and did not say why"
    return message.removeprefix(_PREFECTS_WORDS)
