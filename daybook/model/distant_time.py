"""Dates and times that a warehouse holds, but Python cannot: infinity, years after 9999, and years before Christ."""

from datetime import datetime


class DistantTime(str):
    """The text of a date or timestamp outside of Python's years 1 to 9999, as the server sends it."""

    __slots__ = ()

    @property
    def nearest(self) -> datetime:
        """Return the first or the last time that Python can represent, without a time zone, to compare it."""
        return datetime.min if self.startswith("-") or self.endswith("BC") else datetime.max
