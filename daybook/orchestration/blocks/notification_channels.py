"""Opens what messages are sent by: Slack's bot and webhooks, and the mail server. Each may be there or not."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client

from daybook.orchestration.blocks.open import existing

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials


@dataclass(frozen=True)
class Mailbox:
    """A mail server, and the address that our mail comes from."""

    server: "EmailServerCredentials"
    sender: str


@dataclass(frozen=True)
class Messengers:
    """By what a message for one channel can be sent; None for what there is no block of."""

    bot: str | None = field(default=None, repr=False)
    """Slack's token, of `SlackCredentials/slack`: for every channel that the app is in, and for threads."""
    webhook: str | None = field(default=None, repr=False)
    """The URL of `SlackWebhook/<channel>`, or else of `SlackWebhook/slack`: for the channel that it was made for."""
    mailbox: Mailbox | None = None


def messengers(channel: str | None) -> Messengers:
    """What there is for a channel (`#data-alerts`); None: for whichever the webhook was made for.

    The webhook of a channel is a block of its name, without `#` and with dashes for what Prefect does not allow in one.
    Raises `BlockUnusable` for a block that does not hold what it should.
    """
    from prefect_email import EmailServerCredentials
    from prefect_slack import SlackCredentials, SlackWebhook

    from daybook.orchestration.blocks.block_types import MailSender

    with get_client(sync_client=True) as client:
        bot = existing(client, SlackCredentials, "slack", "SLACK_BOT_TOKEN")
        own = re.sub("[^a-z0-9]+", "-", (channel or "").lower()).strip("-")
        webhook = (existing(client, SlackWebhook, own, None) if own else None) or existing(
            client, SlackWebhook, "slack", "SLACK_WEBHOOK_URL"
        )
        server = existing(client, EmailServerCredentials, "mail", "DAYBOOK_SMTP_URL")
        sender = existing(client, MailSender, "mail", "DAYBOOK_SMTP_URL") if server else None
    return Messengers(
        bot.token.get_secret_value() if bot else None,
        webhook.url.get_secret_value() if webhook else None,
        Mailbox(server, sender.address if sender else server.username or "") if server else None,
    )
