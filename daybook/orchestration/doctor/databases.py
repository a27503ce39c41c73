"""The databases: each connection opened, its clock, and the privileges of its user."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine

from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.doctor.workers import clock
from daybook.sources.database import readers
from daybook.sql.database_error import Condition, DatabaseError, meets, translated
from daybook.sql.login import logged_in
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Privileges of MySQL that the user of a source does not need.
_WRITES = re.compile(r"ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP|ALTER|CREATE(?! TEMPORARY)|SUPER", re.IGNORECASE)
_EPOCH = {
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "redshift": "SELECT extract(epoch FROM getdate())",
}
_MAY_WRITE = "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE')"  # any of them


def check_source(name: str, engine: Engine, tables: Sequence[tuple[str, ...]]) -> Iterator[Finding]:
    """Log in to the database of block `name`, read no row of each of `tables`, and look for privileges to write."""
    check, started = f"source {name}", time.time()
    mysql, read_error = engine.dialect.name in ("mysql", "mariadb"), readers()[engine.dialect.name].read_error
    with logged_in(engine, read_error) as connection:
        shown = engine.url.render_as_string(hide_password=True)
        yield Finding("ok", check, f"logged in to {shown} in {time.time() - started:.1f} s")
        now = _one(connection, _EPOCH["mysql" if mysql else "postgresql"])
        yield from clock(check, float(now[0]) - time.time())
        readable = []
        for table in tables:
            quoted = _quoted(table, "`" if mysql else '"')
            try:
                with translated(read_error):
                    _one(connection, f"SELECT 1 FROM {quoted} LIMIT 0")
                readable.append(quoted)
            except DatabaseError as error:
                connection.rollback()
                user = _user(connection, mysql)
                remedy = "correct source: in its table file"
                if meets(error, Condition.NO_PRIVILEGE) or "denied" in error.message:
                    remedy = f"GRANT SELECT ON {quoted} TO {user}"
                    if not mysql:
                        remedy = f"GRANT USAGE ON SCHEMA {_quoted(table[:1], chr(34))} TO {user}; {remedy}"
                yield Finding("error", check, f"{'.'.join(table)} cannot be read: {error.message}", remedy)
        yield from _writes(check, connection, mysql, readable)


def check_warehouse(warehouse: Warehouse, schemas: Sequence[str]) -> Iterator[Finding]:
    """Log in to the warehouse, and look for what its user may not do in `schemas`, with the GRANT for each."""
    check, started = "warehouse", time.time()
    with warehouse.session() as session:
        yield Finding("ok", check, f"logged in to {warehouse} in {time.time() - started:.1f} s")
        now = session.one(_EPOCH.get(warehouse.title.lower(), _EPOCH["postgresql"]))
        yield from clock(check, float(now) - time.time())
        missing = list(_missing(warehouse, session, schemas))
        for schema, remedy in missing:
            yield Finding("error", check, f"a load may not create tables in the schema {schema}", remedy)
        if not missing:
            yield Finding("ok", check, f"may create tables in {', '.join(schemas)}")


def _missing(warehouse: Warehouse, session: Session, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
    user, database, creates = session.rows(
        "SELECT current_user, current_database(), has_database_privilege(current_database(), 'CREATE')"
    )[0]
    user, database = (_quoted((name,), '"') for name in (user, database))
    for schema in schemas:
        found = warehouse.folded(schema)
        quoted = _quoted((found,), '"')
        if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (found,)):
            if not creates:
                create = f"CREATE SCHEMA {quoted} AUTHORIZATION {user}"
                yield schema, f"{create}; or GRANT CREATE ON DATABASE {database} TO {user}"
        elif not all(
            session.one("SELECT has_schema_privilege(%s, %s)", (found, privilege)) for privilege in ("USAGE", "CREATE")
        ):
            yield schema, f"GRANT USAGE, CREATE ON SCHEMA {quoted} TO {user}"


def _writes(check: str, connection: Any, mysql: bool, tables: Sequence[str]) -> Iterator[Finding]:
    """Yield a warning if the user may do more than read."""
    if mysql:
        with connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS")
            grants = [str(row[0]) for row in cursor.fetchall()]
        more = sorted({word.upper() for grant in grants for word in _WRITES.findall(grant.partition(" ON ")[0])})
    else:
        superuser = _one(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0]
        more = ["SUPERUSER"] if superuser else []
        if not more and any(_one(connection, _MAY_WRITE, [table])[0] for table in tables):
            more = ["INSERT, UPDATE or DELETE"]
    if more:
        text = f"its user may do more than read: {', '.join(more)}"
        yield Finding("warning", check, text, "use a user with SELECT alone")
    else:
        yield Finding("ok", check, f"its user can only read; {len(tables)} tables of the files are readable")


def _one(connection: Any, statement: str, values: Sequence[object] = ()) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, tuple(values) or None)  # without values, a % in a name is not a placeholder
        return cursor.fetchone()


def _user(connection: Any, mysql: bool) -> str:
    name = str(_one(connection, "SELECT CURRENT_USER()" if mysql else "SELECT current_user")[0])
    if not mysql:
        return _quoted((name,), '"')
    user, _, host = name.rpartition("@")
    return f"'{user}'@'{host}'"


def _quoted(names: Sequence[str], mark: str) -> str:
    return ".".join(mark + name.replace(mark, mark * 2) + mark for name in names)
