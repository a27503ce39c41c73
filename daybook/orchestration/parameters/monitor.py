"""Parameters of the monitor, which automations fill in from an event, and the run's name."""

from typing import Annotated, Literal

from prefect import runtime

from daybook.orchestration.parameters.json_schema import explained

About = Annotated[
    Literal["failed", "stuck", "waiting", "warned", "recovered", "due"] | None,
    explained("The event that an automation saw. Default: the monitor checks everything.", "string", "null"),
]
RunId = Annotated[str | None, explained("The ID of the flow run that the event is about.", "string", "null")]
Subject = Annotated[str | None, explained("The table or summary that the event is about.", "string", "null")]
EventText = Annotated[
    str | None, explained("The text of the event: a check's warning, or the event's ID.", "string", "null")
]


def run_name() -> str:
    """Return the run's name: `monitor`, or with the event that started it, `monitor: failed 2f1c…`."""
    given = runtime.flow_run.parameters or {}
    about = given.get("subject") or str(given.get("run") or "")[:8]
    return f"monitor: {given['about']} {about}".strip() if given.get("about") else "monitor"
