"""Which tables and columns the warehouse has right now, asked all at once."""

from collections.abc import Iterable, Mapping

from daybook.model.table_name import TableName
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Tables, views, materialized views, foreign and partitioned tables. A late-binding view has no columns there.
_CATALOGUE = (
    "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname IN ({schemas}) ORDER BY c.oid, a.attnum"
)
#: What Redshift's pg_class lacks: the tables of external schemas. It is slow where there are many late-binding views.
_WITH_EXTERNAL = (
    "SELECT table_schema, table_name, column_name, data_type FROM svv_columns WHERE table_schema IN ({schemas}) "
    "ORDER BY table_schema, table_name, ordinal_position"
)


def live_columns(session: Session, warehouse: Warehouse, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """The columns of `tables` (`schema.table`), and of whatever else is in their schemas, as column: type.

    A table that is not there is not among them. One without columns is there, and nobody knows which it has.
    """
    wanted = set(tables)
    found = _columns(session, _CATALOGUE, {TableName.parse(name).schema for name in wanted})
    missing = {TableName.parse(name).schema for name in wanted.difference(found)}
    if missing and warehouse.dialect == "Redshift":
        found = {**_columns(session, _WITH_EXTERNAL, missing), **found}
    return found


def _columns(session: Session, statement: str, schemas: set[str]) -> dict[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    if schemas:
        places = ", ".join(["%s"] * len(schemas))
        for schema, table, column, type in session.stream(statement.format(schemas=places), sorted(schemas)):
            columns = found.setdefault(f"{schema}.{table}", {})
            if column is not None:
                columns[column] = type
    return dict(found)
