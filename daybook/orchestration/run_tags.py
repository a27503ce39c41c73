"""Tags and names for finding runs: the table that a run concerns, and the backfill that started it."""

import logging
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client

logger = logging.getLogger("daybook.tags")

#: The tag of every run that a backfill starts. The backfill reports its failure, and no other run waits for it.
BACKFILL_TAG = "backfill"
#: The end of such a run's name. An automation can exclude names, but not tags (deployments/automations.yaml).
BACKFILL_NAME_END = " (backfill)"


def tag(*tables: str) -> None:
    """Tag this run with its target and these tables, in case the deployment does not have the tags. Never raises."""
    from daybook.definitions.targets.project_target import current_target, either_name

    tags, id = runtime.flow_run.tags, runtime.flow_run.id
    wanted = [*map(either_name, tables), *current_target().tags]
    if not id or set(wanted) <= set(tags):
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(id), tags=list(dict.fromkeys([*tags, *wanted])))
    except Exception as error:
        name = ", ".join(tables) or runtime.flow_run.name
        logger.warning("%s: the run could not be tagged with %s: %s", name, ", ".join(wanted), type(error).__name__)
