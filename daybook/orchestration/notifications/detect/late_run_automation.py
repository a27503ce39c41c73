"""The automation by which the server itself says that no worker takes runs: whether it could, and its way back on."""

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

#: Its name and tag in deployments/automations.yaml. It tells of an outage once, and pauses itself.
LATE, _TAG = "daybook: late", "daybook"
_UPDATED = "prefect.automation.updated"
_TRIGGERED, _EXECUTED = "prefect.automation.action.triggered", "prefect.automation.action.executed"
_MANY = 50  # the most events that Prefect gives at once


def resume_late(client: SyncPrefectClient) -> bool:
    """Switch it on again, if it is off and has switched itself off. Returns whether it was.

    One that a person switched off stays off. So does one whose switching-off the server no longer remembers: it keeps
    its events for some days (PREFECT_SERVER_EVENTS_RETENTION_PERIOD).
    """
    ours = AutomationFilter(name=AutomationFilterName(any_=[LATE]), tags=AutomationFilterTags(all_=[_TAG]))
    resumed = False
    for automation in client.read_automations(automations=ours, limit=_MANY):
        if not automation.enabled and _paused_itself(client, automation):
            client.resume_automation(automation.id)
            resumed = True
    return resumed


def was_told(client: SyncPrefectClient, event: str) -> bool:
    """Whether the server itself sent a message about what fired on this event (the event's id)."""
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
    """When it was switched off: the first of the last updates that left it off. A deploy may have changed it since."""
    found = None
    for event in newest_first:
        if event.event == _UPDATED:
            if event.payload.get("enabled"):
                break
            found = event.occurred
    return found
