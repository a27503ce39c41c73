"""How fast something goes and when it will be done, in words that a page and a log share."""

from datetime import UTC, datetime, timedelta


def rate(rows: int, seconds: float) -> str:
    """Rows a second: `40,707 rows/s`."""
    speed = rows / max(seconds, 0.001)
    return f"{speed:,.0f} rows/s" if speed >= 10 else f"{speed:,.1f} rows/s"


def duration(seconds: float) -> str:
    """How long, as a person says it: `40 s`, `3 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def to_go(done: int, wanted: int, seconds: float, now: datetime) -> str | None:
    """When all that is `wanted` will be done, by how long what is `done` has taken; `now` is aware of its zone.

    None where that cannot be said: nothing is done, or more than was wanted.
    """
    if not 0 < done < wanted:
        return None
    left = seconds / done * (wanted - done)
    end = now.astimezone(UTC) + timedelta(seconds=left)
    return f"about {duration(left)} to go, until {end:%H:%M} UTC"
