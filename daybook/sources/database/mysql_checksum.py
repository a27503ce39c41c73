"""The SQL of a row's hash in MySQL and MariaDB. They are sources, so every value has the type `Field.source`."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from daybook.model.types import fraction_digits
from daybook.sources.database.mysql_charsets import unmapped_sql
from daybook.sources.database.mysql_types import BINARY, CHARSET, DATES, SIGNED
from daybook.sources.database.mysql_zero_dates import zero_sql
from daybook.sql.checksum.columns import TEXTS, ComparedColumns, Field
from daybook.sql.checksum.dialects.binary_chunks import in_pieces

#: Additional statements for the session of the source: none.
SESSION: tuple[str, ...] = ()
#: The end of a subquery whose result is grouped: none.
FENCE = ""
#: The reason why the server cannot hash some rows.
TOO_LONG = (
    "are longer in the source than its server's max_allowed_packet, so the server cannot compare them. Raise the limit "
    "there (SET GLOBAL max_allowed_packet = …)"
)

_FRACTION = "4503599627370496"  # 2^52
_BELOW_ONE = "9007199254740992"  # 2^53
_SMALLEST = "1.1102230246251565e-16"  # 2^-53
_REPLACEMENT = "_utf8mb4 X'EFBFBD'"  # U+FFFD


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row (0 to 2^60 - 1). `value` returns the SQL of a field's value: see `sent`."""
    return _number(recipe.fields, value)


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row's key, or of the whole row if there is no key."""
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    text = ", ".join(_part(field, value(field)) for field in fields) or "''"
    return f"CAST(CONV({_hex(f'CONCAT({text})', 15)}, 16, 10) AS UNSIGNED)"


def _hex(text: str, digits: int) -> str:
    """Return the first hex digits of a text's SHA-256. MySQL 9.6 removed MD5() and SHA1()."""
    return f"LEFT(SHA2({text}, 256), {digits})"


def _digest(text: str) -> str:
    return _hex(text, 32)


def _part(field: Field, value: str) -> str:
    """Return the arguments of CONCAT for a field.

    It uses IFNULL only for short texts: the server also returns NULL for a long text that it cannot build.
    """
    if value == "NULL":
        return "'|'"
    text = spelled(field, value)
    if field.digest:
        nothing = f"{value} IS NULL OR {text} = 'null'" if field.form == "json" else f"{value} IS NULL"
        return f"'|', IF({nothing}, '', {_digest(text)})"
    if field.needs_length:
        return f"'|', IF({value} IS NULL, '', CONCAT(LENGTH({text}), ':', {text}))"
    return f"'|', IFNULL({text}, '')"


def spelled(field: Field, value: str) -> str:
    """Return the text of a field's value, without length or digest; NULL for NULL. Reports show keys as this text."""
    match field.form:
        case "number" if field.source.kind == "decimal" and field.source.scale:
            return _trimmed(value)
        case "timestamp" | "interval" if fraction_digits(field.source):
            return _trimmed(value)
        case "float":
            return _float(value)
        case "text" | "char":  # as bytes, since texts of two collations cannot be concatenated
            text = f"CONVERT({value} USING utf8mb4)"
            return f"CONVERT({f'RTRIM({text})' if field.trimmed else text} USING binary)"
        case "bytes":
            length, digits = f"LENGTH({value})", partial(_digits, value)
            return in_pieces(length, digits, _digest, lambda texts: f"CONCAT({', '.join(texts)})")
        case "json":  # the server's own text, in which spaces are the only white space
            return f"CONVERT(REPLACE({value}, ' ', '') USING binary)"
    return value


def _trimmed(value: str) -> str:
    """Strip trailing zeros. The value must have a fraction."""
    return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {value}))"


def _digits(value: str, first: int, size: int | None) -> str:
    """Return the hex digits of `size` bytes from position `first` on. None: of all remaining bytes."""
    if size is None and not first:
        return f"LOWER(HEX({value}))"
    return f"LOWER(HEX(SUBSTRING({value}, {first + 1}{f', {size}' if size else ''})))"


def _float(x: str) -> str:
    """Return the exact text of a double: see daybook.sql.checksum.columns."""
    exponent = f"FLOOR(LN(ABS({x})) / 0.6931471805599453e0 - 0.5e0)"
    half = f"FLOOR((52 - {exponent}) / 2)"
    mantissa = f"({x} * POW(2, {half}) * POW(2, 52 - {exponent} - {half}))"
    return (
        f"CASE WHEN ABS({x}) >= 1 AND ABS({x}) < {_BELOW_ONE} THEN CONCAT({_parts(x)}) "
        f"WHEN {x} = 0 THEN '0' "
        f"WHEN ABS({x}) < 1 AND ABS({x}) >= {_SMALLEST} THEN CONCAT({_parts(f'({x} * {_BELOW_ONE})')}, 's') "
        f"WHEN ABS({mantissa}) >= {_BELOW_ONE} "
        f"THEN CONCAT(CAST({mantissa} / 2 AS SIGNED), ':', CAST({exponent} + 1 AS SIGNED)) "
        f"WHEN {x} IS NOT NULL THEN CONCAT(CAST({mantissa} AS SIGNED), ':', CAST({exponent} AS SIGNED)) END"
    )


def _parts(y: str) -> str:
    whole = f"TRUNCATE({y}, 0)"
    return f"CAST({whole} AS SIGNED), '.', CAST(({y} - {whole}) * {_FRACTION} AS SIGNED)"


def sent(field: Field, name: str, described: Sequence[Any], mask: str | None, zero_dates: str) -> str:
    """Return the SQL of a column's value as the loader sends it.

    `name` is quoted, `described` the column's row of mysql_types.DESCRIBED, `zero_dates` as in the table file.
    """
    data_type, column_type = described[1].lower(), described[2].lower()
    if mask == "null":
        return "NULL"
    value = name
    if data_type == "float":
        value = f"({name} * 1e0)"
    elif data_type == "double" and described[5] is not None:  # a DOUBLE(M,D) is often not the double nearest its text
        value = f"(CONCAT({name}) + 0e0)"
    elif (
        data_type in ("bit", "year")
        # loads send the leading zeros, but only a text keeps them
        or ("zerofill" in column_type and (mask or field.there.kind not in TEXTS))
        or (mask and (data_type in SIGNED or data_type == "decimal"))
    ):
        value = f"({name} + 0)"
    elif data_type in BINARY and not data_type.endswith(("binary", "blob")):  # SUBSTRING may not accept these types
        value = f"UNHEX(HEX({name}))"
    elif data_type in ("json", "uuid", "inet4", "inet6"):
        value = f"CAST({name} AS CHAR)"
    if mask == "hash":
        plain = data_type in DATES or data_type in SIGNED or data_type == "decimal"
        value = f"SHA2({value if plain else f'CONVERT(CONVERT({value} USING utf8mb4) USING binary)'}, 256)"
    if data_type in DATES and zero_dates == "null":
        value = f"IF({zero_sql(name)}, NULL, {value})"
    if unmapped := unmapped_sql(name, described[CHARSET]):
        # a load refuses this value, so the warehouse must not seem to have it
        value = f"IF({unmapped}, CONCAT({_REPLACEMENT}, HEX({name})), CONVERT({value} USING utf8mb4))"
    return value
