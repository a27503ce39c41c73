"""The tests' mail server speaks SMTP as others do: in plain text, with STARTTLS, over TLS, with a login."""

import smtplib
import ssl
from email.message import EmailMessage

import pytest

from tests.support.servers.mail import PASSWORD, USER, MailServer


def letter(to: str = "team@example.com") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "raw_data.nps failed", USER, to
    message.set_content("Ärger")
    message.add_alternative("<p>Ärger</p>", subtype="html")
    return message


def test_it_takes_mail_in_plain_text(mail: MailServer) -> None:
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.send_message(letter())

    (taken,) = mail.messages
    assert (taken.sender, taken.to, taken.login) == (USER, ("team@example.com",), None)
    assert taken.message["Subject"] == "raw_data.nps failed"
    assert (taken.part("plain").strip(), taken.part("html").strip()) == ("Ärger", "<p>Ärger</p>")


def test_it_takes_mail_after_starttls_and_a_login(mail: MailServer) -> None:
    with smtplib.SMTP("localhost", mail.port) as client:
        client.starttls(context=ssl.create_default_context())
        client.login(USER, PASSWORD)
        client.send_message(letter())

    assert [taken.login for taken in mail.messages] == [USER]


def test_it_takes_mail_over_tls_and_refuses_a_wrong_password(mail: MailServer) -> None:
    with smtplib.SMTP_SSL("localhost", mail.tls_port, context=ssl.create_default_context()) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")
        client.login(USER, PASSWORD)
        client.send_message(letter())

    assert [taken.login for taken in mail.messages] == [USER]


def test_it_refuses_who_is_unknown_and_can_be_down(mail: MailServer) -> None:
    mail.unknown.add("gone@example.com")
    with (
        smtplib.SMTP("127.0.0.1", mail.port) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused, match="no such mailbox"),
    ):
        client.send_message(letter("gone@example.com"))
    with mail.down(), pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", mail.port)
    with smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.send_message(letter())
    assert len(mail.messages) == 1
