"""The catalog of MySQL and MariaDB."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pymysql.cursors import DictCursor

from daybook.model.types import Column
from daybook.sources.database.catalog import CatalogTable, ListedTable, catalog_tables, ends_by_key, filtered
from daybook.sources.database.catalogs import QUERY_SECONDS
from daybook.sources.database.mysql_errors import limit_sql, read_error
from daybook.sources.database.mysql_fields import quote
from daybook.sources.database.mysql_types import type_of
from daybook.sources.database.mysql_zero_dates import zero_sql
from daybook.sql.database_error import translated

_SYSTEM = "('information_schema', 'performance_schema', 'mysql', 'sys')"
_SET_NEW = r"\bNEW\s*\.\s*`?{name}`?\s*:?=(?!=)"


def open_catalog(connection: Any) -> "MySQLCatalog":
    """Return the catalog on `connection`, a connection of the driver, which only reads from now on."""
    return MySQLCatalog(connection)


class MySQLCatalog:
    """The tables of all databases of a server that the user may see."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.set_character_set("utf8mb4")
        self._query("SET SESSION time_zone = '+00:00', sql_mode = '', autocommit = 1")
        self._query("SET SESSION TRANSACTION READ ONLY")
        self._version: str = self._query("SELECT VERSION()")[0][0]

    def tables(self) -> list[ListedTable]:
        """Return every table and view."""
        found = self._query(
            "SELECT table_schema, table_name, table_type, table_rows, table_comment FROM information_schema.tables "
            f"WHERE table_schema NOT IN {_SYSTEM} ORDER BY table_schema, table_name"
        )
        return [
            ListedTable(schema, name, "VIEW" in kind, None if "VIEW" in kind else rows, _comment(kind, comment))
            for schema, name, kind, rows, comment in found
        ]

    def describe(self, tables: Sequence[ListedTable]) -> list[CatalogTable]:
        """Return the facts about these tables: one query for columns, one for indexes, one for triggers."""
        schemas = sorted({table.schema for table in tables})
        names = sorted({table.name for table in tables})
        columns, updated_by = defaultdict[Any, list[Column]](list), defaultdict[Any, dict[str, str]](dict)
        for schema, name, extra, *described in self._query(_COLUMNS, (schemas, names)):
            columns[schema, name].append(Column(described[0], type_of(described), described[3] == "YES"))
            if "on update" in extra.lower():
                updated_by[schema, name][described[0]] = "ON UPDATE CURRENT_TIMESTAMP"
        indexes = self._indexes(schemas, names)
        for schema, name, trigger, body in self._query(_TRIGGERS, (schemas, names)):
            for column in columns[schema, name]:
                if re.search(_SET_NEW.format(name=re.escape(column.name)), body, re.IGNORECASE):
                    updated_by[schema, name].setdefault(column.name, f"the trigger {trigger} sets it in each update")
        return catalog_tables(tables, columns, indexes, updated_by)

    def _indexes(self, schemas: Sequence[str], names: Sequence[str]) -> dict[Any, list[tuple[Any, ...]]]:
        """Return the rows of `index_rows` by the schema and name of each table."""
        with translated(read_error), self._connection.cursor(DictCursor) as cursor:
            # MySQL has is_visible and expression there, MariaDB has ignored: a query that names one fails in the other
            cursor.execute(
                "SELECT * FROM information_schema.statistics WHERE table_schema IN %s "
                "AND table_name IN %s ORDER BY table_schema, table_name, index_name, seq_in_index",
                (schemas, names),
            )
            rows = [{name.lower(): value for name, value in row.items()} for row in cursor.fetchall()]
        found = defaultdict[Any, list[tuple[Any, ...]]](list)
        for row in rows:
            name, column = row["index_name"], None if row["sub_part"] else row["column_name"]
            hidden = row.get("is_visible") == "NO" or row.get("ignored") == "YES"
            place = found[row["table_schema"], row["table_name"]]
            place.append((name, name == "PRIMARY", int(row["non_unique"]) == 0, hidden, column))
        return found

    def quoted(self, table: ListedTable) -> str:
        """Return the quoted name of a table. A `%` in it is doubled."""
        return f"{quote(table.schema)}.{quote(table.name)}"

    def sample(
        self, table: ListedTable, key: Sequence[str], columns: Sequence[str], rows: int
    ) -> list[tuple[Any, ...]]:
        """Return columns of the first and last rows by the key. Zero dates are None."""
        self._limit()
        fields = ", ".join(f"CASE WHEN NOT {zero_sql(quote(name))} THEN {quote(name)} END" for name in columns)
        return ends_by_key(self._query, f"SELECT {fields} FROM {self.quoted(table)}", [*map(quote, key)], rows)

    def first(self, table: ListedTable, column: str, where: str | None = None) -> date | datetime | None:
        """Return the smallest date or time of a column that is not a zero date."""
        self._limit()
        name, rows = quote(column), filtered(self.quoted(table), where, "mysql")
        real = f"{name} >= '1000-01-01' AND NOT {zero_sql(name)}"
        found = self._query(f"SELECT {name} FROM {rows} WHERE {real} ORDER BY {name} LIMIT 1")
        return found[0][0] if found else None

    def _limit(self) -> None:
        self._query(limit_sql(self._version, QUERY_SECONDS))

    def _query(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with translated(read_error), self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


_COLUMNS = (
    "SELECT table_schema, table_name, extra, column_name, data_type, column_type, is_nullable, numeric_precision, "
    "numeric_scale, character_maximum_length, datetime_precision, character_set_name FROM information_schema.columns "
    "WHERE table_schema IN %s AND table_name IN %s ORDER BY table_schema, table_name, ordinal_position"
)
_TRIGGERS = (
    "SELECT event_object_schema, event_object_table, trigger_name, action_statement FROM information_schema.triggers "
    "WHERE event_object_schema IN %s AND event_object_table IN %s AND event_manipulation = 'UPDATE' "
    "AND action_timing = 'BEFORE'"
)


def _comment(kind: str, comment: str | None) -> str:
    """Return the comment that a person wrote. That of a view is the word VIEW, or the error of a broken one."""
    return "" if "VIEW" in kind else (comment or "").strip()
