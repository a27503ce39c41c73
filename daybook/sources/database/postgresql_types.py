"""The catalog of PostgreSQL about a table: its columns, their types and enums, its indexes, and warnings."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from daybook.model.types import Type, parse_type
from daybook.sources.base import MOST_COUNTED, outside_calendar, without_cursor
from daybook.sql.database_error import DatabaseError
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

Query = Callable[..., Sequence[Sequence[Any]]]

#: The columns of many tables, by their OIDs. A domain, or a domain over a domain, is replaced with its base type.
COLUMNS_OF = """
WITH RECURSIVE found AS (
    SELECT attrelid, attname, attnum, attnotnull, atttypid AS type, atttypmod AS modifier, atttypid
    FROM pg_attribute WHERE attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attrelid, attname, attnum, attnotnull, typbasetype,
        CASE WHEN typtypmod = -1 THEN modifier ELSE typtypmod END, atttypid
    FROM found JOIN pg_type ON oid = type WHERE typtype = 'd'
)
SELECT attrelid, attname, format_type(type, modifier), typtype, nspname, attnotnull
FROM found JOIN pg_type t ON t.oid = type JOIN pg_namespace n ON n.oid = typnamespace
WHERE typtype <> 'd' ORDER BY attrelid, attnum
"""
#: The columns of one table, and the OIDs of their own types.
COLUMNS = (
    COLUMNS_OF.replace("SELECT attrelid, attname, format", "SELECT attname, format")
    .replace("attnotnull\nFROM found JOIN pg_type t", "attnotnull, atttypid\nFROM found JOIN pg_type t")
    .replace("ANY(%s)", "%s")
)

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

#: The enums of the types of columns, also those of arrays and domains.
_ENUMS = """
SELECT DISTINCT format('%%I.%%I', n.nspname, e.typname)
FROM pg_type t
JOIN pg_type e ON e.oid IN (t.oid, t.typelem, t.typbasetype) AND e.typtype = 'e'
JOIN pg_namespace n ON n.oid = e.typnamespace
WHERE t.oid = ANY (%s::oid[]) ORDER BY 1
"""


_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)"
_CURRENT = "to_regnamespace(current_schema())"
_KINDS = "relkind IN ('r', 'p', 'v', 'm', 'f')"


def find_table(query: Query, table: Sequence[str]) -> Sequence[Any] | None:
    """Return a table's OID, schema, name and kind, and if it hides rows. None: there is no such table.

    `table` is the schema and the name, or the name alone, in the current schema.
    """
    found = query(
        "SELECT c.oid, n.nspname, c.relname, c.relkind, row_security_active(c.oid) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relname = %(name)s AND c.{_KINDS} AND n.oid = {_schema_of(table)}",
        {"schema": table[0], "name": table[-1]},
    )
    return found[0] if found else None


def near_table(query: Query, table: Sequence[str]) -> str:
    """Return a hint with the names of tables that are like one that does not exist."""
    found = query(
        f"SELECT relname FROM pg_class WHERE {_KINDS} AND relnamespace = {_schema_of(table)}", {"schema": table[0]}
    )
    return did_you_mean(table[-1], [name for (name,) in found], most=3)


def _schema_of(table: Sequence[str]) -> str:
    return _CURRENT if len(table) == 1 else _SCHEMA


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


def enum_labels(query: Query, types: Sequence[int]) -> list[str]:
    """Return the labels of the enums of types (OIDs), in order, as they are now. A snapshot does not hold them."""
    enums = [name for (name,) in query(_ENUMS, (list(types),))]
    if not enums:
        return []
    (labels,) = query(f"SELECT {', '.join(f'enum_range(NULL::{name})::text[]' for name in enums)}")
    return [label for found in labels for label in found]


def check_labels(before: Sequence[str], query: Query, types: Sequence[int]) -> None:
    """Check, after a query for rows, that it has read every label of an enum under one name.

    Raises:
        DatabaseError: the labels of `before`, from `enum_labels`, have changed. A retry may succeed.
    """
    try:
        after = iter(enum_labels(query, types))
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


def rows_without_interval(query: Query, table: "TableSpec", relation: str, name: str, kind: str) -> list[str]:
    """Return the warnings about rows that no interval contains. The queries need an index on the cursor.

    Args:
        query: runs a query.
        table: the table file.
        relation: the FROM item of the rows.
        name: the quoted cursor.
        kind: the kind of its type.
    """
    found, warnings = {f"{name} IS NULL": without_cursor}, []
    if kind in ("date", "timestamp", "timestamptz"):
        found[f"{name} < '0002-01-01' OR {name} >= '9999-01-01'"] = outside_calendar
    for condition, warning in found.items():
        lost = f"SELECT 1 FROM {relation} WHERE {condition} LIMIT {MOST_COUNTED}"
        ((rows,),) = query(f"SELECT count(*) FROM ({lost}) AS lost", ())
        if rows:
            warnings.append(warning(table, rows))
    return warnings
