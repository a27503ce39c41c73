"""A notice as an e-mail: both parts say all, in the order of the Slack message, and nothing in it becomes a header."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import cast

from hypothesis import given, settings

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.notifications.channels.email_message import message
from daybook.orchestration.notifications.channels.plain_text import plain
from tests.daybook.orchestration.notifications.notices import FAILED, RECOVERED, notices

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
        "Task: load\nTries: 2\nSince: 06:00 UTC",
        '    ShrinkGuard: raw_data.nps 2021-02-05: "score" < 3 & 4 rows are left',
        "analytics.nps_summary still shows Tuesday's build.\nHeld back: analytics.nps_rolling.",
        "To run: python -m flows.load_table raw_data.nps --execution-date 2021-02-05",
        "The run: http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&x=1",
        "The staged parts are kept.\nDaybook, for data-team",
    ]
    html = part(mail, "html")
    assert '<a href="http://127.0.0.1:4200/runs/flow-run/0190c2c5?tab=logs&amp;x=1">The run</a>' in html
    shown = unescape(re.sub("<[^>]*>", " ", html))
    order = [shown.index(said) for said in (FAILED.title, "load", "ShrinkGuard", "Tuesday's", "--execution", "The run")]
    assert order == sorted(order)


def test_what_follows_is_in_the_thread_of_the_first() -> None:
    first = sent(FAILED)
    later = sent(RECOVERED, str(first["Message-ID"]))

    assert first["In-Reply-To"] is None
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert later["Message-ID"] != first["Message-ID"]


def test_a_link_opens_the_web_and_nothing_else() -> None:
    mail = sent(Notice(FAILED.tone, "x", link=("The run", "javascript:alert(1)")))
    assert "<a " not in part(mail, "html")


@settings(deadline=None, max_examples=40)
@given(notice=notices)
def test_any_notice_can_be_sent(notice: Notice) -> None:
    mail = sent(notice)

    assert set(mail.keys()) == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }
    assert part(mail, "plain").splitlines()
    tags = set(re.findall(r"</?(\w+)", part(mail, "html")))
    assert tags <= {"div", "h2", "p", "br", "b", "pre", "a"}
