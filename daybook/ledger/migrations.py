"""Bring the schema `daybook` of an older release to the version of this one. There is no way back.

A migration runs only in `daybook upgrade`. Each one can be run again, because a connection may be lost in the middle. A
new column that may be NULL needs no migration: the next load adds it, and older workers do not notice it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from daybook.ledger.schema_tables import state_tables
from daybook.ledger.schema_version import SCHEMA, VERSION, check_version, record_version, recorded_version
from daybook.warehouses.base import Warehouse
from daybook.warehouses.lock_waits import retry_while_locked
from daybook.warehouses.session import Session


@dataclass(frozen=True)
class Migration:
    """The step to `version` from the version before it."""

    version: int
    title: str
    run: Callable[[Warehouse, Session], None]


def _add_columns(warehouse: Warehouse, session: Session) -> None:
    """Give every table the columns of release 0.1. The first ledgers did not record the time of a load's snapshot."""
    if "snapshot_at" not in warehouse.existing_columns(session, f"{SCHEMA}.ledger"):
        add_column = f"ALTER TABLE {warehouse.quote(SCHEMA, 'ledger')} ADD COLUMN snapshot_at timestamptz"
        add = partial(warehouse.alter, session, add_column)
        retry_while_locked(warehouse, session, [f"{SCHEMA}.ledger"], "daybook.ledger: adding snapshot_at", add)
    # Also after an interrupted upgrade. The snapshot of a load is older than its commit, by minutes at most.
    session.run(f"UPDATE {warehouse.quote(SCHEMA, 'ledger')} SET snapshot_at = loaded_at WHERE snapshot_at IS NULL")
    for name, table in state_tables(warehouse).items():
        if warehouse.exists(session, f"{SCHEMA}.{name}"):
            table.ensure(session)


MIGRATIONS = (Migration(1, "every table has the columns of release 0.1", _add_columns),)
assert [migration.version for migration in MIGRATIONS] == list(range(1, VERSION + 1))


def pending(warehouse: Warehouse, session: Session) -> tuple[Migration, ...]:
    """Return the migrations that the schema lacks. Empty if there is no ledger yet: the first load creates it.

    Raises:
        WorkerOutdated: a newer release has upgraded the schema.
    """
    check_version(warehouse, session)
    if not warehouse.exists(session, f"{SCHEMA}.ledger"):
        return ()
    found = recorded_version(warehouse, session)
    return tuple(migration for migration in MIGRATIONS if migration.version > found)


def migrate(warehouse: Warehouse, session: Session) -> Iterator[Migration]:
    """Run the pending migrations in their order, and record the version after each. Yield each one that was run."""
    for migration in pending(warehouse, session):
        migration.run(warehouse, session)
        record_version(warehouse, session, migration.version)
        yield migration
