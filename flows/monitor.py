"""Notify owners of failures, warnings and late tables, and of their recovery."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client

from daybook.errors import MonitorIncomplete
from daybook.orchestration.command_line import run as run_from_command_line
from daybook.orchestration.flow import flow
from daybook.orchestration.notifications.detect.server_down import exit_if_server_is_down
from daybook.orchestration.notifications.monitor_pass import MonitorPass, is_of_another_target
from daybook.orchestration.notifications.pass_lock import exclusive_pass
from daybook.orchestration.parameters.monitor import About, EventText, RunId, Subject, run_name


@flow(name="monitor", flow_run_name=run_name, retries=0)
def monitor(about: About = None, run: RunId = None, subject: Subject = None, said: EventText = None) -> int:
    """Notify each owner once of a failure, and once of its recovery. Return the number of messages still waiting."""
    named = UUID(run) if run else None
    with get_client(sync_client=True) as client, exclusive_pass(client):
        if is_of_another_target(client, about, named):
            return 0  # before it asks the warehouse, which may sleep
        look = MonitorPass(client, datetime.now(UTC))
        if about is None:
            look.run_step(look.check_zombie_runs, "lost runs")
        look.run_step(lambda: look.check_failed_runs(named), "failed runs")
        look.run_step(lambda: look.check_event(about, named, subject, said or ""), "the event")
        look.run_step(look.check_warehouse, "the warehouse")
        if about in (None, "due", "waiting", "recovered"):
            look.run_step(look.check_deadlines, "due times")
        if about in (None, "waiting"):
            look.run_step(look.check_scheduler, "Prefect's schedules")
            look.run_step(look.check_server_automations, "the server's own automations")
        look.run_step(look.check_recoveries, "recoveries")
        look.run_step(look.incidents.write_history, "the history")
        waiting = look.send()
    if waiting:
        get_run_logger().warning("%d messages could not be sent: the next pass retries them", waiting)
    if look.problems:
        raise MonitorIncomplete("\n".join(look.problems))
    return waiting


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Run the monitor from the command line."""
    run_from_command_line(monitor, arguments, prog, before=exit_if_server_is_down)


if __name__ == "__main__":
    main()
