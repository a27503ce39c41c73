"""The columns of a query in MySQL and MariaDB, from the metadata of its result without rows.

Each column is a row as `mysql_types.DESCRIBED` has it for a table. The server reports the type of each value that a
query can return: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from pymysql.constants import FIELD_TYPE, FLAG

from daybook.errors import SourceError
from daybook.sources.database.mysql_errors import read_error
from daybook.sql.bucketing import Query
from daybook.sql.database_error import translated

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_BINARY = 63  # the character set of values that are no text
_NO_SCALE = 31
_INTEGERS = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
}
_OTHERS = {
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
    242: "vector",  # MySQL 9
}
_TEXTS = {FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING}
_BLOBS = {FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.BLOB}
#: MariaDB has some collations under more than one character set, and their numbers in another table.
_CHARSETS = "SELECT id, character_set_name FROM information_schema.collations WHERE id IN ({ids})"
_MORE_CHARSETS = (
    "SELECT id, character_set_name FROM information_schema.collation_character_set_applicability WHERE id IN ({ids})"
)


def described(connection: Any, query: Query, relation: str, table: "TableSpec") -> list[Sequence[Any]]:
    """Return a row of `mysql_types.DESCRIBED` for each column of `relation`, a FROM item. Any of them may be NULL.

    Args:
        connection: the connection of the driver. Its character set is utf8mb4 afterwards.
        query: runs a query on it.
        relation: the FROM item. A `%` in it is doubled.
        table: the table file.

    Raises:
        SourceError: the type of a column is unknown, and the table file does not declare it.
    """
    query("SET character_set_results = NULL", ())  # otherwise the metadata has the character set of the connection
    with translated(read_error), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {relation} LIMIT 0", ())
        fields = cursor._result.fields
        connection.set_character_set("utf8mb4")
    charsets = _charsets(query, {field.charsetnr for field in fields if field.charsetnr != _BINARY})
    sizes: dict[str, int] = dict(query("SELECT character_set_name, maxlen FROM information_schema.character_sets", ()))
    rows = list[Sequence[Any]]()
    for field in fields:
        row: Sequence[Any] | None = _row(field, charsets.get(field.charsetnr), sizes)
        if row is None and field.name in (table.columns or ()):
            row = (field.name, "varchar", "varchar", "YES", None, None, None, None, "utf8mb4")
        if row is None:
            raise SourceError(
                f"{table.name}: the source does not know the type of {field.name}, which query: returns. CAST it in "
                f"the query, or declare the type: columns: {{{field.name}: …}}, with all other columns to load"
            )
        rows.append(row)
    return rows


def _charsets(query: Query, numbers: Collection[int]) -> dict[int, str]:
    """Return the character sets by the numbers of their collations."""
    if not numbers:
        return {}
    ids = ", ".join(str(int(number)) for number in numbers)
    found = {number: name for number, name in query(_CHARSETS.format(ids=ids), ()) if name}
    if len(found) < len(numbers):  # only MariaDB has these: MySQL has each collation in the first table
        found |= dict(query(_MORE_CHARSETS.format(ids=ids), ()))
    return found


def _row(field: Any, charset: str | None, sizes: dict[str, int]) -> tuple[Any, ...] | None:
    """Return the row of a field, or None if its type is unknown."""
    code, unsigned = field.type_code, " unsigned" * bool(field.flags & FLAG.UNSIGNED)
    zeros = " zerofill" * bool(field.flags & FLAG.ZEROFILL)
    scale = None if field.scale >= _NO_SCALE else field.scale
    precision = length = fraction = None
    if code in _INTEGERS:
        kind, charset = _INTEGERS[code], None
    elif code in _OTHERS:
        kind, charset = _OTHERS[code], None
        if kind == "decimal":
            # the length is that of the text: digits, a sign unless it is unsigned, a point if it has a fraction
            precision, scale = field.length - (not unsigned) - bool(field.scale), field.scale
        elif kind == "bit":
            precision = field.length
        elif kind in ("datetime", "timestamp", "time"):
            fraction = min(field.scale, 6)
    elif code in _TEXTS or code in _BLOBS:
        blob = code in _BLOBS
        if field.charsetnr == _BINARY and not field.length:  # NULL itself
            return None
        if field.charsetnr == _BINARY:
            kind, charset = "blob" if blob else "varbinary", None
        elif charset is None:
            return None
        else:
            kind, length = ("text", None) if blob else ("varchar", field.length // sizes[charset])
    else:
        return None
    return (field.name, kind, f"{kind}{unsigned}{zeros}", "YES", precision, scale, length, fraction, charset)
