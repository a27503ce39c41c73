"""What a backfill shows on its page while it works: figures, a calendar of the range, and what failed."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactUpdate

from daybook.calendar import calendar
from daybook.interval import Interval
from daybook.standing import Standing, State
from daybook.table import Table

_SECONDS = 2.0  # between two updates, so that a long backfill does not keep the server busy with its picture
_TOLD = 100  # failures on the page: the others are in daybook.failures


class CalendarPage:
    """Two artifacts of the flow run that makes it: how far it is, and the calendar. Both change as it goes on."""

    def __init__(
        self,
        client: SyncPrefectClient,
        table: Table,
        standings: Sequence[Standing],
        wanted: Sequence[Interval],
        label: str,
    ) -> None:
        assert table.grid is not None
        self._client, self._table, self._grid, self._label = client, table, table.grid, label
        self._states = {standing.interval: standing.state for standing in standings}
        self._wanted, self._done = len(wanted), set[Interval]()
        self._began, self._drawn, self._text = time.monotonic(), time.monotonic(), self._markdown({}, ())
        key = re.sub(r"[^a-z0-9]+", "-", f"backfill {table.name}".lower()).strip("-")
        self._calendar = cast(UUID, create_markdown_artifact(markdown=self._text, key=key, description=label))
        self._progress = cast(UUID, create_progress_artifact(0.0, key=f"{key}-progress", description=label))

    def loaded(self, intervals: Iterable[Interval]) -> None:
        """These are loaded now."""
        for interval in intervals:
            self._states[interval] = State.LOADED
            self._done.add(interval)

    def update(self, failed: Mapping[Interval, str], running: Sequence[Interval], *, final: bool = False) -> None:
        """Show how it stands; not more often than every few seconds, but for the `final` one."""
        if not final and time.monotonic() - self._drawn < _SECONDS:
            return
        text = self._markdown(failed, running)
        if text != self._text:
            share = 100.0 * (len(self._done) + len(failed)) / max(self._wanted, 1)
            self._client.update_artifact(self._calendar, ArtifactUpdate(data=text))
            self._client.update_artifact(self._progress, ArtifactUpdate(data=round(share, 1)))
        self._text, self._drawn = text, time.monotonic()

    def _markdown(self, failed: Mapping[Interval, str], running: Sequence[Interval]) -> str:
        now = self._states | dict.fromkeys(running, State.RUNNING) | dict.fromkeys(failed, State.FAILED)
        lines = [self._figures(len(failed), len(running)), "", calendar(self._grid, now.items())]
        if failed:
            lines.append("")
            lines += [f"- **{self._grid.label(i)}**: {one_line(why)}" for i, why in sorted(failed.items())[:_TOLD]]
            if len(failed) > _TOLD:
                lines.append(f"- and {len(failed) - _TOLD:,} more, in daybook.failures")
        return "\n".join(lines)

    def _figures(self, failed: int, running: int) -> str:
        done = len(self._done)
        figures = [f"**{done:,} of {self._grid.counted(self._wanted)} loaded**"]
        figures += [f"**{failed:,} failed**"] if failed else []
        figures += [f"{running:,} running"] if running else []
        left = self._wanted - done - failed
        if done and left:
            seconds = (time.monotonic() - self._began) / done * left
            figures.append(f"about {seconds / 60:.0f} min to go" if seconds > 90 else f"about {seconds:.0f} s to go")
        return ", ".join(figures)


def one_line(text: str) -> str:
    """A text as it can stand in a list of Markdown: on one line, and without marks that Markdown would take away."""
    return " ".join(text.split()).replace("*", "\\*").replace("_", "\\_")
