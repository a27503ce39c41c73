"""Plan or save the blocks that the project declares, without starting a process."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

import blocks
from daybook.orchestration.blocks.block_plan import BlockPlan, plan_blocks
from daybook.orchestration.blocks.declaration import BlockDeclaration
from daybook.orchestration.blocks.errors import EnvironmentRefused
from daybook.orchestration.blocks.registry import declared_blocks

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2"}
S3 = {"DAYBOOK_STAGE_URL": "s3://lake/daybook", "AWS_REGION": "eu-west-1"}
ROLE = {"DAYBOOK_COPY_IAM_ROLE": "arn:aws:iam::123456789012:role/redshift-copy"}
REDSHIFT = {"DAYBOOK_WAREHOUSE_URL": "redshift+psycopg2://app:hunter2@wh:5439/dwh"}


_made: list[tuple[object, ...]] = []  # the server, the variables, and when each block was last changed


def declared() -> list[BlockDeclaration]:
    """Return the declarations of `blocks/`."""
    return declared_blocks(blocks)


def variables() -> dict[str, str]:
    """Return the blocks that each variable makes, by the variable's name."""
    return {variable.name: declaration.makes for declaration in declared() for variable in declaration.variables}


def plan(environ: Mapping[str, str]) -> BlockPlan:
    """Return the plan for `environ`."""
    return plan_blocks(declared(), environ)


def made_by(environ: Mapping[str, str]) -> list[str]:
    """Return the blocks that `environ` requests, in the order of saving."""
    return [declaration.makes for declaration in plan(environ).wanted]


def refused(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that the refusal of `environ` names, in order. Asserts that it contains no secret."""
    with pytest.raises(EnvironmentRefused) as error:
        plan(environ)
    assert "hunter2" not in str(error.value)
    return [problem.partition(":")[0] for problem in error.value.problems]


def make_blocks(environ: Mapping[str, str]) -> None:
    """Save the blocks of `environ` on the server that this process uses, as `python -m blocks` does.

    Does nothing if the last call saved the same blocks and none has changed since: comparing them one by one takes a
    second.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    from daybook.orchestration.blocks.save_blocks import save

    with get_client(sync_client=True) as client:

        def stored() -> tuple[object, ...]:
            documents = client.read_block_documents(offset=0, limit=200)
            return (PREFECT_API_URL.value(), dict(environ), {document.id: document.updated for document in documents})

        if _made != [stored()]:
            list(save(plan(environ), force=True))
            _made[:] = [stored()]


def delete_blocks(client: "SyncPrefectClient") -> None:
    """Delete all blocks of the session's server, which other tests have saved."""
    for document in client.read_block_documents(offset=0, limit=200):
        client.delete_block_document(document.id)
