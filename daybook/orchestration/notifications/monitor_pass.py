"""One pass: look at everything that may be wrong, open what is new, close what is over, and send what is to be said."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.impact import Impact, at
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts import freshness
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
from daybook.orchestration.notifications.detect.failed_runs import FailedRun, FailedRuns
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.variable_store import VariableStore
from daybook.sql.retries import first_line
from daybook.warehouses.base import Warehouse

logger = logging.getLogger("daybook.monitor")

_FIRST = timedelta(minutes=15)  # so far back looks the first pass of all
_LONGEST = timedelta(days=3)  # and none looks further back than this
_PATIENCE = 30  # seconds for the warehouse: one that hangs must not silence what is said of it


class MonitorPass:
    """What a pass works with. A step that cannot be done does not keep back the others."""

    def __init__(self, client: SyncPrefectClient, now: datetime) -> None:
        self.client, self.now = client, now
        self.problems: list[str] = []
        self.warehouse, self._why_not = _answering_warehouse()
        self.meanwhile = Impact(self.warehouse, now)
        self.desk, self.runs = IncidentStore(client, self.warehouse, blocks.secret_values()), FailedRuns(client)

    def run_step(self, do: Callable[[], None], what: str) -> None:
        """Do a step. What goes wrong is a line of `problems`."""
        try:
            do()
        except Exception as error:
            logger.exception("%s could not be looked at", what)
            self.problems.append(f"{what}: {type(error).__name__}: {self.desk.cleaned(str(error))}")

    def check_failed_runs(self, run: UUID | None = None) -> None:
        """Runs that failed, were lost or took too long, of which nobody was told."""
        memory = VariableStore(self.client, "monitor")
        looked = memory.get("looked")
        since = datetime.fromisoformat(looked) if looked else self.now - _FIRST
        untold, known = self.runs.untold(max(since, self.now - _LONGEST), [run] if run else []), len(self.problems)
        for _, group in groupby(untold, key=lambda failed: failed.run.id):
            of_run = list(group)
            self.run_step(partial(self._tell, of_run), f"the run {of_run[0].run.name}")
        if len(self.problems) == known:
            # What ended meanwhile is found by the next pass, which begins to look some minutes before this one: but
            # never before the first of all, which says nothing of what was there before it.
            memory.set("looked", max(since, self.now - _FIRST).isoformat())

    def _tell(self, of_run: Sequence[FailedRun]) -> None:
        """Tell of all that failed in one run. It is marked last: killed before, the next pass goes on with it."""
        for failed in of_run:
            failures.report_failure(self.desk, self.runs, failed, self.meanwhile)
        self.runs.mark(of_run[0])

    def check_zombie_runs(self) -> None:
        """Runs of which nothing was heard since an earlier pass: they count as crashed from now on."""
        memory = VariableStore(self.client, "monitor")
        earlier = memory.get("passed")
        if not earlier or zombie_runs.settle(self.client, datetime.fromisoformat(earlier), self.now):
            memory.set("passed", self.now.isoformat())

    def check_warehouse(self) -> None:
        """Whether it answers, where no failed run has said so already."""
        subject = failures.THE_WAREHOUSE
        if self.warehouse is not None or self.desk.about(subject):
            return
        incident = Incident(
            subject=subject,
            kind=Kind.FAILED,
            owner=failures.UNOWNED,
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
            meanwhile=("No load and no build can be committed, and nobody knows which tables are late.",),
            owner=incident.owner,
            incident=incident.id,
        )
        self.desk.keep(incident, notice)

    def check_event(self, about: str | None, run: UUID | None, subject: str | None, said: str) -> None:
        """What an event told of that cannot be found out otherwise."""
        if about == "warned" and subject:
            check_warnings.report_warning(self.desk, subject, said, str(run) if run else None, self.now)
        elif about == "recovered" and subject and said == "checks":
            check_warnings.close_warning(self.desk, subject, self.now)
        elif about == "stuck" and run:
            stuck_runs.report_stuck_run(self.desk, self.client, run, self.now)
        elif about == "waiting" and run:
            stuck_runs.note_waiting(self.desk, self.client, run, told=late_run_automation.was_told(self.client, said))

    def check_deadlines(self) -> None:
        """Tables that are late, or may be."""
        if self.warehouse:
            standings = late_tables.report_late_tables(self.desk, self.client, self.warehouse, self.meanwhile, self.now)
            page, figures = freshness.page(standings), freshness.figures(standings)
            create_markdown_artifact(key="freshness", markdown=page, description=figures)

    def check_scheduler(self) -> None:
        """Whether Prefect itself still schedules what it should."""
        schedules.report_scheduler(self.desk, self.client, self.now)

    def check_recoveries(self) -> None:
        """Incidents whose end is to be seen."""
        recoveries.close_failures(self.desk, self.runs, self.warehouse, self.now)
        stuck_runs.close_those_that_began(self.desk, self.client, self.now)

    def check_server_automations(self) -> None:
        """The automation that says once that runs wait, and then pauses: it watches again, once that is over."""
        if not stuck_runs.late_runs(self.client, None, self.now):
            late_run_automation.resume_late(self.client)

    def send(self) -> int:
        """Deliver what is to be said. Returns how many messages wait on."""
        return Outbox(self.client).flush()


def _answering_warehouse() -> tuple[Warehouse | None, str]:
    """The warehouse, if it answers; else why it does not."""
    try:
        warehouse = blocks.warehouse(patience=_PATIENCE)
        with warehouse.session() as session:
            session.one("SELECT 1")
        return warehouse, ""
    except BlockUnusable as error:
        return None, str(error)
    except Exception as error:
        return None, first_line(error)
