"""The columns that are compared, and the text of each value, so that every database computes the same checksum.

Every engine writes a row as the same text, takes the first 60 bits of that text's MD5 as a number, and adds these
numbers up. A sum does not depend on the order of the rows, it counts a row that is there twice, and sums over intervals
add up.

The text of a row is that of its fields, one behind the other, each behind a `|`; NULL is nothing at all:

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
| `bytes` | binary values | the MD5 of their hex digits, in lower case; of those above 32,000 bytes: `binary_chunks` |
| `json` | json, jsonb | their text without any blank, tab or newline, not even in strings; `null` is NULL |
| `native` | PostgreSQL's other types | their text |

A text that may be long, and every binary value, JSON and native value, goes in as its MD5: the text of a row stays far
below what a server takes (MySQL's max_allowed_packet, the 65,535 bytes of Redshift's VARCHAR).

A float is exact, not rounded to some digits. From 2^-53 to 2^53, where nearly all of them are, it is multiplied by 2^53
if it is below 1 (then an `s` stands behind it), and its whole part and 2^52 times the rest are written as whole
numbers: `2.2251799813685248` is 2.5. Any other is `m:e`, m·2^(e-52) with m from 2^52 up to 2^53. All that this takes
are products with powers of two and differences of neighbours, which IEEE 754 gives without rounding on every machine;
the logarithm that finds e may be off by a little, which does not matter, because m tells.

Different rows have different texts. Where a field begins is known (the one before it has ended), and so is where it
ends: no `|` is in a number, a time, a UUID or a digest, so it ends before the next one; a text says how long it is; and
NULL, which alone has nothing behind its `|`, is neither. So the fields can be read back off the text one by one.
(Except that a warehouse may keep numbers, intervals and UUIDs as text, into which somebody could write a `|`.)

An interval that was changed keeps its checksum with a probability of 2^-60, if MD5 is taken as random: the sum of what
was added would have to be that of what was taken away. The digests of long texts (128 bits) add less than 2^-100 to it.
With a million comparisons a day, one in three thousand million years is wrong. It is a defence against mistakes, not
against somebody who looks for two rows with one MD5.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from daybook.model.target import Target
from daybook.model.types import INTEGERS, Column, Type

TEXTS = frozenset({"text", "varchar", "char"})
#: The form of each kind, as it leaves the source, and the kinds in which a warehouse keeps what can be spelled like it.
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
#: Forms of which only the MD5 goes into the row's text.
_DIGESTED = frozenset({"bytes", "json", "native"})
_LONGEST_TEXT = 1000  # characters that go into the row's text as they are
_LONGEST_ROW = 40_000  # bytes: above it, further texts are digested, too


@dataclass(frozen=True, slots=True)
class Field:
    """A column that is compared."""

    name: str
    """Its name at the source; the warehouse may fold it (`Warehouse.folded`)."""
    form: str
    """How its values are written: see above."""
    digest: bool
    """True if the row's text has the MD5 of its text, not the text."""
    source: Type
    """Its type where it is read, behind its mask."""
    there: Type
    """Its type in the warehouse."""

    @property
    def needs_length(self) -> bool:
        """True if its length precedes its text, which may hold anything."""
        return self.form in ("text", "char") and not self.digest

    @property
    def trimmed(self) -> bool:
        """True if blanks at its end do not count, because one of the two sides does not keep them."""
        return "char" in (self.source.kind, self.there.kind)


@dataclass(frozen=True, slots=True)
class ComparedColumns:
    """The columns of which both sides of an audit compute the hash of each row."""

    fields: tuple[Field, ...]
    """In the order of the row's text."""
    key: tuple[str, ...]
    """The columns that identify a row, all of them among the fields; none if there is no such key."""
    left_out: Mapping[str, str]
    """Columns that cannot be compared, each with the reason: a sentence that names it and both types."""

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that identify the columns and their forms.

        Checksums with different fingerprints cannot be compared. Ledgers keep it for years.
        """
        forms = [[field.name, field.form, field.digest] for field in self.fields]
        return hashlib.sha256(json.dumps(forms).encode()).hexdigest()[:8]

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the key, in the key's order; all fields if there is no key."""
        fields = {field.name: field for field in self.fields}
        return tuple(fields[name] for name in self.key) or self.fields


def recipe_of(
    target: Target, existing: Mapping[str, Column], folded: Callable[[str], str], described: Sequence[Column] = ()
) -> ComparedColumns:
    """Return what is compared of a table.

    `existing` are the warehouse's columns by name, and `folded` is its way of keeping names. `described` are the
    source's columns behind their masks (`Extracted.described`, `masked(table, source.columns())`): a table file may
    declare other types than the source has. Without them, each column is taken to be at the source as `target` has
    it.
    """
    sources = {column.name: column.type for column in described}
    fields, left_out, size = list[Field](), dict[str, str](), 0
    for column in target.columns:
        name, source = column.name, sources.get(column.name, column.type)
        there = existing.get(folded(name))
        if there is None:
            left_out[name] = f"{name} is {source} at the source, and the warehouse has no such column"
            continue
        form, alike = _FORMS[source.kind]
        if there.type.kind not in alike or (source.kind == there.type.kind == "native" and source != there.type):
            left_out[name] = (
                f"{name} is {source} at the source and {there.type} in the warehouse, which do not spell a value alike"
            )
            continue
        # what a field adds to the row's text: a character has up to four bytes, anything but a text is short
        longest = 4 * source.size + 6 if form in ("text", "char") and source.size else 72
        digest = (
            form in _DIGESTED
            or (form in ("text", "char") and (source.size is None or source.size > _LONGEST_TEXT))
            or size + longest > _LONGEST_ROW
        )
        size += 33 if digest else longest
        fields.append(Field(name, form, digest, source, there.type))
    compared = {field.name for field in fields}
    return ComparedColumns(tuple(fields), target.key if compared.issuperset(target.key) else (), left_out)
