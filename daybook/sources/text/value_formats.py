"""The formats of values in texts (a CSV, JSON lines, a sheet), and their conversion for the stage.

Nothing is guessed. A value without the declared format is refused with the reason, and never becomes another value or
NULL. By default, dates and times are ISO 8601, and numbers have a decimal point.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time

from pydantic import Field, field_validator, model_validator

from daybook.model.types import INTEGERS, Type
from daybook.sources.text import type_parsers
from daybook.yaml_model import Strict

_POINTS = ".,٫"
_THOUSANDS = ".,'’_ \u00a0\u202f"
_MARKS = ("", *_THOUSANDS)
#: Two times that a complete format writes and reads back unchanged. Day and month differ, to detect a swap.
_SAMPLES = (datetime(2021, 11, 29, 17, 46, 58, 123456, UTC), datetime(1987, 2, 3, 4, 5, 6, 789000, UTC))
_FRACTION = re.compile(r"[.,]([0-9]+)")


class ValueFormats(Strict):
    """The formats of a source's values: `values:` in a table file."""

    nulls: tuple[str, ...] = Field(
        ("",), description="The texts that are NULL. In a column that is not text, an empty value is always NULL."
    )
    decimal_point: str = Field(".", description="The character before the fraction of a number.")
    thousands: str = Field("", description="The character between the thousands of a number, if any.")
    dates: str | None = Field(None, description="The strftime format of dates: %d.%m.%Y. Default: ISO 8601.")
    timestamps: str | None = Field(
        None, description="The strftime format of dates with a time: %m/%d/%Y %H:%M:%S. Default: ISO 8601."
    )

    @model_validator(mode="after")
    def _marks(self) -> "ValueFormats":
        if self.decimal_point not in list(_POINTS):
            raise ValueError(f"decimal_point is {self.decimal_point!r}, but must be a point or a comma")
        if self.thousands not in _MARKS:
            raise ValueError(f"thousands is {self.thousands!r}, but must be a comma, a point, an apostrophe or a space")
        if self.thousands == self.decimal_point:
            raise ValueError(f"decimal_point and thousands are both {self.thousands!r}, but must be different")
        return self

    @field_validator("dates", "timestamps")
    @classmethod
    def _is_complete(cls, pattern: str | None) -> str | None:
        """Refuse incomplete formats: without a year, every date is in 1900; without AM and PM, evening is morning."""
        if pattern is None:
            return None
        if re.search("%[EOcxXZ]", pattern):
            raise ValueError(f"{pattern!r} depends on the machine: use only %Y, %m, %d, %H, %M, %S, %f, %z")
        for sample in _SAMPLES:
            try:
                read = datetime.strptime(sample.strftime(pattern), pattern)
            except (ValueError, re.error) as error:
                raise ValueError(f"{pattern!r} is not a valid format: {error}") from None
            units = ("year", "month", "day", *(("hour",) if re.search("%[HIMSfp]", pattern) else ()))
            lacking = [unit for unit in units if getattr(read, unit) != getattr(sample, unit)]
            if lacking:
                raise ValueError(f"{pattern!r} has no {', '.join(lacking)}")
        return pattern

    def parser(self, type: Type) -> Callable[[str], str | None]:
        """Return a function that converts a text in these formats to a value of `type` for the stage, or None for NULL.

        The function returns an instant (`timestamptz`) in UTC. Bytes are hex digits before and after. It raises
        ValueError, with the reason, for a text that is not a value of `type`, or that would lose a part of it.
        """
        read, nulls, texts = self._reader(type), frozenset(self.nulls), type.kind in ("text", "varchar", "char")

        def value_of(text: str) -> str | None:
            if text in nulls or (not texts and not text.strip()):
                return None
            if "\0" in text:
                raise ValueError("it contains a NUL, which no warehouse can store")
            return read(text)

        return value_of

    def remedies(self, type: Type, text: str) -> tuple[str, ...]:
        """Return the fields of `values:` that can make `text` a value of `type`; none if no format can."""
        if type.kind in ("date", "timestamp", "timestamptz"):
            field = "dates" if type.kind == "date" else "timestamps"
            may_help = any(map(str.isdigit, text)) and (getattr(self, field) or not _is_iso(text))
            return (field,) if may_help else ()
        if type.kind not in (*INTEGERS, "decimal", "real", "double"):
            return ()
        if any(self._reads(type, text, point, self.thousands) for point in _POINTS):
            return ("decimal_point",)
        if any(self._reads(type, text, self.decimal_point, mark) for mark in _MARKS):
            return ("thousands",)
        both = any(self._reads(type, text, point, mark) for point in _POINTS for mark in _MARKS)
        return ("decimal_point", "thousands") if both else ()

    def _reads(self, type: Type, text: str, point: str, thousands: str) -> bool:
        """Return True if `text` is a value of `type` with this decimal point and this mark of thousands."""
        if point == thousands:
            return False
        changed = self.model_copy(update={"decimal_point": point, "thousands": thousands})
        try:
            changed.parser(type)(text)
        except ValueError:
            return False
        return True

    def _reader(self, type: Type) -> Callable[[str], str]:
        number = self._number()
        if type.kind in INTEGERS:
            return lambda text: type_parsers.parse_integer(number(text), type.kind)
        if type.kind == "decimal":
            return lambda text: type_parsers.parse_decimal(number(text), type)
        if type.kind in ("real", "double"):
            return lambda text: type_parsers.parse_float(number(text), type.kind)
        if type.kind in ("varchar", "char"):
            return lambda text: type_parsers.fitting(text, type)
        return {
            "boolean": type_parsers.parse_boolean,
            "date": self._date,
            "timestamp": lambda text: self._timestamp(text, type),
            "timestamptz": lambda text: self._timestamp(text, type),
            "time": lambda text: _time(text, type),
            "timetz": lambda text: _time(text, type),
            "json": type_parsers.parse_json,
            "jsonb": type_parsers.parse_json,
            "uuid": type_parsers.parse_uuid,
            "bytes": type_parsers.digits,
        }.get(type.kind, str)

    def _number(self) -> Callable[[str], str]:
        """Return a function that converts a number in this format to one with a point and without thousands."""
        point, thousands = self.decimal_point, self.thousands
        if point == "." and not thousands:
            return str.strip
        grouped = re.compile(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+(?![0-9])")

        def plain(text: str) -> str:
            text = text.strip()
            if thousands and thousands in text:
                found = grouped.match(text)
                if not found:
                    raise ValueError(f"thousands is {thousands!r}, but here it is not between thousands")
                text = found[0].replace(thousands, "") + text[found.end() :]
            if point != "." and "." in text:
                raise ValueError(f"it has a point, but decimal_point is {point!r}")
            return text.replace(point, ".")

        return plain

    def _date(self, text: str) -> str:
        if self.dates:
            moment = datetime.strptime(text.strip(), self.dates)
            if moment.time() != time():
                raise ValueError("it has a time of day, which a date would lose: declare it as timestamp")
            return moment.date().isoformat()
        return date.fromisoformat(text.strip()).isoformat()

    def _timestamp(self, text: str, type: Type) -> str:
        text = text.strip()
        if self.timestamps:
            moment = datetime.strptime(text, self.timestamps)
        else:
            _no_seventh_digit(text)
            moment = datetime.fromisoformat(text)
        _keeps_fraction(moment, type)
        if type.kind == "timestamp":
            if moment.tzinfo:
                raise ValueError("it has a time zone, which a timestamp would lose: declare it as timestamptz")
            return moment.isoformat(" ")
        if not moment.tzinfo:
            raise ValueError("it has no time zone, so it is not an instant: declare it as timestamp")
        try:
            return moment.astimezone(UTC).isoformat(" ")
        except OverflowError:
            raise ValueError("in UTC, it is outside of the years 1 to 9999") from None


#: The formats of a source that declares none.
ISO = ValueFormats.model_validate({})


def _time(text: str, type: Type) -> str:
    _no_seventh_digit(text)
    moment = time.fromisoformat(text.strip())
    _keeps_fraction(moment, type)
    if moment.tzinfo and type.kind == "time":
        raise ValueError("it has a time zone, which a time would lose: declare it as timetz")
    if not moment.tzinfo and type.kind == "timetz":
        raise ValueError("it has no time zone: declare it as time")
    return moment.isoformat()


def _is_iso(text: str) -> bool:
    """Return True for a date or time in ISO 8601. If its column refuses it, the format is not the reason."""
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _no_seventh_digit(text: str) -> None:
    """Refuse more than six fractional digits of a second, which Python would silently truncate in ISO 8601."""
    if any(digits[6:].strip("0") for digits in _FRACTION.findall(text)):
        raise ValueError("it has more than 6 fractional digits of a second")


def _keeps_fraction(moment: datetime | time, type: Type) -> None:
    """Refuse fractional digits of a second that the column would round."""
    if type.size is not None and moment.microsecond % 10 ** (6 - min(type.size, 6)):
        raise ValueError(f"it has more than {type.size} fractional digits of a second")
