"""Show the progress of a backfill on its run's page: figures, a calendar of the range, and failures."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.table import Table
from daybook.ledger.interval_status import IntervalStatus, State
from daybook.model.interval import Interval
from daybook.orchestration.artifacts.calendar_grid import SQUARES, calendar
from daybook.orchestration.artifacts.live_artifact import LivePage
from daybook.orchestration.artifacts.text import one_line, page_key
from daybook.progress import duration, rate, to_go

_SECONDS = 5.0  # between two updates: a long backfill must not keep the server busy
_FAILURES_SHOWN = 100  # failures on the page: daybook.failures has all of them


class CalendarPage:
    """Two artifacts of the current flow run that are updated while it works: the progress and the calendar."""

    def __init__(
        self,
        client: SyncPrefectClient,
        table: Table,
        statuses: Sequence[IntervalStatus],
        wanted: Sequence[Interval],
        label: str,
    ) -> None:
        assert table.grid is not None
        self._grid = table.grid
        self._states = {status.interval: status.state for status in statuses}
        self._wanted, self._rows = len(wanted), dict[Interval, int]()
        self._began = self._drawn = time.monotonic()
        self._page = LivePage(client, page_key("backfill", table.name), label)
        self._show({}, ())

    def loaded(self, rows: Mapping[Interval, int]) -> None:
        """Mark these intervals as loaded, each with its number of rows."""
        self._states |= dict.fromkeys(rows, State.LOADED)
        self._rows |= rows

    def update(self, failed: Mapping[Interval, str], running: Sequence[Interval], *, final: bool = False) -> None:
        """Show the current state, at most every few seconds. A `final` state is shown at once."""
        if not final and time.monotonic() - self._drawn < _SECONDS:
            return
        self._show(failed, running)
        self._drawn = time.monotonic()

    def _show(self, failed: Mapping[Interval, str], running: Sequence[Interval]) -> None:
        now = self._states | dict.fromkeys(running, State.RUNNING) | dict.fromkeys(failed, State.FAILED)
        lines = [calendar(self._grid, now.items(), SQUARES)]
        if failed:
            lines.append("")
            lines += [
                f"- **{self._grid.label(i)}**: {one_line(why)}" for i, why in sorted(failed.items())[:_FAILURES_SHOWN]
            ]
            if len(failed) > _FAILURES_SHOWN:
                lines.append(f"- and {len(failed) - _FAILURES_SHOWN:,} more, in daybook.failures")
        share = (len(self._rows) + len(failed)) / max(self._wanted, 1)
        self._page.show(self._figures(len(failed), len(running)), share, "\n".join(lines))

    def _figures(self, failed: int, running: int) -> str:
        done, rows, seconds = len(self._rows), sum(self._rows.values()), time.monotonic() - self._began
        figures = [f"{done:,} of {self._grid.counted(self._wanted)} loaded"]
        figures += [f"{failed:,} failed"] if failed else []
        figures += [f"{running:,} running"] if running else []
        figures += [f"{rows:,} rows, {rate(rows, seconds)}"] if rows else []
        if end := to_go(done + failed, self._wanted, seconds, datetime.now(UTC)):
            figures.append(end)
        elif done + failed == self._wanted:
            figures.append(f"in {duration(seconds)}")
        return ", ".join(figures)
