"""Delivers a notice: to Slack and by e-mail, each as far as there are blocks for it; else into the log."""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.blocks.notification_channels import Messengers, messengers
from daybook.orchestration.notifications.channels import email_client, slack_client
from daybook.orchestration.notifications.channels.plain_text import plain
from daybook.orchestration.notifications.errors import Undelivered
from daybook.orchestration.notifications.routing import Route

logger = logging.getLogger("daybook.telling")

MEDIA = ("slack", "email")


@dataclass
class Delivery:
    """What became of a notice. What is left to send is what stands in `failed`.

    A medium that there is no block or no address for is in neither.
    """

    done: dict[str, str] = field(default_factory=dict)
    """Medium: the thread that the notice is in, to be given back with the next one of its incident; "" for none.
    The medium "log", where there is no other."""
    failed: dict[str, str] = field(default_factory=dict)
    """Medium: why not, in plain words."""


def deliver(
    notice: Notice,
    route: Route,
    media: Sequence[str] = MEDIA,
    threads: Mapping[str, str] | None = None,
    by: Messengers | None = None,
) -> Delivery:
    """Send a notice by those of `media` that it is still to be sent by.

    `threads` is what earlier deliveries of the same incident had in `done`. `by` are the blocks to send it by (None:
    those that there are). Never raises for what a network, a server or a block does.
    """
    delivery, threads = Delivery(), threads or {}
    try:
        by = by or messengers(route.channel)
    except Exception as error:  # Prefect's server, or a block that somebody made by hand
        logger.warning("%s: the blocks to send it by cannot be opened: %s", notice.title, error)
        return Delivery(failed=dict.fromkeys(media, f"the blocks cannot be opened: {error}"))
    ways = _ways(notice, route, by, threads)
    for medium in media:
        if medium in ways:
            _try(medium, ways[medium], delivery)
    if media and not delivery.done and not delivery.failed:
        logger.warning("%s", plain(notice))
        delivery.done["log"] = ""
    return delivery


def _ways(notice: Notice, route: Route, by: Messengers, threads: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """How it is sent by each medium that there is."""
    ways: dict[str, Callable[[], str]] = {}
    slack, email, mailbox = threads.get("slack", ""), threads.get("email", ""), by.mailbox
    if by.webhook or (by.bot and (route.channel or slack)):
        ways["slack"] = lambda: slack_client.post(notice, by, route.channel, slack)
    elif by.bot:
        logger.warning("Slack's bot knows no channel: write `default: {channel: …}` into tables/owners.yaml")
    if mailbox and route.addresses:
        ways["email"] = lambda: email_client.send(notice, mailbox, route.addresses, email)
    elif route.addresses:
        logger.warning("no e-mail is sent: set DAYBOOK_SMTP_URL and run `python -m blocks`")
    return ways


def _try(medium: str, send: Callable[[], str], delivery: Delivery) -> None:
    try:
        delivery.done[medium] = send()
    except Undelivered as error:
        delivery.failed[medium] = str(error)
    except Exception as error:  # of ours: it must not keep back the other medium, nor the messages after this one
        # without its words, which may hold what it was given: a token, a webhook
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("a message could not be sent by %s: %s\n%s", medium, type(error).__name__, frames)
        delivery.failed[medium] = f"a mistake of Daybook's own ({type(error).__name__}): see the monitor's log"
