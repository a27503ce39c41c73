"""See that somebody hears about it: what failed, warns, is late, or is over again. Each is told once."""

import os
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from prefect import flow, get_run_logger, runtime
from prefect.client.orchestration import get_client

from daybook.errors import MonitorIncomplete
from daybook.orchestration.command_line import run as run_from_command_line
from daybook.orchestration.notifications.detect.server_down import out_of_reach
from daybook.orchestration.notifications.monitor_pass import MonitorPass
from daybook.orchestration.notifications.pass_lock import exclusive_pass
from daybook.orchestration.parameters import explained

About = Annotated[
    Literal["failed", "stuck", "waiting", "warned", "recovered", "due"] | None,
    explained("What an automation saw. Left out: a look at everything.", "string", "null"),
]
Run = Annotated[str | None, explained("The id of the flow run that it is about.", "string", "null")]
Subject = Annotated[str | None, explained("The table or summary that it is about.", "string", "null")]
Said = Annotated[str | None, explained("What the event said: a check's words, or its own id.", "string", "null")]


def run_name() -> str:
    """What it is about: `monitor`, or `monitor: failed 2f1c…`."""
    given = runtime.flow_run.parameters or {}
    about = given.get("subject") or str(given.get("run") or "")[:8]
    return f"monitor: {given['about']} {about}".strip() if given.get("about") else "monitor"


@flow(name="monitor", flow_run_name=run_name, retries=0)
def monitor(about: About = None, run: Run = None, subject: Subject = None, said: Said = None) -> int:
    """Tell each owner, once, of what is wrong, and once more when it is over. Returns how many messages wait on."""
    named = UUID(run) if run else None
    with get_client(sync_client=True) as client, exclusive_pass(client):
        look = MonitorPass(client, datetime.now(UTC))
        if about is None:
            look.run_step(look.check_zombie_runs, "lost runs")
        look.run_step(lambda: look.check_failed_runs(named), "failed runs")
        look.run_step(lambda: look.check_event(about, named, subject, said or ""), "what an event told of")
        look.run_step(look.check_warehouse, "the warehouse")
        if about in (None, "due", "waiting", "recovered"):
            look.run_step(look.check_deadlines, "due times")
        if about in (None, "waiting"):
            look.run_step(look.check_scheduler, "Prefect's schedules")
            look.run_step(look.check_server_automations, "the server's own automations")
        look.run_step(look.check_recoveries, "what is over")
        look.run_step(look.desk.write_history, "the history")
        waiting = look.send()
    if waiting:
        get_run_logger().warning("%d messages could not be sent yet: the next pass tries again", waiting)
    if look.problems:
        raise MonitorIncomplete("\n".join(look.problems))
    return waiting


if __name__ == "__main__":
    if lost := out_of_reach(os.environ, datetime.now(UTC)):
        sys.exit(lost)
    run_from_command_line(monitor)
