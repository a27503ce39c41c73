"""What the loads of one run share: blocks that are read once, connections, and requests to the Prefect server."""

import time
from collections.abc import Callable
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from prefect import runtime

from daybook.load.extraction.extract import extract
from daybook.load.load import LoadReport, already_loaded, idle_report, load
from daybook.load.planning.plan import Plan
from daybook.load.transform import transform
from daybook.orchestration.artifacts.extract_progress import ExtractPage
from daybook.orchestration.artifacts.load_report import log, require_all_rows
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.events import emit_loaded
from daybook.orchestration.monitor_events import emit_results

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials
    from mypy_boto3_s3 import S3Client
    from sqlalchemy import Engine

_SECONDS = 5.0  # between two requests about the incidents that commits may have ended


class SharedBlocks:
    """A `ConnectionProvider` that reads each block once. Threads share it."""

    def __init__(self) -> None:
        self._lock, self._opened = RLock(), dict[tuple[str, str], Any]()

    def engine(self, name: str) -> "Engine":
        """Return the engine for the database of a block."""
        return self.once("engine", name, lambda: blocks.engine(name))

    def s3(self, name: str) -> "S3Client":
        """Return the S3 client of a block. Clients of boto3 are safe in threads."""
        return self.once("s3", name, lambda: blocks.s3(name))

    def google(self, name: str) -> "Credentials":
        """Return the Google account of a block."""
        return self.once("google", name, lambda: blocks.google(name))

    def once(self, kind: str, name: str, read: Callable[[], Any]) -> Any:
        """Return what `read` returned for this kind and name. If it fails, the next call tries again."""
        with self._lock:
            if (kind, name) not in self._opened:
                self._opened[kind, name] = read()
            return self._opened[kind, name]


class SharedRun:
    """The loads of a run of several tables. Call `load` for each of them, in threads, and `close` at the end."""

    def __init__(self) -> None:
        self._keys, self._lock = SharedBlocks(), Lock()
        self._committed, self._asked = dict[str, tuple[str, ...]](), time.monotonic()

    def load(self, plan: Plan) -> LoadReport:
        """Extract, transform and load the planned rows, without a task run for each step.

        Raises:
            SourceIncomplete: the source could not deliver all rows. Those that it delivered are loaded.
        """
        report = self._load(plan)
        log(report)
        return require_all_rows(report)

    def _load(self, plan: Plan) -> LoadReport:
        if idle := idle_report(plan):
            return idle
        warehouse = self._keys.once("warehouse", "", blocks.warehouse)
        run_id, run_name = runtime.flow_run.id, runtime.flow_run.name or ""
        if done := already_loaded(plan, warehouse, run_id):
            return done
        stage = self._keys.once("stage", "", blocks.stage)
        with ExtractPage(plan) as page:
            extracted = extract(plan, self._keys, warehouse, stage, run_id=run_name, on_rows=page.count)
        report = load(transform(extracted, stage), warehouse, stage, flow_run_id=run_id)
        emit_loaded(report, plan)
        self._note_commit(report)
        return report

    def _note_commit(self, report: LoadReport) -> None:
        """Ask after the commit if it has ended an incident, for several tables at a time."""
        with self._lock:
            self._committed[report.table] = report.warnings
            is_time = time.monotonic() - self._asked >= _SECONDS
        if is_time:
            self.close()

    def close(self) -> None:
        """Emit the events of the commits that have not been asked about."""
        with self._lock:
            committed, self._committed = self._committed, {}
            self._asked = time.monotonic()
        if committed:
            emit_results(committed)
