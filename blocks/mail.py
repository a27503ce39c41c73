"""The mail server that sends messages, and the address that they come from."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from daybook.orchestration.blocks import mail_url
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable

if TYPE_CHECKING:
    from prefect.blocks.core import Block

SMTP_URL = Variable(
    name="DAYBOOK_SMTP_URL",
    description="the mail server and the sender; `smtps://` and, without encryption, `smtp://` work, too",
    read=mail_url.read,
    examples=(mail_url.EXAMPLE,),
)


class Mail(BlockDeclaration):
    """The mail server and the sender."""

    position = 70
    makes = "EmailServerCredentials/mail and MailSender/mail"
    variables = (SMTP_URL,)

    def check(self, environment: Environment) -> None:
        """Warn of a password that is sent in clear text."""
        mail = environment.value(SMTP_URL)
        if mail and mail.password and mail.security == "smtp":
            safe = "write smtp+starttls:// or smtps:// if the server supports it"
            environment.note(SMTP_URL, f"with smtp:// the password is sent in clear text: {safe}")

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the server, and the sender, which the server's block has no field for."""
        from prefect_email import EmailServerCredentials

        from daybook.orchestration.blocks.block_types import MailSender

        mail = environment[SMTP_URL]
        server = EmailServerCredentials(
            username=mail.user,
            password=SecretStr(mail.password or ""),
            smtp_server=mail.host,
            smtp_type={"smtp": "INSECURE", "smtp+starttls": "STARTTLS", "smtps": "SSL"}[mail.security],
            smtp_port=mail.port,
        )
        yield BlockToSave(server, "mail", shown=f"{mail.security}://{mail.host}:{mail.port}")
        yield BlockToSave(MailSender(address=mail.sender), "mail", shown=mail.sender)
