"""The mail server that sends messages, and the sender address."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from daybook.orchestration.blocks.address_validation import EMAIL_ADDRESS
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

if TYPE_CHECKING:
    from prefect.blocks.core import Block

_EXAMPLE = "smtp+starttls://USER:PASSWORD@HOST:587?from=daybook@example.com"
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    """A mail server with its login (a `user` of None: no login) and the sender address."""

    security: str
    """`smtp` (none), `smtp+starttls` or `smtps`."""
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    sender: str


def read_smtp_url(text: str) -> MailServer:
    """Return the mail server of a URL. Raises `BadValue`, which never repeats a possible password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        raise BadValue(f"does not parse as a URL: write {_EXAMPLE}, user and password percent-encoded") from None
    if parts.scheme not in _PORTS:
        raise BadValue(f"is not a mail server's URL: write {_EXAMPLE} (or smtps://, or smtp:// without TLS)")
    if not parts.hostname or parts.netloc.count("@") > 1 or parts.path not in ("", "/") or parts.fragment or port == 0:
        raise BadValue(f"has no valid HOST:PORT after the @: write {_EXAMPLE}, user and password percent-encoded")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if given.keys() - {"from"}:
        raise BadValue(f"accepts only the option ?from=, the sender address: write {_EXAMPLE}")
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    if (user is None) != (password is None):
        raise BadValue(
            "has a user without a password, or a password without a user: write USER:PASSWORD@HOST, or just HOST"
        )
    sender = given.get("from") or user or ""
    if not re.fullmatch(EMAIL_ADDRESS, sender):
        raise BadValue(f"names no sender: add ?from= with an e-mail address, as in {_EXAMPLE}")
    return MailServer(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password, sender)


SMTP_URL = Variable(
    name="DAYBOOK_SMTP_URL",
    description="the mail server and the sender; `smtps://` and, without encryption, `smtp://` work, too",
    read=read_smtp_url,
    examples=(_EXAMPLE,),
)


class Mail(BlockDeclaration):
    """The mail server and the sender."""

    position = 70
    makes = "EmailServerCredentials/mail and MailSender/mail"
    variables = (SMTP_URL,)

    def check(self, environment: Environment) -> None:
        """Add a note if the password is sent in clear text."""
        mail = environment.value(SMTP_URL)
        if mail and mail.password and mail.security == "smtp":
            safe = "write smtp+starttls:// or smtps:// if the server supports it"
            environment.note(SMTP_URL, f"with smtp:// the password is sent in clear text: {safe}")

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the server, and the sender separately, because the server's block has no field for it."""
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
