"""Check whether the Prefect server's own automation reported late runs, and resume it after its report."""

from collections.abc import Sequence
from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.filters import (
    AutomationFilter,
    AutomationFilterName,
    AutomationFilterTags,
    EventFilter,
    EventNameFilter,
    EventRelatedFilter,
    EventResourceFilter,
)
from prefect.events.schemas.automations import Automation
from prefect.events.schemas.events import ReceivedEvent

#: The automation's name and tag in deployments/automations.yaml. It reports an outage once and then pauses itself.
LATE, _TAG = "daybook: late", "daybook"
_UPDATED = "prefect.automation.updated"
_TRIGGERED, _EXECUTED = "prefect.automation.action.triggered", "prefect.automation.action.executed"
_MANY = 50  # the most events that Prefect returns at once


def resume_late(client: SyncPrefectClient) -> bool:
    """Resume the automation if it has paused itself. Return True if it had.

    If a person paused it, it stays paused. It also stays paused if the server no longer has the event of the pause:
    the server keeps events for some days (PREFECT_SERVER_EVENTS_RETENTION_PERIOD).
    """
    ours = AutomationFilter(name=AutomationFilterName(any_=[LATE]), tags=AutomationFilterTags(all_=[_TAG]))
    resumed = False
    for automation in client.read_automations(automations=ours, limit=_MANY):
        if not automation.enabled and _paused_itself(client, automation):
            client.resume_automation(automation.id)
            resumed = True
    return resumed


def was_reported(client: SyncPrefectClient, event: str) -> bool:
    """Return True if the server itself sent a message because of the event with this ID."""
    actions = client.read_events(
        EventFilter(related=EventRelatedFilter(id=[f"prefect.event.{event}"]), event=EventNameFilter(name=[_EXECUTED])),
        limit=_MANY,
    ).events
    return any(action.payload.get("action_type") == "send-notification" for action in actions)


def _paused_itself(client: SyncPrefectClient, automation: Automation) -> bool:
    events = client.read_events(
        EventFilter(
            resource=EventResourceFilter(id=[f"prefect.automation.{automation.id}"]),
            event=EventNameFilter(name=[_UPDATED, _TRIGGERED, _EXECUTED]),
        ),
        limit=_MANY,
    ).events
    switched_off = _switched_off(events)
    begun = {event.id: event.occurred for event in events if event.event == _TRIGGERED}
    return switched_off is not None and any(
        event.payload.get("action_type") == "pause-automation"
        and event.follows in begun
        and begun[event.follows] <= switched_off <= event.occurred
        for event in events
        if event.event == _EXECUTED
    )


def _switched_off(newest_first: Sequence[ReceivedEvent]) -> datetime | None:
    """Return when it was paused: the first update since it was last on. A deploy may have updated it since then."""
    found = None
    for event in newest_first:
        if event.event == _UPDATED:
            if event.payload.get("enabled"):
                break
            found = event.occurred
    return found
