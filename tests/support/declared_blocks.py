"""The blocks that the project declares: planned or made from variables, without a process of its own."""

from collections.abc import Mapping

import pytest

import blocks
from daybook.orchestration.blocks.block_plan import BlockPlan, plan_blocks
from daybook.orchestration.blocks.declaration import BlockDeclaration
from daybook.orchestration.blocks.errors import EnvironmentRefused
from daybook.orchestration.blocks.registry import declared_blocks

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2"}
S3 = {"DAYBOOK_STAGE_URL": "s3://lake/daybook", "AWS_REGION": "eu-west-1"}
ROLE = {"DAYBOOK_COPY_IAM_ROLE": "arn:aws:iam::123456789012:role/redshift-copy"}
REDSHIFT = {"DAYBOOK_WAREHOUSE_URL": "redshift+psycopg2://app:hunter2@wh:5439/dwh"}


_made: list[tuple[object, ...]] = []  # the server, the variables, and when each block was changed last


def declared() -> list[BlockDeclaration]:
    """Return the declarations of `blocks/`."""
    return declared_blocks(blocks)


def variables() -> dict[str, str]:
    """Return the name of each variable, and the blocks that it makes."""
    return {variable.name: declaration.makes for declaration in declared() for variable in declaration.variables}


def plan(environ: Mapping[str, str]) -> BlockPlan:
    """Return the plan that `environ` asks for."""
    return plan_blocks(declared(), environ)


def made_by(environ: Mapping[str, str]) -> list[str]:
    """Return the blocks that `environ` asks for, in the order in which they are saved."""
    return [declaration.makes for declaration in plan(environ).wanted]


def refused(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that the refusal of `environ` names, in its order. No secret is in it."""
    with pytest.raises(EnvironmentRefused) as error:
        plan(environ)
    assert "hunter2" not in str(error.value)
    return [problem.partition(":")[0] for problem in error.value.problems]


def make_blocks(environ: Mapping[str, str]) -> None:
    """Make the blocks of `environ` on the server of this process, as `python -m blocks` does in its own.

    Nothing is done where the last call made the same and no block has changed since: it takes a second to compare them
    one by one.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    from daybook.orchestration.blocks.save_blocks import save

    with get_client(sync_client=True) as client:

        def stored() -> tuple[object, ...]:
            documents = client.read_block_documents(offset=0, limit=200)
            return (PREFECT_API_URL.value(), dict(environ), {document.id: document.updated for document in documents})

        if _made != [stored()]:
            list(save(plan(environ)))
            _made[:] = [stored()]
