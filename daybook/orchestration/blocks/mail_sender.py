"""The block type `MailSender`: from which address Daybook's e-mail comes."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from daybook.orchestration.blocks.mail_url import ADDRESS


class MailSender(Block):
    """From which address Daybook's e-mail comes.

    The block of the mail server, EmailServerCredentials, knows who logs in there, and that is often no address.
    """

    _block_type_name: ClassVar[str | None] = "Mail sender"
    _block_type_slug: ClassVar[str | None] = "mail-sender"
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/82bc6ed16ca42a2252a5512c72233a253b8a58eb-250x250.png"
    )

    address: str = Field(
        title="Address", description="From which address.", pattern=ADDRESS, examples=["daybook@example.com"]
    )
