"""The hash of a row in PostgreSQL, as a source or as a warehouse."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from daybook.model.types import Type
from daybook.sql.checksum.columns import ComparedColumns, Field, short_digest
from daybook.sql.checksum.dialects import postgres_family
from daybook.sql.checksum.dialects.binary_chunks import in_pieces
from daybook.sql.checksum.row_fingerprint import RowFingerprint

#: Statements to run first on a new connection, in addition to those for UTC and ISO dates.
SESSION = (
    "SET IntervalStyle TO 'postgres'",
    "SET extra_float_digits TO 3",
    "SET bytea_output TO 'hex'",
)
#: The end of a subquery whose result is grouped. It hides the grouped expression from the planner. Otherwise PostgreSQL
#: expects as many groups as rows, and sorts all rows on disk. Unlike OFFSET 0, it leaves the scan to parallel workers.
FENCE = " UNION ALL SELECT {nulls} WHERE FALSE"
#: The reason why some rows have no hash: a text may have at most 1 GB, and a longer one raises an error.
TOO_LONG = "are longer than PostgreSQL's texts, so it cannot compare them"
_AT_ONCE = 20  # fields in one call of concat: a function takes at most 100 arguments


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str], *, source: bool = False) -> str:
    """Return the SQL of a row's hash (a bigint, 0 to 2^60 - 1). `value` returns the SQL of a field's value.

    With `source`, the values have the type `Field.source`, otherwise `Field.there`.
    """
    return _number(recipe.fields, value, source)


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str], *, source: bool = False) -> str:
    """Return the SQL of the hash of a row's key, or of the whole row if there is no key."""
    return _number(recipe.key_fields, value, source)


class AtSource:
    """The `daybook.sql.checksum.side.Hashing` of a source: values have the type `Field.source`, not `Field.there`."""

    SESSION, FENCE, TOO_LONG = SESSION, FENCE, TOO_LONG
    row_hash = staticmethod(partial(row_hash, source=True))
    key_hash = staticmethod(partial(key_hash, source=True))

    @staticmethod
    def spelled(field: Field, value: str) -> str:
        return spelled(field, value, source=True)


def row_fingerprint(version: int, columns: Mapping[str, str], quote: Callable[[str], str]) -> RowFingerprint:
    """Return the fingerprint of a row with these columns (name: type): the 64-bit hash of the row's text.

    The text shows every bit of a value. The values themselves would not do: 1.0 and 1.00 have one hash, and so do texts
    that a collation calls equal. Another `version` of the server may have another hash function.
    """
    text = f'ROW({", ".join(map(quote, columns))})::text COLLATE "C"'
    return RowFingerprint(f"text-{version}-{short_digest(list(columns.items()))}", f"hashtextextended({text}, 0)")


def _number(fields: Iterable[Field], value: Callable[[Field], str], source: bool) -> str:
    parts = [_part(field, value(field), source) for field in fields]
    # concat ignores NULL, and the recipe writes NULL as nothing.
    texts = [f"concat({', '.join(parts[first : first + _AT_ONCE])})" for first in range(0, len(parts), _AT_ONCE)]
    text = " || ".join(texts) or "''"
    return f"('x' || {_hex(text, 15)})::bit(60)::bigint"


def _hex(text: str, digits: int) -> str:
    """Return the SQL of the first hex digits of a text's SHA-256."""
    return f"left(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), {digits})"


def _digest(text: str) -> str:
    return _hex(text, 32)


def _part(field: Field, value: str, source: bool) -> str:
    """Return a field's arguments of concat."""
    if value == "NULL":
        return "'|'"
    text = spelled(field, value, source=source)
    if field.digest:
        return f"'|', {_digest(text)}"
    if field.needs_length:
        return f"'|', octet_length(convert_to({text}, 'UTF8')) || ':', {text}"
    uncast = text.removesuffix("::varchar")
    if uncast in (value, f"{value}::timestamp"):  # concat writes the same text without the cast, and faster
        text = uncast
    return f"'|', {text}"


def spelled(field: Field, value: str, *, source: bool = False) -> str:
    """Return the SQL of a field's text, without length or digest; NULL for NULL. Messages show keys this way, too."""
    if value == "NULL":
        return "NULL::varchar"
    type = field.source if source else field.there
    if field.form == "json":
        return f"nullif(translate({value}::text, E' \\t\\n\\r', ''), 'null')"
    if field.form == "bytes":
        length = f"octet_length({value})" if type.kind == "bytes" else f"(length({value}) - 2) / 2"
        return in_pieces(length, partial(_digits, type, value), _digest, lambda texts: f"concat({', '.join(texts)})")
    if field.form == "timetz":
        return f"({value} AT TIME ZONE 'UTC')::time::varchar"
    if field.form == "native":
        return _shown(value) if type.kind == "native" else value
    return postgres_family.spelled(field, type, value)


def _digits(type: Type, value: str, first: int, size: int | None) -> str:
    """Return the SQL of the hex digits of `size` bytes from byte `first` on. A `size` of None means all the rest."""
    if type.kind == "bytes":
        bytes_ = value if size is None and not first else f"substr({value}, {first + 1}{f', {size}' if size else ''})"
        return f"encode({bytes_}, 'hex')"
    return f"lower(substr({value}, {2 * first + 3}{f', {2 * size}' if size else ''}))"  # after the \\x


def sent(field: Field, name: str, type: str, mask: str | None) -> str:
    """Return the SQL of a column's value as a load sends it.

    `name` is the quoted column, `type` its type by format_type, and `mask` its mask in the table file.
    """
    if mask == "null":
        return "NULL"
    if mask == "hash":
        clear = f"{name}::numeric::text" if type == "money" else f"{name}::text"
        return f"encode(sha256(convert_to({clear}, 'UTF8')), 'hex')"
    if type == "money":
        return f"{name}::numeric"
    if field.source.kind == "text" and type != "text":  # a cast would remove the blanks at the end of a bpchar
        return _shown(name)
    return name


def _shown(value: str) -> str:
    """Return the SQL of the value as COPY writes it. A cast would add `/32` to an inet, and `(,)` of a row IS NULL."""
    return f"CASE WHEN num_nonnulls({value}) = 1 THEN concat({value}) END"
