"""How values are spelled in a text (a CSV, JSON lines, a sheet), and what they are in the spelling of the stage.

Nothing is guessed: what is not spelled as the table file says is refused, with the reason, and never becomes another
value or NULL. A date is `2021-02-05`, a time ISO 8601, a number has a point, unless the table file declares otherwise.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time

from pydantic import Field, field_validator, model_validator

from daybook.model.types import INTEGERS, Type
from daybook.model.yaml_model import Strict
from daybook.sources.text import type_parsers

_POINTS = ".,٫"
_THOUSANDS = ".,'’_ \u00a0\u202f"
#: Two moments that no other moment is written like, if the format says enough: which is the day, and which the month?
_SAMPLES = (datetime(2021, 11, 29, 17, 46, 58, 123456, UTC), datetime(1987, 2, 3, 4, 5, 6, 789000, UTC))
_FRACTION = re.compile(r"[.,]([0-9]+)")


class ValueFormats(Strict):
    """What a table file says under `values:` of how the values of its source are spelled."""

    nulls: tuple[str, ...] = Field(
        ("",), description="The texts that are NULL. An empty one is always NULL where it is no text."
    )
    decimal_point: str = Field(".", description="What stands before a number's fraction.")
    thousands: str = Field("", description="What stands between the thousands of a number, if anything.")
    dates: str | None = Field(None, description="How dates are written, as strftime says it: %d.%m.%Y. Left out: ISO.")
    timestamps: str | None = Field(None, description="The same of dates with a time: %m/%d/%Y %H:%M:%S. Left out: ISO.")

    @model_validator(mode="after")
    def _marks(self) -> "ValueFormats":
        if self.decimal_point not in list(_POINTS):
            raise ValueError(f"decimal_point is {self.decimal_point!r}, and must be a point or a comma")
        if self.thousands not in ["", *_THOUSANDS]:
            raise ValueError(f"thousands is {self.thousands!r}, and must be a comma, a point, an apostrophe or a blank")
        if self.thousands == self.decimal_point:
            raise ValueError(f"decimal_point and thousands are both {self.thousands!r}: nobody could tell them apart")
        return self

    @field_validator("dates", "timestamps")
    @classmethod
    def _says_all(cls, pattern: str | None) -> str | None:
        """A format without a year would make every date one of 1900; one without AM and PM every evening a morning."""
        if pattern is None:
            return None
        if re.search("%[EOcxXZ]", pattern):
            raise ValueError(f"{pattern!r} depends on the machine: write it with %Y, %m, %d, %H, %M, %S, %f, %z")
        for sample in _SAMPLES:
            try:
                read = datetime.strptime(sample.strftime(pattern), pattern)
            except (ValueError, re.error) as error:
                raise ValueError(f"{pattern!r} cannot be read: {error}") from None
            units = ("year", "month", "day", *(("hour",) if re.search("%[HIMSfp]", pattern) else ()))
            lacking = [unit for unit in units if getattr(read, unit) != getattr(sample, unit)]
            if lacking:
                raise ValueError(f"{pattern!r} does not say the {', '.join(lacking)}")
        return pattern

    def parser(self, type: Type) -> Callable[[str], str | None]:
        """A function that takes a value as it is spelled, and returns it as the stage spells a `type`; None is NULL.

        The function raises ValueError, with the reason, for a text that is no such value or would lose a part of it.
        An instant (`timestamptz`) is returned in UTC; one of bytes is given and returned as hex digits.
        """
        read, nulls, texts = self._reader(type), frozenset(self.nulls), type.kind in ("text", "varchar", "char")

        def value_of(text: str) -> str | None:
            if text in nulls or (not texts and not text.strip()):
                return None
            if "\0" in text:
                raise ValueError("it has a NUL, which no warehouse can hold")
            return read(text)

        return value_of

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
        """A function that takes a number as it is spelled, and returns it with a point and without thousands."""
        point, thousands = self.decimal_point, self.thousands
        if point == "." and not thousands:
            return str.strip
        grouped = re.compile(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+(?![0-9])")

        def plain(text: str) -> str:
            text = text.strip()
            if thousands and thousands in text:
                found = grouped.match(text)
                if not found:
                    raise ValueError(f"thousands is {thousands!r}, and there it does not stand between thousands")
                text = found[0].replace(thousands, "") + text[found.end() :]
            if point != "." and "." in text:
                raise ValueError(f"it has a point, and decimal_point is {point!r}")
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
                raise ValueError("it has a zone, which a timestamp would lose: declare it as timestamptz")
            return moment.isoformat(" ")
        if not moment.tzinfo:
            raise ValueError("it has no zone, so it is no instant: declare it as timestamp")
        try:
            return moment.astimezone(UTC).isoformat(" ")
        except OverflowError:
            raise ValueError("in UTC it lies outside of the years 1 to 9999") from None


#: What a source spells its values like that declares nothing.
ISO = ValueFormats.model_validate({})


def _time(text: str, type: Type) -> str:
    _no_seventh_digit(text)
    moment = time.fromisoformat(text.strip())
    _keeps_fraction(moment, type)
    if moment.tzinfo and type.kind == "time":
        raise ValueError("it has a zone, which a time would lose: declare it as timetz")
    if not moment.tzinfo and type.kind == "timetz":
        raise ValueError("it has no zone: declare it as time")
    return moment.isoformat()


def _no_seventh_digit(text: str) -> None:
    """Python reads ISO 8601 with more digits of a second than six, and cuts the others off."""
    if any(digits[6:].strip("0") for digits in _FRACTION.findall(text)):
        raise ValueError("it has more than 6 digits of a second")


def _keeps_fraction(moment: datetime | time, type: Type) -> None:
    """Raises where a column would round digits of a second off."""
    if type.size is not None and moment.microsecond % 10 ** (6 - min(type.size, 6)):
        raise ValueError(f"it has more than {type.size} digits of a second")
