"""HTTP headers about a file: its version, and when to retry."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Version:
    """The version of a file: the hash of its bytes, and the server's names for this state."""

    sha256: str
    etag: str | None = None
    modified: str | None = None

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @staticmethod
    def read(text: str) -> "Version | None":
        """Parse the text that `str` returned. Return None for anything else."""
        try:
            return Version(**json.loads(text))
        except (ValueError, TypeError):
            return None


def retry_after(text: str) -> float | None:
    """Return the seconds to wait from a Retry-After header (seconds or a date), or None if it is invalid."""
    if text.strip().isdigit():
        return float(text)
    moment = _date(text)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def modified(headers: Mapping[str, str]) -> str | None:
    """Return Last-Modified if it identifies this state of the file, otherwise None.

    It has whole seconds, and a file may change twice in one second. So it only counts if it is at least a minute older
    than the response, by the server's own clock.
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
