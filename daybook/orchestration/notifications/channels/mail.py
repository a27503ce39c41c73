"""E-mail: plain text and HTML through a mail server, with follow-ups as replies."""

import contextlib
import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import formatdate, make_msgid
from html import escape
from smtplib import SMTP, SMTP_SSL, SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING, Annotated, Self

from prefect.client.orchestration import SyncPrefectClient
from pydantic import AfterValidator

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.artifacts.text import printable
from daybook.orchestration.blocks.address_validation import EMAIL_ADDRESS
from daybook.orchestration.blocks.open import existing
from daybook.orchestration.notifications.channel import ONE_OR_MORE, Channel
from daybook.orchestration.notifications.errors import DeliveryFailed, NotConfigured
from daybook.orchestration.notifications.plain_text import clipped, headline, one_line, plain, shortened, signature

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials

logger = logging.getLogger("daybook.notifications")

TIMEOUT = 10  # seconds for each command to the server

_VARIABLE = "DAYBOOK_SMTP_URL"
_REMEDY = f"correct {_VARIABLE}, and run `daybook blocks`"
_SUBJECT, _ERROR = 200, 20_000
_COLOURS = {
    Tone.FAILED: "#c62828",
    Tone.STILL: "#c62828",
    Tone.LATE: "#e65100",
    Tone.WARNED: "#b58900",
    Tone.RECOVERED: "#2e7d32",
    Tone.NOTE: "#607d8b",
}
_PAGE = "font:15px/1.45 -apple-system,'Segoe UI',Roboto,sans-serif;color:#222;max-width:640px"
_CODE = "font:13px/1.4 Menlo,Consolas,monospace;background:#f4f4f4;border-radius:4px;padding:10px;white-space:pre-wrap"


def _checked(given: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [address for address in given if not re.fullmatch(EMAIL_ADDRESS, address)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not an e-mail address: write team@example.com, or a list of addresses")
    return given


@dataclass(frozen=True)
class Mail(Channel):
    """Send an e-mail to all addresses of an owner."""

    name = "email"
    yaml_field = "address"
    address_type = Annotated[tuple[str, ...], ONE_OR_MORE, AfterValidator(_checked)]
    yaml_help = "An e-mail address, or a list of them. An empty list sends no e-mail."

    to: Sequence[str]
    server: "EmailServerCredentials"
    """The block `EmailServerCredentials/mail`."""
    sender: str
    """The address in the block `MailSender/mail`; without that block, the user of the mail server."""

    @classmethod
    def open(cls, client: SyncPrefectClient, address: Sequence[str] | None) -> Sequence[Self]:
        """Open the mail server, if the owner has addresses. Raises NotConfigured if there is no mail server."""
        if not address:
            return ()
        from prefect_email import EmailServerCredentials

        from daybook.orchestration.blocks.block_types import MailSender

        server = existing(client, EmailServerCredentials, "mail", _VARIABLE)
        if server is None:
            raise NotConfigured(f"no e-mail is sent: set {_VARIABLE} and run `daybook blocks`")
        sender = existing(client, MailSender, "mail", _VARIABLE)
        return (cls(address, server, sender.address if sender else server.username or ""),)

    def deliver(self, notice: Notice) -> str:
        """Send a notice, and return the thread it starts: the Message-ID of the e-mail."""
        return self.reply(notice, "")

    def reply(self, notice: Notice, thread: str) -> str:
        """Send a notice as a reply to the first e-mail of its incident, whose Message-ID is `thread`."""
        if not re.fullmatch(EMAIL_ADDRESS, self.sender):
            raise DeliveryFailed(f"the sender's address is missing: add ?from= to the URL: {_REMEDY}")
        mail = message(notice, self.sender, self.to, thread)
        try:
            with _connected(self.server) as server:
                refused = server.send_message(mail, self.sender, self.to)
        except SMTPAuthenticationError:
            raise DeliveryFailed(f"the mail server refuses the user and password: {_REMEDY}") from None
        except SMTPRecipientsRefused as error:
            raise DeliveryFailed(f"the mail server refuses all addresses: {_why(error.recipients)}") from None
        except SMTPResponseException as error:
            raise DeliveryFailed(f"the mail server answered {_answer(error.smtp_code, error.smtp_error)}") from None
        except (OSError, SMTPException, ValueError) as error:
            raise DeliveryFailed(f"the mail server cannot be reached: {error}") from None
        if refused:
            logger.warning("%s: the mail server refuses some addresses: %s", notice.title, _why(refused))
        return thread or str(mail["Message-ID"])


@contextlib.contextmanager
def _connected(block: "EmailServerCredentials") -> Iterator[SMTP]:
    """Connect as the block's own `get_server` does, but with a timeout."""
    from prefect_email.credentials import SMTPServer, SMTPType

    host = block.smtp_server.value if isinstance(block.smtp_server, SMTPServer) else block.smtp_server
    port = block.smtp_port or block.smtp_type.value
    trust = ssl.create_default_context()
    if not block.verify:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    if block.smtp_type == SMTPType.SSL:
        server: SMTP = SMTP_SSL(host, port, timeout=TIMEOUT, context=trust)
    else:
        server = SMTP(host, port, timeout=TIMEOUT)
    try:
        if block.smtp_type == SMTPType.STARTTLS:
            server.starttls(context=trust)
        if block.username:
            server.login(block.username, block.password.get_secret_value())
        yield server
    finally:
        # The server delivers an accepted message even if it does not answer QUIT.
        with contextlib.suppress(SMTPException, OSError):
            server.quit()
        server.close()


def _why(refused: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{address} ({_answer(*answer)})" for address, answer in refused.items())


def _answer(code: int, text: bytes | str) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"


def message(notice: Notice, sender: str, to: Sequence[str], thread: str = "") -> EmailMessage:
    """Return the e-mail from `sender` to the addresses `to`, with a new Message-ID.

    `thread` is the Message-ID of the first e-mail of the incident: mail programs show this one below it.
    """
    mail = EmailMessage(policy=POLICY)
    mail["Subject"] = clipped(one_line(notice.title), _SUBJECT) or "Daybook"
    mail["From"] = Address("Daybook", addr_spec=sender)
    mail["To"] = ", ".join(to)
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # no out-of-office replies
    if thread:
        mail["In-Reply-To"] = mail["References"] = thread
    mail.set_content(plain(notice))
    mail.add_alternative("\n".join(_html(notice)), subtype="html")
    return mail


def _html(notice: Notice) -> Iterator[str]:
    yield f'<div style="{_PAGE}">'
    yield (
        f'<h2 style="font-size:18px;border-left:6px solid {_COLOURS[notice.tone]};padding-left:10px">'
        f"{escape(headline(notice))}</h2>"
    )
    if notice.facts:
        yield "<p>" + "<br>\n".join(_fact(name, value) for name, value in notice.facts) + "</p>"
    if error := printable(notice.error or "").strip():
        yield f'<pre style="{_CODE}">{escape(shortened(error, _ERROR))}</pre>'
    for sentence in notice.impact:
        yield f"<p>{escape(one_line(sentence))}</p>"
    if command := printable(notice.command or "").strip():
        yield f'<pre style="{_CODE}">{escape(command)}</pre>'
    if notice.link:
        name, address = map(one_line, notice.link)
        opens = address.startswith(("http://", "https://"))
        yield f'<p><a href="{escape(address)}">{escape(name)}</a></p>' if opens else f"<p>{escape(name)}</p>"
    small = [*map(one_line, notice.notes), signature(notice)]
    yield f'<p style="font-size:12px;color:#777">{"<br>".join(map(escape, small))}</p></div>'


def _fact(name: str, value: str) -> str:
    return f"<b>{escape(one_line(name))}</b>: {escape(one_line(value))}"
