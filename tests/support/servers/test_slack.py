"""The tests' Slack takes what Slack takes, and refuses what Slack refuses, in Slack's words."""

from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from tests.support.servers.slack import TOKEN, Slack, rate_limited


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


GOOD = [
    block("header", text=plain("🟥" * 75)),
    block("section", text=mrkdwn("x" * 3000), fields=[mrkdwn("y" * 2000)] * 10),
    block("actions", elements=[block("button", text=plain("Open"), url="http://127.0.0.1:4200/")]),
    block("divider"),
    block("context", elements=[mrkdwn("small")]),
]


def test_what_keeps_to_the_limits_is_taken(slack: Slack) -> None:
    answer = WebhookClient(slack.webhook("data-alerts")).send(text="failed", blocks=GOOD)

    assert (answer.status_code, answer.body, slack.refused) == (200, "ok", [])
    (message,) = slack.messages
    assert (message.channel, message.text, message.payload["blocks"]) == ("data-alerts", "failed", GOOD)
    assert message.words.splitlines()[-2:] == ["Open", "small"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"blocks": GOOD}, "no_text"),
    "too many blocks": ({"text": "x", "blocks": [block("divider")] * 51}, "invalid_blocks"),
    "an unknown block": ({"text": "x", "blocks": [block("marquee")]}, "invalid_blocks"),
    "a block with a field of another": ({"text": "x", "blocks": [block("divider", text=plain("x"))]}, "invalid_blocks"),
    "a long header": ({"text": "x", "blocks": [block("header", text=plain("x" * 151))]}, "invalid_blocks"),
    "a header of emoji": ({"text": "x", "blocks": [block("header", text=plain("🟥" * 76))]}, "invalid_blocks"),
    "a header in mrkdwn": ({"text": "x", "blocks": [block("header", text=mrkdwn("x"))]}, "invalid_blocks"),
    "a long text": ({"text": "x", "blocks": [block("section", text=mrkdwn("x" * 3001))]}, "invalid_blocks"),
    "an empty text": ({"text": "x", "blocks": [block("section", text=mrkdwn(""))]}, "invalid_blocks"),
    "an empty section": ({"text": "x", "blocks": [block("section")]}, "invalid_blocks"),
    "too many fields": ({"text": "x", "blocks": [block("section", fields=[mrkdwn("x")] * 11)]}, "invalid_blocks"),
    "a long field": ({"text": "x", "blocks": [block("section", fields=[mrkdwn("x" * 2001)])]}, "invalid_blocks"),
    "an empty context": ({"text": "x", "blocks": [block("context", elements=[])]}, "invalid_blocks"),
    "half of a surrogate pair": ({"text": "x", "blocks": [block("section", text=mrkdwn("\ud83d"))]}, "invalid_blocks"),
    "one block_id twice": ({"text": "x", "blocks": [block("divider", block_id="a")] * 2}, "invalid_blocks"),
}


@pytest.mark.parametrize(("payload", "word"), BAD.values(), ids=BAD.keys())
def test_what_does_not_is_refused(slack_for_bots: Slack, payload: dict[str, Any], word: str) -> None:
    answer = WebhookClient(slack_for_bots.webhook()).send_dict(payload)
    with pytest.raises(SlackApiError, match=word):
        WebClient(TOKEN).api_call("chat.postMessage", json={"channel": "#data-alerts", **payload})

    assert (answer.status_code, answer.body) == (400, word)
    assert slack_for_bots.messages == []


def test_a_bot_writes_into_channels_and_threads(slack_for_bots: Slack) -> None:
    client = WebClient(TOKEN)
    first = client.chat_postMessage(channel="#analytics", text="failed")
    client.chat_postMessage(channel=first["channel"], text="recovered", thread_ts=first["ts"], reply_broadcast=True)

    assert [(message.channel, message.text) for message in slack_for_bots.messages] == [
        ("#analytics", "failed"),
        ("#analytics", "recovered"),
    ]
    assert slack_for_bots.messages[1].thread == slack_for_bots.messages[0].ts == first["ts"]


@pytest.mark.parametrize(
    ("token", "message", "word"),
    [
        pytest.param("xoxb-wrong", {}, "invalid_auth", id="another token"),
        pytest.param(TOKEN, {"channel": "#gone"}, "channel_not_found", id="a channel that is not there"),
        pytest.param(TOKEN, {"thread_ts": "1.2"}, "thread_not_found", id="a thread that is not there"),
    ],
)
def test_a_bot_is_refused(slack_for_bots: Slack, token: str, message: dict[str, str], word: str) -> None:
    with pytest.raises(SlackApiError, match=word):
        WebClient(token).chat_postMessage(**{"channel": "#analytics", "text": "x", **message})


def test_it_limits_the_rate_and_can_be_down(slack: Slack) -> None:
    client = WebhookClient(slack.webhook(), retry_handlers=[])
    slack.refusals.append(rate_limited(7))
    answer = client.send(text="x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")

    with slack.down(), pytest.raises(URLError, match="refused"):
        client.send(text="x")
    assert client.send(text="x").status_code == 200
    assert [message.text for message in slack.messages] == ["x"]


def test_it_can_be_silent(slack: Slack) -> None:
    with slack.silent(), pytest.raises(TimeoutError):
        WebhookClient(slack.webhook(), retry_handlers=[], timeout=0.2).send(text="x")  # type: ignore[arg-type]
