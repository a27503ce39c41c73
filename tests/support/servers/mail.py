"""A mail server on loopback that speaks real SMTP: plain, with STARTTLS or over TLS, and with a login."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.servers.ports import free_port
from tests.support.servers.restarts import Restarts
from tests.support.servers.tls_proxy import Authority

USER, PASSWORD = "daybook@example.com", "p@ss/w:rd%"


@dataclass(frozen=True)
class Mail:
    """A received message with its sender and recipients."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage
    login: str | None
    """The user who had logged in."""

    def part(self, kind: str) -> str:
        """Return the text of the part `plain` or `html`."""
        part = self.message.get_body((kind,))
        assert part is not None, f"no {kind} part"
        return str(part.get_content())


class MailServer(Restarts):
    """The server. It keeps received mail in `messages`, and refuses recipients in `unknown`."""

    def __init__(self, folder: Path) -> None:
        self.messages: list[Mail] = []
        self.unknown: set[str] = set()
        authority = Authority()
        self.trusted = folder / "authority.pem"
        """The file with the certificate of its authority, for the client's `SSL_CERT_FILE`."""
        self.trusted.write_bytes(authority.certificate)
        self._tls = authority.context("localhost", folder)
        self.port, self.tls_port = free_port(), free_port()
        self.start()

    @property
    def url(self) -> str:
        """Return the URL in plain text, without a login."""
        return f"smtp://127.0.0.1:{self.port}?from=daybook@example.com"

    @property
    def starttls_url(self) -> str:
        """Return the URL with STARTTLS and the login."""
        return f"smtp+starttls://{self._login}@localhost:{self.port}"

    @property
    def tls_url(self) -> str:
        """Return the URL over TLS from the first byte, with the login."""
        return f"smtps://{self._login}@localhost:{self.tls_port}"

    _login = "daybook%40example.com:p%40ss%2Fw%3Ard%25"

    def close(self) -> None:
        for controller in self._controllers:
            controller.stop(no_assert=True)

    def start(self) -> None:
        rules: dict[str, Any] = {"authenticator": self._authenticate, "hostname": "127.0.0.1"}
        self._controllers = [
            Controller(self, port=self.port, tls_context=self._tls, **rules),
            # aiosmtpd does not know that this connection is in TLS, so it would refuse every login
            Controller(self, port=self.tls_port, ssl_context=self._tls, auth_require_tls=False, **rules),
        ]
        for controller in self._controllers:
            controller.start()

    def _authenticate(self, *given: Any) -> AuthResult:
        login = cast(LoginPassword, given[-1])
        right = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False, auth_data=login.login.decode())

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        """Refuse unknown recipients."""
        if address in self.unknown:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message."""
        message = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
        login = session.auth_data if session.authenticated else None
        sender = str(envelope.mail_from)
        self.messages.append(Mail(sender, tuple(envelope.rcpt_tos), cast(EmailMessage, message), login))
        return "250 OK"


@contextlib.contextmanager
def serving_mail() -> Iterator[MailServer]:
    """Yield a mail server until the block ends."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(MailServer(Path(folder))) as server:
        yield server


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Yield a mail server for one test. This process trusts its certificate."""
    with serving_mail() as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.trusted))
        yield server
