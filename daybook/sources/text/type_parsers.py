"""Texts as values of one type, exactly: each function returns the stage's spelling, or raises ValueError with why.

What a warehouse would round, cut or wrap in silence is no such value.
"""

import json
import re
import struct
import uuid
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from daybook.model.types import Type

_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_UNMEASURED = re.compile(r"([+-]?)(?:(nan)|inf(?:inity)?)", re.IGNORECASE)
_BOOLEANS = {"true": "true", "t": "true", "yes": "true", "1": "true"}
_BOOLEANS |= {"false": "false", "f": "false", "no": "false", "0": "false"}
_MOST_DIGITS = 10_000  # of a decimal without a size, on either side of the point: PostgreSQL ends a little above


def parse_integer(text: str, kind: str) -> str:
    """A whole number within the range of `smallint`, `integer` or `bigint`."""
    if not _INTEGER.fullmatch(text):
        raise ValueError("it is no whole number")
    bits = _BITS[kind]
    if len(text.lstrip("+-0")) > 19 or not -(2**bits) <= int(text) < 2**bits:
        raise ValueError(f"it is out of the range of {kind}")
    return str(int(text))


def parse_decimal(text: str, type: Type) -> str:
    """A number of which every digit fits."""
    try:
        number = Decimal(text if _NUMBER.fullmatch(text) else "")
    except InvalidOperation:
        raise ValueError("it is no number") from None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if number.adjusted() > _MOST_DIGITS or exponent < -_MOST_DIGITS:
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


def parse_float(text: str, kind: str) -> str:
    """A number in the range of a `real` or a `double`, of which the warehouse makes the nearest one; or none, or ∞."""
    if unmeasured := _UNMEASURED.fullmatch(text):
        sign, nan = unmeasured.groups()
        return "NaN" if nan else f"{sign.strip('+')}Infinity"
    if not _NUMBER.fullmatch(text):
        raise ValueError("it is no number")
    number = float(text)
    try:
        kept = struct.unpack("f", struct.pack("f", number))[0] if kind == "real" else number
    except OverflowError:
        kept = float("inf")
    if kept in (float("inf"), float("-inf")) or (not kept and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"it is out of the range of {kind}")
    return text


def parse_boolean(text: str) -> str:
    """`true` or `false`."""
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("it is neither true nor false") from None


def parse_json(text: str) -> str:
    """JSON as the standard has it, as it was written."""
    try:
        json.loads(text, parse_float=_kept, parse_int=_kept, parse_constant=_no_json)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return text


def _kept(number: str) -> str:
    return number


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not in JSON")


def parse_uuid(text: str) -> str:
    """A UUID with its hyphens, in lower case."""
    return str(uuid.UUID(text.strip()))


def digits(text: str) -> str:
    """The hex digits of bytes."""
    return bytes.fromhex(text.strip().removeprefix("\\x")).hex()


def fitting(text: str, type: Type) -> str:
    """A text that is no longer than a `varchar` or a `char`, in characters."""
    if type.size is not None and len(text) > type.size:
        raise ValueError(f"it has {len(text)} characters, and {type.size} fit in")
    return text
