"""Show the progress of a long extraction on its run's page: rows, rows per second, and the estimated end.

A separate thread calls Prefect, so the source never waits for the server, and an outage of the server stops nothing.
"""

import logging
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client

from daybook.orchestration.artifacts.live_artifact import LivePage
from daybook.orchestration.artifacts.text import page_key
from daybook.progress import duration, rate, to_go

if TYPE_CHECKING:
    from daybook.load.planning.plan import Plan

logger = logging.getLogger("daybook.extracting")

_PAGE_AFTER = 10.0  # seconds: a shorter extraction gets no page
_SECONDS = 5.0  # between two updates
_PATIENCE = 10.0  # seconds that a finished extraction waits for its last figures to be shown


class ExtractPage:
    """The page of an extraction, as a context manager, if it takes more than ten seconds. Never raises."""

    def __init__(self, plan: "Plan") -> None:
        self._plan, self._rows, self._began = plan, 0, time.monotonic()
        self._ended, self._failed = threading.Event(), False
        # The copied context has the run, so the page and the warnings belong to it.
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), daemon=True, name="extract-page")

    def count(self, rows: int) -> None:
        """Set the number of rows so far. A smaller number than before means that the extraction was retried."""
        if rows < self._rows:
            self._began = time.monotonic()
        self._rows = rows

    def __enter__(self) -> "ExtractPage":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._failed = error is not None
        self._ended.set()
        self._thread.join(_PATIENCE)

    def _work(self) -> None:
        if self._ended.wait(_PAGE_AFTER):
            return
        name = self._plan.table.name
        try:
            expected = self._expected()
            with get_client(sync_client=True) as client:
                page = LivePage(client, page_key("extract", name), f"{name} {self._plan.label}")
                page.show(*self._figures(expected))
                while not self._ended.wait(_SECONDS):
                    page.show(*self._figures(expected))
                page.show(*self._last(expected))
        except Exception as error:
            logger.warning("%s: its progress cannot be shown: %s", name, type(error).__name__)

    def _expected(self) -> int | None:
        from daybook.load.planning.row_estimate import expected_rows
        from daybook.orchestration.blocks import open as blocks

        with suppress(Exception):  # the warehouse may be back by the end of the extraction
            warehouse = blocks.warehouse()
            with warehouse.session() as session:
                return expected_rows(session, warehouse, self._plan)
        return None

    def _figures(self, expected: int | None) -> tuple[str, float | None]:
        rows, seconds, now = self._rows, time.monotonic() - self._began, datetime.now(UTC)
        if not rows:
            return f"no rows after {duration(seconds)}, as of {now:%H:%M:%S} UTC", expected and 0.0
        of = f" of about {expected:,}" if expected else ""
        end = to_go(rows, expected or 0, seconds, now)
        figures = [f"{rows:,}{of} rows extracted", rate(rows, seconds), *([end] if end else [])]
        return "; ".join([*figures, f"as of {now:%H:%M:%S} UTC"]), rows / expected if expected else None

    def _last(self, expected: int | None) -> tuple[str, float | None]:
        rows, seconds = self._rows, time.monotonic() - self._began
        if self._failed:
            return f"failed after {rows:,} rows and {duration(seconds)}", None
        return f"{rows:,} rows extracted in {duration(seconds)}; {rate(rows, seconds)}", expected and 1.0
