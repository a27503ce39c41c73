"""The SQL of row hashes in Redshift. Functions are documented at https://docs.aws.amazon.com/redshift/latest/dg/."""

from collections.abc import Callable, Iterable
from functools import partial

from daybook.model.types import Type
from daybook.sql.checksum.columns import TEXTS, ComparedColumns, Field
from daybook.sql.checksum.dialects import postgres_family
from daybook.sql.checksum.dialects.binary_chunks import PIECE, in_pieces

#: Redshift needs no statements on a new connection.
SESSION: tuple[str, ...] = ()
#: Redshift needs no fence.
FENCE = ""
#: The reason why some rows have no hash, and the remedy.
TOO_LONG = (
    "have a SUPER in the warehouse whose JSON is longer than 65,535 bytes, so Redshift cannot compare them. Leave that "
    "column out: mask it by drop in the table file"
)
_LONGEST = 65535  # bytes of a VARCHAR


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the SQL of a row's hash (0 to 2^60 - 1). `value` returns the SQL of a field's value: its quoted column.

    The hash is a DECIMAL, because a sum of BIGINTs is a BIGINT (r_SUM.html) and would overflow at the ninth row.
    """
    return f"{_number(recipe.fields, value)}::decimal(38, 0)"


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the SQL of the hash of a row's key, or of the whole row if there is no key.

    The hash is a BIGINT, because an audit shifts it to get its leading bits.
    """
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    """Return the SQL of a BIGINT. STRTOL reads hex digits (r_STRTOL.html), which SHA2 returns (SHA2.html)."""
    text = " || ".join(_part(field, value(field)) for field in fields) or "''"
    return f"STRTOL({_hex(text, 15)}, 16)"


def _hex(text: str, digits: int) -> str:
    """Return the SQL of the first hex digits of a text's SHA-256."""
    return f"LEFT(SHA2({text}, 256), {digits})"


def _digest(text: str) -> str:
    return _hex(text, 32)


def _part(field: Field, value: str) -> str:
    text = spelled(field, value)
    # No load compares a SUPER (`Redshift.incomparable`) until a cluster has shown that this SQL is exact.
    if field.form == "json" and field.there.kind not in TEXTS:  # JSON_SERIALIZE fails for longer values
        return f"'|' || CASE WHEN JSON_SIZE({value}) > {_LONGEST} THEN NULL ELSE COALESCE({_digest(text)}, '') END"
    if field.digest:
        text = _digest(text)
    elif field.needs_length:
        text = f"OCTET_LENGTH({text})::varchar || ':' || {text}"
    return f"'|' || COALESCE({text}, '')"


def _digits(type: Type, value: str, first: int, size: int | None) -> str:
    """Return the SQL of the hex digits of `size` bytes from byte `first` on. A `size` of None means all the rest."""
    times = 2 if type.kind in TEXTS else 1
    part = f"SUBSTRING({value}, {times * first + 1}, {times * (size or PIECE)})"
    return f"LOWER({part})" if type.kind in TEXTS else f"LOWER(TO_HEX({part}))"


def spelled(field: Field, value: str) -> str:
    """Return the SQL of a field's text, without length or digest; NULL for NULL. Messages show keys this way, too."""
    kind = field.there.kind
    match field.form:
        case "json":
            text = value if kind in TEXTS else f"JSON_SERIALIZE({value})"  # it returns 'null' for NULL
            return f"NULLIF(TRANSLATE({text}, ' ' || CHR(9) || CHR(10) || CHR(13), ''), 'null')"
        case "bytes":
            length = f"OCTET_LENGTH({value})" + (" / 2" if kind in TEXTS else "")
            return in_pieces(length, partial(_digits, field.there, value), _digest, " || ".join)
        case "native":
            return value
        case "timetz":  # Redshift keeps and shows it in UTC (r_Datetime_types.html)
            return postgres_family.trimmed(f"REPLACE({value}::varchar, '+00', '')")
        case "timestamp" | "time" if kind not in TEXTS:  # the manual does not rule out zeros at the end of a fraction
            return postgres_family.trimmed(postgres_family.spelled(field, field.there, value))
    return postgres_family.spelled(field, field.there, value)
