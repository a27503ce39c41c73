"""The tag by which a table's runs are found in the UI, on runs whose deployment cannot have it: it may be any table."""

import logging
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client

logger = logging.getLogger("daybook.tags")


def tag(table: str) -> None:
    """Have this run carry the name of the table that it turns out to be about. Never raises."""
    tags, id = runtime.flow_run.tags, runtime.flow_run.id
    if not id or table in tags:
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(id), tags=[*tags, table])
    except Exception as error:
        logger.warning("%s: the run could not be tagged with it: %s", table, type(error).__name__)
