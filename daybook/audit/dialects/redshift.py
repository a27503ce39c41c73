"""The number of a row in Redshift. Where a function is documented: https://docs.aws.amazon.com/redshift/latest/dg/."""

from collections.abc import Callable, Iterable

from daybook.audit.dialects import sql
from daybook.audit.recipe import TEXTS, Field, Recipe

#: Statements that the connection needs before the others: none.
SESSION: tuple[str, ...] = ()
#: What ends a query whose result is grouped by: nothing.
FENCE = ""


def row_hash(recipe: Recipe, value: Callable[[Field], str]) -> str:
    """The number of a row (a bigint, 0 to 2^60 - 1). `value` is the SQL of a field's value: its column, quoted."""
    return _number(recipe.fields, value)


def key_hash(recipe: Recipe, value: Callable[[Field], str]) -> str:
    """The number of a row's key; of the whole row where there is no key."""
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    """STRTOL makes a BIGINT of a text to a base (r_STRTOL.html), MD5 gives hex digits in lower case (r_MD5.html)."""
    text = " || ".join(_part(field, value(field)) for field in fields)
    return f"STRTOL(LEFT(MD5({text}), 15), 16)"


def _part(field: Field, value: str) -> str:
    text = spelled(field, value)
    if field.digest:
        text = f"MD5({text})"
    elif field.measured:
        text = f"OCTET_LENGTH({text})::varchar || ':' || {text}"
    return f"'|' || COALESCE({text}, '')"


def spelled(field: Field, value: str) -> str:
    """The text of a field's value, before its length or digest; NULL of NULL. It also shows a key to a person."""
    kind = field.there.kind
    match field.form:
        case "json":
            text = value if kind in TEXTS else f"JSON_SERIALIZE({value})"
            return f"TRANSLATE({text}, ' ' || CHR(9) || CHR(10) || CHR(13), '')"
        case "bytes":  # TO_HEX gives a VARCHAR (r_TO_HEX.html): of more than 32,767 bytes Redshift refuses to
            return f"LOWER({value})" if kind in TEXTS else f"LOWER(TO_HEX({value}))"
        case "native":
            return value
        case "timetz":  # kept, and shown, in UTC (r_Datetime_types.html)
            return f"REPLACE({value}::varchar, '+00', '')"
    return sql.spelled(field, field.there, value)
