"""SQL that PostgreSQL and Redshift share. It writes a value as the same text as every other database.

Redshift's developer guide lists ABS, FLOOR, LN, POWER, TRUNC, LOWER, REPLACE, RTRIM and STRPOS.
"""

from daybook.model.types import Type
from daybook.sql.checksum.columns import TEXTS, Field

_FRACTION = "4503599627370496"  # 2^52
_BELOW_ONE = "9007199254740992"  # 2^53
_SMALLEST = "'1.1102230246251565e-16'::float8"  # 2^-53
_LARGEST = "'1.7976931348623157e308'::float8"
#: A double between these two, 2^-150 and 2^128 - 2^103, rounds to a real that is not zero and not infinite.
_REAL = ("'7.006492321624085e-46'::float8", "'3.4028235677973366e38'::float8")


def spelled(field: Field, type: Type, value: str) -> str:
    """Return the SQL of a value's text, for the forms that both databases write alike. `type` is the value's type."""
    text = value if type.kind in ("text", "varchar") else f"{value}::varchar"
    in_text = type.kind in TEXTS
    match field.form:
        case "number":
            return _number(type, text)
        case "boolean" if in_text:  # as PostgreSQL sends it
            return f"CASE {text} WHEN 't' THEN '1' WHEN 'f' THEN '0' ELSE {text} END"
        case "boolean":
            return f"CASE WHEN {value} THEN '1' WHEN NOT {value} THEN '0' END"
        case "float":
            return _float(_as_double(field, type, value))
        case "date":
            return f"REPLACE({text}, ' 00:00:00', '')" if type.kind == "timestamp" else text
        case "timestamp" if type.kind == "timestamptz":
            return f"{value}::timestamp::varchar"  # the session's clock shows UTC
        case "timestamp" if in_text and field.source.kind == "timestamptz":
            return trimmed(f"REPLACE({text}, '+00', '')")
        case "timestamp" | "time" | "interval":
            return trimmed(text) if in_text else text
        case "uuid":
            return f"LOWER({text})" if in_text else text
        case "text" | "char":
            return f"RTRIM({value}, ' ')" if field.trimmed else text
    raise AssertionError(f"no SQL for {field}")


def _number(type: Type, text: str) -> str:
    if type.kind == "decimal" and type.scale:
        return f"RTRIM(RTRIM({text}, '0'), '.')"
    any_scale = type.kind in TEXTS or (type.kind == "decimal" and type.scale is None)
    return trimmed(text) if any_scale else text


def trimmed(text: str) -> str:
    """Return the SQL that strips the zeros at the end of a fraction."""
    return f"CASE WHEN STRPOS({text}, '.') > 0 THEN RTRIM(RTRIM({text}, '0'), '.') ELSE {text} END"


def _as_double(field: Field, type: Type, value: str) -> str:
    """Return the SQL of a double. A source's real in a wider column is rounded to a real again, if it is in range."""
    if type.kind == "real":
        return f"{value}::float8"
    if field.source.kind != "real":
        return value
    least, most = _REAL
    real = f"{value}::real::float8"
    return f"(CASE WHEN ABS({value}) > {least} AND ABS({value}) < {most} THEN {real} ELSE {value} END)"


def _float(x: str) -> str:
    """Return the SQL of a double's exact text (see daybook.sql.checksum.columns). No product in it can overflow."""
    exponent = f"FLOOR(LN(ABS({x})) / 0.6931471805599453::float8 - 0.5::float8)"
    half = f"FLOOR((52 - {exponent}) / 2)"
    mantissa = f"({x} * POWER(2::float8, {half}) * POWER(2::float8, 52 - {exponent} - {half}))"
    return (
        f"CASE WHEN ABS({x}) >= 1 AND ABS({x}) < {_BELOW_ONE} THEN {_parts(x)} "
        f"WHEN {x} = 0 THEN '0' "
        f"WHEN ABS({x}) < 1 AND ABS({x}) >= {_SMALLEST} THEN {_parts(f'({x} * {_BELOW_ONE})')} || 's' "
        f"WHEN ABS({x}) > {_LARGEST} THEN {x}::varchar "  # Infinity, and NaN, which counts as larger
        f"WHEN ABS({mantissa}) >= {_BELOW_ONE} "
        f"THEN ({mantissa} / 2)::bigint::varchar || ':' || ({exponent} + 1)::bigint::varchar "
        f"ELSE {mantissa}::bigint::varchar || ':' || {exponent}::bigint::varchar END"
    )


def _parts(y: str) -> str:
    return f"TRUNC({y})::bigint::varchar || '.' || (({y} - TRUNC({y})) * {_FRACTION})::bigint::varchar"
