"""The compared columns of a table, and the text of each value, from which every database computes the same checksum.

Every database writes a row as the same text, takes the first 60 bits of the text's SHA-256 as a number, and adds these
numbers up. Every database has SHA-256, but MySQL 9.6 removed MD5() and SHA1(). A sum does not depend on the order
of the rows, it counts duplicate rows, and sums of intervals add up.

The text of a row has a `|` and a text for each of its fields, in order. The text of NULL is empty:

| form | of | spelled as |
| --- | --- | --- |
| `number` | whole numbers and decimals | digits, no zeros at the end of a fraction, no exponent; NaN, Infinity |
| `boolean` | booleans, BIT(1) | `1`, `0` |
| `float` | real, double | exactly, in binary: see below; `0` for both zeros; NaN, Infinity |
| `date` | dates | `2021-02-05` |
| `timestamp` | times of day and date, an instant as UTC's | `2021-02-05 13:45:00.5`, no zeros at the fraction's end |
| `time` | times of day | `13:45:00.5` |
| `timetz` | times of day with an offset | as `time`, in UTC |
| `interval` | intervals, MySQL's TIME | as PostgreSQL shows it: `1 year -3 days`, `-838:59:59.5` |
| `uuid` | UUIDs | their text, in lower case |
| `text`, `char` | texts; a `char` without the blanks at its end | bytes in UTF-8, a colon, the text in UTF-8 |
| `bytes` | binary values | the digest of their hex digits, in lower case; above 32,000 bytes: `binary_chunks` |
| `json` | json, jsonb | their text without any blank, tab or newline, not even in strings; `null` is NULL |
| `native` | PostgreSQL's other types | their text |

Texts that may be long are replaced by their digest, and so are all binary, JSON and native values. The digest of a text
is the first 32 hex digits of its SHA-256. This keeps the text of a row far below the limits of the servers (MySQL's
max_allowed_packet, the 65,535 bytes of Redshift's VARCHAR).

A float is written exactly, without rounding. Nearly all floats are between 2^-53 and 2^53. Their text is the whole
part, a point, and 2^52 times the fraction: `2.2251799813685248` is 2.5. A float below 1 is first multiplied by 2^53,
and its text ends with an `s`. The text of any other float is `m:e`, for m·2^(e-52), with m from 2^52 up to 2^53. This
takes only products with powers of two and differences of neighbours, which IEEE 754 computes without rounding on every
machine. The logarithm that finds e may be slightly off, which the size of m shows and corrects.

Different rows have different texts, because the fields can be read back from the text one by one. A field begins where
the one before it ends. A number, a time, a UUID or a digest has no `|` in it, so it ends before the next `|`. A text
has its length in front. Only NULL has nothing after its `|`. (There is one exception: a warehouse may keep numbers,
intervals and UUIDs as text, and a person could write a `|` into such a text.)

The probability that a changed interval keeps its checksum is 2^-60, if SHA-256 is taken as random: the hashes of the
added rows would need the same sum as those of the removed rows. The digests of long texts (128 bits) add less than
2^-100. With a million comparisons a day, one comparison in three thousand million years is wrong. The checksum
protects against mistakes, not against an attacker who constructs rows with the same sum.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from daybook.model.target import Target
from daybook.model.types import INTEGERS, Column, Type

TEXTS = frozenset({"text", "varchar", "char"})
#: The form of each kind at the source, and the kinds of warehouse columns whose values can be written in that form.
_FORMS: dict[str, tuple[str, frozenset[str]]] = {
    **dict.fromkeys(INTEGERS, ("number", INTEGERS | TEXTS | {"decimal", "double"})),
    "decimal": ("number", INTEGERS | TEXTS | {"decimal"}),
    "boolean": ("boolean", TEXTS | {"boolean"}),
    "real": ("float", frozenset({"real", "double"})),
    "double": ("float", frozenset({"double"})),
    "date": ("date", TEXTS | {"date", "timestamp"}),
    "timestamp": ("timestamp", TEXTS | {"timestamp"}),
    "timestamptz": ("timestamp", TEXTS | {"timestamp", "timestamptz"}),
    "time": ("time", TEXTS | {"time", "interval"}),
    "timetz": ("timetz", frozenset({"timetz"})),
    "interval": ("interval", TEXTS | {"interval"}),
    "uuid": ("uuid", TEXTS | {"uuid"}),
    "text": ("text", TEXTS | {"json"}),
    "varchar": ("text", TEXTS | {"json"}),
    "char": ("char", TEXTS),
    "bytes": ("bytes", TEXTS | {"bytes"}),
    "json": ("json", TEXTS | {"json"}),
    "jsonb": ("json", TEXTS | {"json", "jsonb"}),
    "native": ("native", TEXTS | {"native"}),
}
_HASH = "sha256-"  # the beginning of each fingerprint
#: Forms that the row's text has only as a digest.
_DIGESTED = frozenset({"bytes", "json", "native"})
_LONGEST_TEXT = 1000  # characters: longer texts are replaced by their digest
_LONGEST_ROW = 40_000  # bytes: in longer rows, the remaining texts are replaced by their digest, too


@dataclass(frozen=True, slots=True)
class Field:
    """A compared column."""

    name: str
    """The name at the source. The warehouse may fold it (`Warehouse.folded`)."""
    form: str
    """The form of its values: see the table of the module."""
    digest: bool
    """True if the row's text has the digest of the value's text instead of the text."""
    source: Type
    """The type at the source, after masking."""
    there: Type
    """The type in the warehouse."""

    @property
    def needs_length(self) -> bool:
        """True if the text may have a `|` in it, so that its length must precede it."""
        return self.form in ("text", "char") and not self.digest

    @property
    def trimmed(self) -> bool:
        """True if blanks at the end are ignored, because one of the two sides does not keep them."""
        return "char" in (self.source.kind, self.there.kind)


@dataclass(frozen=True, slots=True)
class ComparedColumns:
    """The columns from which both sides of an audit compute the hash of each row."""

    fields: tuple[Field, ...]
    """The compared columns, in the order of the row's text."""
    key: tuple[str, ...]
    """The columns of the key; empty if there is no key, or if one of its columns is not compared."""
    left_out: Mapping[str, str]
    """The columns that cannot be compared, each with the reason: a sentence that names the column and both types."""

    @property
    def fingerprint(self) -> str:
        """The hash of the rows, a dash, and eight hex digits that identify the columns and their forms.

        Checksums with different fingerprints cannot be compared. Ledgers keep it for years. Older versions of Daybook
        computed rows' hashes by MD5, and their fingerprints are only the eight digits.
        """
        forms = [[field.name, field.form, field.digest] for field in self.fields]
        return _HASH + short_digest(forms)

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the key, in the key's order, or all fields if there is no key."""
        fields = {field.name: field for field in self.fields}
        return tuple(fields[name] for name in self.key) or self.fields


def short_digest(described: object) -> str:
    """Return eight hex digits that identify columns. `described` has what must be the same: lists of plain values."""
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:8]


def recipe_of(
    target: Target,
    existing: Mapping[str, Column],
    folded: Callable[[str], str],
    described: Sequence[Column] = (),
    incomparable: Mapping[str, str] = MappingProxyType({}),
) -> ComparedColumns:
    """Return the columns to compare of a table.

    Args:
        target: the table as a load shapes it.
        existing: the warehouse's columns by name.
        folded: returns a name as the warehouse keeps it.
        described: the source's columns after masking (`Extracted.described`, `masked(table, source.columns())`). A
            table file may declare other types than the source has. Without `described`, the types of `target` are
            taken for those of the source.
        incomparable: the names of the warehouse's columns that do not keep values exactly, each with the reason.
    """
    sources = {column.name: column.type for column in described}
    fields, left_out, size = list[Field](), dict[str, str](), 0
    for column in target.columns:
        name, source = column.name, sources.get(column.name, column.type)
        kept = existing.get(folded(name))
        if kept is None:
            left_out[name] = f"{name} is {source} at the source, and the warehouse has no such column"
            continue
        form, alike = _FORMS[source.kind]
        if kept.type.kind not in alike or (source.kind == kept.type.kind == "native" and source != kept.type):
            left_out[name] = (
                f"{name} is {source} at the source and {kept.type} in the warehouse, which do not write values alike"
            )
            continue
        if folded(name) in incomparable:
            left_out[name] = f"{name} is {source} at the source, and {incomparable[folded(name)]}"
            continue
        # The bytes that a field adds to the row's text: a character has up to four, and other values are short.
        longest = 4 * source.size + 6 if form in ("text", "char") and source.size else 72
        digest = (
            form in _DIGESTED
            or (form in ("text", "char") and (source.size is None or source.size > _LONGEST_TEXT))
            or size + longest > _LONGEST_ROW
        )
        size += 33 if digest else longest
        fields.append(Field(name, form, digest, source, kept.type))
    compared = {field.name for field in fields}
    return ComparedColumns(tuple(fields), target.key if compared.issuperset(target.key) else (), left_out)
