"""The version of the schema `daybook` in the warehouse. A worker refuses a schema that is newer than itself.

`daybook.schema_version` has a row and a column `version_<n>` for each version that was applied. The row is for people.
The column is for sessions: they read the catalog anyway, so the version costs a load no query.
"""

import re
from datetime import UTC, datetime

from daybook import __version__
from daybook.ledger.errors import WorkerOutdated
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

SCHEMA = "daybook"
TABLE = f"{SCHEMA}.schema_version"
#: The version of this release. `daybook.ledger.migrations` has the step to each version.
VERSION = 1
COLUMNS = {"version": "integer NOT NULL", "release": "varchar(64) NOT NULL", "applied_at": "timestamptz NOT NULL"}
_MARK = re.compile(r"version_(\d+)", re.IGNORECASE)


def recorded_version(warehouse: Warehouse, session: Session) -> int:
    """Return the version of the schema; 0 if none is recorded: there is no schema, or a release before 0.2 made it."""
    marks = map(_MARK.fullmatch, warehouse.existing_columns(session, TABLE))
    return max((int(mark[1]) for mark in marks if mark), default=0)


def check_version(warehouse: Warehouse, session: Session) -> None:
    """Check that this release knows the schema. It costs no query if the session has looked up `TABLE`.

    Raises:
        WorkerOutdated: a newer release has upgraded the schema.
    """
    found = recorded_version(warehouse, session)
    if found > VERSION:
        raise WorkerOutdated(
            f"the schema {SCHEMA} of the warehouse has version {found}, from Daybook {_release(warehouse, session)}. "
            f"This worker has Daybook {__version__}, which knows version {VERSION}. Nothing was changed. Upgrade the "
            "worker: pip install -r requirements.txt"
        )


def look_up_with_version(warehouse: Warehouse, session: Session, table: str) -> None:
    """Look up the columns of `table` and check the version, with one query. Raises as `check_version`."""
    warehouse.look_up(session, [table, TABLE])
    check_version(warehouse, session)


def record_version(warehouse: Warehouse, session: Session, version: int) -> None:
    """Record that the schema has `version` now. Reruns are idempotent."""
    table = warehouse.quote(*TABLE.split("."))
    columns = ", ".join(f"{name} {type}" for name, type in COLUMNS.items())
    session.run(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, version_{version} boolean)")
    if f"version_{version}" not in {name.lower() for name in warehouse.existing_columns(session, TABLE)}:
        warehouse.alter(session, f"ALTER TABLE {table} ADD COLUMN version_{version} boolean")
    session.insert(table, COLUMNS, [(version, __version__, datetime.now(UTC))])


def _release(warehouse: Warehouse, session: Session) -> str:
    table = warehouse.quote(*TABLE.split("."))
    try:
        found = session.one(f"SELECT release FROM {table} ORDER BY version DESC, applied_at DESC LIMIT 1")
    except DatabaseError:  # the version is what matters
        found = None
    return str(found or "of a later release")
