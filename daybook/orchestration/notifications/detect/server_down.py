"""Detect from outside that the Prefect server is down: a cron job runs `daybook monitor`.

Nothing that runs on Prefect can report this, so this module needs no worker and no block. It opens channels from
environment variables, and keeps the state of the outage in a small file in the user's state folder.
"""

import hashlib
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect.settings import PREFECT_API_URL

from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.blocks.errors import BlocksError
from daybook.orchestration.blocks.server import server
from daybook.orchestration.notifications.channel import Channel
from daybook.orchestration.notifications.registry import channel_types
from daybook.orchestration.notifications.routing import route_or_none
from daybook.orchestration.notifications.send import send
from daybook.orchestration.server.errors import ServerUnreachable

logger = logging.getLogger("daybook.notifications")

_ATTEMPTS, _PAUSE = 3, 10.0  # a restart of the server takes some seconds and is not an outage
_OWNER = "default"


@dataclass(frozen=True)
class Outage:
    """The state of an outage between two calls."""

    since: datetime
    reported: bool = False


def exit_if_server_is_down() -> None:
    """Send a message and exit with 1 if the Prefect server does not respond: no flow can run then."""
    if reason := out_of_reach(os.environ, datetime.now(UTC)):
        sys.exit(reason)


def out_of_reach(
    environ: Mapping[str, str], now: datetime, *, attempts: int = _ATTEMPTS, pause: float = _PAUSE
) -> str | None:
    """Return why the Prefect server cannot be used, as a text for a terminal; None if it responds.

    Connects up to `attempts` times, `pause` seconds apart. Sends one message per outage and one when it is over. If no
    channel takes a message, the next call retries it. If PREFECT_API_URL is not set, there is no server to watch, and
    nothing is sent. Never raises for an error of a network, a server or a disk.
    """
    address = PREFECT_API_URL.value()
    reason = _connect(attempts if address else 1, pause)
    if not address:
        return reason
    memory = _file(environ, address)
    known = _remembered(memory)
    if reason:
        known = known or Outage(now)
        _remember(memory, known)
        if not known.reported and _report(environ, _lost(reason, known, now)):
            _remember(memory, Outage(known.since, reported=True))
    elif known and (not known.reported or _report(environ, _back(known, now))):
        _remember(memory, None)
    return reason


def _connect(attempts: int, pause: float) -> str | None:
    reason = ""
    for attempt in range(attempts):
        time.sleep(pause if attempt else 0)
        try:
            with server():
                return None
        except ServerUnreachable as error:
            reason = str(error)
    return reason


def _lost(reason: str, outage: Outage, now: datetime) -> Notice:
    return Notice(
        Tone.FAILED,
        "The Prefect server does not respond",
        facts=(("Since", at(outage.since)), ("Seen", f"{at(now)}, from {socket.gethostname()}")),
        error=reason,
        impact=("No runs start, and Daybook cannot report failed runs or late tables.",),
    )


def _back(outage: Outage, now: datetime) -> Notice:
    return Notice(
        Tone.RECOVERED,
        f"The Prefect server responds again after {lasting((now - outage.since).total_seconds())}",
        facts=(("Since", at(outage.since)), ("Until", at(now))),
        impact=("The next run of each schedule starts now, late. The command below loads what else was missed.",),
        command="prefect deployment run catch-up/daily",
    )


def _report(environ: Mapping[str, str], notice: Notice) -> bool:
    """Return True if at least one channel took the notice."""
    channels = _channels(environ)
    if not channels:
        variables = [variable for kind in channel_types().values() for variable in kind.variables]
        logger.warning("%s. No message is sent: set %s where this runs", notice.title, " or ".join(variables))
        return False
    delivery = send(notice, channels)
    for channel, reason in delivery.failed.items():
        logger.warning("%s. Not sent through %s: %s", notice.title, channel, reason)
    if not delivery.done:
        logger.warning("%s. The next call retries this message", notice.title)
    return bool(delivery.done)


def _channels(environ: Mapping[str, str]) -> list[Channel]:
    addresses, found = route_or_none(_OWNER), list[Channel]()
    for name, kind in channel_types().items():
        try:
            found += kind.from_environment(environ, addresses.get(name))
        except BlocksError as error:
            logger.warning("%s: %s", name, error)
    return found


def _file(environ: Mapping[str, str], address: str) -> Path:
    """Return the file for the state of the server at `address`, in the XDG state folder."""
    state = environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "daybook" / f"outage-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"


def _remembered(memory: Path) -> Outage | None:
    try:
        state = json.loads(memory.read_text(encoding="utf-8"))
        return Outage(datetime.fromisoformat(state["since"]), state["reported"] is True)
    except (OSError, ValueError, LookupError, TypeError):
        return None  # there is no outage, or a full disk truncated the file


def _remember(memory: Path, outage: Outage | None) -> None:
    """Write the state; None: delete it."""
    try:
        if outage is None:
            return memory.unlink(missing_ok=True)
        memory.parent.mkdir(parents=True, exist_ok=True)
        new = memory.with_suffix(".new")
        new.write_text(json.dumps({"since": outage.since.isoformat(), "reported": outage.reported}), encoding="utf-8")
        new.replace(memory)
    except OSError as error:
        logger.warning("%s cannot be written, so each call sends the same message again: %s", memory, error)
