"""Slack: a webhook, which posts to one channel, and a bot, which posts to every channel that it was invited to."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from daybook.orchestration.blocks.address_validation import http_url
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

if TYPE_CHECKING:
    from prefect.blocks.core import Block


def read_webhook(text: str) -> str:
    """Return the URL of an incoming webhook. The whole URL is secret. Raises `BadValue`."""
    http_url(text, "write https://hooks.slack.com/services/..., as Slack shows it under Incoming Webhooks")
    return text


def read_bot_token(text: str) -> str:
    """Return the token of the app's bot. Raises `BadValue` for any other token, such as a user's."""
    if not re.fullmatch(r"(xoxe\.)?xoxb-[A-Za-z0-9-]+", text):
        raise BadValue("is not a bot's token: write xoxb-..., as Slack shows it under OAuth & Permissions")
    return text


WEBHOOK_URL = Variable(
    name="SLACK_WEBHOOK_URL",
    description="the channel that messages go to; for another channel, create `SlackWebhook/<channel>` in the UI",
    read=read_webhook,
    examples=("https://hooks.slack.com/services/…",),
)
BOT_TOKEN = Variable(
    name="SLACK_BOT_TOKEN",
    description="a bot with the scope `chat:write`, which posts to each owner's channel, with a thread per incident",
    read=read_bot_token,
    examples=("xoxb-…",),
)


class SlackWebhook(BlockDeclaration):
    """The webhook, for messages that the bot cannot send."""

    position = 60
    makes = "SlackWebhook/slack"
    variables = (WEBHOOK_URL,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield a block of prefect-slack: Prefect's own SlackWebhook hides the error if Slack cannot be reached."""
        from prefect_slack import SlackWebhook

        url = environment[WEBHOOK_URL]
        yield BlockToSave(SlackWebhook(url=SecretStr(url)), "slack", shown=urlsplit(url).hostname or "")


class SlackBot(BlockDeclaration):
    """The bot, which can reply in threads."""

    position = 61
    makes = "SlackCredentials/slack"
    variables = (BOT_TOKEN,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the token."""
        from prefect_slack import SlackCredentials

        token = environment[BOT_TOKEN]
        yield BlockToSave(SlackCredentials(token=SecretStr(token)), "slack", shown=f"token ...{token[-4:]}")
