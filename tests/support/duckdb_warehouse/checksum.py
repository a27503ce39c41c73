"""The row hash in DuckDB. Most of its SQL is shared with PostgreSQL and Redshift."""

from collections.abc import Callable, Iterable
from functools import partial

from daybook.sql.checksum.columns import TEXTS, ComparedColumns, Field
from daybook.sql.checksum.dialects import postgres_family
from daybook.sql.checksum.dialects.binary_chunks import in_pieces

SESSION: tuple[str, ...] = ()
FENCE = ""
TOO_LONG = "are too long for DuckDB to compare"
_BLANKS = "' ' || chr(9) || chr(10) || chr(13)"


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row. Its `sum` is a HUGEINT, which does not overflow."""
    return _number(recipe.fields, value)


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row's key, or of the whole row if there is no key."""
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    text = ", ".join(_part(field, value(field)) for field in fields) or "''"
    return f"('0x' || {_hex(f'concat({text})', 15)})::bigint"  # concat skips NULL


def _hex(text: str, digits: int) -> str:
    return f"left(sha256({text}), {digits})"


def _digest(text: str) -> str:
    return _hex(text, 32)


def _part(field: Field, value: str) -> str:
    text = spelled(field, value)
    if field.digest:
        return f"'|', {_digest(text)}"
    return f"'|', strlen({text}) || ':', {text}" if field.needs_length else f"'|', {text}"


def spelled(field: Field, value: str) -> str:
    """Return the SQL for the text of a field's value, before its length or digest. NULL stays NULL."""
    match field.form:
        case "json":
            return f"nullif(translate({value}, {_BLANKS}, ''), 'null')"
        case "bytes":
            in_text = field.there.kind in TEXTS  # its hex digits
            length = f"length({value}) / 2" if in_text else f"octet_length({value})"
            digits = f"lower({value if in_text else f'hex({value})'})"
            return in_pieces(length, partial(_digits, digits), _digest, lambda texts: f"concat({', '.join(texts)})")
        case "native":
            return value
        case "float":
            sign = f"CASE WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
            finite = postgres_family.spelled(field, field.there, value)
            return f"CASE WHEN isnan({value}) THEN 'NaN' WHEN isinf({value}) THEN {sign} ELSE {finite} END"
    return postgres_family.spelled(field, field.there, value)


def _digits(digits: str, first: int, size: int | None) -> str:
    return (
        digits if size is None and not first else f"substr({digits}, {2 * first + 1}{f', {2 * size}' if size else ''})"
    )
