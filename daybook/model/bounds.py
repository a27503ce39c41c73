"""The expected value of a check: one number or time, or a range.

Numbers are compared exactly, as they are written: 0.1 is one tenth, both as a float and as a decimal. A time without a
time zone is in UTC. A date is compared as its midnight.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from daybook.model.distant_time import DistantTime
from daybook.yaml_model import Strict


def comparable(value: Any) -> Decimal | datetime | None:
    """Return a value as a Decimal or a naive datetime in UTC, to compare it. Return None for NULL, text and NaN."""
    if isinstance(value, DistantTime):
        return value.nearest
    if isinstance(value, bool | int | float | Decimal):
        number = Decimal(str(int(value) if isinstance(value, bool) else value))
        return None if number.is_nan() else number
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime.combine(value, time()) if isinstance(value, date) else None


def shown(value: Any) -> str:
    """Return a value as one short line for a message."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and comparable(value) is not None:
        text = f"{comparable(value):,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return f"{comparable(value):%Y-%m-%d %H:%M:%S} UTC"
    is_text = isinstance(value, str) and not isinstance(value, DistantTime)
    return repr(value)[:80] if is_text else str(value)[:80]


def _bound(value: Any) -> Any:
    if value is not None and comparable(value) is None:
        raise ValueError("expected a number or a date, without quotes")
    return Decimal(str(comparable(value))) if isinstance(value, bool | int | float) else value


def _pair(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2 and None not in value:
        return value
    raise ValueError("expected the minimum and the maximum, such as [0, 10]")


#: JSON Schema sees a date in YAML as a string.
Bound = Annotated[Any, BeforeValidator(_bound), WithJsonSchema({"type": ["number", "string", "boolean"]})]
Pair = Annotated[tuple[Bound, Bound], BeforeValidator(_pair)]


class Bounds(Strict):
    """The expected value: exactly one, or a range that includes both of its ends."""

    equals: Bound = Field(default=None, description="The exact value that is expected.")
    at_least: Bound = Field(default=None, description="The minimum.")
    at_most: Bound = Field(default=None, description="The maximum.")
    between: Pair | None = Field(default=None, description="The minimum and the maximum, both included: [0, 10].")

    @model_validator(mode="after")
    def _agree(self) -> "Bounds":
        if len(self.bounds_given) > 1 and self.bounds_given != ["at_least", "at_most"]:
            raise ValueError(f"{' and '.join(self.bounds_given)} cannot be combined: keep one of them")
        low, high = self._ends
        if low is not None and high is not None:
            if isinstance(low, Decimal) != isinstance(high, Decimal):
                raise ValueError(f"{shown(low)} and {shown(high)} cannot be compared: give two numbers, or two dates")
            if low > high:  # type: ignore[operator]
                raise ValueError(
                    f"no value is at least {shown(low)} and at most {shown(high)}: put the smaller one first"
                )
        return self

    @property
    def bounds_given(self) -> list[str]:
        """Return the names of the bounds that are given."""
        return [name for name in Bounds.model_fields if getattr(self, name) is not None]

    @property
    def _ends(self) -> tuple[Decimal | datetime | None, Decimal | datetime | None]:
        if self.equals is not None:
            return comparable(self.equals), comparable(self.equals)
        low, high = self.between or (self.at_least, self.at_most)
        return comparable(low), comparable(high)

    def holds(self, found: Any) -> bool:
        """Return True if a number, date or time is within the bounds. Return False for other values (NULL, text)."""
        value = comparable(found)
        ends = [end for end in self._ends if end is not None]
        if value is None or any(isinstance(end, Decimal) != isinstance(value, Decimal) for end in ends):
            return False
        low, high = self._ends
        return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]

    @property
    def expectation(self) -> str:
        """Return the bounds in words."""
        if self.between is not None:
            return f"between {shown(self.between[0])} and {shown(self.between[1])}"
        parts = (("", self.equals), ("at least ", self.at_least), ("at most ", self.at_most))
        return " and ".join(f"{word}{shown(bound)}" for word, bound in parts if bound is not None)
