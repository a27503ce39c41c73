"""The primary key of a table in PostgreSQL, the index on its cursor, and the key of staged rows."""

from collections.abc import Callable

from daybook.errors import DuplicateKey
from daybook.model.target import Target
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.session import Session

_KEY = """
SELECT c.conname, a.attname, c.condeferrable
FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k (number, place), pg_attribute a
WHERE c.conrelid = to_regclass(%s) AND c.contype = 'p' AND a.attrelid = c.conrelid AND a.attnum = k.number
ORDER BY k.place
"""
_Quote = Callable[[str], str]


def create_keys(session: Session, target: Target, table: str, quote: _Quote) -> None:
    """Add a primary key to `table` (quoted), and an index on the cursor unless the key begins with it.

    Raises:
        DuplicateKey: two rows have the same key.
    """
    if target.key:
        try:
            session.run(f"ALTER TABLE {table} ADD PRIMARY KEY ({_columns(target, quote)})")
        except DatabaseError as error:
            if not meets(error, Condition.BROKEN_RULE):
                raise
            detail = (error.detail or error.message).rstrip(".")
            raise DuplicateKey(
                f"{target.name}: rows share a key: {detail}. Remove the duplicates at the source, or correct key: in "
                "the table file"
            ) from None
    if target.cursor and target.key[:1] != (target.cursor.column,):
        session.run(f"CREATE INDEX ON {table} ({quote(target.cursor.column)})")


def enforced_key_sql(session: Session, target: Target, table: str, quote: _Quote) -> list[str]:
    """Return the statement that gives `table` (quoted) the primary key of its file, if it has another one."""
    found = _primary_key(session, table)
    if tuple(column for _, column, _ in found) == target.key:
        return []
    parts = [f"DROP CONSTRAINT {quote(found[0][0])}"] if found else []
    parts += [f"ADD PRIMARY KEY ({_columns(target, quote)})"] if target.key else []
    return [f"ALTER TABLE {table} {', '.join(parts)}"]


def index_staged_key(session: Session, target: Target, table: str, staged: str, quote: _Quote) -> bool:
    """Add a unique index on the key to `staged` if the primary key of `table` (both quoted) has the same columns.

    Returns True if the index was added.

    Raises:
        DatabaseError: rows share a key (`Condition.BROKEN_RULE`).
    """
    found = _primary_key(session, table)
    if {column for _, column, _ in found} != set(target.key) or any(deferred for *_, deferred in found):
        return False
    session.run(f"CREATE UNIQUE INDEX ON {staged} ({', '.join(quote(column) for _, column, _ in found)})")
    return True


def _primary_key(session: Session, table: str) -> list[tuple[str, str, bool]]:
    """Return the name of the constraint, the column and whether it is deferrable, for each column of the key."""
    found = session.rows(_KEY, (table.replace("%%", "%"),))
    return [(name, column, deferrable) for name, column, deferrable in found]


def _columns(target: Target, quote: _Quote) -> str:
    return ", ".join(map(quote, target.key))
