"""A notice reaches Slack by bot or webhook, whatever Slack does; and if it does not, the reason says why."""

from dataclasses import replace

import pytest

from daybook.orchestration.notifications.channels import slack as slack_channel
from daybook.orchestration.notifications.channels.slack import Slack
from daybook.orchestration.notifications.send import Delivery, send
from tests.daybook.orchestration.notifications.notices import FAILED, RECOVERED
from tests.support.servers.slack import TOKEN, Refusal, rate_limited
from tests.support.servers.slack import Slack as SlackServer

BOT = Slack("#data-alerts", bot=TOKEN)


def by_webhook(server: SlackServer) -> Slack:
    return Slack("#data-alerts", webhook=server.webhook())


def test_by_a_webhook(slack: SlackServer) -> None:
    assert send(FAILED, [by_webhook(slack)]) == Delivery(done={"slack": ""})

    (message,) = slack.messages
    assert message.text == "🟥 raw_data.nps failed: 2021-02-05"
    assert "ShrinkGuard" in message.words
    assert slack.refused == []


def test_by_a_bot_an_incident_is_a_thread_and_its_recovery_is_seen_in_the_channel(slack_for_bots: SlackServer) -> None:
    bot = replace(BOT, webhook=slack_for_bots.webhook())
    begun = send(FAILED, [bot]).done
    again = send(FAILED, [replace(bot, channel="#analytics")], begun).done
    over = send(RECOVERED, [bot], begun).done

    first, second, third = slack_for_bots.messages
    assert begun == again == over == {"slack": f"C0DATA00001:{first.ts}"}
    assert {message.channel for message in slack_for_bots.messages} == {"#data-alerts"}
    assert (first.thread, second.thread, third.thread) == (None, first.ts, first.ts)
    broadcasts = [message.payload.get("reply_broadcast", False) for message in slack_for_bots.messages]
    assert broadcasts == [False, False, True]


def test_an_incident_keeps_its_thread_when_its_owner_loses_the_channel(slack_for_bots: SlackServer) -> None:
    begun = send(FAILED, [BOT]).done

    assert send(RECOVERED, [Slack(bot=TOKEN)], begun).done == begun
    assert [message.thread for message in slack_for_bots.messages] == [None, slack_for_bots.messages[0].ts]


def test_a_thread_that_is_gone_is_replaced(slack_for_bots: SlackServer) -> None:
    sent = send(RECOVERED, [BOT], {"slack": "C0DATA00001:1.2"})

    (message,) = slack_for_bots.messages
    assert (sent.done, message.thread) == ({"slack": f"C0DATA00001:{message.ts}"}, None)


@pytest.mark.parametrize(
    ("token", "channel", "reason"),
    [
        pytest.param("xoxb-wrong", "#data-alerts", "(invalid_auth) in #data-alerts: set SLACK_BOT_TOKEN", id="token"),
        pytest.param(TOKEN, "#gone", "(channel_not_found) in #gone: correct tables/owners.yaml", id="channel"),
    ],
)
def test_if_slack_refuses_the_bot_the_webhook_is_used(
    slack_for_bots: SlackServer, caplog: pytest.LogCaptureFixture, token: str, channel: str, reason: str
) -> None:
    bot = Slack(channel, bot=token)
    alone = send(FAILED, [bot])
    both = send(FAILED, [replace(bot, webhook=slack_for_bots.webhook())])

    assert reason in alone.failed["slack"]
    assert (both.done, both.failed) == ({"slack": ""}, {})
    assert reason in caplog.text
    assert [message.channel for message in slack_for_bots.messages] == ["slack"]


def bot_error(word: str) -> Refusal:
    return Refusal(200, f'{{"ok": false, "error": "{word}"}}')


@pytest.mark.parametrize("by_bot", [pytest.param(True, id="bot"), pytest.param(False, id="webhook")])
def test_blocks_that_slack_refuses_are_sent_as_text(slack_for_bots: SlackServer, by_bot: bool) -> None:
    slack_for_bots.refusals.append(bot_error("invalid_blocks") if by_bot else Refusal(400, "invalid_blocks"))

    assert list(send(FAILED, [BOT if by_bot else by_webhook(slack_for_bots)]).done) == ["slack"]

    (message,) = slack_for_bots.messages
    assert "blocks" not in message.payload
    assert "ShrinkGuard" in message.text and "--execution-date" in message.text


WAYS_TO_FAIL = {
    "too often, for too long": ([rate_limited(300)], "try again later"),
    "too often, without a number": ([Refusal(429, "x", {"Retry-After": "Mon, 1 Jan 2035 00:00:00 GMT"})], "later"),
    "out of order": ([Refusal(503, "down")] * 2, "Slack is down: it answered 503"),
    "a login page": ([Refusal(200, "<html>Please log in</html>")], "a web page answered instead of Slack (200)"),
    "half of an answer": ([Refusal(200, '{"ok": tr', {"Content-Length": "400"})], "Slack"),
}


@pytest.mark.parametrize("by_bot", [pytest.param(True, id="bot"), pytest.param(False, id="webhook")])
@pytest.mark.parametrize(("refusals", "reason"), WAYS_TO_FAIL.values(), ids=WAYS_TO_FAIL.keys())
def test_what_slack_does_not_take_now_is_left_for_later(
    slack_for_bots: SlackServer, refusals: list[Refusal], reason: str, by_bot: bool
) -> None:
    slack_for_bots.refusals.extend(refusals)
    channel = BOT if by_bot else by_webhook(slack_for_bots)

    delivery = send(FAILED, [channel])

    assert delivery.done == {} and reason in delivery.failed["slack"]
    assert slack_for_bots.messages == []
    assert list(send(FAILED, [channel]).done) == ["slack"]


def test_a_limited_rate_is_waited_for_a_while(slack: SlackServer) -> None:
    slack.refusals.append(rate_limited(0))

    assert send(FAILED, [by_webhook(slack)]) == Delivery(done={"slack": ""})
    assert slack.requests == 2


def test_a_slack_that_is_down_or_silent(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with slack.down():
        delivery = send(FAILED, [by_webhook(slack)])
        assert "Slack cannot be reached" in delivery.failed["slack"] and "refused" in delivery.failed["slack"]
    monkeypatch.setattr(slack_channel, "TIMEOUT", 0.2)
    with slack.silent():
        assert "did not answer within" in send(FAILED, [by_webhook(slack)]).failed["slack"]


@pytest.mark.parametrize(
    "webhook",
    [
        pytest.param("hooks.slack.com/services/hunter2", id="no http"),
        pytest.param("http://127.0.0.1:x/hunter2", id="no port"),
        pytest.param("http://[/hunter2", id="no host"),
    ],
)
def test_a_wrong_webhook_is_not_repeated(caplog: pytest.LogCaptureFixture, webhook: str) -> None:
    delivery = send(FAILED, [Slack(webhook=webhook)])

    assert "has an incomplete URL" in delivery.failed["slack"]
    assert "hunter2" not in f"{delivery} {caplog.text} {Slack(webhook=webhook)}"


def test_a_bot_without_a_channel_says_what_to_set(caplog: pytest.LogCaptureFixture) -> None:
    assert send(FAILED, [Slack(bot=TOKEN)]) == Delivery(done={"log": ""})

    assert "ShrinkGuard" in caplog.text
    assert "does not know which channel to use: add `default: {channel: …}` to tables/owners.yaml" in caplog.text
