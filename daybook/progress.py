"""Format rates, durations and remaining times, in the same way for pages and logs."""

from datetime import UTC, datetime, timedelta


def rate(rows: int, seconds: float) -> str:
    """Return the rows per second as text: `40,707 rows/s`."""
    speed = rows / max(seconds, 0.001)
    return f"{speed:,.0f} rows/s" if speed >= 10 else f"{speed:,.1f} rows/s"


def duration(seconds: float) -> str:
    """Return a duration as text: `40 s`, `3 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def to_go(done: int, wanted: int, seconds: float, now: datetime) -> str | None:
    """Return the remaining time and the end in UTC as text, for a constant speed.

    Args:
        done: the number of items that are done.
        wanted: the number of all items.
        seconds: how long the `done` items have taken.
        now: the current time, with a time zone.

    Returns:
        The text, or None if nothing is done yet or `done` is not less than `wanted`.
    """
    if not 0 < done < wanted:
        return None
    left = seconds / done * (wanted - done)
    end = now.astimezone(UTC) + timedelta(seconds=left)
    return f"about {duration(left)} to go, until {end:%H:%M} UTC"
