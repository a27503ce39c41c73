"""The columns of a table of PostgreSQL, and Daybook's types for them."""

from daybook.model.types import Type, parse_type

#: Replace a domain, or a domain over a domain, with its base type.
COLUMNS = """
WITH RECURSIVE found AS (
    SELECT attname, attnum, attnotnull, atttypid AS type, atttypmod AS modifier
    FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attname, attnum, attnotnull, typbasetype, CASE WHEN typtypmod = -1 THEN modifier ELSE typtypmod END
    FROM found JOIN pg_type ON oid = type WHERE typtype = 'd'
)
SELECT attname, format_type(type, modifier), typtype, nspname, attnotnull
FROM found JOIN pg_type t ON t.oid = type JOIN pg_namespace n ON n.oid = typnamespace
WHERE typtype <> 'd' ORDER BY attnum
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
