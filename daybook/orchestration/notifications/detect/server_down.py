"""Whether Prefect's server answers at all, told from outside of it: by `python -m flows.monitor` of a cron job.

Whatever runs on Prefect is silent then. So this needs neither a worker nor a block: the webhook is that of the
environment (SLACK_WEBHOOK_URL), and what was told is remembered in a small file of the user's own.
"""

import hashlib
import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prefect.settings import PREFECT_API_URL

from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.blocks.errors import ServerUnreachable
from daybook.orchestration.blocks.notification_channels import Messengers
from daybook.orchestration.blocks.server import server
from daybook.orchestration.notifications.channels.slack_client import post
from daybook.orchestration.notifications.errors import Undelivered

logger = logging.getLogger("daybook.telling")

_LOOKS, _APART = 3, 10.0  # a server that is started again, which takes some seconds, is no outage


@dataclass(frozen=True)
class Outage:
    """What is remembered of one: since when, and whether somebody was told."""

    since: datetime
    told: bool = False


def out_of_reach(
    environ: Mapping[str, str], now: datetime, *, looks: int = _LOOKS, apart: float = _APART
) -> str | None:
    """Why Prefect's server cannot be worked with, in words for a terminal; None: it answers.

    Asks so many times (`looks`), and waits so many seconds in between (`apart`). An outage is told to Slack once, and
    once more when it is over; what Slack does not take is told the next time. Where PREFECT_API_URL is not set there is
    nothing to watch, and nothing is told. Never raises for what a network, a server or a disk does.
    """
    address = PREFECT_API_URL.value()
    reason = _look(looks if address else 1, apart)
    if not address:
        return reason
    memory = _file(environ, address)
    known = _remembered(memory)
    if reason:
        known = known or Outage(now)
        _remember(memory, known)
        if not known.told and _tell(environ, _lost(reason, known, now)):
            _remember(memory, Outage(known.since, told=True))
    elif known and (not known.told or _tell(environ, _back(known, now))):
        _remember(memory, None)
    return reason


def _look(looks: int, apart: float) -> str | None:
    reason = ""
    for look in range(looks):
        time.sleep(apart if look else 0)
        try:
            with server():
                return None
        except ServerUnreachable as error:
            reason = str(error)
    return reason


def _lost(reason: str, outage: Outage, now: datetime) -> Notice:
    return Notice(
        Tone.FAILED,
        "Prefect's server is out of reach",
        facts=(("Since", at(outage.since)), ("Seen", f"{at(now)}, from {socket.gethostname()}")),
        error=reason,
        meanwhile=("No run is started, and nobody hears of one that fails, or of a table that is late.",),
    )


def _back(outage: Outage, now: datetime) -> Notice:
    return Notice(
        Tone.RECOVERED,
        f"Prefect's server answers again after {lasting((now - outage.since).total_seconds())}",
        facts=(("Since", at(outage.since)), ("Until", at(now))),
        meanwhile=("Of each schedule the next runs start now, late; what else was missed is loaded by catch-up.",),
        command="prefect deployment run catch-up/daily",
    )


def _tell(environ: Mapping[str, str], notice: Notice) -> bool:
    """Whether it was sent."""
    webhook = environ.get("SLACK_WEBHOOK_URL", "").strip()
    if not webhook:
        logger.warning("%s. Nobody is told: set SLACK_WEBHOOK_URL where this runs", notice.title)
        return False
    try:
        post(notice, Messengers(webhook=webhook), None)
    except Undelivered as error:
        logger.warning("%s. It is told the next time that this runs: %s", notice.title, error)
        return False
    return True


def _file(environ: Mapping[str, str], address: str) -> Path:
    """Where the outage of the server at `address` is remembered, in the folder that XDG has for such things."""
    state = environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "daybook" / f"outage-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"


def _remembered(memory: Path) -> Outage | None:
    try:
        said = json.loads(memory.read_text(encoding="utf-8"))
        return Outage(datetime.fromisoformat(said["since"]), said["told"] is True)
    except (OSError, ValueError, LookupError, TypeError):
        return None  # there is none; or a disk that was full has left half of one


def _remember(memory: Path, outage: Outage | None) -> None:
    """Keep it; None: there is nothing to remember any more."""
    try:
        if outage is None:
            return memory.unlink(missing_ok=True)
        memory.parent.mkdir(parents=True, exist_ok=True)
        new = memory.with_suffix(".new")
        new.write_text(json.dumps({"since": outage.since.isoformat(), "told": outage.told}), encoding="utf-8")
        new.replace(memory)
    except OSError as error:
        logger.warning("%s cannot be written, so that the same is told again each time: %s", memory, error)
