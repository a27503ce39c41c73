"""The databases: each connection opened, its clock, and the privileges of its user."""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Engine

from daybook.definitions.targets.project_target import of_target, other_targets
from daybook.ledger.ledger import Ledger
from daybook.ledger.state_table import SCHEMA
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
#: The tables of some schemas that the user does not own.
_FOREIGN = """
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), current_user
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ({places}) AND pg_get_userbyid(c.relowner) <> current_user
ORDER BY 1, 2
"""
_SHOWN = 5  # tables in a text
QUOTE = '"'
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


def check_warehouse(warehouse: Warehouse, tables: Sequence[str]) -> Iterator[Finding]:
    """Log in to the warehouse, and look for what its user may not do, with the GRANT for each.

    Args:
        warehouse: the warehouse.
        tables: the tables and summaries of the project, `schema.table`. Some may not exist yet.
    """
    check, started = "warehouse", time.time()
    schemas = sorted({SCHEMA, *(name.partition(".")[0] for name in tables)})
    with warehouse.session() as session:
        yield Finding("ok", check, f"logged in to {warehouse} in {time.time() - started:.1f} s")
        now = session.one(_EPOCH.get(warehouse.title.lower(), _EPOCH["postgresql"]))
        yield from clock(check, float(now) - time.time())
        missing = list(_missing(warehouse, session, schemas))
        for schema, remedy in missing:
            yield Finding("error", check, f"a load may not create tables in the schema {schema}", remedy)
        yield from _temporary(check, session)
        yield from _others(check, warehouse, session, tables)
        yield from _owners(check, warehouse, session, tables)
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


def _temporary(check: str, session: Session) -> Iterator[Finding]:
    """Yield an error if the user may not create temporary tables, into which every load copies its rows."""
    may, user, database = session.rows(
        "SELECT has_database_privilege(current_database(), 'TEMP'), current_user, current_database()"
    )[0]
    if not may:
        grant = f"GRANT TEMPORARY ON DATABASE {_quoted((database,), QUOTE)} TO {_quoted((user,), QUOTE)}"
        yield Finding("error", check, "a load may not create temporary tables", grant)


def _others(check: str, warehouse: Warehouse, session: Session, tables: Sequence[str]) -> Iterator[Finding]:
    """Yield a warning if the ledger has loads of other targets alone: the block may have another target's database."""
    if not (others := other_targets()) or not warehouse.exists(session, f"{SCHEMA}.ledger"):
        return
    loaded = list(Ledger(warehouse).ends(session))
    if loaded and not of_target(loaded, tables):
        text = f"its ledger has {len(loaded)} tables of other targets ({', '.join(others)}), and none of this one"
        remedy = "nothing, if this target has not loaded yet; otherwise the block has another target's database"
        yield Finding("warning", check, text, remedy)


def _owners(check: str, warehouse: Warehouse, session: Session, tables: Sequence[str]) -> Iterator[Finding]:
    """Yield an error if another user owns tables of the project: a load alters and analyzes its table."""
    own = {tuple(map(warehouse.folded, name.split(".", 1))) for name in tables}
    schemas = sorted({SCHEMA, *(schema for schema, _ in own)})
    rows = session.rows(_FOREIGN.format(places=", ".join(["%s"] * len(schemas))), schemas)
    if not rows or _acts_for_all(session, {owner for *_, owner, _ in rows}):
        return
    found = [row for row in rows if row[0] == SCHEMA or row[:2] in own]
    for owner in sorted({owner for *_, owner, _ in found}):
        named = [_quoted(row[:2], QUOTE) for row in found if row[2] == owner]
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        user = _quoted((found[0][3],), QUOTE)
        statements = "; ".join(f"ALTER TABLE {name} OWNER TO {user}" for name in named[:_SHOWN])
        text = f"{owner} owns {', '.join(named[:_SHOWN])}{more}: a load can only alter tables of its own user"
        yield Finding("error", check, text, statements + (" …" if more else ""))


def _acts_for_all(session: Session, owners: Collection[str]) -> bool:
    """Return True if the user is a superuser, or a member of all these owners. Redshift has no such members."""
    if session.one("SELECT usesuper FROM pg_user WHERE usename = current_user"):
        return True
    try:
        return all(session.one("SELECT pg_has_role(current_user, %s, 'USAGE')", (owner,)) for owner in owners)
    except DatabaseError:
        return False


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
        files = f"{len(tables)} tables of the files are readable" if tables else "no file names a table of it"
        yield Finding("ok", check, f"its user can only read; {files}")


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
