"""Sends a notice by e-mail."""

import contextlib
import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from smtplib import SMTP, SMTP_SSL, SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.blocks.mail_url import ADDRESS
from daybook.orchestration.blocks.notification_channels import Mailbox
from daybook.orchestration.notifications.channels.email_message import message
from daybook.orchestration.notifications.errors import Undelivered

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials

logger = logging.getLogger("daybook.telling")

TIMEOUT = 10  # seconds, for each thing that is said to the server
_REMEDY = "correct DAYBOOK_SMTP_URL, and run `python -m blocks`"


def send(notice: Notice, by: Mailbox, to: Sequence[str], thread: str = "") -> str:
    """Send a notice to the addresses `to`, and return the thread: the Message-ID of the first e-mail of its incident.

    Raises:
        Undelivered: the server cannot be reached, or takes it for none of them.
    """
    if not re.fullmatch(ADDRESS, by.sender):
        raise Undelivered(f"nobody says from which address the mail comes: add ?from= to it: {_REMEDY}")
    mail = message(notice, by.sender, to, thread)
    try:
        with _connected(by.server) as server:
            refused = server.send_message(mail, by.sender, to)
    except SMTPAuthenticationError:
        raise Undelivered(f"the mail server refuses user and password: {_REMEDY}") from None
    except SMTPRecipientsRefused as error:
        raise Undelivered(f"the mail server takes none of the addresses: {_why(error.recipients)}") from None
    except SMTPResponseException as error:
        raise Undelivered(f"the mail server says {_answer(error.smtp_code, error.smtp_error)}") from None
    except (OSError, SMTPException, ValueError) as error:
        raise Undelivered(f"the mail server cannot be reached: {error}") from None
    if refused:
        logger.warning("%s: the mail server does not take all addresses: %s", notice.title, _why(refused))
    return thread or str(mail["Message-ID"])


@contextlib.contextmanager
def _connected(block: "EmailServerCredentials") -> Iterator[SMTP]:
    """As the block's own `get_server` does it, which waits for ever for a server that is silent."""
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
        # Whether or not it says good-bye: what it took, it took.
        with contextlib.suppress(SMTPException, OSError):
            server.quit()
        server.close()


def _why(refused: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{address} ({_answer(*answer)})" for address, answer in refused.items())


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"
