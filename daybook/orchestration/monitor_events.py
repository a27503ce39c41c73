"""Emit events for check warnings and recoveries of loads and builds, so that the monitor reports them at once.

An automation starts a pass of the monitor for each event. A load never waits for a message to be sent.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import Flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State

from daybook.orchestration.events import RESOURCE, emit
from daybook.orchestration.variable_store import VariableStore

logger = logging.getLogger("daybook.notifications")

WARNED, RECOVERED = "daybook.check.warned", "daybook.table.recovered"
_MAX_WARNINGS = 2000  # characters of all warnings in an event, to keep it small


def checks_of(table: str) -> str:
    """Return the subject of the incident for failed warning checks of a table."""
    return f"the checks of {table}"


def emit_check_results(table: str, warnings: Sequence[str]) -> None:
    """Emit an event if a committed load or build of `table` has warnings or ends an incident. Never raises."""
    emit_results({table: warnings})


def emit_results(committed: Mapping[str, Sequence[str]]) -> None:
    """Emit these events for several tables, each with its warnings, with one request. Never raises."""
    try:
        for table, warnings in committed.items():
            if warnings:
                _emit(WARNED, table, "\n".join(warnings)[:_MAX_WARNINGS])
        with get_client(sync_client=True) as client:
            incidents = VariableStore(client, "incident").all().values()
        for table, warnings in committed.items():
            if not warnings and any(incident["subject"] == checks_of(table) for incident in incidents):
                _emit(RECOVERED, table, "checks")
            if any(_awaits(incident, table) for incident in incidents):
                _emit(RECOVERED, table, "table")
    except Exception as error:
        tables = ", ".join(committed)
        logger.warning("%s: the event of its commit could not be emitted: %s", tables, type(error).__name__)


def emit_recovery(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Emit an event if a run that loads no table completes and an incident of a run is open. A completion hook."""
    try:
        with get_client(sync_client=True) as client:
            incidents = VariableStore(client, "incident").all().values()
        if any(incident["run"] and not incident["awaits"] for incident in incidents):
            _emit(RECOVERED, flow_run.name, "run")
    except Exception as error:
        logger.warning("%s: the event of its success could not be emitted: %s", flow_run.name, type(error).__name__)


def _awaits(incident: dict[str, Any], table: str) -> bool:
    return incident["subject"] == table or any(awaited["table"] == table for awaited in incident["awaits"])


def _emit(event: str, table: str, text: str) -> None:
    run = str(runtime.flow_run.id or "")
    resource = {"prefect.resource.id": RESOURCE + table, "prefect.resource.name": table}
    emit(event, resource, {"table": table, "said": text, "run": run})
