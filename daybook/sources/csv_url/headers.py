"""What a server's headers say of a file: which state of it this is, and when to ask again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Version:
    """By what a file is known again: its bytes, and what the server calls this state of it."""

    sha256: str
    etag: str | None = None
    modified: str | None = None

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @staticmethod
    def read(text: str) -> "Version | None":
        """What `str` wrote; None where it was something else."""
        try:
            return Version(**json.loads(text))
        except (ValueError, TypeError):
            return None


def retry_after(text: str) -> float | None:
    """Seconds, of a number of them or of a date."""
    if text.strip().isdigit():
        return float(text)
    moment = _date(text)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def modified(headers: Mapping[str, str]) -> str | None:
    """Last-Modified, if it tells this state from a later one: it has whole seconds, and a file may change twice in one.

    So it counts when the answer, by the server's own clock, is a minute younger than the file.
    """
    text = headers.get("last-modified", "")
    changed, now = _date(text), _date(headers.get("date", ""))
    return text if changed and now and now - changed >= timedelta(minutes=1) else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
