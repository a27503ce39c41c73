"""What is to be said, kept on Prefect's server until it is delivered: Slack being down loses and delays nothing.

Messages of one incident are one thread, and leave in their order; one that cannot be delivered keeps back no other's.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from pydantic import TypeAdapter, ValidationError

from daybook.errors import TableFileError
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications.channels.plain_text import clipped
from daybook.orchestration.notifications.routing import Route, route
from daybook.orchestration.notifications.send import MEDIA, Delivery, deliver
from daybook.orchestration.variable_store import VariableStore, fits, key_of

logger = logging.getLogger("daybook.telling")

_NOTICE = TypeAdapter(Notice)
_LENGTHS = (8000, 4000, 2000, 1000, 500, 250, 120, 60, 20)  # characters of each of its texts, as there is room
_PATIENCE = 120  # seconds for a server that takes them slowly: others wait for this pass

Deliver = Callable[[Notice, Route, tuple[str, ...], dict[str, str]], Delivery]


@dataclass(frozen=True)
class Outbox:
    """The messages that wait, and the threads of the incidents that are not over."""

    client: SyncPrefectClient

    @property
    def _waiting(self) -> VariableStore:
        return VariableStore(self.client, "outbox")

    @property
    def _threads(self) -> VariableStore:
        return VariableStore(self.client, "thread")

    def put(self, notice: Notice, when: datetime | None = None) -> None:
        """Keep a message until it is delivered. The same one of the same moment (None: now) is kept once."""
        said = sha256(f"{notice.incident} {notice.tone} {notice.title}".encode()).hexdigest()[:10]
        moment = (when or datetime.now(UTC)).astimezone(UTC)
        self._waiting.set(f"{moment:%Y%m%d_%H%M%S_%f}_{said}", _document(notice, MEDIA))

    def flush(self, deliver: Deliver = deliver) -> int:
        """Deliver what waits, the oldest first. Returns how many messages could not be delivered, and wait on."""
        left, held, began = 0, set[str](), time.monotonic()
        for moment, document in self._waiting.all().items():
            try:
                notice, media = _NOTICE.validate_python(document["notice"]), tuple(document["media"])
            except (ValidationError, LookupError, TypeError):
                # Somebody has spoilt it in the UI: it must not keep back all the others.
                logger.warning(
                    "the variable daybook_outbox_%s holds no message (any more): delete it in the UI", moment
                )
                continue
            if notice.incident in held or time.monotonic() - began > _PATIENCE:
                left += 1
                continue
            undelivered = self._send(notice, media, deliver)
            if undelivered:
                left += 1
                held.update(filter(None, [notice.incident]))
                if undelivered != media:
                    self._waiting.set(moment, _document(notice, undelivered))
            else:
                self._waiting.delete(moment)
        return left

    def _send(self, notice: Notice, media: tuple[str, ...], deliver: Deliver) -> tuple[str, ...]:
        """The media by which it could not be sent."""
        key = key_of(notice.incident) if notice.incident else ""
        threads = dict(self._threads.get(key) or {}) if key else {}
        delivery = deliver(notice, _route(notice.owner), media, threads)
        for medium, reason in delivery.failed.items():
            logger.warning("%s: not sent by %s yet: %s", notice.title, medium, reason)
        begun = threads | {medium: thread for medium, thread in delivery.done.items() if thread}
        undelivered = tuple(medium for medium in media if medium in delivery.failed)
        if key and notice.tone is Tone.RECOVERED and not undelivered:
            self._threads.delete(key)
        elif key and begun != threads:
            self._threads.set(key, begun)
        return undelivered


def _route(owner: str) -> Route:
    """Where it goes. Where `owners.yaml` is wrong, the webhook's channel: one typo shall not silence everybody."""
    try:
        return route(owner)
    except TableFileError as error:
        logger.warning("%s", error)
        return Route()


def _document(notice: Notice, media: tuple[str, ...]) -> dict[str, Any]:
    """As it is kept: of texts and lists that are too long, as much as there is room for."""
    said = _NOTICE.dump_python(notice, mode="json")
    document = {"notice": said, "media": list(media)}
    for longest in _LENGTHS:
        if fits(document):
            break
        document["notice"] = _cut(said, longest)
    return document


def _cut(said: Any, longest: int) -> Any:
    """With texts of so many characters at most, and lists of a hundredth as many things, but eight."""
    if isinstance(said, dict):
        return {
            name: said[name] if name in ("tone", "incident", "link") else _cut(said[name], longest) for name in said
        }
    if isinstance(said, list):
        return [_cut(one, longest) for one in said[: max(longest // 100, 8)]]
    return clipped(said, longest) if isinstance(said, str) else said
