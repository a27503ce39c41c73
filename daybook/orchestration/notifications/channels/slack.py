"""Slack: a bot that posts to any channel and replies in threads, or an incoming webhook, which has no threads."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Annotated, Any, Self
from urllib.error import URLError

from prefect.client.orchestration import SyncPrefectClient
from pydantic import AfterValidator
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
from daybook.orchestration.blocks.open import existing
from daybook.orchestration.notifications.channel import Channel
from daybook.orchestration.notifications.channels import slack_block_kit
from daybook.orchestration.notifications.errors import DeliveryFailed, NotConfigured

logger = logging.getLogger("daybook.notifications")

TIMEOUT = 10  # seconds until an answer
PATIENCE = 30  # seconds that a message waits in total while Slack limits the rate; after that, the next pass sends it

_THREAD_IS_GONE = {"thread_not_found", "message_not_found", "cannot_reply_to_message"}
_BLOCKS_REFUSED = {"invalid_blocks", "invalid_blocks_format", "invalid_arguments", "msg_too_long", "invalid_payload"}
_LATER = {"ratelimited", "internal_error", "fatal_error", "service_unavailable"}
_REMEDIES = {
    "not_in_channel": "invite the app to the channel: /invite @NAME_OF_THE_APP",
    "channel_not_found": "correct tables/owners.yaml; a private channel must invite the app first",
    "is_archived": "name another channel in tables/owners.yaml",
    "missing_scope": "give the app the scope chat:write, and reinstall it",
}
_BOT_REMEDY = "set SLACK_BOT_TOKEN to a valid token, and run `daybook blocks`"
_WEBHOOK_REMEDY = "set SLACK_WEBHOOK_URL to a valid webhook, and run `daybook blocks`"

# slack_sdk logs URLs, and the URL of a webhook is a secret. It also logs each try; Daybook logs the outcome once.
_QUIET = logging.getLogger("daybook.notifications.slack_sdk")
_QUIET.setLevel(logging.CRITICAL)


class _WayRefused(Exception):
    """Slack refused the message from the bot or from the webhook. The other one may work."""


def _checked(text: str) -> str:
    if not re.fullmatch(r"#[^\s#@<>,:A-Z]{1,80}|[CG][A-Z0-9]{8,}", text):
        raise ValueError('not a channel: write its name with # in lower case ("#data-alerts"), or its ID')
    return text


@dataclass(frozen=True)
class Slack(Channel):
    """Post to a Slack channel with the bot; if there is no bot or Slack refuses it, with the webhook."""

    name = "slack"
    yaml_field = "channel"
    address_type = Annotated[str, AfterValidator(_checked)]
    variables = ("SLACK_WEBHOOK_URL",)
    yaml_help = "A Slack channel: `#data-alerts`."

    channel: str | None = None
    """`#data-alerts`, or a channel's ID. None: only the webhook can be used, which has a fixed channel."""
    bot: str | None = field(default=None, repr=False)
    """The token in `SlackCredentials/slack`. It posts to every channel that the app is in, and to threads."""
    webhook: str | None = field(default=None, repr=False)
    """The URL in `SlackWebhook/<channel>`, or else in `SlackWebhook/slack`. It posts to one fixed channel."""

    @classmethod
    def open(cls, client: SyncPrefectClient, address: str | None) -> Sequence[Self]:
        """Open the bot and the webhook of a channel.

        The webhook of a channel is a block of its name, without `#` and with dashes for characters that Prefect does
        not allow in block names.
        """
        from prefect_slack import SlackCredentials, SlackWebhook

        bot = existing(client, SlackCredentials, "slack", "SLACK_BOT_TOKEN")
        own = re.sub("[^a-z0-9]+", "-", (address or "").lower()).strip("-")
        webhook = (existing(client, SlackWebhook, own, None) if own else None) or existing(
            client, SlackWebhook, "slack", "SLACK_WEBHOOK_URL"
        )
        if not bot and not webhook:
            return ()
        token, url = bot.token.get_secret_value() if bot else None, webhook.url.get_secret_value() if webhook else None
        return (cls(address, token, url),)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], address: str | None) -> Sequence[Self]:
        """Open the webhook in SLACK_WEBHOOK_URL."""
        webhook = environ.get("SLACK_WEBHOOK_URL", "").strip()
        return (cls(webhook=webhook),) if webhook else ()

    def deliver(self, notice: Notice) -> str:
        """Send a notice. Return `<channel ID>:<timestamp>` of the thread it starts; "" if the webhook sent it."""
        return self._post(notice, "")

    def reply(self, notice: Notice, thread: str) -> str:
        """Send a notice to a thread. Without the thread or the bot, send it as a new message."""
        return self._post(notice, thread)

    def _post(self, notice: Notice, thread: str) -> str:
        refused = []
        for way in (self._by_bot, self._by_webhook):
            try:
                sent = way(notice, thread)
            except _WayRefused as refusal:
                refused.append(str(refusal))
                continue
            except (OSError, HTTPException, SlackClientError, ValueError, LookupError) as error:
                raise DeliveryFailed(_in_words(error)) from None
            if sent is not None:
                if refused:
                    logger.warning("%s: sent through the webhook, because %s", notice.title, "; ".join(refused))
                return sent
        if not refused:
            raise NotConfigured(
                "Slack's bot does not know which channel to use: add `default: {channel: …}` to tables/owners.yaml"
            )
        raise DeliveryFailed("; ".join(refused))

    def _by_bot(self, notice: Notice, thread: str) -> str | None:
        place, _, first = thread.rpartition(":")
        if not self.bot or not (place or self.channel):
            return None
        client = WebClient(self.bot, timeout=TIMEOUT, retry_handlers=_handlers(), logger=_QUIET)
        options: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
        if first:
            # Readers of the channel who do not open the thread see the recovery, too.
            options |= {"thread_ts": first, "reply_broadcast": notice.tone is Tone.RECOVERED}
        word = ""
        for payload in _payloads(notice):
            try:
                answer = client.chat_postMessage(channel=place or self.channel or "", **payload, **options)
                return thread or f"{answer['channel']}:{answer['ts']}"
            except SlackApiError as error:
                word = _word(error.response)
                if first and word in _THREAD_IS_GONE:
                    return self._by_bot(notice, "")
                if word not in _BLOCKS_REFUSED:
                    break
        raise _WayRefused(
            f"Slack refuses the bot ({word}) in {self.channel or place}: {_REMEDIES.get(word, _BOT_REMEDY)}"
        )

    def _by_webhook(self, notice: Notice, _thread: str) -> str | None:
        if not self.webhook:
            return None
        client = WebhookClient(self.webhook, timeout=TIMEOUT, retry_handlers=_handlers(), logger=_QUIET)
        word = ""
        for payload in _payloads(notice):
            answer = client.send(unfurl_links=False, unfurl_media=False, **payload)
            _check_answer(answer.status_code, answer.body)
            if answer.status_code < 300:
                return ""
            word = answer.body[:80]
            if answer.status_code != 400:
                break
        raise _WayRefused(f"Slack refuses the webhook ({word}): {_WEBHOOK_REMEDY}")


def _payloads(notice: Notice) -> list[dict[str, Any]]:
    """Return the message with blocks, and as plain text in case Slack refuses the blocks."""
    return [
        {"text": slack_block_kit.text(notice), "blocks": slack_block_kit.blocks(notice)},
        {"text": slack_block_kit.without_blocks(notice)},
    ]


def _word(response: Any) -> str:
    """Return Slack's error code. Raises DeliveryFailed if the answer is temporary, or not Slack's."""
    word = str(response.get("error", ""))
    # For an answer that is not JSON, the error of slack_sdk is a sentence that contains the answer.
    _check_answer(response.status_code, "" if re.fullmatch(r"\w+", word) else "<")
    if word in _LATER:
        raise DeliveryFailed(f"Slack asks to try again later ({word})")
    return word


def _check_answer(status: int, body: str) -> None:
    if status == 429:
        raise DeliveryFailed("Slack asks to try again later: too many requests")
    if status >= 500:
        raise DeliveryFailed(f"Slack is down: it answered {status}")
    if body.lstrip().startswith("<"):
        raise DeliveryFailed(f"a web page answered instead of Slack ({status}): check the proxy")


def _in_words(error: Exception) -> str:
    """Return the reason. Leave out the error's text if it may contain the webhook's URL."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"Slack did not answer within {TIMEOUT} seconds"
    if isinstance(error, OSError):
        return f"Slack cannot be reached: {reason}"
    return f"Slack did not answer, or the webhook's block has an incomplete URL ({type(error).__name__})"


def _handlers() -> list[RetryHandler]:
    """Return the handlers that retry at once: for lost connections, server errors and short rate limits."""
    return [ConnectionErrorRetryHandler(), ServerErrorRetryHandler(), _Patience()]


class _Patience(RateLimitErrorRetryHandler):
    """Wait as long as Slack asks for, up to PATIENCE seconds in total."""

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
        self._left -= _seconds(response.headers) + 1  # the parent class adds up to one second, to spread retries
        return self._left >= 0


def _seconds(headers: Mapping[str, Any]) -> float:
    """Return the seconds that Slack asks to wait, or infinity if its header is not a number."""
    asked = next((values[0] for name, values in headers.items() if name.lower() == "retry-after"), "1")
    return float(asked) if asked.isdigit() else float("inf")
