"""The catalog of PostgreSQL."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from daybook.model.types import Column
from daybook.sources.database.catalog import CatalogTable, ListedTable, catalog_tables, ends_by_key, filtered
from daybook.sources.database.catalogs import QUERY_SECONDS
from daybook.sources.database.postgresql_fields import quote
from daybook.sources.database.postgresql_types import COLUMNS_OF, INDEXES_OF, type_of
from daybook.sql.database_error import translated
from daybook.sql.postgresql_errors import read_error

#: A partition is part of its table, and is not listed. Without ANALYZE, the estimate of rows is -1, and
#: a row is taken for 100 bytes.
_TABLES = """
SELECT n.nspname, c.relname, c.relkind = 'v',
    CASE WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN c.reltuples
        WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / 100 END,
    coalesce(obj_description(c.oid, 'pg_class'), ''),
    has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""
_OIDS = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
#: The triggers of rows (1) before (2) an update (16) that are enabled. The arguments end with a zero byte each.
_TRIGGERS = """
SELECT t.tgrelid, t.tgname, p.proname, p.prosrc, encode(t.tgargs, 'escape')
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = ANY(%s) AND t.tgtype & 19 = 19 AND NOT t.tgisinternal AND t.tgenabled <> 'D'
"""
_SET_NEW = r'\bNEW\s*\.\s*"?{name}"?\s*:?=(?!=)'


def open_catalog(connection: Any) -> "PostgreSQLCatalog":
    """Return the catalog on `connection`, a connection of the driver, which only reads from now on."""
    return PostgreSQLCatalog(connection)


class PostgreSQLCatalog:
    """The tables of a database."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.rollback()
        connection.autocommit = True
        self._query("SET TimeZone TO 'UTC'; SET DateStyle TO 'ISO'; SET client_encoding TO 'UTF8'")
        self._query("SET default_transaction_read_only TO on")

    def tables(self) -> list[ListedTable]:
        """Return every table and view, except partitions."""
        return [
            ListedTable(schema, name, view, None if rows is None else int(rows), comment.strip(), readable)
            for schema, name, view, rows, comment, readable in self._query(_TABLES)
        ]

    def describe(self, tables: Sequence[ListedTable]) -> list[CatalogTable]:
        """Return the facts about these tables: one query for columns, one for indexes, one for triggers."""
        wanted = {(table.schema, table.name) for table in tables}
        found = self._query(_OIDS, (sorted({table.schema for table in tables}),))
        oids = {oid: (schema, name) for oid, schema, name in found if (schema, name) in wanted}
        columns, indexes = defaultdict[Any, list[Column]](list), defaultdict[Any, list[tuple[Any, ...]]](list)
        for oid, name, text, category, namespace, required in self._query(COLUMNS_OF, (list(oids),)):
            columns[oids[oid]].append(Column(name, type_of(text, category, namespace), not required))
        for oid, *row in self._query(INDEXES_OF, (list(oids),)):
            indexes[oids[oid]].append(tuple(row))
        updated_by = defaultdict[Any, dict[str, str]](dict)
        for oid, trigger, function, body, arguments in self._query(_TRIGGERS, (list(oids),)):
            given = arguments.split("\\000") if function == "moddatetime" else []
            for column in columns[oids[oid]]:
                sets = re.search(_SET_NEW.format(name=re.escape(column.name)), body, re.IGNORECASE)
                if sets or column.name in given:
                    updated_by[oids[oid]].setdefault(column.name, f"the trigger {trigger} sets it in each update")
        return catalog_tables(tables, columns, indexes, updated_by)

    def quoted(self, table: ListedTable) -> str:
        """Return the quoted name of a table. A `%` in it is doubled."""
        return f"{quote(table.schema)}.{quote(table.name)}"

    def sample(
        self, table: ListedTable, key: Sequence[str], columns: Sequence[str], rows: int
    ) -> list[tuple[Any, ...]]:
        """Return columns of the first and last rows by the key. A year that Python lacks is None."""
        self._limit()
        fields = ", ".join(
            f"CASE WHEN {quote(name)} >= '0001-01-02' AND {quote(name)} < '10000-01-01' THEN {quote(name)} END"
            for name in columns
        )
        return ends_by_key(self._query, f"SELECT {fields} FROM {self.quoted(table)}", [*map(quote, key)], rows)

    def first(self, table: ListedTable, column: str, where: str | None = None) -> date | datetime | None:
        """Return the smallest date or time of a column in the years 1 to 9999, which are Python's."""
        self._limit()
        name, rows = quote(column), filtered(self.quoted(table), where, "postgres")
        years = f"{name} >= '0001-01-02' AND {name} < '10000-01-01'"
        ((value,),) = self._query(f"SELECT min({name}) FROM {rows} WHERE {years}")
        return value if isinstance(value, date) else None

    def _limit(self) -> None:
        self._query(f"SET statement_timeout TO '{QUERY_SECONDS}s'")

    def _query(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with translated(read_error), self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []
