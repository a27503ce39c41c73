"""Deliver a notice through every channel of its owner. If no channel is set up, write it to the log."""

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.notice import Notice
from daybook.orchestration.notifications.channel import Channel
from daybook.orchestration.notifications.errors import DeliveryFailed, DeliveryRefused, NotConfigured
from daybook.orchestration.notifications.plain_text import plain
from daybook.orchestration.notifications.registry import channel_types
from daybook.orchestration.notifications.routing import Route

logger = logging.getLogger("daybook.notifications")


@dataclass
class Delivery:
    """The outcomes of one notice, by the key of the channel. Channels that are not set up have no outcome."""

    done: dict[str, str] = field(default_factory=dict)
    """The thread of each channel that took the notice, for the next notice of its incident; "" for none.
    The key "log" if there is no channel."""
    failed: dict[str, str] = field(default_factory=dict)
    """The reason of each channel that did not take the notice and will be retried."""
    refused: dict[str, str] = field(default_factory=dict)
    """The reason of each channel that will never take the notice."""


def deliver(
    client: SyncPrefectClient, notice: Notice, route: Route, wanted: Sequence[str], threads: Mapping[str, str]
) -> Delivery:
    """Send a notice through the channels whose names or keys are in `wanted`, to the addresses in `route`.

    `threads` are the values of `Delivery.done` of earlier notices of the same incident. Never raises for an error of a
    network, a server or a block.
    """
    channels, failed = _opened(client, route, wanted)
    return send(notice, channels, threads, Delivery(failed=failed))


def send(
    notice: Notice, channels: Sequence[Channel], threads: Mapping[str, str] | None = None, into: Delivery | None = None
) -> Delivery:
    """Send a notice through these channels, and add the outcomes to `into`. Never raises."""
    delivery = into or Delivery()
    for channel in channels:
        _send(notice, channel, (threads or {}).get(channel.key, ""), delivery)
    if not (delivery.done or delivery.failed or delivery.refused):
        logger.warning("%s", plain(notice))
        delivery.done["log"] = ""
    return delivery


def _opened(client: SyncPrefectClient, route: Route, wanted: Sequence[str]) -> tuple[list[Channel], dict[str, str]]:
    """Open the channels. Return them, and the reason for each of `wanted` that cannot be opened now."""
    channels, failed = list[Channel](), dict[str, str]()
    for name, kind in channel_types().items():
        keys = [key for key in wanted if key.partition(":")[0] == name]
        if not keys:
            continue
        try:
            opened = kind.open(client, route.get(name))
        except NotConfigured as hint:
            logger.warning("%s", hint)
        except Exception as error:  # from the Prefect server, or from a block that was created by hand
            failed |= dict.fromkeys(keys, f"its blocks cannot be opened: {error}")
        else:
            channels += [channel for channel in opened if name in keys or channel.key in keys]
    return channels, failed


def _send(notice: Notice, channel: Channel, thread: str, delivery: Delivery) -> None:
    key = channel.key
    try:
        delivery.done[key] = channel.reply(notice, thread) if thread else channel.deliver(notice)
    except NotConfigured as hint:
        logger.warning("%s", hint)
    except DeliveryFailed as error:
        delivery.failed[key] = str(error)
    except DeliveryRefused as error:
        delivery.refused[key] = str(error)
        logger.error("not sent through %s: %s. Daybook does not retry this message:\n%s", key, error, plain(notice))
    except Exception as error:  # a bug in Daybook must not stop the other channels or later messages
        # The text of the error may contain a secret, such as a token, so only its type is logged.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("a message could not be sent through %s: %s\n%s", key, type(error).__name__, frames)
        delivery.failed[key] = f"a bug in Daybook ({type(error).__name__}): see the monitor's log"
