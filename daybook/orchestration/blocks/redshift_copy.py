"""The block type `RedshiftCopy`: with which role Redshift reads the stage."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from daybook.orchestration.blocks.address_validation import COPY_IAM_ROLE


class RedshiftCopy(Block):
    """With which role Redshift's COPY reads the stage.

    Daybook loads Redshift with `COPY ... FROM 's3://...' IAM_ROLE ...`. The role is assumed by the cluster, not by the
    worker: it must be attached to the cluster, and be allowed to list and read the stage's bucket. A role, and no keys,
    because the text of a COPY is kept in Redshift's own logs.
    """

    _block_type_name: ClassVar[str | None] = "Redshift COPY"
    _block_type_slug: ClassVar[str | None] = "redshift-copy"
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/d74b16fe84ce626345adf235a47008fea2869a60-225x225.png"
    )
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-authorization.html"
    )
    _code_example: ClassVar[str | None] = """
        ```python
        from daybook.orchestration.blocks.redshift_copy import RedshiftCopy

        role = RedshiftCopy.load("warehouse").iam_role
        ```
        """

    iam_role: str = Field(
        title="IAM role",
        description=(
            "ARN of the role that Redshift assumes to read the stage. It must be attached to the cluster. Several,"
            " comma-separated, are assumed in turn."
        ),
        pattern=COPY_IAM_ROLE,
        examples=["arn:aws:iam::123456789012:role/redshift-copy"],
    )
