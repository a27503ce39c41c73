"""Sends a notice to Slack: by the bot, into the thread of its incident; or else by a webhook, which has no threads."""

import logging
import re
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.webhook import WebhookClient

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.blocks.notification_channels import Messengers
from daybook.orchestration.notifications.channels import slack_blocks
from daybook.orchestration.notifications.errors import Undelivered

logger = logging.getLogger("daybook.telling")

TIMEOUT = 10  # seconds until an answer
PATIENCE = 30  # seconds that a message waits in all where Slack limits the rate; the next pass sends it otherwise

_THREAD_IS_GONE = {"thread_not_found", "message_not_found", "cannot_reply_to_message"}
_NOT_THESE_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "invalid_arguments", "msg_too_long", "invalid_payload"}
_LATER = {"ratelimited", "internal_error", "fatal_error", "service_unavailable"}
_REMEDIES = {
    "not_in_channel": "invite the app into it: /invite @NAME_OF_THE_APP",
    "channel_not_found": "correct tables/owners.yaml; into a private channel the app has to be invited",
    "is_archived": "name another one in tables/owners.yaml",
    "missing_scope": "give the app the scope chat:write, and install it again",
}
_BOTS_REMEDY = "set SLACK_BOT_TOKEN to a token that is valid, and run `python -m blocks`"
_WEBHOOKS_REMEDY = "set SLACK_WEBHOOK_URL to one that is valid, and run `python -m blocks`"

# slack_sdk writes addresses into its log, of which a webhook's is a secret, and an error for each try. We say it once.
_QUIET = logging.getLogger("daybook.telling.slack_sdk")
_QUIET.setLevel(logging.CRITICAL)


class _Refused(Exception):
    """Slack does not take it in this way, now or later; another way may do. The text says why."""


def post(notice: Notice, by: Messengers, channel: str | None, thread: str = "") -> str:
    """Send a notice, and return the thread that it began or went on with; "" where a webhook sent it.

    `thread` is what an earlier notice of the same incident returned. Where Slack refuses the bot, the webhook is taken.

    Raises:
        Undelivered: Slack cannot be reached, wants to be asked later, or refuses it in every way that there is.
    """
    refused = []
    for way in (_by_bot, _by_webhook):
        try:
            sent = way(notice, by, channel, thread)
        except _Refused as refusal:
            refused.append(str(refusal))
            continue
        except (OSError, HTTPException, SlackClientError, ValueError, LookupError) as error:
            raise Undelivered(_in_words(error)) from None
        if sent is not None:
            if refused:
                logger.warning("%s: sent by the webhook, as %s", notice.title, "; ".join(refused))
            return sent
    raise Undelivered("; ".join(refused) or "there is no way to Slack")


def _by_bot(notice: Notice, by: Messengers, channel: str | None, thread: str) -> str | None:
    place, _, first = thread.rpartition(":")
    if not by.bot or not (place or channel):
        return None
    client = WebClient(by.bot, timeout=TIMEOUT, retry_handlers=_handlers(), logger=_QUIET)
    options: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
    if first:
        # Who reads the channel only, and not the thread, sees that it is over.
        options |= {"thread_ts": first, "reply_broadcast": notice.tone is Tone.RECOVERED}
    word = ""
    for payload in _payloads(notice):
        try:
            answer = client.chat_postMessage(channel=place or channel or "", **payload, **options)
            return thread or f"{answer['channel']}:{answer['ts']}"
        except SlackApiError as error:
            word = _word(error.response)
            if first and word in _THREAD_IS_GONE:
                return _by_bot(notice, by, channel, "")
            if word not in _NOT_THESE_BLOCKS:
                break
    raise _Refused(f"Slack refuses the bot ({word}) in {channel or place}: {_REMEDIES.get(word, _BOTS_REMEDY)}")


def _by_webhook(notice: Notice, by: Messengers, _channel: str | None, _thread: str) -> str | None:
    if not by.webhook:
        return None
    client = WebhookClient(by.webhook, timeout=TIMEOUT, retry_handlers=_handlers(), logger=_QUIET)
    word = ""
    for payload in _payloads(notice):
        answer = client.send(unfurl_links=False, unfurl_media=False, **payload)
        _must_be_slack(answer.status_code, answer.body)
        if answer.status_code < 300:
            return ""
        word = answer.body[:80]
        if answer.status_code != 400:
            break
    raise _Refused(f"Slack refuses the webhook ({word}): {_WEBHOOKS_REMEDY}")


def _payloads(notice: Notice) -> list[dict[str, Any]]:
    """As it should look; and, if Slack should refuse that, so that nobody is left without the message."""
    return [
        {"text": slack_blocks.text(notice), "blocks": slack_blocks.blocks(notice)},
        {"text": slack_blocks.without_blocks(notice)},
    ]


def _word(response: Any) -> str:
    """Slack's own word for why it refuses. Raises Undelivered where the answer is no refusal, but none at all."""
    word = str(response.get("error", ""))
    # slack_sdk has a sentence of its own, with the answer in it, for one that is no JSON
    _must_be_slack(response.status_code, "" if re.fullmatch(r"\w+", word) else "<")
    if word in _LATER:
        raise Undelivered(f"Slack asks to be asked later ({word})")
    return word


def _must_be_slack(status: int, body: str) -> None:
    if status == 429:
        raise Undelivered("Slack asks to be asked later: it is written to too often")
    if status >= 500:
        raise Undelivered(f"Slack is out of order: it answered {status}")
    if body.lstrip().startswith("<"):
        raise Undelivered(f"what answers in the place of Slack is a web page ({status}): look at the proxy")


def _in_words(error: Exception) -> str:
    """Without the error's own words where these may hold the webhook's address."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"Slack did not answer within {TIMEOUT} seconds"
    if isinstance(error, OSError):
        return f"Slack cannot be reached: {reason}"
    return f"what answers is not Slack, or the webhook's block holds no whole address ({type(error).__name__})"


def _handlers() -> list[RetryHandler]:
    """What is tried again at once: a connection that broke, a server's error, and, a while, a limited rate."""
    return [ConnectionErrorRetryHandler(), ServerErrorRetryHandler(), _Patience()]


class _Patience(RateLimitErrorRetryHandler):
    """Waits as long as Slack asks for, up to PATIENCE seconds in all."""

    def __init__(self) -> None:
        super().__init__(max_retry_count=PATIENCE)
        self._left = float(PATIENCE)

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        self._left -= _seconds(response.headers) + 1  # the handler below adds up to one, so that not all come at once
        return self._left >= 0


def _seconds(headers: Mapping[str, Any]) -> float:
    """How long Slack asks to wait. Not a number of seconds, as it should be: for ever."""
    asked = next((values[0] for name, values in headers.items() if name.lower() == "retry-after"), "1")
    return float(asked) if asked.isdigit() else float("inf")
