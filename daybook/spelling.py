"""How values are spelled in a text (a CSV, JSON lines, a sheet), and what they are in the spelling of the stage.

Nothing is guessed: what is not spelled as the table file says is refused, with the reason, and never becomes another
value or NULL. A date is `2021-02-05`, a time ISO 8601, a number has a point, unless the table file declares otherwise.
"""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from pydantic import Field

from daybook.checks import Strict
from daybook.columns import INTEGERS, Type

_RANGES = {"smallint": 15, "integer": 31, "bigint": 63}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_FRACTION = re.compile(r"[.,]([0-9]+)")
_BOOLEANS = {"true": "true", "t": "true", "yes": "true", "1": "true"}
_BOOLEANS |= {"false": "false", "f": "false", "no": "false", "0": "false"}


class Spelling(Strict):
    """What a table file says under `values:` of how the values of its source are spelled."""

    nulls: tuple[str, ...] = Field(
        ("",), description="The texts that are NULL. An empty one is always NULL where it is no text."
    )
    decimal_point: str = Field(".", min_length=1, max_length=1, description="What stands before a number's fraction.")
    thousands: str = Field("", max_length=1, description="What stands between the thousands of a number, if anything.")
    dates: str | None = Field(None, description="How dates are written, as strftime says it: %d.%m.%Y. Left out: ISO.")
    timestamps: str | None = Field(None, description="The same of dates with a time: %m/%d/%Y %H:%M:%S. Left out: ISO.")

    def reader(self, type: Type) -> Callable[[str], str | None]:
        """A function that takes a value as it is spelled, and returns it as the stage spells a `type`; None is NULL.

        The function raises ValueError, with the reason, for a text that is no such value or would lose a part of it.
        An instant (`timestamptz`) is returned in UTC; one of bytes is given and returned as hex digits.
        """
        read, nulls, texts = self._reader(type), frozenset(self.nulls), type.kind in ("text", "varchar", "char")

        def value_of(text: str) -> str | None:
            if text in nulls or (not texts and not text.strip()):
                return None
            return read(text)

        return value_of

    def _reader(self, type: Type) -> Callable[[str], str]:
        if type.kind in INTEGERS:
            return lambda text: _integer(self._number(text), type.kind)
        if type.kind == "decimal":
            return lambda text: _decimal(self._number(text), type)
        if type.kind in ("real", "double"):
            return lambda text: _float(self._number(text))
        if type.kind == "date":
            return self._date
        if type.kind in ("timestamp", "timestamptz"):
            return lambda text: self._timestamp(text, type)
        if type.kind in ("varchar", "char"):
            return lambda text: _fitting(text, type)
        return {
            "boolean": _boolean,
            "time": lambda text: _time(text, type),
            "json": _json,
            "jsonb": _json,
            "uuid": lambda text: str(uuid.UUID(text.strip())),
            "bytes": lambda text: bytes.fromhex(text.removeprefix("\\x")).hex(),
        }.get(type.kind, str)

    def _number(self, text: str) -> str:
        text = text.strip()
        if self.thousands:
            text = text.replace(self.thousands, "")
        if self.decimal_point == ".":
            return text
        if "." in text:
            raise ValueError(f"it has a point, and decimal_point is {self.decimal_point!r}")
        return text.replace(self.decimal_point, ".")

    def _date(self, text: str) -> str:
        if self.dates:
            return datetime.strptime(text.strip(), self.dates).date().isoformat()
        return date.fromisoformat(text.strip()).isoformat()

    def _timestamp(self, text: str, type: Type) -> str:
        text = text.strip()
        _check_fraction(text, type)
        moment = datetime.strptime(text, self.timestamps) if self.timestamps else datetime.fromisoformat(text)
        if type.kind == "timestamp":
            if moment.tzinfo:
                raise ValueError("it has a zone, which a timestamp would lose: declare it as timestamptz")
            return moment.isoformat(" ")
        if not moment.tzinfo:
            raise ValueError("it has no zone, so it is no instant: declare it as timestamp")
        return moment.astimezone(UTC).isoformat(" ")


def _integer(text: str, kind: str) -> str:
    if not _INTEGER.fullmatch(text):
        raise ValueError("it is no whole number")
    number, bits = int(text), _RANGES[kind]
    if not -(2**bits) <= number < 2**bits:
        raise ValueError(f"it is out of the range of a {kind}")
    return str(number)


def _decimal(text: str, type: Type) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("it is no number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("it is no number") from None
    if abs(number.adjusted()) > 10_000:
        raise ValueError("it is out of the range of a decimal")
    spelled = format(number, "f")
    if type.size is None:
        return spelled
    whole, _, fraction = spelled.lstrip("+-").partition(".")
    scale = type.scale or 0
    if len(fraction.rstrip("0")) > scale:
        raise ValueError(f"it has more than {scale} digits behind the point")
    if len(whole.lstrip("0")) > type.size - scale:
        raise ValueError(f"it has more than {type.size - scale} digits before the point")
    return spelled


def _float(text: str) -> str:
    if not _NUMBER.fullmatch(text) and text.lower().lstrip("+-") not in ("nan", "inf", "infinity"):
        raise ValueError("it is no number")
    return text


def _boolean(text: str) -> str:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("it is neither true nor false") from None


def _json(text: str) -> str:
    json.loads(text)
    return text


def _fitting(text: str, type: Type) -> str:
    if type.size is not None and len(text) > type.size:
        raise ValueError(f"it has {len(text)} characters, and {type.size} fit in")
    return text


def _time(text: str, type: Type) -> str:
    _check_fraction(text, type)
    return time.fromisoformat(text.strip()).isoformat()


def _check_fraction(text: str, type: Type) -> None:
    """Raises where digits of a second would be cut off: behind the sixth by Python, behind its own by a column."""
    found, digits = _FRACTION.search(text), 6 if type.size is None else type.size
    if found and len(found[1].rstrip("0")) > digits:
        raise ValueError(f"it has more than {digits} digits of a second")
