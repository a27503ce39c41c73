"""Keep messages on the Prefect server until they are delivered, so that an outage of a channel loses none.

Messages of one incident form a thread and are sent in order. A message that cannot be delivered does not delay those of
other incidents.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from pydantic import TypeAdapter, ValidationError

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications.plain_text import clipped
from daybook.orchestration.notifications.registry import channel_types
from daybook.orchestration.notifications.routing import Route, route_or_none
from daybook.orchestration.notifications.send import Delivery, deliver
from daybook.orchestration.variable_store import VariableStore, fits, key_of

logger = logging.getLogger("daybook.notifications")

_NOTICE = TypeAdapter(Notice)
_LENGTHS = (8000, 4000, 2000, 1000, 500, 250, 120, 60, 20)  # characters of each text, tried until the notice fits
_PATIENCE = 120  # seconds for slow channels: other passes wait for this one

Deliver = Callable[[Notice, Route, tuple[str, ...], dict[str, str]], Delivery]


@dataclass(frozen=True)
class Outbox:
    """The messages that wait for delivery, and the threads of open incidents."""

    client: SyncPrefectClient

    @property
    def _waiting(self) -> VariableStore:
        return VariableStore(self.client, "outbox")

    @property
    def _threads(self) -> VariableStore:
        return VariableStore(self.client, "thread")

    def put(self, notice: Notice, when: datetime | None = None) -> None:
        """Keep a message until it is delivered. The same message at the same moment (None: now) is kept once."""
        digest = sha256(f"{notice.incident} {notice.tone} {notice.title}".encode()).hexdigest()[:10]
        moment = (when or datetime.now(UTC)).astimezone(UTC)
        self._waiting.set(f"{moment:%Y%m%d_%H%M%S_%f}_{digest}", _document(notice, tuple(channel_types())))

    def flush(self, send: Deliver | None = None) -> int:
        """Deliver the waiting messages, oldest first. Return how many could not be delivered and still wait.

        `send` sends one message (None: through the channels of its owner).
        """
        send = send or partial(deliver, self.client)
        left, blocked, began = 0, set[str](), time.monotonic()
        for moment, document in self._waiting.all().items():
            try:
                notice, channels = _NOTICE.validate_python(document["notice"]), tuple(document["channels"])
            except (ValidationError, LookupError, TypeError):
                # It was edited in the UI. It must not block all other messages.
                logger.warning("the variable daybook_outbox_%s is not a valid message: delete it in the UI", moment)
                continue
            if notice.incident in blocked or time.monotonic() - began > _PATIENCE:
                left += 1
                continue
            undelivered = self._send(notice, channels, send)
            if undelivered:
                left += 1
                blocked.update(filter(None, [notice.incident]))
                if undelivered != channels:
                    self._waiting.set(moment, _document(notice, undelivered))
            else:
                self._waiting.delete(moment)
        return left

    def _send(self, notice: Notice, channels: tuple[str, ...], send: Deliver) -> tuple[str, ...]:
        """Send a message. Return the keys of the channels to retry."""
        key = key_of(notice.incident) if notice.incident else ""
        threads = dict(self._threads.get(key) or {}) if key else {}
        delivery = send(notice, route_or_none(notice.owner), channels, threads)
        for channel, reason in delivery.failed.items():
            logger.warning("%s: not sent through %s yet: %s", notice.title, channel, reason)
        begun = threads | {channel: thread for channel, thread in delivery.done.items() if thread}
        undelivered = tuple(delivery.failed)
        if key and notice.tone is Tone.RECOVERED and not undelivered:
            self._threads.delete(key)
        elif key and begun != threads:
            self._threads.set(key, begun)
        return undelivered


def _document(notice: Notice, channels: tuple[str, ...]) -> dict[str, Any]:
    """Return the message as a document for a variable. Shorten texts and lists until it fits."""
    content = _NOTICE.dump_python(notice, mode="json")
    document = {"notice": content, "channels": list(channels)}
    for longest in _LENGTHS:
        if fits(document):
            break
        document["notice"] = _cut(content, longest)
    return document


def _cut(content: Any, longest: int) -> Any:
    """Return `content` with texts of at most `longest` characters, and lists of `longest / 100` items, at least 8."""
    if isinstance(content, dict):
        return {
            name: content[name] if name in ("tone", "incident", "link") else _cut(content[name], longest)
            for name in content
        }
    if isinstance(content, list):
        return [_cut(one, longest) for one in content[: max(longest // 100, 8)]]
    return clipped(content, longest) if isinstance(content, str) else content
