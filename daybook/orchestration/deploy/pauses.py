"""Keep the pause of a schedule whose tables move to another deployment, such as a shared run at another time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from prefect.client.schemas.responses import DeploymentResponse

from daybook.orchestration.deploy.wanted import PAUSED_SLUG, Wanted


@dataclass(frozen=True)
class Pauses:
    """The tables that a deployment of the server loads by a schedule, and those whose schedules a person paused."""

    scheduled: frozenset[str]
    paused: frozenset[str]

    @classmethod
    def of(cls, found: Iterable[DeploymentResponse]) -> "Pauses":
        """Return those of the project's deployments on the server."""
        scheduled, running = set[str](), set[str]()
        for one in found:
            for schedule in one.schedules:
                tables = (one.parameters or {}).get("tables") or ()
                scheduled.update(tables)
                by_file = schedule.slug == PAUSED_SLUG  # `paused: true` was written, and may be gone now
                if by_file or (schedule.active and not one.paused):
                    running.update(tables)
        return cls(frozenset(scheduled), frozenset(scheduled - running))

    def kept(self, wanted: Wanted, found: DeploymentResponse | None) -> Wanted:
        """Return the deployment, whose schedule starts paused if it is new and those of all its tables were paused.

        Tables that had no schedule do not count.
        """
        schedule = wanted.schedule
        if not schedule or (found and any(one.slug == schedule.slug for one in found.schedules)):
            return wanted
        before = self.scheduled.intersection(wanted.parameters.get("tables", ()))
        if not before or not before <= self.paused:
            return wanted
        return replace(wanted, schedule=replace(schedule, stays_paused=True))
