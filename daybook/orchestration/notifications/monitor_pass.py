"""One pass of the monitor: detect problems, open and close incidents, send the messages."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from daybook.definitions.targets.project_target import current_target
from daybook.monitoring.incidents.impact import Impact, at
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts import freshness
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.notifications.detect import (
    check_warnings,
    failures,
    late_run_automation,
    late_tables,
    recoveries,
    schedules,
    stuck_runs,
    zombie_runs,
)
from daybook.orchestration.notifications.detect.failed_run import UNOWNED, FailedRun
from daybook.orchestration.notifications.detect.failed_runs import FailedRuns
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.notifications.rest import may_rest, note_rest
from daybook.orchestration.variable_store import VariableStore
from daybook.sql.database_error import first_line
from daybook.warehouses.base import Warehouse

logger = logging.getLogger("daybook.monitor")

_FIRST = timedelta(minutes=15)  # how far back the first pass looks
_LOOKBACK = timedelta(days=3)  # how far back any pass looks
_PATIENCE = 30  # seconds for the warehouse: if it hangs, the messages about it must still be sent


def is_of_another_target(client: SyncPrefectClient, about: str | None, run: UUID | None) -> bool:
    """Return True if an event is about a run of another target, whose own monitor reports it.

    The automations that start the monitor are about the whole server, since a trigger cannot exclude a tag. A run that
    waits (`waiting`) is about the workers, which all targets share.
    """
    if run is None or about not in ("failed", "stuck"):
        return False
    with suppress(ObjectNotFound):
        return not current_target().owns(client.read_flow_run(run).tags)
    return False


class MonitorPass:
    """The steps of a pass. A step that fails does not stop the others."""

    def __init__(self, client: SyncPrefectClient, now: datetime) -> None:
        self.client, self.now = client, now
        self.problems: list[str] = []
        self.rests = False
        """True if this pass lets the warehouse sleep, because nothing about a table can have changed for the worse."""
        self.warehouse, self._why_not = self._answering_warehouse()
        self.impact = Impact(self.warehouse, now)
        self.incidents, self.runs = IncidentStore(client, self.warehouse, blocks.secret_values()), FailedRuns(client)

    def _answering_warehouse(self) -> tuple[Warehouse | None, str]:
        """Return the warehouse and "" if it answers or may sleep, else None and the reason."""
        try:
            warehouse = blocks.warehouse(patience=_PATIENCE)
            if warehouse.sleeps and not IncidentStore(self.client, None).open and may_rest(self.client, self.now):
                self.rests = True
                return warehouse, ""
            with warehouse.session() as session:
                session.one("SELECT 1")
            return warehouse, ""
        except BlockUnusable as error:
            return None, str(error)
        except Exception as error:
            return None, first_line(error)

    def run_step(self, do: Callable[[], None], what: str) -> None:
        """Run a step. An error becomes a line of `problems`."""
        try:
            do()
        except Exception as error:
            logger.exception("The step failed: %s", what)
            self.problems.append(f"{what}: {type(error).__name__}: {self.incidents.cleaned(str(error))}")

    def check_failed_runs(self, run: UUID | None = None) -> None:
        """Report unreported runs that failed, crashed or timed out. `run` is the ID of a run that an event names."""
        memory = VariableStore(self.client, "monitor")
        looked = memory.get("looked")
        since = datetime.fromisoformat(looked) if looked else self.now - _FIRST
        unreported, known = (
            self.runs.unreported(max(since, self.now - _LOOKBACK), [run] if run else []),
            len(self.problems),
        )
        for _, group in groupby(unreported, key=lambda failed: failed.run.id):
            of_run = list(group)
            self.run_step(partial(self._report, of_run), f"the run {of_run[0].run.name}")
        if len(self.problems) == known:
            # The next pass starts some minutes before this one, so it finds runs that ended during this one. It never
            # starts before the first pass did, which does not report older failures.
            memory.set("looked", max(since, self.now - _FIRST).isoformat())

    def _report(self, of_run: Sequence[FailedRun]) -> None:
        """Report all failures of one run, then mark it, so that the next pass continues if this process is killed."""
        for failed in of_run:
            failures.report_failure(self.incidents, self.runs, failed, self.impact)
        self.runs.mark_reported(of_run[0])

    def check_zombie_runs(self) -> None:
        """Mark running runs as crashed if they sent no heartbeat since an earlier pass."""
        memory = VariableStore(self.client, "monitor")
        earlier = memory.get("passed")
        if not earlier or zombie_runs.settle(self.client, datetime.fromisoformat(earlier), self.now):
            memory.set("passed", self.now.isoformat())

    def check_warehouse(self) -> None:
        """Open an incident if the warehouse does not answer and no failed run has reported it."""
        subject = failures.THE_WAREHOUSE
        if self.warehouse is not None or self.incidents.about(subject):
            return
        incident = Incident(
            subject=subject,
            kind=Kind.FAILED,
            owner=UNOWNED,
            title="The warehouse does not answer",
            since=self.now,
            last=self.now,
            error=self._why_not,
        )
        notice = Notice(
            Tone.FAILED,
            incident.title,
            facts=(("When", at(self.now)),),
            error=incident.error,
            impact=("No load or build can commit, and Daybook cannot tell which tables are late.",),
            owner=incident.owner,
            incident=incident.id,
        )
        self.incidents.keep(incident, notice)

    def check_event(self, about: str | None, run: UUID | None, subject: str | None, text: str) -> None:
        """Report a problem that only an event shows. The parameters are those of the flow `monitor`."""
        if about == "warned" and subject:
            check_warnings.report_warning(self.incidents, subject, text, str(run) if run else None, self.now)
        elif about == "recovered" and subject and text == "checks":
            check_warnings.close_warning(self.incidents, subject, self.now)
        elif about == "stuck" and run:
            stuck_runs.report_stuck_run(self.incidents, self.client, run, self.now)
        elif about == "waiting" and run:
            stuck_runs.note_waiting(
                self.incidents, self.client, run, reported=late_run_automation.was_reported(self.client, text)
            )

    def check_deadlines(self) -> None:
        """Report tables that are late or at risk, and write the page of all deadlines."""
        if self.warehouse and not self.rests:
            tables = late_tables.report_late_tables(self.incidents, self.client, self.warehouse, self.impact, self.now)
            page, figures = freshness.page(tables), freshness.figures(tables)
            create_markdown_artifact(key=page_key("freshness"), markdown=page, description=figures)
            if self.warehouse.sleeps:
                note_rest(self.client, tables, self.now)

    def check_scheduler(self) -> None:
        """Report if Prefect has stopped scheduling runs."""
        schedules.report_scheduler(self.incidents, self.client, self.now)

    def check_recoveries(self) -> None:
        """Close the incidents that are over."""
        recoveries.close_failures(self.incidents, self.runs, self.warehouse, self.now)
        stuck_runs.close_those_that_began(self.incidents, self.client, self.now)

    def check_server_automations(self) -> None:
        """Resume the automation that reports late runs: it pauses itself after one report. It is prod's."""
        if current_target().is_prod and not stuck_runs.late_runs(self.client, None, self.now):
            late_run_automation.resume_late(self.client)

    def send(self) -> int:
        """Deliver the waiting messages. Return how many still wait."""
        return Outbox(self.client).flush()
