"""A notice reaches Slack and the mail server, whatever these do; and what does not, says why."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from prefect_email import EmailServerCredentials
from pydantic import SecretStr

from daybook.orchestration.blocks.notification_channels import Mailbox, Messengers
from daybook.orchestration.notifications.channels import email_client, slack_client
from daybook.orchestration.notifications.routing import Route
from daybook.orchestration.notifications.send import Delivery, deliver
from tests.daybook.orchestration.notifications.notices import FAILED, RECOVERED
from tests.support.servers.mail import PASSWORD, USER, MailServer
from tests.support.servers.slack import TOKEN, Refusal, Slack, rate_limited

ROUTE = Route("#data-alerts", ("team@example.com",))


def by_mail(port: int, **fields: Any) -> Messengers:
    given = {"smtp_server": "localhost", "smtp_type": "INSECURE", "smtp_port": port, **fields}
    return Messengers(mailbox=Mailbox(EmailServerCredentials(**given), "daybook@example.com"))


def test_by_a_webhook(slack: Slack) -> None:
    assert deliver(FAILED, ROUTE, by=Messengers(webhook=slack.webhook())) == Delivery(done={"slack": ""})

    (message,) = slack.messages
    assert message.text == "🟥 raw_data.nps failed: 2021-02-05"
    assert "ShrinkGuard" in message.words
    assert slack.refused == []


def test_by_a_bot_an_incident_is_a_thread_and_its_end_is_seen_in_the_channel(slack_for_bots: Slack) -> None:
    slack, bot = slack_for_bots, Messengers(bot=TOKEN, webhook=slack_for_bots.webhook())
    begun = deliver(FAILED, ROUTE, by=bot).done
    again = deliver(FAILED, replace(ROUTE, channel="#analytics"), threads=begun, by=bot).done
    over = deliver(RECOVERED, ROUTE, threads=begun, by=bot).done

    first, second, third = slack.messages
    assert begun == again == over == {"slack": f"C0DATA00001:{first.ts}"}
    assert {message.channel for message in slack.messages} == {"#data-alerts"}
    assert (first.thread, second.thread, third.thread) == (None, first.ts, first.ts)
    assert [message.payload.get("reply_broadcast", False) for message in slack.messages] == [False, False, True]


def test_a_thread_that_is_gone_begins_anew(slack_for_bots: Slack) -> None:
    sent = deliver(RECOVERED, ROUTE, threads={"slack": "C0DATA00001:1.2"}, by=Messengers(bot=TOKEN))

    (message,) = slack_for_bots.messages
    assert (sent.done, message.thread) == ({"slack": f"C0DATA00001:{message.ts}"}, None)


@pytest.mark.parametrize(
    ("token", "channel", "said"),
    [
        pytest.param("xoxb-wrong", "#data-alerts", "(invalid_auth) in #data-alerts: set SLACK_BOT_TOKEN", id="token"),
        pytest.param(TOKEN, "#gone", "(channel_not_found) in #gone: correct tables/owners.yaml", id="channel"),
    ],
)
def test_where_the_bot_is_refused_the_webhook_is_taken(
    slack_for_bots: Slack, caplog: pytest.LogCaptureFixture, token: str, channel: str, said: str
) -> None:
    route = Route(channel)
    alone = deliver(FAILED, route, by=Messengers(bot=token))
    both = deliver(FAILED, route, by=Messengers(bot=token, webhook=slack_for_bots.webhook()))

    assert said in alone.failed["slack"]
    assert (both.done, both.failed) == ({"slack": ""}, {})
    assert said in caplog.text
    assert [message.channel for message in slack_for_bots.messages] == ["slack"]


def bots_word(word: str) -> Refusal:
    return Refusal(200, f'{{"ok": false, "error": "{word}"}}')


@pytest.mark.parametrize("by_bot", [pytest.param(True, id="bot"), pytest.param(False, id="webhook")])
def test_what_slack_does_not_take_as_blocks_is_sent_as_text(slack_for_bots: Slack, by_bot: bool) -> None:
    slack_for_bots.refusals.append(bots_word("invalid_blocks") if by_bot else Refusal(400, "invalid_blocks"))
    by = Messengers(bot=TOKEN) if by_bot else Messengers(webhook=slack_for_bots.webhook())

    assert list(deliver(FAILED, ROUTE, by=by).done) == ["slack"]

    (message,) = slack_for_bots.messages
    assert "blocks" not in message.payload
    assert "ShrinkGuard" in message.text and "--execution-date" in message.text


WAYS_TO_FAIL = {
    "too often, for too long": ([rate_limited(300)], "asked later"),
    "too often, without a number": ([Refusal(429, "x", {"Retry-After": "Mon, 1 Jan 2035 00:00:00 GMT"})], "later"),
    "out of order": ([Refusal(503, "down")] * 2, "out of order: it answered 503"),
    "a login page": ([Refusal(200, "<html>Please log in</html>")], "a web page (200)"),
    "half of an answer": ([Refusal(200, '{"ok": tr', {"Content-Length": "400"})], "Slack"),
}


@pytest.mark.parametrize("by_bot", [pytest.param(True, id="bot"), pytest.param(False, id="webhook")])
@pytest.mark.parametrize(("refusals", "said"), WAYS_TO_FAIL.values(), ids=WAYS_TO_FAIL.keys())
def test_what_slack_does_not_take_now_is_left_for_later(
    slack_for_bots: Slack, refusals: list[Refusal], said: str, by_bot: bool
) -> None:
    slack_for_bots.refusals.extend(refusals)
    by = Messengers(bot=TOKEN) if by_bot else Messengers(webhook=slack_for_bots.webhook())

    delivery = deliver(FAILED, ROUTE, by=by)

    assert delivery.done == {} and said in delivery.failed["slack"]
    assert slack_for_bots.messages == []
    assert list(deliver(FAILED, ROUTE, by=by).done) == ["slack"]


def test_a_limited_rate_is_waited_for_a_while(slack: Slack) -> None:
    slack.refusals.append(rate_limited(0))

    assert deliver(FAILED, ROUTE, by=Messengers(webhook=slack.webhook())) == Delivery(done={"slack": ""})
    assert slack.requests == 2


def test_a_slack_that_is_down_or_silent(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    by = Messengers(webhook=slack.webhook())
    with slack.down():
        delivery = deliver(FAILED, ROUTE, by=by)
        assert "Slack cannot be reached" in delivery.failed["slack"] and "refused" in delivery.failed["slack"]
    monkeypatch.setattr(slack_client, "TIMEOUT", 0.2)
    with slack.silent():
        assert "did not answer within" in deliver(FAILED, ROUTE, by=by).failed["slack"]


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        pytest.param("hooks.slack.com/services/hunter2", "no whole address", id="no http"),
        pytest.param("http://127.0.0.1:x/hunter2", "no whole address", id="no port"),
        pytest.param("http://[/hunter2", "no whole address", id="no host"),
    ],
)
def test_a_webhook_that_is_none_is_not_repeated(caplog: pytest.LogCaptureFixture, webhook: str, said: str) -> None:
    delivery = deliver(FAILED, ROUTE, by=Messengers(webhook=webhook))

    assert said in delivery.failed["slack"]
    assert "hunter2" not in f"{delivery} {caplog.text}"


LOGINS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("port", {}),
    "STARTTLS": ("port", {"smtp_type": "STARTTLS", "username": USER, "password": SecretStr(PASSWORD)}),
    "TLS": ("tls_port", {"smtp_type": "SSL", "username": USER, "password": SecretStr(PASSWORD)}),
}


@pytest.mark.parametrize(("port", "fields"), LOGINS.values(), ids=LOGINS.keys())
def test_by_e_mail_an_incident_is_a_thread(mail: MailServer, port: str, fields: dict[str, Any]) -> None:
    by = by_mail(getattr(mail, port), **fields)
    begun = deliver(FAILED, ROUTE, by=by).done
    over = deliver(RECOVERED, ROUTE, threads=begun, by=by).done

    first, second = mail.messages
    assert (first.sender, first.to, first.login) == ("daybook@example.com", ROUTE.addresses, fields.get("username"))
    assert first.message["Subject"] == FAILED.title
    assert "ShrinkGuard" in first.part("plain") and "ShrinkGuard" in first.part("html")
    assert begun == over == {"email": first.message["Message-ID"]} == {"email": second.message["In-Reply-To"]}


def test_what_the_mail_server_does_not_take(mail: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    mail.unknown.add("gone@example.com")

    def why(route: Route = ROUTE, **fields: Any) -> str:
        return deliver(FAILED, route, by=by_mail(mail.port, **fields)).failed["email"]

    login = {"username": USER, "password": SecretStr("hunter2"), "smtp_type": "STARTTLS"}
    assert "refuses user and password: correct DAYBOOK_SMTP_URL" in why(**login)
    assert "takes none of the addresses: gone@example.com (550" in why(Route(None, ("gone@example.com",)))
    assert "certificate verify failed" in why(smtp_server="127.0.0.1", **{**login, "smtp_type": "STARTTLS"})
    with mail.down():
        assert "cannot be reached" in why()
    assert mail.messages == []

    some = deliver(FAILED, Route(None, ("gone@example.com", "team@example.com")), by=by_mail(mail.port))
    assert list(some.done) == ["email"] and "gone@example.com (550" in caplog.text
    assert [taken.to for taken in mail.messages] == [("team@example.com",)]


def test_a_mail_server_that_is_silent(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_client, "TIMEOUT", 0.2)
    with slack.silent():  # a server of HTTP says nothing to who waits for a greeting
        assert "timed out" in deliver(FAILED, ROUTE, by=by_mail(slack.port)).failed["email"]


def test_each_medium_is_sent_by_itself_and_once(slack: Slack, mail: MailServer) -> None:
    by = replace(by_mail(mail.port), webhook=slack.webhook())
    with slack.down():
        first = deliver(FAILED, ROUTE, by=by)
    assert (list(first.done), list(first.failed)) == (["email"], ["slack"])

    second = deliver(FAILED, ROUTE, tuple(first.failed), first.done, by)
    assert (list(second.done), list(second.failed)) == (["slack"], [])
    assert (len(slack.messages), len(mail.messages)) == (1, 1)


@pytest.mark.parametrize(
    ("by", "route", "hint"),
    [
        pytest.param(Messengers(), Route(), "", id="no blocks"),
        pytest.param(Messengers(), ROUTE, "set DAYBOOK_SMTP_URL", id="addresses and no mail server"),
        pytest.param(Messengers(bot=TOKEN), Route(), "knows no channel", id="a bot and no channel"),
    ],
)
def test_where_there_is_no_way_it_stands_in_the_log(
    caplog: pytest.LogCaptureFixture, by: Messengers, route: Route, hint: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assert deliver(FAILED, route, by=by) == Delivery(done={"log": ""})

    assert "ShrinkGuard" in caplog.text and hint in caplog.text
