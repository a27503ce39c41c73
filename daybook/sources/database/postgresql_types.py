"""The catalog of PostgreSQL about a table: its columns, their types and enums, its indexes, and hidden rows."""

from collections.abc import Callable, Sequence
from typing import Any

from daybook.model.types import Type, parse_type
from daybook.sql.database_error import DatabaseError

Query = Callable[..., Sequence[Sequence[Any]]]

#: The columns of many tables, by their OIDs. A domain, or a domain over a domain, is replaced with its base type.
COLUMNS_OF = """
WITH RECURSIVE found AS (
    SELECT attrelid, attname, attnum, attnotnull, atttypid AS type, atttypmod AS modifier
    FROM pg_attribute WHERE attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attrelid, attname, attnum, attnotnull, typbasetype, CASE WHEN typtypmod = -1 THEN modifier ELSE typtypmod END
    FROM found JOIN pg_type ON oid = type WHERE typtype = 'd'
)
SELECT attrelid, attname, format_type(type, modifier), typtype, nspname, attnotnull
FROM found JOIN pg_type t ON t.oid = type JOIN pg_namespace n ON n.oid = typnamespace
WHERE typtype <> 'd' ORDER BY attrelid, attnum
"""
#: The columns of one table.
COLUMNS = COLUMNS_OF.replace("SELECT attrelid, attname, format", "SELECT attname, format").replace("ANY(%s)", "%s")

#: The columns of each index of many tables in order, without those of INCLUDE. An expression is NULL.
INDEXES_OF = """
SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indisunique, false, a.attname
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS part(number, place)
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number
WHERE i.indrelid = ANY(%s) AND i.indisvalid AND i.indpred IS NULL AND part.place <= i.indnkeyatts
ORDER BY i.indexrelid, part.place
"""
#: The indexes of one table.
INDEXES = INDEXES_OF.replace("SELECT i.indrelid, ", "SELECT ").replace("ANY(%s)", "%s")

#: The enums of the columns, also those of arrays and domains.
_ENUMS = """
SELECT DISTINCT format('%%I.%%I', n.nspname, e.typname)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type e ON e.oid IN (t.oid, t.typelem, t.typbasetype) AND e.typtype = 'e'
JOIN pg_namespace n ON n.oid = e.typnamespace
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1
"""


def type_of(text: str, category: str, namespace: str) -> Type:
    """Return the type that keeps all of a column's values. A user-defined type is text."""
    if category not in "bmr" or namespace != "pg_catalog":  # an enum, a composite, or a type of an extension
        return Type("text")
    if text.startswith("reg"):  # its text is the name of an object that another database does not have
        return Type("text")
    if text == "money":
        return Type("decimal")
    try:
        return parse_type(text)
    except ValueError:
        return Type("native", native=text)


def enum_labels(query: Query, table: int) -> list[str]:
    """Return the labels of the enums of a table (its oid), in order, as they are now. A snapshot does not hold them."""
    enums = [name for (name,) in query(_ENUMS, (table,))]
    if not enums:
        return []
    (labels,) = query(f"SELECT {', '.join(f'enum_range(NULL::{name})::text[]' for name in enums)}")
    return [label for found in labels for label in found]


def check_labels(before: Sequence[str], query: Query, table: int) -> None:
    """Check, after a query for rows, that it has read every label of an enum under one name.

    Raises:
        DatabaseError: the labels of `before`, from `enum_labels`, have changed. A retry may succeed.
    """
    try:
        after = iter(enum_labels(query, table))
        changed = not all(label in after for label in before)  # labels that are added do not matter
    except DatabaseError:  # the type itself was renamed
        changed = True
    if changed:
        text = "a value of an enum was renamed while the rows were read"
        raise DatabaseError(text, text, transient=True)


def hidden_rows(table: str, name: str, block: str) -> str:
    """Return the warning that row-level security of the source's table `name` hides rows from the user of a block."""
    return (
        f"{table}: row-level security of {name} applies to the user of block {block!r}: loads and audits see only the "
        "rows that its policies show. To load all rows, run in the source: ALTER ROLE … BYPASSRLS"
    )
