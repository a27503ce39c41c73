"""What changes on a run's page while the run works: a text, and a bar of progress."""

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate


class LivePage:
    """Two artifacts of the run in which it is made: Markdown, and how much is done, once that can be said."""

    def __init__(self, client: SyncPrefectClient, key: str, label: str) -> None:
        self._client, self._key, self._label = client, key, label
        self._shown: dict[str, tuple[UUID, object]] = {}

    def show(self, text: str, share: float | None) -> None:
        """Show `text`, and that `share` (from 0 to 1) is done; None: nobody knows."""
        self._put("markdown", self._key, text)
        if share is not None:
            self._put("progress", f"{self._key}-progress", round(100 * min(share, 1.0), 1))

    def _put(self, type: str, key: str, data: object) -> None:
        if type not in self._shown:
            run, task = runtime.flow_run.id, runtime.task_run.id
            artifact = ArtifactCreate(
                type=type,
                key=key,
                description=self._label,
                data=data,
                flow_run_id=run and UUID(run),
                task_run_id=task and UUID(task),
            )
            self._shown[type] = self._client.create_artifact(artifact).id, data
        id, before = self._shown[type]
        if data != before:
            self._client.update_artifact(id, ArtifactUpdate(data=data))
            self._shown[type] = id, data
