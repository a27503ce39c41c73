"""Convert Prefect's datetimes, which are of the library pendulum and do not work with `timedelta` everywhere."""

from datetime import UTC, datetime


def to_stdlib_datetime(moment: datetime) -> datetime:
    """Return the same instant in UTC, as a `datetime` of the standard library."""
    return datetime.fromisoformat(moment.isoformat()).astimezone(UTC)
