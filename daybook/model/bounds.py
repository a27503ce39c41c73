"""What a value must be: a number or a time, and the ends between which it is as expected.

Numbers are compared exactly, as they are written: 0.1 is a tenth, whether it comes as a float or as a decimal. A time
without a zone is in UTC, and a date is its midnight.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from daybook.model.yaml_model import Strict


def comparable(value: Any) -> Decimal | datetime | None:
    """A value as it is compared: a number, or a time in UTC without its zone. None: neither (NULL, a text, NaN)."""
    if isinstance(value, bool | int | float | Decimal):
        number = Decimal(str(int(value) if isinstance(value, bool) else value))
        return None if number.is_nan() else number
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime.combine(value, time()) if isinstance(value, date) else None


def shown(value: Any) -> str:
    """A value as a person reads it, in a line."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and comparable(value) is not None:
        text = f"{comparable(value):,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return f"{comparable(value):%Y-%m-%d %H:%M:%S} UTC"
    return repr(value)[:80] if isinstance(value, str) else str(value)[:80]


def _bound(value: Any) -> Any:
    if value is not None and comparable(value) is None:
        raise ValueError("give a number or a date, without quotes")
    return Decimal(str(comparable(value))) if isinstance(value, bool | int | float) else value


def _pair(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2 and None not in value:
        return value
    raise ValueError("write the least and the most: [0, 10]")


#: To JSON Schema, a date of YAML is a string.
Bound = Annotated[Any, BeforeValidator(_bound), WithJsonSchema({"type": ["number", "string", "boolean"]})]
Pair = Annotated[tuple[Bound, Bound], BeforeValidator(_pair)]


class Bounds(Strict):
    """What a value must be: one value, or within bounds that are both still good."""

    equals: Bound = Field(default=None, description="What it must be.")
    at_least: Bound = Field(default=None, description="The least that it may be.")
    at_most: Bound = Field(default=None, description="The most that it may be.")
    between: Pair | None = Field(default=None, description="The least and the most that it may be: [0, 10].")

    @model_validator(mode="after")
    def _agree(self) -> "Bounds":
        if len(self.bounds_given) > 1 and self.bounds_given != ["at_least", "at_most"]:
            raise ValueError(f"{' and '.join(self.bounds_given)} do not go together: keep one of them")
        low, high = self._ends
        if low is not None and high is not None:
            if isinstance(low, Decimal) != isinstance(high, Decimal):
                raise ValueError(f"{shown(low)} and {shown(high)} cannot be compared: give two numbers, or two dates")
            if low > high:  # type: ignore[operator]
                raise ValueError(
                    f"nothing is at least {shown(low)} and at most {shown(high)}: the smaller one comes first"
                )
        return self

    @property
    def bounds_given(self) -> list[str]:
        """The names of the bounds that are given."""
        return [name for name in Bounds.model_fields if getattr(self, name) is not None]

    @property
    def _ends(self) -> tuple[Decimal | datetime | None, Decimal | datetime | None]:
        if self.equals is not None:
            return comparable(self.equals), comparable(self.equals)
        low, high = self.between or (self.at_least, self.at_most)
        return comparable(low), comparable(high)

    def holds(self, found: Any) -> bool:
        """Whether a value (a number, a date, a time) is as expected. What is none of these (NULL, a text) never is."""
        value = comparable(found)
        ends = [end for end in self._ends if end is not None]
        if value is None or any(isinstance(end, Decimal) != isinstance(value, Decimal) for end in ends):
            return False
        low, high = self._ends
        return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]

    @property
    def expectation(self) -> str:
        """What is expected, in words."""
        if self.between is not None:
            return f"between {shown(self.between[0])} and {shown(self.between[1])}"
        said = (("", self.equals), ("at least ", self.at_least), ("at most ", self.at_most))
        return " and ".join(f"{word}{shown(bound)}" for word, bound in said if bound is not None)
