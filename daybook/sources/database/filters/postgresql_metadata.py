"""The columns of a query in PostgreSQL, from the description of its result without rows."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daybook.errors import SourceError
from daybook.sources.database.postgresql_types import Query
from daybook.sql.database_error import translated
from daybook.sql.postgresql_errors import read_error

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_HEADER = 4  # bytes: part of the modifier of most types
_NUMERIC, _BPCHAR, _VARCHAR, _BIT, _VARBIT = 1700, 1042, 1043, 1560, 1562
_NO_PRECISION = 0xFFFF

#: The text, the category and the schema of types by (oid, modifier), in order.
_TYPES = """
SELECT format_type(f.type, f.modifier), t.typtype, n.nspname
FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS f (type, modifier, place)
JOIN pg_type t ON t.oid = f.type JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY place
"""


def described(
    connection: Any, query: Query, relation: str, table: "TableSpec"
) -> tuple[list[Sequence[Any]], list[int]]:
    """Return a row of `postgresql_types.COLUMNS` for each column of `relation`, and the OIDs of their types.

    Any of the columns may be NULL.

    Args:
        connection: the connection of the driver.
        query: runs a query on it.
        relation: a FROM item. A `%` in it is doubled.
        table: the table file.

    Raises:
        SourceError: two columns share a name, or a column has none.
    """
    with translated(read_error), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {relation} LIMIT 0", ())
        fields = cursor.description
    names = [field.name for field in fields]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or "?column?" in names:
        what = f"more than one column {twice[0]!r}" if twice else "a column without a name"
        raise SourceError(
            f"{table.name}: query: returns {what}. Name each expression in the table file: … AS another_name"
        )
    types = [_VARBIT if field.type_code == _BIT else field.type_code for field in fields]
    found = query(_TYPES, (types, [_modifier(field) for field in fields]))
    return [(name, *row, False) for name, row in zip(names, found, strict=True)], types


def _modifier(field: Any) -> int:
    """Return the modifier of a type: the length of a text, the digits of a number. -1: none, or not known.

    The driver does not report the number of digits of a time. Without it, the type has all six.
    """
    if field.type_code == _NUMERIC and field.precision not in (None, _NO_PRECISION):
        return int((field.precision << 16 | field.scale) + _HEADER)
    if field.type_code in (_BPCHAR, _VARCHAR) and (field.internal_size or 0) > 0:
        return int(field.internal_size) + _HEADER
    return -1
