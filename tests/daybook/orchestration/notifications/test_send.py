"""A notice goes through every channel of its owner; one that fails does not stop the others."""

import logging

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect_email import EmailServerCredentials

from daybook.orchestration.notifications.channels.mail import Mail
from daybook.orchestration.notifications.channels.slack import Slack
from daybook.orchestration.notifications.registry import channel_types
from daybook.orchestration.notifications.send import Delivery, deliver, send
from tests.daybook.orchestration.notifications.notices import FAILED
from tests.support.block_fixtures import RunBlocks
from tests.support.servers.mail import MailServer
from tests.support.servers.slack import Slack as SlackServer

ROUTE = {"slack": "#data-alerts", "email": ("team@example.com",)}


def test_each_channel_is_sent_to_by_itself_and_once(slack: SlackServer, mail: MailServer) -> None:
    server = EmailServerCredentials(smtp_server="localhost", smtp_type="INSECURE", smtp_port=mail.port)
    by_slack, by_mail = Slack(webhook=slack.webhook()), Mail(ROUTE["email"], server, "daybook@example.com")
    with slack.down():
        first = send(FAILED, [by_slack, by_mail])
    assert (list(first.done), list(first.failed)) == (["email"], ["slack"])

    second = send(FAILED, [by_slack], first.done)
    assert (list(second.done), list(second.failed)) == (["slack"], [])
    assert (len(slack.messages), len(mail.messages)) == (1, 1)


def test_it_opens_the_blocks_of_the_channels_that_are_wanted(
    run_blocks: RunBlocks, client: SyncPrefectClient, slack: SlackServer, mail: MailServer
) -> None:
    run_blocks(SLACK_WEBHOOK_URL=slack.webhook(), DAYBOOK_SMTP_URL=mail.url)

    assert list(deliver(client, FAILED, ROUTE, ("email",), {}).done) == ["email"]
    assert (len(slack.messages), len(mail.messages)) == (0, 1)
    assert list(deliver(client, FAILED, ROUTE, tuple(channel_types()), {}).done) == ["email", "slack"]
    assert (len(slack.messages), len(mail.messages)) == (1, 2)


def test_a_channel_whose_block_is_spoilt_does_not_stop_the_others(
    run_blocks: RunBlocks, client: SyncPrefectClient, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*_: object) -> None:
        raise ValueError("the block SlackWebhook/slack is invalid")

    run_blocks(DAYBOOK_SMTP_URL=mail.url)
    monkeypatch.setattr(Slack, "open", spoilt)

    delivery = deliver(client, FAILED, ROUTE, tuple(channel_types()), {})

    assert list(delivery.done) == ["email"]
    assert delivery.failed == {"slack": "its blocks cannot be opened: the block SlackWebhook/slack is invalid"}


def test_a_bug_in_a_channel_is_logged_without_its_words(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter" + "2"

    def wrong(*_: object) -> str:
        raise KeyError(secret)

    monkeypatch.setattr(Slack, "deliver", wrong)

    delivery = send(FAILED, [Slack(webhook=f"http://127.0.0.1:9/{secret}")])

    assert delivery.failed == {"slack": "a bug in Daybook (KeyError): see the monitor's log"}
    assert "test_send.py" in caplog.text and secret not in caplog.text


@pytest.mark.parametrize(
    ("variables", "route", "hint"),
    [
        pytest.param({}, {}, "", id="no blocks"),
        pytest.param({}, ROUTE, "no e-mail is sent: set DAYBOOK_SMTP_URL", id="addresses and no mail server"),
        pytest.param({"SLACK_BOT_TOKEN": "xoxb-1"}, {}, "does not know which channel", id="a bot and no channel"),
    ],
)
def test_without_a_channel_the_message_is_in_the_log(
    run_blocks: RunBlocks,
    client: SyncPrefectClient,
    caplog: pytest.LogCaptureFixture,
    variables: dict[str, str],
    route: dict[str, object],
    hint: str,
) -> None:
    if variables:
        run_blocks(**variables)
    with caplog.at_level(logging.WARNING):
        assert deliver(client, FAILED, route, tuple(channel_types()), {}) == Delivery(done={"log": ""})

    assert "ShrinkGuard" in caplog.text and hint in caplog.text
