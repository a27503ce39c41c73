"""The block types that Daybook adds to those of Prefect's integrations."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from daybook.orchestration.blocks.address_validation import COPY_IAM_ROLE, EMAIL_ADDRESS


class RedshiftCopy(Block):
    """The role with which Redshift's COPY reads the stage.

    Daybook loads Redshift with `COPY ... FROM 's3://...' IAM_ROLE ...`. The cluster assumes the role, not the worker.
    So the role must be attached to the cluster, and must be allowed to list and read the stage's bucket. Prefer a role
    to access keys: these are part of the text of each COPY, which the cluster's own logs may keep.
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
        from daybook.orchestration.blocks.block_types import RedshiftCopy

        role = RedshiftCopy.load("warehouse").iam_role
        ```
        """

    iam_role: str = Field(
        title="IAM role",
        description=(
            "ARN of the role that Redshift assumes to read the stage. It must be attached to the cluster. Several,"
            " comma-separated, are assumed in turn. `default` is the cluster's default role. With `access_keys`, COPY"
            " reads the stage with the stage's own keys."
        ),
        pattern=COPY_IAM_ROLE,
        examples=["arn:aws:iam::123456789012:role/redshift-copy"],
    )


class MailSender(Block):
    """The sender address of Daybook's e-mail.

    EmailServerCredentials, the block of the mail server, has only the user who logs in, which is often not an address.
    """

    _block_type_name: ClassVar[str | None] = "Mail sender"
    _block_type_slug: ClassVar[str | None] = "mail-sender"
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/82bc6ed16ca42a2252a5512c72233a253b8a58eb-250x250.png"
    )

    address: str = Field(
        title="Address",
        description="The sender address of the e-mail.",
        pattern=EMAIL_ADDRESS,
        examples=["daybook@example.com"],
    )
