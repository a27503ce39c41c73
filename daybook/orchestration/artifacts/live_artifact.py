"""Artifacts that are updated while a run works: a text and a progress bar."""

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate


class LivePage:
    """Two artifacts of the current run: Markdown, and a progress bar as soon as the progress is known.

    Their cards on the run's page show only the first words of the descriptions, so these begin with the figures.
    """

    def __init__(self, client: SyncPrefectClient, key: str, label: str) -> None:
        self._client, self._key, self._label = client, key, label
        self._made: dict[str, tuple[UUID, ArtifactUpdate]] = {}

    def show(self, figures: str, share: float | None, below: str = "") -> None:
        """Show a line of `figures` with Markdown below it, and the `share` (0 to 1) that is done; None if unknown."""
        described = f"{figures} ({self._label})"
        self._put("markdown", self._key, described, f"**{figures}**\n\n{below}".strip())
        if share is not None:
            self._put("progress", f"{self._key}-progress", described, round(100 * min(share, 1.0), 1))

    def _put(self, type: str, key: str, described: str, data: object) -> None:
        now = ArtifactUpdate(description=described, data=data)
        if type not in self._made:
            run, task = (id and UUID(id) for id in (runtime.flow_run.id, runtime.task_run.id))
            new = ArtifactCreate(type=type, key=key, **now.model_dump(), flow_run_id=run, task_run_id=task)
            self._made[type] = self._client.create_artifact(new).id, now
        id, before = self._made[type]
        if now != before:
            self._client.update_artifact(id, now)
            self._made[type] = id, now
