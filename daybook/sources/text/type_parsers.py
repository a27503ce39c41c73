"""Parse texts to values of one type, without any loss.

Each function returns the text for the stage, or raises ValueError with the reason. Values that a warehouse would
silently round, truncate or wrap are refused.
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
_MOST_DIGITS = 10_000  # of a decimal without a size, on each side of the point: PostgreSQL's limit is slightly higher


def parse_integer(text: str, kind: str) -> str:
    """Parse an integer in the range of `smallint`, `integer` or `bigint`."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"it is not an integer{_hint(text)}")
    bits = _BITS[kind]
    if len(text.lstrip("+-0")) > 19 or not -(2**bits) <= int(text) < 2**bits:
        raise ValueError(f"it is out of the range of {kind}")
    return str(int(text))


def _hint(text: str) -> str:
    """Return the reason why a text that looks like a number is not one; "" if there is no such reason."""
    if "\u2212" in text:
        return ": its minus sign is U+2212, not the - of a keyboard"
    return ": it is a percentage" if text.endswith("%") else ""


def parse_decimal(text: str, type: Type) -> str:
    """Parse a decimal whose digits all fit `type`."""
    try:
        number = Decimal(text if _NUMBER.fullmatch(text) else "")
    except InvalidOperation:
        raise ValueError(f"it is not a number{_hint(text)}") from None
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
        raise ValueError(f"it has more than {scale} digits after the point")
    if len(whole.lstrip("0")) > type.size - scale:
        raise ValueError(f"it has more than {type.size - scale} digits before the point")
    return spelled


def parse_float(text: str, kind: str) -> str:
    """Parse a number in the range of a `real` or a `double`, NaN or infinity. The warehouse rounds to the nearest."""
    if unmeasured := _UNMEASURED.fullmatch(text):
        sign, nan = unmeasured.groups()
        return "NaN" if nan else f"{sign.strip('+')}Infinity"
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"it is not a number{_hint(text)}")
    number = float(text)
    try:
        kept = struct.unpack("f", struct.pack("f", number))[0] if kind == "real" else number
    except OverflowError:
        kept = float("inf")
    if kept in (float("inf"), float("-inf")) or (not kept and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"it is out of the range of {kind}")
    return text


def parse_boolean(text: str) -> str:
    """Parse a boolean. Return `true` or `false`."""
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("it is not true or false") from None


def parse_json(text: str) -> str:
    """Check that a text is standard JSON, and return it unchanged."""
    try:
        json.loads(text, parse_float=_kept, parse_int=_kept, parse_constant=_no_json)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return text


def _kept(number: str) -> str:
    return number


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")


def parse_uuid(text: str) -> str:
    """Parse a UUID. Return it in lower case, with hyphens."""
    return str(uuid.UUID(text.strip()))


def digits(text: str) -> str:
    """Parse the hex digits of bytes, with or without `\\x`. Return the digits in lower case."""
    return bytes.fromhex(text.strip().removeprefix("\\x")).hex()


def fitting(text: str, type: Type) -> str:
    """Return a text that fits the length of a `varchar` or a `char`, in characters."""
    if type.size is not None and len(text) > type.size:
        raise ValueError(f"it has {len(text)} characters, but only {type.size} fit")
    return text
