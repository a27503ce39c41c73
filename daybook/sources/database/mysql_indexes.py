"""The indexes of a table in MySQL and MariaDB."""

from typing import Any

from pymysql.cursors import DictCursor

from daybook.sources.database.catalog import Index, index_rows
from daybook.sources.database.mysql_errors import read_error
from daybook.sql.database_error import translated


def indexes(connection: Any, table: str) -> tuple[Index, ...]:
    """Return the indexes of a table (quoted). An index is hidden if it is invisible (MySQL) or ignored (MariaDB)."""
    # information_schema.statistics has other columns in each of them, and a query that names one fails in the other
    with translated(read_error), connection.cursor(DictCursor) as cursor:
        cursor.execute(f"SHOW INDEX FROM {table}", ())
        return index_rows([_index_row(index) for index in cursor.fetchall()])


def _index_row(shown: dict[str, Any]) -> tuple[Any, ...]:
    """Return the row of `index_rows` for a row of SHOW INDEX: a column of an index. An expression has no name."""
    name, column = shown["Key_name"], None if shown["Sub_part"] else shown["Column_name"]
    hidden = shown.get("Visible") == "NO" or shown.get("Ignored") == "YES"  # MySQL 8, MariaDB 10.6
    return name, name == "PRIMARY", shown["Non_unique"] == 0, hidden, column
