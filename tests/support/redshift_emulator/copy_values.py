"""Convert one field of a file to one value, with the errors of COPY."""

import datetime
import decimal
import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.redshift_emulator.copy_options import CopyOptions


@dataclass(frozen=True)
class Column:
    """A column of the loaded table. `modifier` is pg_attribute.atttypmod."""

    name: str
    type: str
    modifier: int
    not_null: bool


class LoadError(Exception):
    """COPY refuses a row, with this code and reason in stl_load_errors."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
        self.column: Column | None = None
        self.raw = b""


INTEGERS = {"int2": (15, "Short"), "int4": (31, "Integer"), "int8": (63, "Long")}
SAFE_DIGITS = {"int2": 4, "int4": 9, "int8": 18}  # this many digits always fit
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TIMESTAMP = re.compile(rb"(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)(\.\d{1,6})?([+-]\d\d(?::?\d\d)?)?")
DEFAULT_TIMEFORMATS = ("YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS")
JSON_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)(?![\d.eE+-])|\s+')
BAD_DATE = (1205, "Invalid Date Format - length must be 10 or more")
BAD_TIMESTAMP = (1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
BOOLEANS = ("t", "f", "true", "false", "y", "n", "yes", "no", "1", "0")


def convert(value: bytes | None, column: Column, copy: CopyOptions) -> str | None:
    """Return the field `value` as text for PostgreSQL's COPY, or None for NULL. Raises LoadError."""
    kind = column.type
    if value is None or value == copy.null:
        return None
    if kind in SAFE_DIGITS and value.isdigit() and len(value) <= SAFE_DIGITS[kind]:
        return value.decode()
    if kind in ("varchar", "bpchar", "text"):
        return _text(value, column, copy)
    stripped = value.strip()
    if not stripped:
        return None
    text = stripped.decode("ascii", "replace")
    if kind in INTEGERS:
        return _integer(text, kind)
    if kind == "numeric":
        return _decimal(text, column, copy)
    if kind in ("float4", "float8"):
        return _parsed(float, text, 1207, f"Invalid digit, Value '{text[0]}', Pos 0, Type: Double")
    if kind == "bool":
        if text.lower() not in BOOLEANS:
            raise LoadError(1210, "Unknown boolean format")
        return text
    if kind in ("date", "timestamp", "timestamptz"):
        try:
            return _date(stripped, copy) if kind == "date" else _timestamp(stripped, kind, copy)
        except (ValueError, LoadError) as error:
            if "ACCEPTANYDATE" in copy:
                return None
            if isinstance(error, LoadError):
                raise
            raise LoadError(*(BAD_DATE if kind == "date" else BAD_TIMESTAMP)) from None
    if kind in ("time", "timetz"):
        return _parsed(lambda t: datetime.time.fromisoformat(re.sub(r"\.\d+$", "", t)), text, *BAD_TIMESTAMP)
    if kind == "bytea":
        _parsed(bytes.fromhex, text, 1207, "Invalid hex for VARBYTE")
        return "\\x" + bytes.fromhex(text).hex()
    if kind == "super":
        text = _parsed(json.loads, stripped.decode(), 1224, "Invalid value for SUPER")
        return JSON_TOKEN.sub(_as_super, text)
    return text


def _as_super(token: re.Match[str]) -> str:
    """Return a token of JSON as a SUPER keeps it: without blanks, and without zeros at the end of a fraction."""
    text, number = token.groups()
    if number and "." in number:
        return str(number.rstrip("0").rstrip("."))
    return text or number or ""


def _parsed(parse: Callable[[str], object], text: str, code: int, reason: str) -> str:
    """Return `text` if `parse` accepts it. Raises LoadError."""
    try:
        parse(text)
    except ValueError:
        raise LoadError(code, reason) from None
    return text


def _text(value: bytes, column: Column, copy: CopyOptions) -> str | None:
    if (value == b"" and "EMPTYASNULL" in copy) or ("BLANKSASNULL" in copy and value and not value.strip()):
        return None
    if "TRIMBLANKS" in copy and column.type != "bpchar":
        value = value.rstrip(b" \t")
    if b"\0" in value:
        raise LoadError(1218, "Invalid null byte - field longer than 1 byte")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        if "ACCEPTINVCHARS" not in copy:
            bad = value[error.start : error.end].hex()
            raise LoadError(
                1220,
                f"String contains invalid or unsupported UTF-8 codepoints. Bad UTF-8 hex sequence: {bad} (error 3)",
            ) from None
        text = re.sub("[\udc80-\udcff]", copy.given["ACCEPTINVCHARS"], value.decode("utf-8", "surrogateescape"))
    if column.type == "bpchar" and not text.isascii():
        bad = re.sub(r"[\x00-\x7f]", "", text)[0].encode().hex(" ")
        raise LoadError(
            1220, f"Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: {bad}"
        )
    encoded, limit = text.encode(), column.modifier - 4 if column.modifier > 0 else 65535
    if len(encoded) <= limit:
        return text
    if "TRUNCATECOLUMNS" in copy or len(encoded.rstrip(b" ")) <= limit:
        return encoded[:limit].decode("utf-8", "ignore")
    raise LoadError(1204, "String length exceeds DDL length")


def _integer(text: str, kind: str) -> str:
    bits, name = INTEGERS[kind]
    if not re.fullmatch(r"[+-]?\d+", text):
        prefix = re.match(r"[+-]?\d*", text)
        position = prefix.end() if prefix else 0
        raise LoadError(1207, f"Invalid digit, Value '{text[position : position + 1]}', Pos {position}, Type: {name}")
    if not -(2**bits) <= int(text) < 2**bits:
        raise LoadError(1204, f"Overflow, Value {text}, Type: {name}")
    return text


def _decimal(text: str, column: Column, copy: CopyOptions) -> str:
    """Return a decimal, truncated to the column's scale or rounded with ROUNDEC. Up to 19 digits use 64 bits."""
    precision, scale = 38, 0
    if column.modifier > 0:
        precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0x7FF
    if not NUMBER.fullmatch(text):
        raise LoadError(1207, f"Invalid digit, Value '{text[0]}', Pos 0, Type: Decimal")
    rounding = decimal.ROUND_HALF_UP if "ROUNDEC" in copy else decimal.ROUND_DOWN
    with decimal.localcontext(decimal.Context(prec=200)):
        value = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-scale), rounding=rounding)
        largest = min(10**precision - 1, 2**63 - 1) if precision <= 19 else 10**precision - 1
        if abs(int(value.scaleb(scale))) > largest:
            raise LoadError(1207, f"Numeric Overflow. Value out of range for DECIMAL({precision},{scale})")
        return format(value, "f")


@functools.lru_cache(100_000)
def _require_date(text: bytes) -> None:
    datetime.date.fromisoformat(text.decode())


def _date(value: bytes, copy: CopyOptions) -> str:
    if copy.given.get("DATEFORMAT", "auto") not in ("auto", "YYYY-MM-DD") or not re.match(rb"\d{4}-\d\d-\d\d", value):
        raise LoadError(*BAD_DATE)
    _require_date(value[:10])
    return value[:10].decode()


def _timestamp(value: bytes, kind: str, copy: CopyOptions) -> str:
    form = copy.given.get("TIMEFORMAT", DEFAULT_TIMEFORMATS[0])
    if form in ("epochsecs", "epochmillisecs"):
        try:
            seconds = decimal.Decimal(value.decode()) / (1000 if form == "epochmillisecs" else 1)
        except decimal.InvalidOperation:
            raise LoadError(*BAD_TIMESTAMP) from None
        instant = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(seconds * 1_000_000))
        return instant.isoformat(" ") + ("+00" if kind == "timestamptz" else "")
    if form == "auto":
        value = re.sub(rb"Z$", b"+00", value).replace(b"T", b" ")
        if re.fullmatch(rb"\d{4}-\d\d-\d\d", value):
            value += b" 00:00:00"
    elif form not in DEFAULT_TIMEFORMATS:
        raise LoadError(1206, f"TIMEFORMAT not implemented in the emulator: {form}")
    match = TIMESTAMP.fullmatch(value)
    if not match or (match[6] and kind == "timestamp" and form != "auto"):
        raise LoadError(*BAD_TIMESTAMP)
    _require_date(match[1])
    if match[2] > b"23" or match[3] > b"59" or match[4] > b"59":
        raise LoadError(*BAD_TIMESTAMP)
    text = value.decode()
    return text if kind == "timestamptz" else text[: len(text) - len(match[6] or b"")]
