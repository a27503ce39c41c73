"""E-mail: both parts have all of a notice, nothing in it becomes a header, and a mail server really gets it."""

import re
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any, cast

import pytest
from hypothesis import given
from prefect_email import EmailServerCredentials
from pydantic import SecretStr

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.notifications.channels import mail as mail_channel
from daybook.orchestration.notifications.channels.mail import Mail, message
from daybook.orchestration.notifications.plain_text import plain
from daybook.orchestration.notifications.send import send
from tests.daybook.orchestration.notifications.notices import FAILED, RECOVERED, notices
from tests.support.servers.mail import PASSWORD, USER, MailServer
from tests.support.servers.slack import Slack as SlackServer

FROM, TO = "daybook@example.com", ["team@example.com", "boss@example.com"]


def sent(notice: Notice, thread: str = "") -> EmailMessage:
    """As it arrives."""
    return cast(EmailMessage, message_from_bytes(message(notice, FROM, TO, thread).as_bytes(), policy=policy.default))


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_it_says_all_in_both_forms() -> None:
    mail = sent(FAILED)
    assert mail["Subject"] == FAILED.title
    assert (mail["From"], mail["To"]) == ("Daybook <daybook@example.com>", "team@example.com, boss@example.com")
    assert part(mail, "plain").splitlines() == plain(FAILED).splitlines()
    assert plain(FAILED).split("\n\n") == [
        "🟥 raw_data.nps failed: 2021-02-05",
        "Task: load\nAttempts: 2\nSince: 06:00 UTC",
        '    ShrinkGuard: raw_data.nps 2021-02-05: "score" < 3 & 4 rows are left',
        "analytics.nps_summary still shows Tuesday's build.\nBlocked until then: analytics.nps_rolling.",
        "To run: daybook load raw_data.nps --execution-date 2021-02-05",
        "View run: http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&x=1",
        "The staged parts are kept.\nDaybook, for data-team",
    ]
    html = part(mail, "html")
    assert '<a href="http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&amp;x=1">View run</a>' in html
    shown = unescape(re.sub("<[^>]*>", " ", html))
    order = [
        shown.index(said) for said in (FAILED.title, "load", "ShrinkGuard", "Tuesday's", "--execution", "View run")
    ]
    assert order == sorted(order)


def test_what_follows_is_in_the_thread_of_the_first() -> None:
    first = sent(FAILED)
    later = sent(RECOVERED, str(first["Message-ID"]))

    assert first["In-Reply-To"] is None
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert later["Message-ID"] != first["Message-ID"]


def test_a_link_opens_the_web_and_nothing_else() -> None:
    mail = sent(Notice(FAILED.tone, "x", link=("View run", "javascript:alert(1)")))
    assert "<a " not in part(mail, "html")


@given(notice=notices)
def test_any_notice_can_be_sent(notice: Notice) -> None:
    mail = sent(notice)

    assert set(mail.keys()) == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }
    assert part(mail, "plain").splitlines()
    tags = set(re.findall(r"</?(\w+)", part(mail, "html")))
    assert tags <= {"div", "h2", "p", "br", "b", "pre", "a"}


def channel(port: int, to: Sequence[str] = ("team@example.com",), **fields: Any) -> Mail:
    """The channel to these addresses, through a mail server on this machine."""
    given = {"smtp_server": "localhost", "smtp_type": "INSECURE", "smtp_port": port, **fields}
    return Mail(to, EmailServerCredentials(**given), "daybook@example.com")


LOGINS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("port", {}),
    "STARTTLS": ("port", {"smtp_type": "STARTTLS", "username": USER, "password": SecretStr(PASSWORD)}),
    "TLS": ("tls_port", {"smtp_type": "SSL", "username": USER, "password": SecretStr(PASSWORD)}),
}


@pytest.mark.parametrize(("port", "fields"), LOGINS.values(), ids=LOGINS.keys())
def test_an_incident_is_a_thread(mail: MailServer, port: str, fields: dict[str, Any]) -> None:
    by = channel(getattr(mail, port), **fields)
    begun = send(FAILED, [by]).done
    over = send(RECOVERED, [by], begun).done

    first, second = mail.messages
    assert (first.sender, first.to, first.login) == (FROM, ("team@example.com",), fields.get("username"))
    assert first.message["Subject"] == FAILED.title
    assert "ShrinkGuard" in first.part("plain") and "ShrinkGuard" in first.part("html")
    assert begun == over == {"email": first.message["Message-ID"]} == {"email": second.message["In-Reply-To"]}


def test_what_the_mail_server_refuses_is_tried_again(mail: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    mail.unknown.add("gone@example.com")

    def why(*to: str, **fields: Any) -> str:
        return send(FAILED, [channel(mail.port, to or ("team@example.com",), **fields)]).failed["email"]

    login = {"username": USER, "password": SecretStr("hunter2"), "smtp_type": "STARTTLS"}
    assert "refuses the user and password: correct DAYBOOK_SMTP_URL" in why(**login)
    assert "refuses all addresses: gone@example.com (550" in why("gone@example.com")
    assert "certificate verify failed" in why(smtp_server="127.0.0.1", **{**login, "smtp_type": "STARTTLS"})
    with mail.down():
        assert "cannot be reached" in why()
    assert mail.messages == []

    some = send(FAILED, [channel(mail.port, ("gone@example.com", "team@example.com"))])
    assert list(some.done) == ["email"] and "gone@example.com (550" in caplog.text
    assert [taken.to for taken in mail.messages] == [("team@example.com",)]


def test_a_mail_server_that_is_silent(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_channel, "TIMEOUT", 0.2)
    with slack.silent():  # an HTTP server sends no greeting
        assert "timed out" in send(FAILED, [channel(slack.port)]).failed["email"]
