"""Prefect's moments as Python's own: theirs are pendulum's, which cannot be divided by a plain time span, for one."""

from datetime import UTC, datetime


def to_stdlib_datetime(moment: datetime) -> datetime:
    """The same instant, in UTC."""
    return datetime.fromisoformat(moment.isoformat()).astimezone(UTC)
