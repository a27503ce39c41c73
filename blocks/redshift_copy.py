"""The role with which Redshift's COPY reads the stage.

A Redshift warehouse needs the role and an S3 stage: it loads only from S3, with a role or with the stage's own keys.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from daybook.orchestration.blocks.address_validation import copy_iam_role
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable

from .databases import WAREHOUSE_URL
from .stage import STAGE_URL

if TYPE_CHECKING:
    from prefect.blocks.core import Block

COPY_IAM_ROLE = Variable(
    name="DAYBOOK_COPY_IAM_ROLE",
    description=(
        "the role that Redshift's `COPY` assumes; it is attached to the cluster and may read the stage. `default` is "
        "the cluster's default role, and `access_keys` are the stage's own keys, if there is no role"
    ),
    read=copy_iam_role,
    examples=("arn:aws:iam::123456789012:role/NAME",),
)


class RedshiftCopy(BlockDeclaration):
    """The role of Redshift's COPY."""

    position = 50
    makes = "RedshiftCopy/warehouse"
    variables = (COPY_IAM_ROLE,)

    def check(self, environment: Environment) -> None:
        """Refuse a Redshift warehouse without a role or an S3 stage, and a role for any other warehouse."""
        warehouse = environment.value(WAREHOUSE_URL)
        if warehouse is None:
            return
        if warehouse[0].get_backend_name() != "redshift":
            if environment.is_set(COPY_IAM_ROLE):
                reason = f"is for Redshift, but DAYBOOK_WAREHOUSE_URL is a {warehouse[0].get_backend_name()} database"
                environment.problem(COPY_IAM_ROLE, f"{reason}: unset it, or correct DAYBOOK_WAREHOUSE_URL")
            return
        if not environment.is_set(COPY_IAM_ROLE):
            remedy = (
                "set it to the ARN of a role that may read the stage and is attached to the cluster, to default for "
                "the cluster's default role, or to access_keys"
            )
            environment.problem(COPY_IAM_ROLE, f"is not set, and Redshift's COPY needs it: {remedy}")
        if not environment.is_set(STAGE_URL) or isinstance(environment.value(STAGE_URL), Path):
            state = "is a folder" if environment.is_set(STAGE_URL) else "is not set"
            environment.problem(STAGE_URL, f"{state}, and Redshift loads from S3 only: set s3://BUCKET/PREFIX")

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the role."""
        from daybook.orchestration.blocks.block_types import RedshiftCopy

        role = environment[COPY_IAM_ROLE]
        yield BlockToSave(RedshiftCopy(iam_role=role), "warehouse", shown=role)
