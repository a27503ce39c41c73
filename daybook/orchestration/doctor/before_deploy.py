"""What deploying needs: a quick part of the doctor, with a few requests and no connection to a database."""

from collections.abc import Iterator

from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.blocks.open import blocks_command
from daybook.orchestration.blocks.stored_blocks import FOLDER_STAGE, S3_STAGE, document
from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.doctor.workers import check_version, check_worker

#: The variable of each block that every run opens, its name in prod, and the slugs of the types that it may have.
_BLOCKS = (
    ("DAYBOOK_WAREHOUSE_URL", "warehouse", ("sqlalchemy-connector",)),
    ("DAYBOOK_STAGE_URL", "stage", (S3_STAGE, FOLDER_STAGE)),
)


def problems_of_runs(client: SyncPrefectClient, project: ProjectFile) -> Iterator[Finding]:
    """Yield why every run of the project would wait or fail: versions, blocks that are missing, no worker.

    A work pool that is missing is no problem, because a deploy creates it.
    """
    yield from (one for one in check_version(client) if one.level != "ok")
    for variable, name, slugs in _BLOCKS:
        block = current_target().block(name)
        if not any(document(client, slug, block) for slug in slugs):
            remedy = f"set {variable} and run: {blocks_command()}"
            yield Finding("error", "blocks", f"the block {block} is missing, so every run would fail", remedy)
    try:
        client.read_work_pool(project.work_pool)
    except ObjectNotFound:
        return
    yield from (one for one in check_worker(client, project.work_pool) if one.level != "ok")
